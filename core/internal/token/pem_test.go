package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

type pemPair struct {
	public, private string
	key             crypto.Signer
}

func encodePair(t testing.TB, key crypto.Signer) pemPair {
	t.Helper()
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemPair{
		public:  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		private: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		key:     key,
	}
}

// Making an RSA key takes the time of all other tests together.
var onceRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func rsaPair(t testing.TB) pemPair {
	t.Helper()
	key, err := onceRSA()
	if err != nil {
		t.Fatal(err)
	}
	return encodePair(t, key)
}

func ecPair(t testing.TB, curve elliptic.Curve) pemPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return encodePair(t, key)
}

func edPair(t testing.TB) pemPair {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return encodePair(t, key)
}

func TestKeyPairCodecs(t *testing.T) {
	r := ring(t, secretNew)
	rsaKeys := rsaPair(t)
	encryption, err := ParseEncryptionKeys(rsaKeys.public, rsaKeys.private, "")
	if err != nil {
		t.Fatal(err)
	}
	p256, p384, p521, ed := ecPair(t, elliptic.P256()), ecPair(t, elliptic.P384()), ecPair(t, elliptic.P521()), edPair(t)
	for _, tt := range []struct {
		alg  string
		pair pemPair
	}{
		{"", rsaKeys}, {"RS256", rsaKeys}, {"RS384", rsaKeys}, {"RS512", rsaKeys},
		{"PS256", rsaKeys}, {"PS384", rsaKeys}, {"PS512", rsaKeys},
		{"ES256", p256}, {"ES384", p384}, {"ES512", p521}, {"EdDSA", ed},
	} {
		t.Run("alg "+tt.alg, func(t *testing.T) {
			signing, err := ParseSigningKeys(tt.pair.public, tt.pair.private, tt.alg)
			if err != nil {
				t.Fatal(err)
			}
			name := tt.alg
			if name == "" {
				name = "RS256"
			}
			for _, opts := range []Options{
				{Mode: Signed, Signing: signing},
				{Mode: Sealed, Signing: signing, Encryption: encryption},
			} {
				c := codec(t, r, opts)
				token, err := c.Seal([]byte(claims))
				if err != nil {
					t.Fatal(err)
				}
				if payload, key, err := c.Open(token); err != nil || key != 0 || string(payload) != claims {
					t.Fatalf("%s: %q, key %d, %v", opts.Mode, payload, key, err)
				}
				inner := token
				if opts.Mode == Sealed {
					inner = decryptRSA(t, rsaKeys, token)
				}
				// The bytes of docs/wire.md, and a signature that a stranger can check.
				if want := b64([]byte(`{"alg":"`+name+`","typ":"JWT"}`)) + "."; !strings.HasPrefix(inner, want) {
					t.Errorf("%s: the header is that of %.60s", opts.Mode, inner)
				}
				parsed, err := jose.ParseSignedCompact(inner, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(name)})
				if err != nil {
					t.Fatal(err)
				}
				if payload, err := parsed.Verify(tt.pair.key.Public()); err != nil || string(payload) != claims {
					t.Errorf("%s: a stranger reads %q, %v", opts.Mode, payload, err)
				}
				f := format{name: opts.Mode.String(), open: c.Open}
				for i := 0; i < len(token); i += 7 {
					refuse(t, f, "cut", token[:i])
					flipped := []byte(token)
					flipped[i] ^= 1
					refuse(t, f, "flipped", string(flipped))
				}
			}
		})
	}
}

// decryptRSA opens a JWE with the standard library's own primitives, by way of
// go-jose, and checks the header bytes on the way.
func decryptRSA(t *testing.T, pair pemPair, token string) string {
	t.Helper()
	if want := b64([]byte(`{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT","typ":"JWT"}`)) + "."; !strings.HasPrefix(token, want) {
		t.Fatalf("the header is that of %.90s", token)
	}
	parsed, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Fatal(err)
	}
	plaintext, err := parsed.Decrypt(pair.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(plaintext)
}

// Catalogue SE-13, ID-11: the public key is no HMAC key, in any of its spellings.
func TestAlgorithmConfusion(t *testing.T) {
	pair := rsaPair(t)
	signing, err := ParseSigningKeys(pair.public, pair.private, "RS256")
	if err != nil {
		t.Fatal(err)
	}
	encryption, err := ParseEncryptionKeys(pair.public, pair.private, "RSA-OAEP-256")
	if err != nil {
		t.Fatal(err)
	}
	r := ring(t, secretNew)
	signed := format{name: "signed", open: codec(t, r, Options{Mode: Signed, Signing: signing}).Open}
	sealedCodec := codec(t, r, Options{Signing: signing, Encryption: encryption})
	sealed := format{name: "sealed", open: sealedCodec.Open}

	der, err := x509.MarshalPKIXPublicKey(pair.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range [][]byte{[]byte(pair.public), []byte(strings.TrimSpace(pair.public)), der, pair.key.Public().(*rsa.PublicKey).N.Bytes(), {}} {
		for _, header := range []string{headerJWS, `{"alg":"RS256","typ":"JWT"}`, `{"alg":"none","typ":"JWT"}`} {
			token := forgeJWS(key, header, claims)
			refuse(t, signed, header, token)
			outer, err := encryption.seal([]byte(token))
			if err != nil {
				t.Fatal(err)
			}
			refuse(t, sealed, header, outer)
		}
	}
	refuse(t, signed, "no signature", b64([]byte(`{"alg":"RS256","typ":"JWT"}`))+"."+b64([]byte(claims))+".")

	// Anyone can encrypt to a public key; only the signature makes it ours.
	forged, err := encryption.seal([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, sealed, "encrypted by a stranger", forged)

	// Authentic, and yet no claims.
	for _, payload := range []string{"[]", "null", "{"} {
		object, err := signing.signer.Sign([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		token, err := object.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, signed, payload, token)
	}

	// Tokens of the secret do not pass for tokens of the pair, nor the reverse.
	bySecret := codec(t, r, Options{})
	token, err := bySecret.Seal([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, sealed, "sealed by the secret", token)
	token, err = sealedCodec.Seal([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, format{name: "secret", open: bySecret.Open}, "sealed by the pair", token)
}

func TestKeyPairModes(t *testing.T) {
	pair := rsaPair(t)
	signing, err := ParseSigningKeys(pair.public, pair.private, "")
	if err != nil {
		t.Fatal(err)
	}
	encryption, err := ParseEncryptionKeys(pair.public, pair.private, "")
	if err != nil {
		t.Fatal(err)
	}
	r := ring(t, secretNew)
	for _, tt := range []struct {
		why  string
		opts Options
		ok   bool
	}{
		{"sealed with both", Options{Signing: signing, Encryption: encryption}, true},
		{"sealed with one", Options{Signing: signing}, false},
		{"sealed with the other", Options{Encryption: encryption}, false},
		{"signed with its own", Options{Mode: Signed, Signing: signing}, true},
		{"signed with both", Options{Mode: Signed, Signing: signing, Encryption: encryption}, false},
		{"encrypted with the wrong one", Options{Mode: Encrypted, Signing: signing}, false},
		{"encrypted to a public key, which anyone can", Options{Mode: Encrypted, Encryption: encryption}, false},
		{"unless that is asked for", Options{Mode: Encrypted, Encryption: encryption, DangerouslyEncryptOnly: true}, true},
	} {
		c, err := r.Codec(tt.opts)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.why, err)
			continue
		}
		if !tt.ok {
			continue
		}
		token, err := c.Seal([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		if payload, _, err := c.Open(token); err != nil || string(payload) != claims {
			t.Errorf("%s: %q, %v", tt.why, payload, err)
		}
	}
}

func TestParseKeyErrors(t *testing.T) {
	rsaKeys, ec, ed := rsaPair(t), ecPair(t, elliptic.P256()), edPair(t)
	other := ecPair(t, elliptic.P256())
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKeys.key.(*rsa.PrivateKey))}))
	small := smallRSA(t)
	signing := func(public, private, alg string) error {
		_, err := ParseSigningKeys(public, private, alg)
		return err
	}
	encryption := func(public, private, alg string) error {
		_, err := ParseEncryptionKeys(public, private, alg)
		return err
	}
	for _, tt := range []struct {
		why                  string
		parse                func(public, private, alg string) error
		public, private, alg string
		want                 string
	}{
		{"nothing", signing, "", "", "", "public key is not in PEM form"},
		{"the halves swapped", signing, rsaKeys.private, rsaKeys.public, "", "another type"},
		{"PKCS #1", signing, rsaKeys.public, pkcs1, "", "BEGIN PRIVATE KEY"},
		{"two blocks", signing, rsaKeys.public + rsaKeys.public, rsaKeys.private, "", "followed by something else"},
		{"of two pairs", signing, ec.public, other.private, "ES256", "does not belong"},
		{"of two kinds", signing, ec.public, rsaKeys.private, "", "does not belong"},
		{"public garbage", signing, garbage("PUBLIC KEY"), rsaKeys.private, "", "not SPKI"},
		{"private garbage", signing, rsaKeys.public, garbage("PRIVATE KEY"), "", "not PKCS #8"},
		{"too small", signing, small.public, small.private, "", "at least 2048"},
		{"none", signing, rsaKeys.public, rsaKeys.private, "none", "does not suit"},
		{"HS256", signing, rsaKeys.public, rsaKeys.private, "HS256", "does not suit"},
		{"ES on RSA", signing, rsaKeys.public, rsaKeys.private, "ES256", "does not suit"},
		{"default on EC", signing, ec.public, ec.private, "", "does not suit"},
		{"the wrong curve", signing, ec.public, ec.private, "ES384", "does not suit"},
		{"RS on Ed25519", signing, ed.public, ed.private, "RS256", "does not suit"},
		{"encryption with EC", encryption, ec.public, ec.private, "", "needs an RSA key"},
		{"encryption with nothing", encryption, "", "", "", "not in PEM form"},
		{"RSA1_5", encryption, rsaKeys.public, rsaKeys.private, "RSA1_5", "use RSA-OAEP-256"},
		{"ECDH-ES", encryption, ec.public, ec.private, "ECDH-ES", "use RSA-OAEP-256"},
	} {
		t.Run(tt.why, func(t *testing.T) {
			err := tt.parse(tt.public, tt.private, tt.alg)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q does not say %q", err, tt.want)
			}
			if lines := strings.Split(tt.private, "\n"); len(lines) > 2 && strings.Contains(err.Error(), lines[1]) {
				t.Errorf("%q quotes the private key", err)
			}
		})
	}
	if err := signing("", "", ""); strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two bad halves are not both reported: %v", err)
	}
}

func garbage(kind string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte("garbage")}))
}

func smallRSA(t *testing.T) pemPair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return encodePair(t, key)
}
