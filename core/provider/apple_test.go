package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

// p8 is a private key as Apple hands it out.
func p8(t *testing.T, key any) aura.Secret {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return aura.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func newCurveKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// checkAppleSecret verifies a client secret with the public key.
func checkAppleSecret(t *testing.T, key *ecdsa.PrivateKey, secret string, now time.Time) {
	t.Helper()
	signed, err := jose.ParseSignedCompact(secret, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := signed.Verify(key.Public())
	if err != nil || signed.Signatures[0].Header.KeyID != "KEY1234567" {
		t.Fatalf("kid %q: %v", signed.Signatures[0].Header.KeyID, err)
	}
	var c struct {
		Iss, Sub, Aud string
		Iat, Exp      int64
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	if c.Iss != "TEAM123456" || c.Sub != "client-id" || c.Aud != "https://appleid.apple.com" || c.Iat != now.Unix() || c.Exp-c.Iat != 300 {
		t.Errorf("claims %+v", c)
	}
}

func TestAppleClientSecret(t *testing.T) {
	key := newCurveKey(t, elliptic.P256())
	p := provider.Apple("TEAM123456", "KEY1234567", p8(t, key))
	if p.Problem != nil || p.ResponseMode != "form_post" || p.AuthMethod != "client_secret_post" || p.ClientSecret != "" {
		t.Fatalf("%v %q %q", p.Problem, p.ResponseMode, p.AuthMethod)
	}
	now := time.Now()
	first, err := p.MakeClientSecret("client-id", now)
	if err != nil {
		t.Fatal(err)
	}
	checkAppleSecret(t, key, string(first), now)
	// Fresh per request: a later one has its own times and its own signature.
	later, err := p.MakeClientSecret("client-id", now.Add(time.Minute))
	if err != nil || first == later {
		t.Fatalf("the secret is kept: %v", err)
	}
	checkAppleSecret(t, key, string(later), now.Add(time.Minute))
}

// A key or an id that cannot be used is an error of New, without any of the key.
func TestAppleArguments(t *testing.T) {
	good := p8(t, newCurveKey(t, elliptic.P256()))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for why, p := range map[string]aura.Provider{
		"private key: it is not a PEM block":                 provider.Apple("TEAM123456", "KEY1234567", "hunter2"),
		"private key: it is not a PKCS #8 private key":       provider.Apple("TEAM123456", "KEY1234567", "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n"),
		"private key: it is not a key on the curve P-256":    provider.Apple("TEAM123456", "KEY1234567", p8(t, newCurveKey(t, elliptic.P384()))),
		"private key: it is not a key on the curve P-256: ":  provider.Apple("TEAM123456", "KEY1234567", p8(t, rsaKey)),
		"private key: it is not a PEM block: pass the text ": provider.Apple("TEAM123456", "KEY1234567", ""),
		"team id":  provider.Apple("", "KEY1234567", good),
		"team id:": provider.Apple("../team", "KEY1234567", good),
		"key id":   provider.Apple("TEAM123456", string(good), good), // two arguments swapped
	} {
		p.ClientID = "client-id"
		_, err := aura.New(aura.Config{
			BaseURL: "https://app.example", Providers: []aura.Provider{p},
			Secrets: []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"}, Salt: "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
		})
		if err == nil || !strings.Contains(err.Error(), `"apple": `+why) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "PRIVATE KEY--") {
			t.Errorf("%s: %v", why, err)
		}
	}
}
