package aura_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/internal/token"
)

// A site is an application on a real listener whose clock stands still until
// the test moves it. The test holds the keys: it forges sessions and CSRF
// tokens as another server of the same application would make them, and reads
// what the library wrote. Its provider "gh" is an OAuth 2.0 one that answers in
// memory, as the subject that the test sets.
type site struct {
	t     *testing.T
	auth  *aura.Auth
	cfg   aura.Config // as it was given to New
	url   string
	clock *stillClock
	log   *logBuffer
	ring  *token.Ring
	codec *token.Codec
	idp   *memoryIDP
}

// newSite starts one. The handler is the library alone, mounted by hand so that
// no router rewrites a path on the way.
func newSite(t *testing.T, change func(*aura.Config)) *site {
	t.Helper()
	s := &site{t: t, clock: &stillClock{at: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}, log: &logBuffer{}, idp: &memoryIDP{subject: "u-1", name: "Ada"}}
	s.cfg = aura.Config{
		Secrets: []aura.Secret{testSecret}, Salt: testSalt, Providers: []aura.Provider{ghProvider()},
		ProviderTokens: aura.ProviderTokensConfig{Discard: true}, // these tests count cookies
		Now:            s.clock.now, Logger: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		HTTPClient: &http.Client{Transport: s.idp},
	}
	if change != nil {
		change(&s.cfg)
	}
	auth, err := aura.New(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.auth = auth
	s.ring, s.codec = keysOf(t, s.cfg)
	s.url = s.serve(auth)
	return s
}

// ghProvider is an OAuth 2.0 provider whose endpoints exist in memoryIDP only.
func ghProvider() aura.Provider {
	return aura.Provider{
		ID: "gh", Name: "Git & Hub", ClientID: "gh-client", ClientSecret: "gh-client-secret",
		AuthorizationEndpoint: "https://idp.example/authorize", TokenEndpoint: "https://idp.example/token",
		UserInfoEndpoint: "https://idp.example/userinfo", AuthMethod: "client_secret_post", Scopes: []string{"read"},
	}
}

// serve puts a handler on a listener of its own and returns its origin.
func (s *site) serve(h http.Handler) string {
	s.t.Helper()
	server := httptest.NewServer(h)
	s.t.Cleanup(server.Close)
	return server.URL
}

// keysOf derives the keys of a Config as any server with its secrets would.
func keysOf(t testing.TB, cfg aura.Config) (*token.Ring, *token.Codec) {
	t.Helper()
	var secrets [][]byte
	for _, s := range cfg.Secrets {
		secrets = append(secrets, []byte(string(s)))
	}
	ring, err := token.NewRing(secrets, []byte(string(cfg.Salt)))
	if err != nil {
		t.Fatal(err)
	}
	mode := token.Sealed
	if cfg.Session.Token != "" {
		if mode, err = token.ParseMode(string(cfg.Session.Token)); err != nil {
			t.Fatal(err)
		}
	}
	codec, err := ring.Codec(token.Options{Mode: mode, MaxLen: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return ring, codec
}

// claimSet is a session's claims; without removes some, with sets some.
type claimSet map[string]any

// claims are those of a session that began now, as the library writes them.
func (s *site) claims(subject string) claimSet {
	now := s.clock.now().Unix()
	return claimSet{
		"sub": subject, "name": "Ada", "email": "ada@example.com", "email_verified": true, "image": "https://example.com/a.png",
		"iat": now, "nbf": now, "exp": now + int64(s.maxAge()/time.Second), "jti": "jti-of-" + subject,
		"aura": map[string]any{"sid": "sid-of-" + subject, "idp": "gh", "iss": "https://idp.example", "at": now * 1000},
	}
}

func (s *site) maxAge() time.Duration {
	if s.cfg.Session.MaxAge > 0 {
		return s.cfg.Session.MaxAge
	}
	return 15 * 24 * time.Hour
}

func (c claimSet) with(name string, value any) claimSet {
	c = maps.Clone(c)
	c[name] = value
	return c
}

func (c claimSet) without(names ...string) claimSet {
	c = maps.Clone(c)
	for _, name := range names {
		delete(c, name)
	}
	return c
}

// seal makes a session token of any claims.
func (s *site) seal(claims claimSet) string {
	s.t.Helper()
	return s.sealRaw(mustJSON(s.t, claims))
}

func (s *site) sealRaw(payload string) string {
	s.t.Helper()
	sealed, err := s.codec.Seal([]byte(payload))
	if err != nil {
		s.t.Fatal(err)
	}
	return sealed
}

// open reads a session token that the library wrote.
func (s *site) open(sealed string) claimSet {
	s.t.Helper()
	payload, _, err := s.codec.Open(sealed)
	if err != nil {
		s.t.Fatalf("the session token does not open: %v", err)
	}
	var c claimSet
	if err := json.Unmarshal(payload, &c); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// number reads a claim that is one.
func (c claimSet) number(name string) int64 {
	n, _ := c[name].(float64)
	return int64(n)
}

// csrfClaims are those of a token for the session with this id; "" for none.
func (s *site) csrfClaims(sid string) claimSet {
	now := s.clock.now().Unix()
	c := claimSet{"token": base64.RawURLEncoding.EncodeToString([]byte("0123456789abcdefghijklmnopqrstuv")), "iat": now, "nbf": now, "exp": now + 3600, "jti": "csrf-jti"}
	if sid != "" {
		c["token"], c["bound"] = base64.RawURLEncoding.EncodeToString(s.ring.MAC("aura:csrf", []byte(sid))[0]), true
	}
	return c
}

// signCSRF makes a CSRF token of any claims.
func (s *site) signCSRF(claims claimSet) string {
	s.t.Helper()
	signed, err := s.ring.SignJWS([]byte(mustJSON(s.t, claims)))
	if err != nil {
		s.t.Fatal(err)
	}
	return signed
}

// mustJSON writes JSON as JavaScript does: without escaping for HTML.
func mustJSON(t testing.TB, v any) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// wallClock is the time for servers that were given no clock of their own.
func wallClock() time.Time { return time.Now() }

// A stillClock moves only when it is told to.
type stillClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *stillClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *stillClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// A memoryIDP is the outside world of a site: a token and a userinfo endpoint.
// It keeps what it was sent and what it answered.
type memoryIDP struct {
	mu      sync.Mutex
	subject string
	name    string
	hits    int
	seen    []string // bodies and Authorization headers of requests
}

func (m *memoryIDP) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hits++
	body := ""
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(raw)
		_ = r.Body.Close()
	}
	m.seen = append(m.seen, r.URL.Path+" "+r.Header.Get("Authorization")+" "+body)
	answer := `{"access_token":"memory-access-token","token_type":"Bearer","expires_in":3600}`
	if r.URL.Path == "/userinfo" {
		answer = `{"id":` + quoted(m.subject) + `,"name":` + quoted(m.name) + `,"email":"ada@example.com"}`
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)),
	}, nil
}

// asked returns what has been sent so far, and how many requests that were.
func (m *memoryIDP) asked() (string, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.seen, "\n"), m.hits
}

func (m *memoryIDP) become(subject string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subject = subject
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// callback is what gh's provider page would send the browser to.
func callback(t testing.TB, authorizationURL string) string {
	t.Helper()
	u, err := url.Parse(authorizationURL)
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(u.Query().Get("redirect_uri"))
	if err != nil || back.Path == "" {
		t.Fatalf("no redirect_uri in %q", authorizationURL)
	}
	return back.Path + "?code=memory-code&state=" + url.QueryEscape(u.Query().Get("state"))
}
