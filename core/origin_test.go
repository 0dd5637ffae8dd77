package aura_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

func loopbackProxies() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// originRows is the origin layer of docs/wire.md, rule by rule. The public
// origin is https://app.example; https://spa.example and https://*.in.example
// are trusted.
var originRows = []struct {
	rule   string
	header []string
	pass   bool
}{
	{"(1) Origin repeated", []string{"Origin", "https://app.example", "Origin", "https://app.example"}, false},
	{"(1) Origin repeated, the second evil", []string{"Origin", "https://app.example", "Origin", "https://evil.example"}, false},
	{"(1) Sec-Fetch-Site repeated", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "same-origin"}, false},
	{"(1) Sec-Fetch-Site repeated, the second other", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, false},
	{"(2) our own", []string{"Origin", "https://app.example"}, true},
	{"(2) trusted", []string{"Origin", "https://spa.example"}, true},
	{"(2) one label of a wildcard", []string{"Origin", "https://a.in.example"}, true},
	{"(2) two labels of a wildcard", []string{"Origin", "https://a.b.in.example"}, false},
	{"(2) no label of a wildcard", []string{"Origin", "https://in.example"}, false},
	{"(2) another", []string{"Origin", "https://evil.example"}, false},
	{"(2) another scheme", []string{"Origin", "http://app.example"}, false},
	{"(2) another port", []string{"Origin", "https://app.example:8443"}, false},
	{"(2) the default port written out", []string{"Origin", "https://app.example:443"}, false},
	{"(2) a trusted one with another port", []string{"Origin", "https://spa.example:8443"}, false},
	{"(2) a trusted one in the clear", []string{"Origin", "http://spa.example"}, false},
	{"(2) a trusted one in upper case", []string{"Origin", "https://SPA.example"}, false},
	{"(2) ours as a prefix", []string{"Origin", "https://app.example.evil.example"}, false},
	{"(2) ours as a suffix", []string{"Origin", "https://evilapp.example"}, false},
	{"(2) the host of the listener", []string{"Origin", "http://127.0.0.1"}, false},
	{"(2) another, though the browser says same-origin", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "same-origin"}, false},
	{"(2) another, though the browser says none", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "none"}, false},
	{"(3) same-origin", []string{"Sec-Fetch-Site", "same-origin"}, true},
	{"(3) none", []string{"Sec-Fetch-Site", "none"}, true},
	{"(3) same-site", []string{"Sec-Fetch-Site", "same-site"}, false},
	{"(3) cross-site", []string{"Sec-Fetch-Site", "cross-site"}, false},
	{"(3) a value of the future", []string{"Sec-Fetch-Site", "same-planet"}, false},
	{"(3) our own, same-origin", []string{"Origin", "https://app.example", "Sec-Fetch-Site", "same-origin"}, true},
	{"(3) our own, cross-site", []string{"Origin", "https://app.example", "Sec-Fetch-Site", "cross-site"}, false},
	{"(3) our own, same-site", []string{"Origin", "https://app.example", "Sec-Fetch-Site", "same-site"}, false},
	{"(3) trusted, cross-site", []string{"Origin", "https://spa.example", "Sec-Fetch-Site", "cross-site"}, true},
	{"(3) trusted, same-site", []string{"Origin", "https://a.in.example", "Sec-Fetch-Site", "same-site"}, true},
	{"(4) null alone", []string{"Origin", "null"}, false},
	{"(4) null, same-origin", []string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, true},
	{"(4) null, none", []string{"Origin", "null", "Sec-Fetch-Site", "none"}, false},
	{"(4) null, cross-site", []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, false},
	{"(4) null, same-site", []string{"Origin", "null", "Sec-Fetch-Site", "same-site"}, false},
	{"(4) NULL is no null", []string{"Origin", "NULL", "Sec-Fetch-Site", "same-origin"}, false},
	{"(5) both absent", nil, true},
	{"(5) a Referer tells nothing", []string{"Referer", "https://evil.example/"}, true},
}

// Every route that changes something runs the layer, and so do Require and
// Verify; with a valid token, so that the layer alone decides.
func TestOriginLayer(t *testing.T) {
	s := newSite(t, func(c *aura.Config) {
		c.BaseURL, c.TrustedOrigins = "https://app.example", []string{"https://spa.example", "https://*.in.example"}
	})
	app := s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		switch r.URL.Path {
		case "/require":
			_, _, err = s.auth.Require(r)
		case "/verify":
			err = s.auth.Verify(r)
		case "/signOut":
			_, err = s.auth.SignOut(r)
		case "/update":
			_, _, err = s.auth.UpdateSession(r, func(*aura.User) error { return nil })
		}
		if err != nil {
			s.auth.Deny(w, r, err)
		}
	}))
	m := s.member("u-1")
	token := m.csrf()
	cookies := m.header()
	for _, row := range originRows {
		t.Run(row.rule, func(t *testing.T) {
			for _, target := range []struct{ method, url, path string }{
				{"POST", s.url, "/auth/signOut"}, {"PATCH", s.url, "/auth/session"},
				{"POST", app, "/require"}, {"DELETE", app, "/require"}, {"POST", app, "/verify"}, {"PUT", app, "/verify"}, {"POST", app, "/signOut"}, {"POST", app, "/update"},
			} {
				r := m.on(target.url).do(target.method, target.path, "", append([]string{"X-CSRF-Token", token, "-Cookie", cookies}, row.header...)...)
				if passed := r.status < 300; passed != row.pass {
					t.Errorf("%s %s: status %d, want pass %v", target.method, target.path, r.status, row.pass)
				}
				if !row.pass && r.code(t) != string(aura.CodeOriginRejected) {
					t.Errorf("%s %s: code %s", target.method, target.path, r.code(t))
				}
			}
			// What changes nothing skips it.
			for _, target := range []struct{ url, path string }{{s.url, "/auth/session"}, {s.url, "/auth/csrfToken"}, {app, "/require"}, {app, "/verify"}} {
				if r := m.on(target.url).get(target.path, append([]string{"-Cookie", cookies}, row.header...)...); r.status != http.StatusOK {
					t.Errorf("GET %s: status %d", target.path, r.status)
				}
			}
		})
	}
	t.Run("(1) X-CSRF-Token repeated", func(t *testing.T) {
		for _, second := range []string{token, "x", ""} {
			for _, target := range []struct{ method, url, path string }{{"POST", s.url, "/auth/signOut"}, {"PATCH", s.url, "/auth/session"}, {"POST", app, "/verify"}} {
				r := m.on(target.url).do(target.method, target.path, "", "-Cookie", cookies, "X-CSRF-Token", token, "X-CSRF-Token", second)
				if r.status != http.StatusForbidden || r.code(t) != string(aura.CodeOriginRejected) {
					t.Errorf("%s: status %d, code %s", target.path, r.status, r.code(t))
				}
			}
		}
	})
	t.Run("before the body is looked at", func(t *testing.T) {
		r := m.do("PATCH", "/auth/session", "{", "Content-Type", "text/html", "Origin", "https://evil.example")
		if r.status != http.StatusForbidden {
			t.Errorf("status %d", r.status)
		}
	})
	t.Run("a form keeps the status", func(t *testing.T) {
		r := m.form("/auth/signOut", map[string][]string{"csrfToken": {token}}, "Origin", "https://evil.example", "Accept", "text/html")
		if r.status != http.StatusForbidden || r.header.Get("Location") != "" {
			t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
		}
	})
	t.Run("without BaseURL the request's own host serves", func(t *testing.T) {
		local := newSite(t, nil)
		g := local.member("u-1")
		token := g.csrf()
		for origin, pass := range map[string]bool{local.url: true, strings.Replace(local.url, "127.0.0.1", "localhost", 1): false, "https" + strings.TrimPrefix(local.url, "http"): false} {
			r := g.do("PATCH", "/auth/session", `{}`, "Content-Type", jsonType, "X-CSRF-Token", token, "Origin", origin)
			if (r.status == http.StatusOK) != pass {
				t.Errorf("%s: status %d", origin, r.status)
			}
		}
	})
	t.Run("without TrustedOrigins nobody else is", func(t *testing.T) {
		alone := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example" })
		g := alone.member("u-1")
		if r := g.do("PATCH", "/auth/session", `{}`, "Content-Type", jsonType, "X-CSRF-Token", g.csrf(), "Origin", "https://spa.example"); r.status != http.StatusForbidden {
			t.Errorf("status %d", r.status)
		}
	})
}
