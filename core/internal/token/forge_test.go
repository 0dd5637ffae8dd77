package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// This file is the other side of the tests: it makes and opens tokens with the
// standard library alone and shares no code with the package.

const (
	headerJWS = `{"alg":"HS256","typ":"JWT"}`
	headerJWE = `{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"JWT"}`
	claims    = `{"sub":"user-1","name":"Ada & <Lovelace>","exp":4102444800}`
)

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// hkdfKey is RFC 5869 in one go.
func hkdfKey(t testing.TB, secret, salt, info string) []byte {
	t.Helper()
	key, err := hkdf.Key(sha256.New, []byte(secret), []byte(salt), info, 32)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func hs256Sum(key []byte, signed string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(signed))
	return mac.Sum(nil)
}

// forgeJWS signs whatever header and payload it is given, correctly.
func forgeJWS(key []byte, header, payload string) string {
	signed := b64([]byte(header)) + "." + b64([]byte(payload))
	return signed + "." + b64(hs256Sum(key, signed))
}

func gcm(t testing.TB, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

// forgeJWE encrypts whatever header and plaintext it is given, correctly.
func forgeJWE(t testing.TB, key []byte, header, encryptedKey, plaintext string) string {
	t.Helper()
	segment := b64([]byte(header))
	iv := make([]byte, 12)
	rand.Read(iv)
	sealed := gcm(t, key).Seal(nil, iv, []byte(plaintext), []byte(segment))
	tag := len(sealed) - 16
	return strings.Join([]string{segment, b64([]byte(encryptedKey)), b64(iv), b64(sealed[:tag]), b64(sealed[tag:])}, ".")
}

// readJWS and readJWE are the oracle: the payload of an authentic token.
func readJWS(key []byte, token string) (string, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || parts[2] != b64(hs256Sum(key, parts[0]+"."+parts[1])) {
		return "", false
	}
	return string(payload), true
}

func readJWE(t testing.TB, key []byte, token string) (string, bool) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 5 || parts[1] != "" {
		return "", false
	}
	raw := make([][]byte, 5)
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil || b64(raw[i]) != part {
			return "", false
		}
	}
	if len(raw[2]) != 12 {
		return "", false
	}
	plaintext, err := gcm(t, key).Open(nil, raw[2], append(raw[3], raw[4]...), []byte(parts[0]))
	return string(plaintext), err == nil
}

type vectorFile struct {
	Secret        string
	Salt          string
	SigningKey    string `json:"signingKeyHex"`
	EncryptionKey string `json:"encryptionKeyHex"`
	Vectors       []struct {
		Name               string
		Function           string
		Token              string
		ProtectedHeaderRaw string
		Decoded            map[string]any
		InnerJWS           string
		InnerHeaderRaw     string
		InnerPayloadRaw    string
		PayloadRaw         string
	}
	SecretValidation []struct {
		N, S string
		OK   bool
	}
}

func vectors(t testing.TB) vectorFile {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file vectorFile
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 6 || len(file.SecretValidation) < 6 {
		t.Fatalf("%d vectors and %d secrets: the file is not complete", len(file.Vectors), len(file.SecretValidation))
	}
	return file
}

// ring is a Ring of the given secrets under the vectors' salt.
func ring(t testing.TB, secrets ...string) *Ring {
	t.Helper()
	var raw [][]byte
	for _, secret := range secrets {
		raw = append(raw, []byte(secret))
	}
	r, err := NewRing(raw, []byte(vectors(t).Salt))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func codec(t testing.TB, r *Ring, opts Options) *Codec {
	t.Helper()
	c, err := r.Codec(opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
