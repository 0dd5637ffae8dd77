package aura_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/provider"
	"github.com/aura-stack-go/auth/core/ratelimit"
)

const (
	testSecret = "kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"
	testSalt   = "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01"
)

// A stage is an application on a real listener beside a development identity
// provider, with a clock that the test sets and a log that it can read.
type stage struct {
	t     *testing.T
	auth  *aura.Auth
	url   string // of the application
	idp   *devidp.Provider
	clock *clock
	log   *logBuffer
	mode  aura.TokenMode // of the session; "" for the default
}

// newStage starts one. The provider's id is "dev"; change adjusts the Config.
func newStage(t *testing.T, change func(*aura.Config)) *stage {
	t.Helper()
	s := &stage{t: t, clock: &clock{}, log: &logBuffer{}}
	idp, err := devidp.Start(devidp.Config{Now: s.clock.now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	s.idp = idp
	s.auth = newAuth(t, s, change)
	mux := http.NewServeMux()
	mux.Handle(s.auth.BasePath()+"/", s.auth)
	mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
		session, lines, err := s.auth.GetSession(r)
		if err != nil {
			s.auth.Deny(w, r, err)
			return
		}
		aura.Apply(w.Header(), lines)
		_, _ = io.WriteString(w, session.User.Subject)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// newAuth makes an Auth for the stage; a second one shares its clock and provider.
func newAuth(t *testing.T, s *stage, change func(*aura.Config)) *aura.Auth {
	t.Helper()
	p := provider.OIDC("dev", s.idp.Issuer())
	p.ClientID, p.ClientSecret = s.idp.Client().ID, aura.Secret(s.idp.Client().Secret)
	cfg := aura.Config{
		Secrets: []aura.Secret{testSecret}, Salt: testSalt, Providers: []aura.Provider{p},
		Limits: aura.LimitsConfig{SignIn: ratelimit.Rule{Limit: 10_000, Window: time.Minute}}, // these tests are not about it
		Now:    s.clock.now, Logger: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	auth, err := aura.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// A browser keeps cookies and follows no redirects.
type browser struct {
	t      *testing.T
	origin string
	http   *http.Client
}

func (s *stage) browser() *browser { return newBrowser(s.t, s.url) }

func newBrowser(t *testing.T, origin string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, origin: origin, http: &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// A reply is a response, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// json returns the body's members.
func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(r.body), &m); err != nil {
		t.Fatalf("status %d, body is not JSON: %v\n%s", r.status, err, r.body)
	}
	return m
}

// code returns error.code of a failure.
func (r reply) code(t *testing.T) string {
	t.Helper()
	e, _ := r.json(t)["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

// do sends a request; target is a path or an absolute URL. header holds pairs
// of name and value.
func (b *browser) do(method, target, body string, header ...string) reply {
	b.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.origin + target
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(raw)}
}

func (b *browser) get(target string, header ...string) reply {
	b.t.Helper()
	return b.do("GET", target, "", header...)
}

// post sends a form, as a page of the application would.
func (b *browser) post(target string, form url.Values, header ...string) reply {
	b.t.Helper()
	return b.do("POST", target, form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
}

// csrf fetches a CSRF token.
func (b *browser) csrf() string {
	b.t.Helper()
	token, _ := b.get("/auth/csrfToken").json(b.t)["csrfToken"].(string)
	return token
}

// start begins a sign-in and returns the authorization URL.
func (b *browser) start(redirectTo string) string {
	b.t.Helper()
	r := b.get("/auth/signIn/dev?redirectTo=" + url.QueryEscape(redirectTo))
	if r.status != http.StatusFound {
		b.t.Fatalf("signIn: status %d\n%s", r.status, r.body)
	}
	return r.header.Get("Location")
}

var (
	formAction  = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	formRequest = regexp.MustCompile(`name="request" value="([^"]+)"`)
)

// consent picks a user (demo-ada, demo-grace, demo-alan) on the provider's page
// and returns the callback URL that the provider answers with.
func (b *browser) consent(authorizationURL, user string) string {
	b.t.Helper()
	page := b.get(authorizationURL)
	if page.status == http.StatusFound || page.status == http.StatusSeeOther {
		return page.header.Get("Location") // the provider had nothing to ask
	}
	action, request := formAction.FindStringSubmatch(page.body), formRequest.FindStringSubmatch(page.body)
	if action == nil || request == nil {
		b.t.Fatalf("no form on the provider's page (status %d):\n%s", page.status, page.body)
	}
	r := b.post(action[1], url.Values{"request": {request[1]}, "user": {user}})
	if r.header.Get("Location") == "" {
		b.t.Fatalf("the provider did not send the browser back: status %d\n%s", r.status, r.body)
	}
	return r.header.Get("Location")
}

// signIn signs a user in, to the end.
func (b *browser) signIn(user string) reply {
	b.t.Helper()
	r := b.get(b.consent(b.start("/after"), user))
	if r.status != http.StatusFound || r.header.Get("Location") != "/after" {
		b.t.Fatalf("callback: status %d, Location %q\n%s", r.status, r.header.Get("Location"), r.body)
	}
	return r
}

// subject returns who GET /session says is signed in, "" for nobody.
func (b *browser) subject() string {
	b.t.Helper()
	r := b.get("/auth/session")
	if r.status == http.StatusUnauthorized {
		return ""
	}
	session, _ := r.json(b.t)["session"].(map[string]any)
	user, _ := session["user"].(map[string]any)
	subject, _ := user["sub"].(string)
	return subject
}

// A clock is the time plus what the test has added.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// A logBuffer is a log that tests read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
