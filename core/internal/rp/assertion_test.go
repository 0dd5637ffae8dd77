package rp

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// pemOf is a PKCS#8 key as a file.
func pemOf(key any) string { return pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key))) }

func pemBlock(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func ecOn(curve elliptic.Curve) *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(curve, rand.Reader)) }

var edKey = sync.OnceValue(func() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return must(key, err)
})

// byKey makes a Config authenticate with a private key.
func byKey(c *Config) { c.ClientSecret, c.PrivateKey, c.KeyID = "", pemOf(ecKey()), "our-key" }

// wantAssertion checks a form's assertion as RFC 7523 §3 has a server do it, and
// returns its jti.
func wantAssertion(t *testing.T, form url.Values, alg string, public any, kid, audience string, now time.Time) string {
	t.Helper()
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
		form.Get("client_id") != testClient || form.Has("client_secret") || len(form["client_assertion"]) != 1 {
		t.Fatalf("not authenticated by one assertion: %v", form)
	}
	jws, err := jose.ParseSignedCompact(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := jws.Verify(public)
	if err != nil {
		t.Fatal(err)
	}
	if got := jws.Signatures[0].Protected.KeyID; got != kid {
		t.Errorf("kid %q, want %q", got, kid)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	jti, _ := claims["jti"].(string)
	if len(jti) < 22 {
		t.Errorf("jti %q has less than 128 bits", jti)
	}
	want := map[string]any{
		"iss": testClient, "sub": testClient, "aud": audience, "jti": jti,
		"iat": float64(now.Unix()), "exp": float64(now.Unix() + 60),
	}
	if !reflect.DeepEqual(claims, want) {
		t.Errorf("claims %v, want %v", claims, want)
	}
	return jti
}

// The key decides the algorithm, whatever its encoding.
func TestPrivateKeys(t *testing.T) {
	p256, p384, p521 := ecOn(elliptic.P256()), ecOn(elliptic.P384()), ecOn(elliptic.P521())
	// What openssl ecparam -genkey writes.
	parameters := pemBlock("EC PARAMETERS", []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7})
	for name, row := range map[string]struct {
		pem, alg string
		public   any
	}{
		"RSA, PKCS#8":         {pemOf(rsaKey()), "RS256", &rsaKey().PublicKey},
		"RSA, PKCS#1":         {pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())), "RS256", &rsaKey().PublicKey},
		"P-256, PKCS#8":       {pemOf(p256), "ES256", &p256.PublicKey},
		"P-256, SEC1":         {pemBlock("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(p256))), "ES256", &p256.PublicKey},
		"P-256 by ecparam":    {parameters + pemBlock("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(p256))), "ES256", &p256.PublicKey},
		"P-384":               {pemOf(p384), "ES384", &p384.PublicKey},
		"P-521":               {pemOf(p521), "ES512", &p521.PublicKey},
		"Ed25519":             {pemOf(edKey()), "EdDSA", edKey().Public()},
		"spaces and no end":   {"\n  " + strings.TrimSpace(pemOf(p256)), "ES256", &p256.PublicKey},
		"Windows line breaks": {strings.ReplaceAll(pemOf(p256), "\n", "\r\n"), "ES256", &p256.PublicKey},
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			p := f.party(t, byKey, func(c *Config) { c.PrivateKey = row.pem })
			_, err := exchange(t, p)
			expect(t, err, "")
			wantAssertion(t, f.form, row.alg, row.public, "our-key", f.URL, f.clock.now())
		})
	}
}

// What cannot sign is an error of New that names the field and quotes nothing.
func TestPrivateKeyProblems(t *testing.T) {
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	x25519 := pemBlock("PRIVATE KEY", append([]byte{0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20}, make([]byte, 32)...))
	const junk = "canary-junk-of-a-key"
	for name, text := range map[string]string{
		"not PEM":            junk,
		"escaped breaks":     strings.ReplaceAll(pemOf(ecKey()), "\n", `\n`),
		"cut off":            pemOf(ecKey())[:80],
		"bad DER":            pemBlock("PRIVATE KEY", []byte(junk)),
		"bad PKCS#1":         pemBlock("RSA PRIVATE KEY", []byte(junk)),
		"bad SEC1":           pemBlock("EC PRIVATE KEY", []byte(junk)),
		"wrong kind":         pemBlock("RSA PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(rsaKey()))),
		"public key":         pemBlock("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))),
		"certificate":        pemBlock("CERTIFICATE", []byte(junk)),
		"RSA of 1024 bits":   pemOf(small),
		"P-224":              pemOf(ecOn(elliptic.P224())),
		"X25519":             x25519,
		"encrypted, PKCS#8":  pemBlock("ENCRYPTED PRIVATE KEY", []byte(junk)),
		"encrypted, PKCS#1":  "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nY2FuYXJ5\n-----END RSA PRIVATE KEY-----\n",
		"two keys":           pemOf(ecKey()) + pemOf(rsaKey()),
		"something after it": pemOf(ecKey()) + junk,
	} {
		c := Config{ID: "x", OIDC: true, Issuer: "https://idp.example", ClientID: testClient, PrivateKey: text}
		p, err := New(c)
		if err == nil || p != nil || !contains(err.Error(), "PrivateKey: ") {
			t.Errorf("%s: got %v, want an error that names PrivateKey", name, err)
			continue
		}
		for i := 0; i+12 <= len(text); i += 6 {
			if part := text[i : i+12]; !contains("-----BEGIN RSA PRIVATE KEY-----", part) && contains(err.Error(), part) {
				t.Errorf("%s: the error quotes the key: %v", name, err)
			}
		}
	}
}

// Fields that contradict each other are errors of New.
func TestAuthenticationProblems(t *testing.T) {
	key := pemOf(ecKey())
	secret := func(string, time.Time) (string, error) { return "made", nil }
	for name, row := range map[string]struct {
		edit func(*Config)
		want string // "" for success
	}{
		"key":                     {func(c *Config) { c.PrivateKey = key }, ""},
		"key and its method":      {func(c *Config) { c.PrivateKey, c.AuthMethod = key, "private_key_jwt" }, ""},
		"made secret":             {func(c *Config) { c.MakeClientSecret = secret }, ""},
		"made secret by post":     {func(c *Config) { c.MakeClientSecret, c.AuthMethod = secret, "client_secret_post" }, ""},
		"public":                  {func(c *Config) { c.AuthMethod = "none" }, ""},
		"method without key":      {func(c *Config) { c.AuthMethod = "private_key_jwt" }, "AuthMethod: private_key_jwt needs PrivateKey"},
		"a secret is no key":      {func(c *Config) { c.AuthMethod, c.ClientSecret = "private_key_jwt", testSecret }, "AuthMethod: private_key_jwt needs PrivateKey"},
		"key with basic":          {func(c *Config) { c.PrivateKey, c.AuthMethod = key, "client_secret_basic" }, "PrivateKey: AuthMethod client_secret_basic"},
		"key with post":           {func(c *Config) { c.PrivateKey, c.AuthMethod = key, "client_secret_post" }, "PrivateKey: AuthMethod client_secret_post"},
		"key with none":           {func(c *Config) { c.PrivateKey, c.AuthMethod = key, "none" }, "PrivateKey: AuthMethod none"},
		"key and secret":          {func(c *Config) { c.PrivateKey, c.ClientSecret = key, testSecret }, "PrivateKey: is set beside"},
		"key and made secret":     {func(c *Config) { c.PrivateKey, c.MakeClientSecret = key, secret }, "PrivateKey: is set beside"},
		"two secrets":             {func(c *Config) { c.ClientSecret, c.MakeClientSecret = testSecret, secret }, "ClientSecret and MakeClientSecret:"},
		"none with a made secret": {func(c *Config) { c.AuthMethod, c.MakeClientSecret = "none", secret }, "AuthMethod: none"},
		"line break in KeyID":     {func(c *Config) { c.PrivateKey, c.KeyID = key, "a\nb" }, "KeyID:"},
		"endless KeyID":           {func(c *Config) { c.PrivateKey, c.KeyID = key, strings.Repeat("k", 257) }, "KeyID:"},
	} {
		c := Config{ID: "x", OIDC: true, Issuer: "https://idp.example", ClientID: testClient}
		row.edit(&c)
		_, err := New(c)
		if row.want == "" && err != nil || row.want != "" && (err == nil || !contains(err.Error(), row.want)) {
			t.Errorf("%s: got %v, want %q", name, err, row.want)
		}
		if err != nil && contains(err.Error(), testSecret) {
			t.Errorf("%s: the error quotes the secret", name)
		}
	}
}

// The audience is one string that no other server can have chosen.
func TestAssertionAudience(t *testing.T) {
	f := newIDP(t)
	p := f.party(t, byKey, f.plain)
	_, err := exchange(t, p)
	expect(t, err, "")
	wantAssertion(t, f.form, "ES256", &ecKey().PublicKey, "our-key", f.URL+"/token", f.clock.now())

	tenants := f.party(t, byKey, func(c *Config) {
		c.Issuer, c.DiscoveryURL = c.Issuer+"/{tenantid}/v2.0", c.Issuer+"/.well-known/openid-configuration"
	})
	if got := tenants.assertionAudience(&metadata{TokenEndpoint: "https://login.example/token"}); got != "https://login.example/token" {
		t.Errorf("a template of issuers is no audience: %s", got)
	}
	// Metadata, a stranger's, may move endpoints, but never the audience.
	g := newIDP(t)
	g.metadata = func(m map[string]any) { m["token_endpoint"] = f.URL + "/token" }
	_, err = exchange(t, g.party(t, byKey))
	expect(t, err, CodeIDTokenInvalid) // f's token
	wantAssertion(t, f.form, "ES256", &ecKey().PublicKey, "our-key", g.URL, g.clock.now())
}

// Each request has an assertion of its own, also when many are under way.
func TestAssertionsAreUsedOnce(t *testing.T) {
	f := newIDP(t)
	var mu sync.Mutex
	var forms []url.Values
	f.overrides["/revoke"] = func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		f.set(func() { forms = append(forms, f.form) })
	}
	p := f.party(t, byKey)
	for range 3 {
		expect(t, p.Revoke(t.Context(), testRefresh, ""), "")
	}
	assertions := make(chan string, 50)
	var wait sync.WaitGroup
	for range cap(assertions) {
		wait.Go(func() {
			made, err := p.prove(&metadata{}, nil)
			if err != nil {
				t.Error(err)
			}
			assertions <- made.assertion
		})
	}
	wait.Wait()
	close(assertions)
	seen := map[string]bool{}
	for _, form := range forms {
		seen[wantAssertion(t, form, "ES256", &ecKey().PublicKey, "our-key", f.URL, f.clock.now())] = true
	}
	for a := range assertions {
		form := url.Values{"client_id": {testClient}, "client_assertion": {a}, "client_assertion_type": {assertionType}}
		seen[wantAssertion(t, form, "ES256", &ecKey().PublicKey, "our-key", f.URL, f.clock.now())] = true
	}
	if len(seen) != 53 {
		t.Errorf("%d distinct jti of 53 requests", len(seen))
	}
}
