package token

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// format is one way to make a token, for tests that hold for all of them.
type format struct {
	name string
	seal func([]byte) (string, error)
	open func(string) ([]byte, int, error)
}

func formats(t testing.TB, r *Ring) []format {
	t.Helper()
	var all []format
	for _, mode := range []Mode{Sealed, Signed, Encrypted} {
		c := codec(t, r, Options{Mode: mode})
		all = append(all, format{mode.String(), c.Seal, c.Open})
	}
	for _, info := range []string{"aura:flow", "aura:provider-tokens", "aura:app:a", "aura:app:b", "aura:app:"} {
		box, signer := r.Box(info), r.Signer(info)
		all = append(all,
			format{"box " + info, box.Seal, box.Open},
			format{"signer " + info, signer.Seal, signer.Open})
	}
	return append(all, format{"csrf", r.SignJWS, r.VerifyJWS})
}

// refuse asserts that a token does not open, in the one way that it may not.
func refuse(t *testing.T, f format, why, token string) {
	t.Helper()
	payload, key, err := f.open(token)
	if err == nil || payload != nil || key != -1 {
		t.Errorf("%s, %s: opens as %q (key %d, %v)", f.name, why, payload, key, err)
		return
	}
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("%s, %s: %v is not ErrInvalid", f.name, why, err)
	}
	if text := err.Error(); len(text) > 80 || len(token) > 20 && strings.Contains(text, token[:20]) {
		t.Errorf("%s, %s: the error quotes the token: %s", f.name, why, text)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, f := range formats(t, ring(t, vectors(t).Secret)) {
		for _, payload := range []string{claims, `{}`, " {\"a\":\"\u00e9\\u0026\"}\n"} {
			token, err := f.seal([]byte(payload))
			if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			got, key, err := f.open(token)
			if err != nil || key != 0 || string(got) != payload {
				t.Errorf("%s: %q comes back as %q (key %d, %v)", f.name, payload, got, key, err)
			}
		}
	}
}

func TestPayloadMustBeAnObject(t *testing.T) {
	for _, f := range formats(t, ring(t, vectors(t).Secret)) {
		for _, payload := range []string{"", " ", "null", `"a"`, "[]", "1", "{", "{} {}", "{}x", `{"a":1,}`, "\x00{}"} {
			if token, err := f.seal([]byte(payload)); err == nil || token != "" {
				t.Errorf("%s seals %q", f.name, payload)
			}
		}
	}
}

// Catalogue SE-01 and SE-02.
func TestAlteredTokens(t *testing.T) {
	for _, f := range formats(t, ring(t, vectors(t).Secret))[:3] {
		token, err := f.seal([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(token) {
			refuse(t, f, fmt.Sprintf("cut to %d bytes", i), token[:i])
			for _, c := range []byte{token[i] ^ 1, token[i] ^ 0x80, 'A', 'B', '_', '.', '=', '+', '\n', '\r', ' ', 0} {
				if c != token[i] {
					refuse(t, f, fmt.Sprintf("byte %d is %q", i, c), token[:i]+string([]byte{c})+token[i+1:])
				}
			}
			for _, c := range []string{"\n", "\r", "=", "A"} {
				refuse(t, f, fmt.Sprintf("%q inserted at %d", c, i), token[:i]+c+token[i:])
			}
		}
		// The last character has unused bits: none of its siblings is the token.
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			if sibling := token[:len(token)-1] + string(c); sibling != token {
				refuse(t, f, "sibling", sibling)
			}
		}
		for _, tail := range []string{"A", "=", "==", "\n", "\r\n", " ", ".", ".A", "\x00"} {
			refuse(t, f, fmt.Sprintf("with %q behind it", tail), token+tail)
			refuse(t, f, fmt.Sprintf("with %q before it", tail), tail+token)
		}
	}
}

// Catalogue SE-07: no value is good for anything but its own purpose. The signed
// session and the CSRF token share their keys by contract; their claims tell
// them apart, one room further up.
func TestPurposeSwap(t *testing.T) {
	all := formats(t, ring(t, vectors(t).Secret))
	for _, from := range all {
		token, err := from.seal([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range all {
			if from.name == to.name || from.name == "signed" && to.name == "csrf" || from.name == "csrf" && to.name == "signed" {
				if _, _, err := to.open(token); err != nil {
					t.Errorf("%s does not open as %s: %v", from.name, to.name, err)
				}
				continue
			}
			refuse(t, to, "made as "+from.name, token)
		}
	}
}

// Every header here is written under the right key, so that only the header can
// be the reason.
func TestHeaders(t *testing.T) {
	file := vectors(t)
	r := ring(t, file.Secret)
	signingKey := hkdfKey(t, file.Secret, file.Salt, "aura:signing")
	encryptionKey := hkdfKey(t, file.Secret, file.Salt, "aura:encryption")
	signed := codec(t, r, Options{Mode: Signed}).Open
	encrypted := codec(t, r, Options{Mode: Encrypted}).Open
	sealed := codec(t, r, Options{Mode: Sealed}).Open

	jws := []struct {
		header string
		ok     bool
	}{
		{headerJWS, true},
		{`{"typ":"JWT","alg":"HS256"}`, true},
		{` { "typ" : "JWT" , "alg" : "HS256" } `, true},
		{`{"\u0061lg":"HS256","typ":"JW\u0054"}`, true},
		{`{"alg":"HS256"}`, false},
		{`{"alg":"HS256","typ":"jwt"}`, false},
		{`{"alg":"HS256","typ":"at+jwt"}`, false},
		{`{"alg":"HS256","typ":null}`, false},
		{`{"alg":"HS256","typ":["JWT"]}`, false},
		{`{"typ":"JWT"}`, false},
		{`{"alg":"none","typ":"JWT"}`, false},
		{`{"alg":"None","typ":"JWT"}`, false},
		{`{"alg":"hs256","typ":"JWT"}`, false},
		{`{"ALG":"HS256","typ":"JWT"}`, false},
		{`{"alg":"HS384","typ":"JWT"}`, false},
		{`{"alg":"HS512","typ":"JWT"}`, false},
		{`{"alg":"RS256","typ":"JWT"}`, false},
		{`{"alg":"ES256","typ":"JWT"}`, false},
		{`{"alg":"EdDSA","typ":"JWT"}`, false},
		{`{"alg":"","typ":"JWT"}`, false},
		{`{"alg":"HS256","typ":"JWT","kid":"1"}`, false},
		{`{"alg":"HS256","typ":"JWT","jwk":{"kty":"oct","k":"AA"}}`, false},
		{`{"alg":"HS256","typ":"JWT","jku":"https://evil.example"}`, false},
		{`{"alg":"HS256","typ":"JWT","crit":["exp"],"exp":1}`, false},
		{`{"alg":"HS256","typ":"JWT","b64":false,"crit":["b64"]}`, false},
		{`{"alg":"HS256","typ":"JWT","nonce":"x"}`, false},
		{`{"alg":"HS256","typ":"JWT","cty":"JWT"}`, false},
		{`{"alg":"none","alg":"HS256","typ":"JWT"}`, false},
		{`{"alg":"HS256","alg":"HS256","typ":"JWT"}`, false},
		{`{"alg":"HS256","\u0061lg":"HS256","typ":"JWT"}`, false},
		{`{"alg":"HS256","typ":"JWT"}x`, false},
		{`{"alg":"HS256","typ":"JWT"}{}`, false},
		{`{"alg":"HS256","typ":"JWT"`, false},
		{`["HS256","JWT"]`, false},
		{`null`, false},
		{`{}`, false},
		{``, false},
		{`{"alg":"HS256","typ":"JWT"}` + strings.Repeat(" ", 16<<10), false},
	}
	for _, tt := range jws {
		token := forgeJWS(signingKey, tt.header, claims)
		inside := forgeJWE(t, encryptionKey, headerJWE, "", token)
		for _, f := range []format{{name: "signed", open: signed}, {name: "csrf", open: r.VerifyJWS}} {
			checkOpen(t, f, tt.header, token, tt.ok)
		}
		checkOpen(t, format{name: "sealed", open: sealed}, "inner "+tt.header, inside, tt.ok)
	}

	jwe := []struct {
		header, encryptedKey string
		ok                   bool
	}{
		{headerJWE, "", true},
		{`{"alg":"dir","cty":"JWT","enc":"A256GCM","typ":"JWT"}`, "", true}, // as go-jose writes it
		{`{"enc":"A256GCM","alg":"dir","cty":"JWT"}`, "", true},             // typ is required on the JWS only
		{`{"alg":"dir","enc":"A256GCM"}`, "", false},
		{`{"alg":"dir","enc":"A256GCM","typ":"JWT"}`, "", false},
		{`{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"JWE"}`, "", false},
		{`{"alg":"dir","enc":"A256GCM","cty":"json","typ":"JWT"}`, "", false},
		{`{"enc":"A256GCM","cty":"JWT","typ":"JWT"}`, "", false},
		{`{"alg":"dir","cty":"JWT","typ":"JWT"}`, "", false},
		{`{"alg":"DIR","enc":"A256GCM","cty":"JWT","typ":"JWT"}`, "", false},
		{`{"alg":"dir","enc":"a256gcm","cty":"JWT","typ":"JWT"}`, "", false},
		{`{"alg":"dir","enc":"A128GCM","cty":"JWT","typ":"JWT"}`, "", false},
		{`{"alg":"dir","enc":"A128CBC-HS256","cty":"JWT","typ":"JWT"}`, "", false},
		{`{"alg":"none","enc":"A256GCM","cty":"JWT","typ":"JWT"}`, "", false},
		{`{"alg":"A256KW","enc":"A256GCM","cty":"JWT","typ":"JWT"}`, "", false},
		{`{"alg":"A256KW","enc":"A256GCM","cty":"JWT","typ":"JWT"}`, "0123456789abcdef0123456789abcdef01234567", false},
		{`{"alg":"A256GCMKW","enc":"A256GCM","cty":"JWT","typ":"JWT"}`, "0123456789abcdef0123456789abcdef", false},
		{`{"alg":"RSA-OAEP","enc":"A256GCM","cty":"JWT","typ":"JWT"}`, "", false},
		{`{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT","typ":"JWT"}`, strings.Repeat("k", 256), false},
		{`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","typ":"JWT"}`, "", false},
		{`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","cty":"JWT","typ":"JWT","p2c":2147483647,"p2s":"AAAAAAAAAAA"}`, "", false},
		{`{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"JWT","p2c":1}`, "", false},
		{`{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"JWT","zip":"DEF"}`, "", false},
		{`{"alg":"dir","enc":"A256GCM","cty":"JWT","zip":"DEF"}`, "", false},
		{`{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"JWT","zip":""}`, "", false},
		{`{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"JWT","kid":"1"}`, "", false},
		{`{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"JWT","crit":[]}`, "", false},
		{`{"alg":"dir","enc":"A256GCM","enc":"A256GCM","cty":"JWT"}`, "", false},
		{headerJWE, "k", false}, // RFC 7516 §5.2 step 10: dir has an empty key
	}
	for _, tt := range jwe {
		checkOpen(t, format{name: "encrypted", open: encrypted}, tt.header, forgeJWE(t, encryptionKey, tt.header, tt.encryptedKey, claims), tt.ok)
		inner := forgeJWS(signingKey, headerJWS, claims)
		checkOpen(t, format{name: "sealed", open: sealed}, tt.header, forgeJWE(t, encryptionKey, tt.header, tt.encryptedKey, inner), tt.ok)
	}
}

func checkOpen(t *testing.T, f format, why, token string, ok bool) {
	t.Helper()
	if !ok {
		refuse(t, f, why, token)
		return
	}
	if payload, key, err := f.open(token); err != nil || key != 0 || string(payload) != claims {
		t.Errorf("%s, %s: %q (key %d, %v)", f.name, why, payload, key, err)
	}
}

// Authentic, and yet not what this format holds.
func TestAuthenticNonsense(t *testing.T) {
	file := vectors(t)
	r := ring(t, file.Secret)
	all := formats(t, r)
	sealed, signed, encrypted := all[0], all[1], all[2]
	signingKey := hkdfKey(t, file.Secret, file.Salt, "aura:signing")
	encryptionKey := hkdfKey(t, file.Secret, file.Salt, "aura:encryption")
	for _, payload := range []string{"", "null", "[]", `"x"`, "{", "{}{}"} {
		jws := forgeJWS(signingKey, headerJWS, payload)
		refuse(t, signed, payload, jws)
		refuse(t, sealed, payload, forgeJWE(t, encryptionKey, headerJWE, "", jws))
		refuse(t, sealed, payload, forgeJWE(t, encryptionKey, headerJWE, "", payload))
		refuse(t, encrypted, payload, forgeJWE(t, encryptionKey, headerJWE, "", payload))
	}
	jws := forgeJWS(signingKey, headerJWS, claims)
	refuse(t, sealed, "claims without a signature", forgeJWE(t, encryptionKey, headerJWE, "", claims))
	refuse(t, sealed, "a signature by another key", forgeJWE(t, encryptionKey, headerJWE, "", forgeJWS(encryptionKey, headerJWS, claims)))
	refuse(t, sealed, "a newline inside", forgeJWE(t, encryptionKey, headerJWE, "", jws+"\n"))
	refuse(t, sealed, "sealed twice", forgeJWE(t, encryptionKey, headerJWE, "", forgeJWE(t, encryptionKey, headerJWE, "", jws)))
}

// Catalogue SE-11 and SE-13: the JSON serializations, with the right keys.
func TestJSONSerialization(t *testing.T) {
	file := vectors(t)
	r := ring(t, file.Secret)
	all := formats(t, r)
	sealed, signed, encrypted := all[0], all[1], all[2]
	key := hkdfKey(t, file.Secret, file.Salt, "aura:encryption")
	parts := strings.Split(forgeJWE(t, key, headerJWE, "", claims), ".")
	for _, text := range []string{
		fmt.Sprintf(`{"protected":%q,"iv":%q,"ciphertext":%q,"tag":%q}`, parts[0], parts[2], parts[3], parts[4]),
		fmt.Sprintf(`{"protected":%q,"iv":%q,"ciphertext":%q,"tag":%q,"recipients":[{}]}`, parts[0], parts[2], parts[3], parts[4]),
	} {
		// The text is a valid JWE: it is the form that is refused.
		parsed, err := jose.ParseEncryptedJSON(text, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatal(err)
		}
		if plaintext, err := parsed.Decrypt(key); err != nil || string(plaintext) != claims {
			t.Fatalf("%q, %v", plaintext, err)
		}
		refuse(t, encrypted, "JSON", text)
		refuse(t, sealed, "JSON", text)
	}
	jws := strings.Split(forgeJWS(hkdfKey(t, file.Secret, file.Salt, "aura:signing"), headerJWS, claims), ".")
	refuse(t, signed, "JSON", fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, jws[0], jws[1], jws[2]))
}

// What go-jose writes is read, although its header is in another order.
func TestReadsGoJOSE(t *testing.T) {
	file := vectors(t)
	key := hkdfKey(t, file.Secret, file.Salt, "aura:encryption")
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: key},
		(&jose.EncrypterOptions{}).WithType("JWT").WithContentType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	object, err := encrypter.Encrypt([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(token, jweHeader("dir").encoded) {
		t.Fatal("go-jose has come to write our order: this test shows nothing any more")
	}
	checkOpen(t, formats(t, ring(t, file.Secret))[2], "by go-jose", token, true)
}
