package aura_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/memstore"
)

// What the published client sends, to the letter (docs/wire.md), and what it
// needs: JSON always, never a redirect, a CSRF token that is not empty.
func TestPublishedClient(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Session.UpdatableFields = []string{"name"} })
	g := s.guest()
	fetched := []string{"Accept", "*/*", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Origin", s.url}
	get := func(path string) reply { return g.get(path, fetched[:8]...) }

	if r := get("/auth/session"); r.status != 401 || r.json(t)["success"] != false {
		t.Errorf("getSession of nobody: %d %s", r.status, r.body)
	}
	r := get("/auth/signIn/gh?redirectTo=undefined&redirect=false")
	if body := r.json(t); r.status != 200 || body["success"] != true || body["redirect"] != false || body["signInURL"] != s.url+"/auth/signIn/gh" || len(g.cookies) != 0 {
		t.Errorf("signIn: %d %s, cookies %v", r.status, r.body, g.cookies)
	}
	r = get("/auth/signIn/gh?redirectTo=%2Fafter&redirect=false")
	next, _ := r.json(t)["signInURL"].(string)
	if next != s.url+"/auth/signIn/gh?redirectTo=%2Fafter" {
		t.Fatalf("signIn: %s", r.body)
	}
	start := g.get(strings.TrimPrefix(next, s.url), "Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "document")
	if body := start.json(t); start.status != 302 || body["success"] != true || body["redirect"] != true || body["signInURL"] != start.header.Get("Location") {
		t.Fatalf("the navigation: %d %s", start.status, start.body)
	}
	if r := g.get(callback(t, start.header.Get("Location"))); r.status != 302 || r.header.Get("Location") != "/after" || r.json(t)["oauth"] != "gh" {
		t.Fatalf("callback: %d %s", r.status, r.body)
	}
	r = get("/auth/session")
	session, _ := r.json(t)["session"].(map[string]any)
	if r.status != 200 || r.json(t)["success"] != true || session["user"] == nil {
		t.Fatalf("getSession: %d %s", r.status, r.body)
	}
	csrf := func() string {
		r := get("/auth/csrfToken")
		token, _ := r.json(t)["csrfToken"].(string)
		if r.status != 200 || token == "" {
			t.Fatalf("csrfToken: %d %s", r.status, r.body)
		}
		return token
	}
	session["user"].(map[string]any)["name"] = "Countess"
	text := append([]string{"Content-Type", "text/plain;charset=UTF-8", "X-CSRF-Token", csrf()}, fetched...)
	r = g.do("PATCH", "/auth/session?redirectTo=undefined&redirect=false", mustJSON(t, map[string]any{"user": session["user"], "expires": session["expires"]}), text...)
	if body := r.json(t); r.status != 200 || body["success"] != true || body["session"] == nil || body["redirectURL"] != nil {
		t.Errorf("updateSession: %d %s", r.status, r.body)
	}
	r = g.do("POST", "/auth/signOut?redirectTo=undefined&redirect=false&token_type_hint=session_token", "", append([]string{"X-CSRF-Token", csrf()}, fetched...)...)
	if body := r.json(t); r.status != 202 || body["success"] != true || body["redirect"] != false || body["redirectURL"] != nil || len(g.cookies) != 0 {
		t.Errorf("signOut: %d %s, cookies %v", r.status, r.body, g.cookies)
	}
	r = g.do("POST", "/auth/signOut?redirectTo=%2Fbye&redirect=false&token_type_hint=session_token", "", append([]string{"X-CSRF-Token", csrf()}, fetched...)...)
	if r.status != 401 || r.json(t)["redirectURL"] != nil {
		t.Errorf("signOut of nobody: %d %s", r.status, r.body)
	}
}

// FW-16: every method on every route; those that are not the route's own have
// no effect at all.
func TestMethods(t *testing.T) {
	s := newSite(t, nil)
	allowed := map[string]string{
		"/auth/csrfToken": "GET, HEAD, OPTIONS", "/auth/session": "GET, HEAD, PATCH, OPTIONS", "/auth/signIn/gh": "GET, OPTIONS",
		"/auth/callback/gh": "GET, OPTIONS", "/auth/signOut": "POST, OPTIONS", "/auth/nowhere": "", "/auth/": "", "/auth/providers/gh/nothing": "",
		// Not configured, and not offered by this provider.
		"/auth/link/gh": "", "/auth/signedOut": "", "/auth/signIn/gh/idToken": "", "/auth/device/gh": "", "/auth/device/gh/poll": "", "/auth/backchannelLogout/gh": "",
	}
	everyMethod(t, s, allowed)
	whole := newSite(t, func(c *aura.Config) {
		c.Store = memstore.New(c.Now)
		c.Hooks.Link = func(context.Context, *aura.Session, *aura.Attempt) error { return nil }
		c.Providers = append(c.Providers, aura.Provider{
			ID: "all", OIDC: true, Issuer: "https://idp.example", ClientID: "c", ClientSecret: "s", ResponseMode: "form_post", DeviceFlow: true,
			IDToken: aura.IDTokenConfig{SignIn: true}, Logout: aura.LogoutConfig{AtProvider: true, Backchannel: true},
		})
	})
	everyMethod(t, whole, map[string]string{
		"/auth/callback/all": "GET, POST, OPTIONS", "/auth/callback/gh": "GET, OPTIONS", "/auth/link/all": "POST, OPTIONS", "/auth/link/gh": "POST, OPTIONS",
		"/auth/signedOut": "GET, OPTIONS", "/auth/signIn/all/idToken": "GET, POST, OPTIONS", "/auth/signIn/gh/idToken": "",
		"/auth/device/all": "POST, OPTIONS", "/auth/device/all/poll": "POST, OPTIONS", "/auth/device/gh": "", "/auth/device/gh/poll": "",
		"/auth/backchannelLogout/all": "POST, OPTIONS", "/auth/backchannelLogout/gh": "",
	})
	t.Run("CONNECT", func(t *testing.T) {
		if got := raw(t, s.url, "CONNECT /auth/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 405") && !strings.HasPrefix(got, "HTTP/1.1 404") {
			t.Errorf("%.60q", got)
		}
	})
	t.Run("a callback is not used up by HEAD or POST", func(t *testing.T) { // FL-21
		g := s.guest()
		back := callback(t, g.get("/auth/signIn/gh").header.Get("Location"))
		for _, method := range []string{"HEAD", "POST", "OPTIONS", "PUT"} {
			g.do(method, back, "")
		}
		if r := g.get(back); r.status != http.StatusFound || g.subject() != "u-1" {
			t.Errorf("status %d", r.status)
		}
	})
}

// everyMethod sends every method to paths, given with what each allows.
func everyMethod(t *testing.T, s *site, allowed map[string]string) {
	t.Helper()
	for path, allow := range allowed {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "Get", "post", "BREW", "M-SEARCH"} {
			t.Run(method+" "+path, func(t *testing.T) {
				if slices.Contains(strings.Split(allow, ", "), method) && method != "OPTIONS" {
					return // other tests see to these
				}
				g := s.member("u-1")
				g.csrf()
				before := maps.Clone(g.cookies)
				r := g.do(method, path, "", "X-CSRF-Token", s.signCSRF(s.csrfClaims("sid-of-u-1")))
				want := http.StatusMethodNotAllowed
				switch {
				case allow == "":
					want = http.StatusNotFound
				case method == "OPTIONS":
					want = http.StatusNoContent
				}
				if r.status != want || r.header.Get("Allow") != allow || len(r.header["Set-Cookie"]) != 0 || !maps.Equal(before, g.cookies) {
					t.Fatalf("status %d, Allow %q, Set-Cookie %q; want %d, %q", r.status, r.header.Get("Allow"), r.header["Set-Cookie"], want, allow)
				}
				if want == http.StatusNoContent || method == "HEAD" {
					return
				}
				body := r.json(t)
				e, _ := body["error"].(map[string]any)
				if body["success"] != false || body["type"] != "ROUTER_FLOW" || body["code"] != e["code"] || body["message"] != e["message"] || body["details"] == nil {
					t.Errorf("body %s", r.body)
				}
			})
		}
	}
}

// FW-08, FL-23, HP-16: another spelling of a path is another path.
func TestPathSpellings(t *testing.T) {
	s := newSite(t, nil)
	m := s.member("u-1")
	for _, path := range []string{
		"/AUTH/session", "/auth/session/", "//auth/session", "/auth//session", "/auth/%73ession", "/%61uth/session", "/auth/session%2f", "/auth/session%00", "/auth/session;x",
		"/auth/./session", "/auth/x/../session", "/auth/%2e/session", "/auth%2fsession", "/auth/Session", "/authsession", "/auth", "/auth/session.json", "/auth/session%20", "/x/auth/session",
		"/auth/signIn", "/auth/signIn/", "/auth/signIn/gh/", "/auth/signIn/gh/x", "/auth/signIn/%67h", "/auth/signIn/GH", "/auth/signIn/gh%2f", "/auth/signIn/gh%00", "/auth/signIn/nope", "/auth/signIn/credentials",
		"/auth/callback/nope", "/auth/callback/__proto__", "/auth/callback/constructor", "/auth/callback/%2e%2e", "/auth/callback/..", "/auth/callback/IDP", "/auth/callback/" + strings.Repeat("a", 10<<10), "/auth/signIn/%3Cscript%3E", "/auth/signIn/gh?x=%3Cscript%3E/../",
	} {
		status := http.StatusNotFound
		if strings.HasPrefix(path, "/auth/signIn/gh?") {
			status = http.StatusFound
		}
		req := rawPath(t, m, path)
		for _, accept := range []string{"*/*", "text/html"} {
			req := req.Clone(t.Context())
			req.Header.Set("Accept", accept)
			r := m.send(req)
			if r.status != status {
				t.Errorf("%.40s (%s): status %d, want %d", path, accept, r.status, status)
			}
			if strings.Contains(r.body, "aaaa") || strings.Contains(r.body, "script") || strings.Contains(r.body, "__proto__") || strings.Contains(r.body, "u-1") {
				t.Errorf("%.40s: the body reflects the request: %.200s", path, r.body)
			}
			if r.status == http.StatusNotFound && accept == "*/*" && (r.json(t)["type"] == nil || r.code(t) == "") {
				t.Errorf("%.40s: body %s", path, r.body)
			}
		}
	}
	for path, status := range map[string]int{"/admin/../auth/session": 404, "http://evil.example/auth/session": 421, "/auth/session#x": 404, "*": 404} {
		if got := raw(t, s.url, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", status)) {
			t.Errorf("GET %s: %.40q, want %d", path, got, status)
		}
	}
}

// rawPath is a request whose path goes out as it is given.
func rawPath(t *testing.T, g *guest, path string) *http.Request {
	t.Helper()
	req, err := http.NewRequest("GET", g.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = path
	if strings.HasPrefix(path, "//") {
		req.URL.Opaque = g.url + path // absolute form, the only way to send two slashes
	}
	req.Header.Set("Cookie", g.header())
	return req
}

// HP-16 on the application's own routes: what Require wraps is wrapped however
// the path is spelled.
func TestProtectedPathSpellings(t *testing.T) {
	s := newSite(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/auth/", s.auth)
	mux.Handle("/admin", protect(s.auth, whoami))
	mux.Handle("/admin/", protect(s.auth, whoami))
	mux.HandleFunc("/public", func(http.ResponseWriter, *http.Request) {})
	app := s.serve(mux)
	for _, path := range []string{"/admin", "/admin/", "/ADMIN", "/admin%2f", "/%61dmin", "/%2561dmin", "/x/../admin", "/admin;x", "/admin?x=/public", "/admin/%2e%2e/public", "/admin%5c", "/admin/..;/public"} {
		if r := s.guest().send(rawRequest(t, app, "GET", path, nil)); r.status == http.StatusOK {
			t.Errorf("%s: %d %q", path, r.status, r.body)
		}
	}
}

// Hosts: what is malformed is 400, what is not ours 421, and neither is shown.
func TestHosts(t *testing.T) {
	open := newSite(t, func(c *aura.Config) { c.TrustedHosts = []string{"app.example"} })
	fixed := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example" })
	insecure := newSite(t, func(c *aura.Config) {
		c.TrustedHosts, c.DangerouslyAllowInsecureHTTP = []string{"app.example"}, true
	})
	for _, test := range []struct {
		host                  string
		open, fixed, insecure int
	}{
		{"localhost", 200, 200, 200}, {"127.0.0.1:9999", 200, 200, 200}, {"[::1]:3000", 200, 200, 200}, {"a.localhost", 200, 200, 200},
		{"app.example", 421, 200, 200}, {"app.example:8080", 421, 200, 421}, {"evil.example", 421, 200, 421}, {"127.0.0.1.evil.example", 421, 200, 421},
		{"good@evil", 400, 400, 400}, {"app.example.", 400, 400, 400}, {"app.example:80evil", 400, 400, 400}, {"127.1", 400, 400, 400}, {"a_b.example", 421, 200, 421}, {"app.example:0", 400, 400, 400},
	} {
		for i, s := range []*site{open, fixed, insecure} {
			want := []int{test.open, test.fixed, test.insecure}[i]
			r := s.guest().get("/auth/csrfToken", "Host", test.host)
			if r.status != want {
				t.Errorf("Host %s, site %d: status %d, want %d", test.host, i, r.status, want)
			}
			if want >= 400 && (len(r.header["Set-Cookie"]) != 0 || strings.Contains(r.body, "evil") || r.json(t)["success"] != false) {
				t.Errorf("Host %s: %s", test.host, r.body)
			}
		}
	}
	// HP-01, HP-03, HP-13, HP-18: forwarding headers of anybody.
	spoof := []string{"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https", "Forwarded", "host=evil.example;proto=https", "X-Forwarded-Prefix", "//evil", "X-Forwarded-Port", "444", "X-Original-URL", "/auth/signOut"}
	r := open.guest().get("/auth/signIn/gh", spoof...)
	if l := r.header.Get("Location"); r.status != 302 || strings.Contains(l, "evil") || !strings.Contains(l, "redirect_uri=http%3A%2F%2F127.0.0.1") {
		t.Errorf("with spoofed headers: %d %s", r.status, l)
	}
	for _, c := range setCookies(t, r.header) {
		if c.Secure || !strings.HasPrefix(c.Name, plainNames.flow) {
			t.Errorf("with spoofed headers: %s", c.Name)
		}
	}
	open.guest().get("/auth/session", spoof...)
	if n := strings.Count(open.log.String(), "ignoring forwarding headers"); n != 1 {
		t.Errorf("the spoof is logged %d times, want once", n)
	}
	for why, request := range map[string]string{
		"two Host headers": "Host: app.example\r\nHost: evil.example\r\n", "no Host": "",
	} {
		if got := raw(t, fixed.url, "GET /auth/session HTTP/1.1\r\n"+request+"Connection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400") {
			t.Errorf("%s: %.40q", why, got)
		}
	}
}

// LK-08, FW-02: a panic in the application's hook is one failed request.
func TestPanics(t *testing.T) {
	var panics any
	s := newSite(t, func(c *aura.Config) {
		c.Providers[0].Profile = func(ctx context.Context, p *aura.Profile) (aura.User, error) {
			if panics != nil {
				panic(panics)
			}
			return aura.DefaultProfile(ctx, p)
		}
	})
	for _, value := range []any{"canary of a panic", errors.New("canary of a panic"), 7} {
		g := s.member("u-0")
		before := g.cookies[g.names.session]
		panics = value
		for accept, kind := range map[string]string{"*/*": "application/json", "text/html": "text/html; charset=utf-8"} {
			r := g.get(callback(t, g.get("/auth/signIn/gh").header.Get("Location")), "Accept", accept)
			if r.status != http.StatusInternalServerError || r.header.Get("Content-Type") != kind || !strings.Contains(r.body, string(aura.CodeServerError)) || strings.Contains(r.body, "canary") || strings.Contains(r.body, ".go:") {
				t.Errorf("panic(%v): status %d, %s\n%s", value, r.status, r.header.Get("Content-Type"), r.body)
			}
		}
		if g.cookies[g.names.session] != before || g.subject() != "u-0" {
			t.Error("the session has changed")
		}
		panics = nil
		g.signIn()
		if g.subject() != "u-1" {
			t.Error("the next sign-in does not work")
		}
	}
	if log := s.log.String(); !strings.Contains(log, "canary of a panic") || !strings.Contains(log, "routes_test.go") {
		t.Error("the panic and its stack are not logged")
	}
	t.Run("http.ErrAbortHandler goes on its way", func(t *testing.T) {
		g := s.guest()
		back := callback(t, g.get("/auth/signIn/gh").header.Get("Location"))
		panics = http.ErrAbortHandler
		defer func() {
			if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
				t.Errorf("recovered %v", err)
			}
		}()
		r := httptest.NewRequest("GET", s.url+back, nil)
		r.Header.Set("Cookie", g.header())
		s.auth.ServeHTTP(httptest.NewRecorder(), r)
		t.Error("the panic was swallowed")
	})
}

// LK-03: whatever is wrong with a session, the client is told the same, and
// the error's id leads to nothing but the log.
func TestFailuresLookAlike(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Session.MaxDuration = day })
	old := newSite(t, func(c *aura.Config) { c.Secrets = []aura.Secret{otherSecret} })
	name := plainNames.session
	now := s.clock.now().Unix()
	sealed := s.seal(s.claims("u-1"))
	for why, cookie := range map[string]string{
		"expired": name + "=" + s.seal(s.claims("u-1").with("exp", now-1)), "past its bound": name + "=" + s.seal(s.claims("u-1").with("aura", map[string]any{"sid": "x", "at": (now - 90000) * 1000})),
		"under another secret": name + "=" + old.seal(old.claims("u-1")), "altered": name + "=" + sealed[:len(sealed)-2] + "AA", "garbage": name + "=x", "a bad chunk": name + ".1=x",
		"two of them": name + "=" + sealed + "; " + name + "=x", "no claims": name + "=" + s.sealRaw(`{}`), "the other scheme's": secureNames.session + "=" + sealed,
	} {
		refused(t, s, why, cookie)
		if r := s.guest().do("HEAD", "/auth/session", "", "-Cookie", cookie); r.status != http.StatusUnauthorized {
			t.Errorf("%s: HEAD status %d", why, r.status)
		}
	}
	a, b := s.guest().get("/auth/session"), s.guest().get("/auth/session")
	if a.body == b.body || withoutID(t, a) != withoutID(t, b) {
		t.Error("two failures have one id, or differ beyond it")
	}
	drop := func(h http.Header) http.Header {
		h = h.Clone()
		h.Del("Date")
		return h
	}
	if x, y := mustJSON(t, drop(a.header)), mustJSON(t, drop(s.guest().get("/auth/session", "-Cookie", name+"=x").header)); x != y {
		t.Errorf("headers differ:\n%s\n%s", x, y)
	}
	// The id stands in the log beside the cause.
	r := s.guest().get("/auth/callback/gh?state=x")
	e, _ := r.json(t)["error"].(map[string]any)
	if id, _ := e["id"].(string); id == "" || !strings.Contains(s.log.String(), "id="+id) {
		t.Errorf("error.id %v is not in the log", e["id"])
	}
}

// DO-08 and FA: a client that has gone is not waited for, and a provider that
// cannot be reached is 503 with Retry-After.
func TestProviderUnreachable(t *testing.T) {
	s := newSite(t, func(c *aura.Config) {
		c.HTTPClient = &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			return nil, errors.New("dial tcp: connection refused")
		}), Timeout: time.Second}
	})
	g := s.member("u-0")
	r := g.get(callback(t, g.get("/auth/signIn/gh").header.Get("Location")))
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || g.subject() != "u-0" || r.code(t) == "" {
		t.Errorf("status %d, Retry-After %q\n%s", r.status, r.header.Get("Retry-After"), r.body)
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
