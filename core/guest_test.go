package aura_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A guest is a browser reduced to a cookie store and a wire: it keeps what
// Set-Cookie says whatever the scheme of the listener is, so that https can be
// tested through BaseURL, and it judges every answer below /auth by the rules
// that hold for all of them.
type guest struct {
	t       *testing.T
	url     string
	names   names
	cookies map[string]string
	vary    string // what every answer has to say
	http    *http.Client
}

// names are those of our cookies under one scheme.
type names struct{ session, csrf, flow string }

var (
	plainNames  = names{"aura-auth.session_token", "aura-auth.csrf_token", "aura-auth.flow."}
	secureNames = names{"__Secure-aura-auth.session_token", "__Host-aura-auth.csrf_token", "__Host-aura-auth.flow."}
)

func (s *site) guest() *guest {
	g := &guest{t: s.t, url: s.url, names: plainNames, cookies: map[string]string{}, vary: "Cookie", http: &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if strings.HasPrefix(s.cfg.BaseURL, "https:") {
		g.names = secureNames
	}
	if s.cfg.Bearer {
		g.vary = "Cookie, Authorization"
	}
	s.t.Cleanup(g.http.CloseIdleConnections)
	return g
}

// member is a guest who is signed in as subject, by a forged session.
func (s *site) member(subject string) *guest {
	g := s.guest()
	g.cookies[g.names.session] = s.seal(s.claims(subject))
	return g
}

// on is the same browser at another server of the same site.
func (g *guest) on(url string) *guest {
	other := *g
	other.url = url
	return &other
}

// canaryHeader is sent with every request; no answer may show it.
const canaryHeader = "canary-of-the-request-headers"

// do sends a request with the guest's cookies; header holds pairs of name and
// value. "-Cookie" replaces the Cookie header, with several lines if it is given
// several times; "-Chunked" sends the body without a Content-Length.
func (g *guest) do(method, target, body string, header ...string) reply {
	g.t.Helper()
	req, err := http.NewRequest(method, g.url+target, nil)
	if err != nil {
		g.t.Fatalf("%s %.200q: %v", method, target, err)
	}
	if body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	cookies, replaced := []string{g.header()}, false
	for i := 0; i+1 < len(header); i += 2 {
		switch header[i] {
		case "-Cookie":
			if !replaced {
				cookies, replaced = nil, true
			}
			cookies = append(cookies, header[i+1])
		case "Host":
			req.Host = header[i+1]
		case "-Chunked":
			req.ContentLength = -1
		default:
			req.Header[http.CanonicalHeaderKey(header[i])] = append(req.Header[http.CanonicalHeaderKey(header[i])], header[i+1])
		}
	}
	for _, c := range cookies {
		if c != "" {
			req.Header["Cookie"] = append(req.Header["Cookie"], c)
		}
	}
	req.Header.Set("X-Canary", canaryHeader)
	return g.send(req)
}

// send is do for a request made by hand.
func (g *guest) send(req *http.Request) reply {
	g.t.Helper()
	resp, err := g.http.Do(req)
	if err != nil {
		g.t.Fatalf("%s: %v", req.Method, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	r := reply{resp.StatusCode, resp.Header, string(raw)}
	g.keep(r)
	if strings.HasPrefix(req.URL.Path, "/auth/") {
		judge(g.t, req.Method, g.vary, r)
	}
	return r
}

// header is the Cookie header, in a stable order.
func (g *guest) header() string {
	var pairs []string
	for name, value := range g.cookies {
		pairs = append(pairs, name+"="+value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "; ")
}

// keep does what a browser does with Set-Cookie lines.
func (g *guest) keep(r reply) {
	for _, c := range setCookies(g.t, r.header) {
		if c.MaxAge < 0 {
			delete(g.cookies, c.Name)
			continue
		}
		g.cookies[c.Name] = c.Value
	}
}

// setCookies parses the Set-Cookie lines; MaxAge is -1 for one that deletes.
func setCookies(t testing.TB, h http.Header) []*http.Cookie {
	t.Helper()
	var parsed []*http.Cookie
	for _, line := range h["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatalf("Set-Cookie %.80q: %v", line, err)
		}
		parsed = append(parsed, c)
	}
	return parsed
}

// cookieLine is the Set-Cookie line for a name, nil when there is none.
func cookieLine(t testing.TB, r reply, name string) *http.Cookie {
	t.Helper()
	for _, c := range setCookies(t, r.header) {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// judge holds every answer of the library to what is true of all of them
// (catalogue LK-02, LK-12, CK-06, CK-07, CK-10, CS-15).
func judge(t *testing.T, method, vary string, r reply) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Vary": vary, "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Pragma": "no-cache", "Expires": "0",
	} {
		if got := r.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("status %d: %s is %q, want one line %q", r.status, name, got, want)
		}
	}
	policy := r.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("status %d: Content-Security-Policy is %q", r.status, policy)
	}
	for name, values := range r.header {
		if strings.HasPrefix(name, "Access-Control-") || name == "X-Canary" || strings.Contains(strings.Join(values, "\n"), canaryHeader) {
			t.Errorf("status %d: header %s: %q", r.status, name, values)
		}
	}
	if strings.Contains(r.body, canaryHeader) {
		t.Errorf("status %d: the body echoes a request header", r.status)
	}
	if n := r.header.Get("Content-Length"); method != http.MethodHead && r.status != http.StatusNoContent && n != strconv.Itoa(len(r.body)) {
		t.Errorf("status %d: Content-Length %q for %d bytes", r.status, n, len(r.body))
	}
	if kind := r.header.Get("Content-Type"); len(r.body) > 0 && kind != "application/json" && kind != "text/html; charset=utf-8" {
		t.Errorf("status %d: Content-Type %q", r.status, kind)
	}
	if method == http.MethodHead && (len(r.header["Set-Cookie"]) > 0 || r.body != "") {
		t.Errorf("HEAD: Set-Cookie %q, body %q", r.header["Set-Cookie"], r.body)
	}
	seen := map[string]bool{}
	for _, c := range setCookies(t, r.header) {
		if seen[c.Name] {
			t.Errorf("two Set-Cookie lines for %s", c.Name)
		}
		seen[c.Name] = true
		if len(c.Name)+len(c.Value) > 4000 || len(c.Raw)-len(c.Name)-len(c.Value) > 1024 {
			t.Errorf("cookie %s: %d bytes in a line of %d", c.Name, len(c.Name)+len(c.Value), len(c.Raw))
		}
		if !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode {
			t.Errorf("cookie %s lacks an attribute: %s", c.Name, c.Raw)
		}
	}
}

// get is do without a body.
func (g *guest) get(target string, header ...string) reply {
	g.t.Helper()
	return g.do("GET", target, "", header...)
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// form posts one, as a page without JavaScript does.
func (g *guest) form(target string, values url.Values, header ...string) reply {
	g.t.Helper()
	return g.do("POST", target, values.Encode(), append([]string{"Content-Type", formType}, header...)...)
}

// patch sends JSON with the guest's CSRF token.
func (g *guest) patch(body string, header ...string) reply {
	g.t.Helper()
	return g.do("PATCH", "/auth/session", body, append([]string{"Content-Type", jsonType, "X-CSRF-Token", g.csrf()}, header...)...)
}

// csrf fetches a CSRF token.
func (g *guest) csrf() string {
	g.t.Helper()
	r := g.get("/auth/csrfToken")
	value, _ := r.json(g.t)["csrfToken"].(string)
	if r.status != http.StatusOK || value == "" {
		g.t.Fatalf("csrfToken: status %d\n%s", r.status, r.body)
	}
	return value
}

// user returns the user's members as GET /session answers them; nil for nobody.
func (g *guest) user(header ...string) map[string]any {
	g.t.Helper()
	r := g.get("/auth/session", header...)
	switch r.status {
	case http.StatusUnauthorized:
		return nil
	case http.StatusOK:
	default:
		g.t.Fatalf("session: status %d\n%s", r.status, r.body)
	}
	session, _ := r.json(g.t)["session"].(map[string]any)
	user, _ := session["user"].(map[string]any)
	return user
}

// subject is who is signed in, "" for nobody.
func (g *guest) subject(header ...string) string {
	g.t.Helper()
	subject, _ := g.user(header...)["sub"].(string)
	return subject
}

// signIn goes through gh to the end and returns the callback's answer.
func (g *guest) signIn() reply {
	g.t.Helper()
	start := g.get("/auth/signIn/gh?redirectTo=%2Fafter")
	if start.status != http.StatusFound {
		g.t.Fatalf("signIn: status %d\n%s", start.status, start.body)
	}
	r := g.get(callback(g.t, start.header.Get("Location")))
	if r.status != http.StatusFound || r.header.Get("Location") != "/after" {
		g.t.Fatalf("callback: status %d, Location %q\n%s", r.status, r.header.Get("Location"), r.body)
	}
	return r
}
