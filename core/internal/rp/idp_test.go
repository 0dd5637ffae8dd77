package rp

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	testCode     = "canary-code-Zx9"
	testVerifier = "canary-verifier-0123456789abcdefghijklmnopqrstuvwxyz"
	testNonce    = "canary-nonce-77"
	testAccess   = "canary-access-token-5f"
	testRefresh  = "canary-refresh-token-6f"
	testRenewed  = "canary-renewed-access-7c"
	testRotated  = "canary-rotated-refresh-8d"
	testSecret   = "canary client:secret+%/ü"
	testClient   = "client :%+1"
	testDevice   = "canary-device-code-9e"

	testReference = "urn:ietf:params:oauth:request_uri:canary-1"
)

var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	otherRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// clock is a settable Config.Now.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.ns.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}
func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

// fakeIDP is a provider on loopback that does what its fields say.
type fakeIDP struct {
	*httptest.Server
	clock *clock

	mu        sync.Mutex
	counts    map[string]int
	issuer    string                             // of metadata and tokens; the server's URL unless set
	metadata  func(map[string]any)               // edits the discovery document
	keys      []map[string]any                   // the key set
	header    map[string]any                     // JOSE header
	claims    func(map[string]any)               // edits the claims
	idToken   func(header, claims []byte) string // replaces signing
	answer    func(map[string]any)               // edits the token answer
	device    func(map[string]any)               // edits the device authorization answer
	userinfo  map[string]any
	overrides map[string]http.HandlerFunc // by path
	form      url.Values                  // of the last authenticated request
	seen      http.Header                 // of the last request
}

func newIDP(t *testing.T) *fakeIDP {
	f := &fakeIDP{clock: newClock(), counts: map[string]int{}, overrides: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	f.issuer = f.URL
	f.keys = []map[string]any{rsaJWK("k1", &rsaKey().PublicKey)}
	f.header = map[string]any{"alg": "RS256", "kid": "k1", "typ": "JWT"}
	f.userinfo = map[string]any{"sub": "user-1", "name": "From Userinfo"}
	return f
}

func (f *fakeIDP) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.counts[r.URL.Path]++
	f.seen = r.Header.Clone()
	override := f.overrides[r.URL.Path]
	f.mu.Unlock()
	switch r.URL.Path {
	case "/token", "/revoke", "/par", "/device":
		body := must(io.ReadAll(r.Body))
		f.mu.Lock()
		f.form, _ = url.ParseQuery(string(body))
		f.mu.Unlock()
	}
	if override != nil {
		override(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		m := map[string]any{
			"issuer": f.issuer, "authorization_endpoint": f.URL + "/authorize", "token_endpoint": f.URL + "/token",
			"userinfo_endpoint": f.URL + "/userinfo", "jwks_uri": f.URL + "/jwks",
			"revocation_endpoint": f.URL + "/revoke",
		}
		if f.metadata != nil {
			f.metadata(m)
		}
		writeJSON(w, m)
	case "/jwks":
		writeJSON(w, map[string]any{"keys": f.keys})
	case "/token":
		a := map[string]any{
			"access_token": testAccess, "refresh_token": testRefresh, "token_type": "Bearer", "expires_in": 3600,
			"id_token": f.mint(),
		}
		if f.form.Get("grant_type") == "refresh_token" {
			a["access_token"], a["refresh_token"] = testRenewed, testRotated
		}
		if f.answer != nil {
			f.answer(a)
		}
		writeJSON(w, a)
	case "/userinfo":
		writeJSON(w, f.userinfo)
	case "/revoke":
	case "/par":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"request_uri":"`+testReference+`","expires_in":90}`)
	case "/device":
		a := map[string]any{
			"device_code": testDevice, "user_code": "WDJB-MJHT", "verification_uri": f.URL + "/activate",
			"verification_uri_complete": f.URL + "/activate?user_code=WDJB-MJHT", "expires_in": 1800, "interval": 7,
		}
		if f.device != nil {
			f.device(a)
		}
		writeJSON(w, a)
	default:
		http.NotFound(w, r)
	}
}

func (f *fakeIDP) mint() string {
	now := f.clock.now().Unix()
	claims := map[string]any{
		"iss": f.issuer, "sub": "user-1", "aud": testClient, "exp": now + 300, "iat": now, "nonce": testNonce,
		"name": "From ID token", "email": "a@example.org", "email_verified": true, "sid": "op-session",
	}
	if g := f.form.Get("grant_type"); g == "refresh_token" || g == deviceGrant {
		delete(claims, "nonce") // OpenID Connect Core §12.2; RFC 8628 has none
	}
	if f.claims != nil {
		f.claims(claims)
	}
	header, payload := must(json.Marshal(f.header)), must(json.Marshal(claims))
	if f.idToken != nil {
		return f.idToken(header, payload)
	}
	return signRS256(rsaKey(), header, payload)
}

func (f *fakeIDP) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeIDP) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[path]
}

// party is an OIDC client of f.
func (f *fakeIDP) party(t *testing.T, edit ...func(*Config)) *Party {
	c := Config{
		ID: "idp", OIDC: true, Issuer: f.issuer, ClientID: testClient, ClientSecret: testSecret, Now: f.clock.now,
		Timeout: 20 * time.Second,
	}
	for _, e := range edit {
		e(&c)
	}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// plain makes a Config one of plain OAuth 2.0.
func (f *fakeIDP) plain(c *Config) {
	c.OIDC, c.Issuer = false, ""
	c.AuthorizationEndpoint, c.TokenEndpoint, c.UserInfoEndpoint = f.URL+"/authorize", f.URL+"/token", f.URL+"/userinfo"
}

func response() Response {
	return Response{Code: testCode, CodeVerifier: testVerifier, Nonce: testNonce, RedirectURI: "https://app.example/auth/callback/idp"}
}

func exchange(t *testing.T, p *Party) (*Grant, error) {
	t.Helper()
	return p.Exchange(t.Context(), response())
}

// expect compares err with the code wanted ("" for success).
func expect(t *testing.T, err error, code string) *Error {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Fatalf("got %v, want success", err)
		}
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error with code %s", err, code)
	}
	if e.Code != code {
		t.Fatalf("got %v, want code %s", err, code)
	}
	return e
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(must(json.Marshal(v)))
}

func rawJSON(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func rsaJWK(kid string, k *rsa.PublicKey) map[string]any {
	return map[string]any{"kty": "RSA", "kid": kid, "use": "sig", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
}

func ecJWK(kid string, k *ecdsa.PublicKey) map[string]any {
	point := must(k.Bytes())
	return map[string]any{"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(point[1:33]), "y": b64(point[33:])}
}

func signRS256(key *rsa.PrivateKey, header, payload []byte) string {
	input := b64(header) + "." + b64(payload)
	sum := sha256.Sum256([]byte(input))
	return input + "." + b64(must(rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])))
}

func signES256(key *ecdsa.PrivateKey, header, payload []byte) string {
	input := b64(header) + "." + b64(payload)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + b64(signature)
}

func signHS256(key, header, payload []byte) string {
	input := b64(header) + "." + b64(payload)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(input))
	return input + "." + b64(mac.Sum(nil))
}

// rewrite sends every request to one server, whatever its URL says.
type rewrite struct{ to string }

func (r rewrite) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	to := must(url.Parse(r.to))
	req.URL.Scheme, req.URL.Host = to.Scheme, to.Host
	return http.DefaultTransport.RoundTrip(req)
}

// ID-30, the modules for client_secret_basic, scopes and bearer headers.
func TestExchange(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	g, err := exchange(t, p)
	expect(t, err, "")
	if g.Subject != "user-1" || g.Issuer != f.URL || g.SessionID != "op-session" || g.IDToken == "" {
		t.Errorf("grant: %+v", g)
	}
	if g.Token.AccessToken != testAccess || g.Token.RefreshToken != testRefresh {
		t.Error("tokens lost")
	}
	if want := f.clock.now().Add(time.Hour); !g.Token.Expiry.Equal(want) {
		t.Errorf("expiry %v, want %v by the injected clock", g.Token.Expiry, want)
	}
	var profile map[string]any
	if err := json.Unmarshal(g.Profile, &profile); err != nil {
		t.Fatal(err)
	}
	if profile["name"] != "From Userinfo" || profile["email"] != "a@example.org" || profile["iss"] != f.URL {
		t.Errorf("profile: %v", profile)
	}
	if got := f.seen.Get("Authorization"); got != "Bearer "+testAccess {
		t.Error("userinfo was not asked with the bearer token in the header")
	}
	for name, want := range map[string]string{"User-Agent": "aura-auth-go", "Accept": "application/json"} {
		if got := f.seen.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if f.form.Get("code") != testCode || f.form.Get("code_verifier") != testVerifier ||
		f.form.Get("redirect_uri") != response().RedirectURI || f.form.Get("grant_type") != "authorization_code" {
		t.Errorf("token request: %v", f.form)
	}
	if f.form.Has("client_secret") {
		t.Error("the secret went into the body although Basic is the default")
	}
}

// authentication says how the last token or revocation request proved us, given
// its Authorization.
func (f *fakeIDP) authentication(auth string) string {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(testClient)+":"+url.QueryEscape(testSecret)))
	switch {
	case auth == basic && !f.form.Has("client_id") && !f.form.Has("client_secret"):
		return "basic"
	case auth == "" && f.form.Get("client_id") == testClient && f.form.Get("client_secret") == testSecret:
		return "post"
	case auth == "" && f.form.Get("client_id") == testClient && !f.form.Has("client_secret"):
		return "none"
	}
	return "something else: " + auth + " " + f.form.Encode()
}

func TestClientAuthentication(t *testing.T) {
	for name, row := range map[string]struct {
		method, secret string
		supported      any
		want           string
	}{
		"nothing said: basic, form-encoded (RFC 6749 §2.3.1)": {"", testSecret, nil, "basic"},
		"discovery names post only":                           {"", testSecret, []string{"client_secret_post", "none"}, "post"},
		"discovery names both":                                {"", testSecret, []string{"client_secret_post", "client_secret_basic"}, "basic"},
		"discovery names neither":                             {"", testSecret, []string{"private_key_jwt"}, "basic"},
		"configured post":                                     {"client_secret_post", testSecret, []string{"client_secret_basic"}, "post"},
		"configured basic":                                    {"client_secret_basic", testSecret, []string{"client_secret_post"}, "basic"},
		"no secret":                                           {"client_secret_basic", "", []string{"client_secret_basic"}, "none"},
		"none":                                                {"none", "", nil, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			if row.supported != nil {
				f.metadata = func(m map[string]any) { m["token_endpoint_auth_methods_supported"] = row.supported }
			}
			var auth string
			f.overrides["/token"] = func(w http.ResponseWriter, r *http.Request) {
				auth = r.Header.Get("Authorization")
				w.WriteHeader(400)
			}
			p := f.party(t, func(c *Config) { c.AuthMethod, c.ClientSecret = row.method, row.secret })
			_, err := exchange(t, p)
			expect(t, err, CodeTokenRejected)
			if got := f.authentication(auth); got != row.want {
				t.Errorf("authenticated by %s, want %s", got, row.want)
			}
			if n := f.count("/token"); n != 1 {
				t.Errorf("%d token requests, want 1: a code is never tried again", n)
			}
			_, err = p.Refresh(t.Context(), testRefresh, "", "user-1")
			expect(t, err, CodeTokenRejected)
			if got := f.authentication(auth); got != row.want {
				t.Errorf("refresh: authenticated by %s, want %s", got, row.want)
			}
			if n := f.count("/token"); n != 2 {
				t.Errorf("%d token requests, want 2: a refresh token is never tried again", n)
			}
		})
	}
}

// stop returns a context that is over.
func stop() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func contains(s string, all ...string) bool {
	for _, a := range all {
		if !strings.Contains(s, a) {
			return false
		}
	}
	return true
}
