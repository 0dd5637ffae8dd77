package devidp_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/aura-stack-go/auth/core/devidp"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func newClientKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicPEM(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func assertion(t *testing.T, key any, alg jose.SignatureAlgorithm, kid string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func TestPrivateKeyJWT(t *testing.T) {
	key, foreign := newClientKey(t), newClientKey(t)
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{{ID: "dev", PublicKeys: publicPEM(t, key)}, {ID: "other", Secret: "s"}}})
	honest := func(jti string, changes map[string]any) map[string]any {
		claims := map[string]any{"iss": "dev", "sub": "dev", "aud": p.Issuer(), "jti": jti, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix()}
		for name, value := range changes {
			claims[name] = value
			if value == nil {
				delete(claims, name)
			}
		}
		return claims
	}
	ask := func(proof string, changes ...string) answer {
		form := tokenRequest(p, newCode(t, p), append([]string{"client_secret", "", "client_assertion_type", assertionType, "client_assertion", proof}, changes...)...)
		return post(t, base(p)+"/token", form)
	}
	sign := func(jti string, changes map[string]any) string {
		return assertion(t, key, jose.ES256, "", honest(jti, changes))
	}
	for name, proof := range map[string]string{
		"aud issuer":         sign("a1", nil),
		"aud token endpoint": sign("a2", map[string]any{"aud": []string{base(p) + "/token"}}),
		"kid of our own":     assertion(t, key, jose.ES256, "mine", honest("a3", nil)),
	} {
		if a := ask(proof); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := ask(sign("a4", nil), "client_id", ""); a.status != http.StatusOK {
		t.Errorf("without client_id: %d %s", a.status, a.body)
	}
	for name, proof := range map[string]string{
		"replayed jti":          sign("a1", nil),
		"foreign key":           assertion(t, foreign, jose.ES256, "", honest("b1", nil)),
		"HMAC with the PEM":     assertion(t, []byte(publicPEM(t, key)), jose.HS256, "", honest("b2", nil)),
		"not a JWT":             "x",
		"empty":                 "",
		"other iss":             sign("b3", map[string]any{"iss": "other"}),
		"other sub":             sign("b4", map[string]any{"sub": "other"}),
		"no aud":                sign("b5", map[string]any{"aud": nil}),
		"aud of another server": sign("b6", map[string]any{"aud": "https://attacker.example"}),
		"two aud":               sign("b7", map[string]any{"aud": []string{p.Issuer(), "https://attacker.example"}}),
		"no exp":                sign("b8", map[string]any{"exp": nil}),
		"expired":               sign("b9", map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}),
		"exp in a year":         sign("b10", map[string]any{"exp": time.Now().Add(365 * 24 * time.Hour).Unix()}),
		"no jti":                sign("b11", map[string]any{"jti": nil}),
		"nbf ahead":             sign("b12", map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"iat ahead":             sign("b13", map[string]any{"iat": time.Now().Add(time.Hour).Unix()}),
	} {
		if a := ask(proof); a.status != http.StatusUnauthorized || a.text("error") != "invalid_client" {
			t.Errorf("%s: %d %s, want 401 invalid_client", name, a.status, a.body)
		}
	}
	if a := ask(sign("c1", nil), "client_assertion_type", "jwt"); a.text("error") != "invalid_client" {
		t.Errorf("another type: %d %s", a.status, a.body)
	}
	if a := ask(sign("c2", nil), "client_secret", "s"); a.text("error") != "invalid_request" {
		t.Errorf("an assertion and a secret: %d %s", a.status, a.body)
	}
	if a := ask(sign("c3", nil), "client_id", "other"); a.text("error") != "invalid_client" {
		t.Errorf("an assertion for a client without keys: %d %s", a.status, a.body)
	}
	if a := post(t, base(p)+"/token", tokenRequest(p, newCode(t, p), "client_secret", "")); a.text("error") != "invalid_client" {
		t.Errorf("a client with keys got by without: %d %s", a.status, a.body)
	}
}

func TestPublicKeysAreChecked(t *testing.T) {
	key := newClientKey(t)
	jwk, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256"}}})
	if err != nil {
		t.Fatal(err)
	}
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "k", Algorithm: "ES256"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		client devidp.Client
		want   string // of the error; "" for none
	}{
		"a JWK set":        {devidp.Client{ID: "c", PublicKeys: string(jwk)}, ""},
		"two PEM blocks":   {devidp.Client{ID: "c", PublicKeys: publicPEM(t, key) + publicPEM(t, newClientKey(t))}, ""},
		"keys and secret":  {devidp.Client{ID: "c", PublicKeys: string(jwk), Secret: "s"}, "both set"},
		"a private key":    {devidp.Client{ID: "c", PublicKeys: string(private)}, "public RSA, EC or Ed25519"},
		"an empty set":     {devidp.Client{ID: "c", PublicKeys: `{"keys":[]}`}, "holds no key"},
		"prose":            {devidp.Client{ID: "c", PublicKeys: "my key"}, "holds no key"},
		"a PEM of another": {devidp.Client{ID: "c", PublicKeys: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "CERTIFICATE"},
	} {
		cfg := fast()
		cfg.Issuer, cfg.Clients = "http://127.0.0.1:1", []devidp.Client{tt.client}
		_, err := devidp.New(cfg)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
