package aura_test

import (
	"crypto/tls"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// CK-01, CK-03: names and attributes of every cookie, for each way of setting
// them up, over a whole life: sign-in, session, CSRF token, sign-out.
func TestCookieAttributes(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*aura.Config)
		names   names
		secure  bool
		domain  string // of the session
		request []string
	}{
		{"http on loopback", nil, plainNames, false, "", nil},
		{"https", func(c *aura.Config) { c.BaseURL = "https://app.example" }, secureNames, true, "", nil},
		{"https on loopback", func(c *aura.Config) { c.BaseURL = "https://localhost:8443" }, secureNames, true, "", nil},
		{"https with the host prefix", func(c *aura.Config) {
			c.BaseURL, c.Cookies.HostPrefix = "https://app.example", true
		}, names{"__Host-aura-auth.session_token", secureNames.csrf, secureNames.flow}, true, "", nil},
		{"https with a domain", func(c *aura.Config) {
			c.BaseURL, c.Cookies.Domain = "https://app.example.com", ".Example.com"
		}, secureNames, true, "example.com", nil},
		{"https behind a proxy", func(c *aura.Config) {
			c.TrustedHosts, c.TrustedProxies = []string{"app.example"}, loopbackProxies()
		}, secureNames, true, "", []string{"Host", "internal", "X-Forwarded-Host", "app.example", "X-Forwarded-Proto", "https"}},
		{"https behind a proxy with Forwarded", func(c *aura.Config) {
			c.TrustedHosts, c.TrustedProxies, c.ForwardedHeader = []string{"app.example"}, loopbackProxies(), true
		}, secureNames, true, "", []string{"Forwarded", "host=app.example;proto=https"}},
		{"another prefix", func(c *aura.Config) { c.Cookies.Prefix = "shop" }, names{"shop.session_token", "shop.csrf_token", "shop.flow."}, false, "", nil},
		{"http where that is allowed", func(c *aura.Config) {
			c.BaseURL, c.DangerouslyAllowInsecureHTTP = "http://app.example", true
		}, plainNames, false, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, func(c *aura.Config) {
				if test.change != nil {
					test.change(c)
				}
			})
			g := s.guest()
			g.names = test.names
			check := func(r reply, deleted bool, want ...string) {
				t.Helper()
				var got []string
				for _, c := range setCookies(t, r.header) {
					kind := c.Name
					if strings.HasPrefix(c.Name, test.names.flow) {
						if len(c.Name) != len(test.names.flow)+16 {
							t.Errorf("flow cookie %s", c.Name)
						}
						kind = "flow"
					}
					switch c.Name {
					case test.names.session:
						kind = "session"
					case test.names.csrf:
						kind = "csrf"
					}
					if (c.MaxAge < 0) == deleted || kind == "flow" {
						got = append(got, kind)
					}
					sameSite := http.SameSiteLaxMode
					if kind == "csrf" {
						sameSite = http.SameSiteStrictMode
					}
					domain := ""
					if kind == "session" {
						domain = test.domain
					}
					if c.Secure != test.secure || !c.HttpOnly || c.Path != "/" || c.SameSite != sameSite || c.Domain != domain {
						t.Errorf("%s", c.Raw)
					}
					if c.MaxAge < 0 && (c.Value != "" || c.Expires.Year() != 1970) {
						t.Errorf("a deletion: %s", c.Raw)
					}
					// CK-08: both say when the cookie ends, reckoned now.
					if c.MaxAge > 0 && !c.Expires.Equal(s.clock.now().Add(time.Duration(c.MaxAge)*time.Second)) {
						t.Errorf("Max-Age %d and Expires %v differ", c.MaxAge, c.Expires)
					}
				}
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("cookies %q, want %q", got, want)
				}
			}
			s.clock.add(time.Hour)
			start := g.get("/auth/signIn/gh", test.request...)
			check(start, false, "flow")
			if want := 600; setCookies(t, start.header)[0].MaxAge != want {
				t.Errorf("the flow lives %d s", setCookies(t, start.header)[0].MaxAge)
			}
			s.clock.add(time.Minute)
			check(g.get(callback(t, start.header.Get("Location")), test.request...), false, "csrf", "flow", "session")
			if got := slices.Sorted(maps.Keys(g.cookies)); !slices.Equal(got, slices.Sorted(slices.Values([]string{test.names.csrf, test.names.session}))) {
				t.Errorf("after the sign-in: %q", got)
			}
			if g.subject(test.request...) != "u-1" {
				t.Error("nobody is signed in")
			}
			token, _ := g.get("/auth/csrfToken", test.request...).json(t)["csrfToken"].(string)
			check(g.form("/auth/signOut", url.Values{"csrfToken": {token}}, test.request...), true, "csrf", "session")
			if len(g.cookies) != 0 {
				t.Errorf("left: %v", g.cookies)
			}
		})
	}
}

// CK-02, CK-11: the schemes have names of their own, and only those of the
// public origin's scheme are ever read.
func TestSchemesNeverMix(t *testing.T) {
	s := newSite(t, func(c *aura.Config) {
		c.TrustedHosts, c.TrustedProxies = []string{"app.example"}, loopbackProxies()
	})
	value := s.seal(s.claims("u-1"))
	https := []string{"X-Forwarded-Proto", "https"}
	for _, test := range []struct {
		cookie        string
		plain, secure string // who is signed in over http, https
	}{
		{plainNames.session + "=" + value, "u-1", ""},
		{secureNames.session + "=" + value, "", "u-1"},
		{"__Host-aura-auth.session_token=" + value, "", ""}, // the other option's name
		{plainNames.session + "=" + value + "; " + secureNames.session + "=" + s.seal(s.claims("u-2")), "u-1", "u-2"},
	} {
		if got := s.guest().subject("-Cookie", test.cookie); got != test.plain {
			t.Errorf("%.40s over http: %q, want %q", test.cookie, got, test.plain)
		}
		if got := s.guest().subject(append(https, "-Cookie", test.cookie)...); got != test.secure {
			t.Errorf("%.40s over https: %q, want %q", test.cookie, got, test.secure)
		}
	}
	if r := s.guest().get("/auth/csrfToken", "Host", "app.example"); r.status != http.StatusMisdirectedRequest {
		t.Errorf("plain http on a public host: status %d", r.status)
	}
	t.Run("TLS of our own", func(t *testing.T) {
		secure := httptest.NewTLSServer(s.auth)
		defer secure.Close()
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		defer client.CloseIdleConnections()
		req, err := http.NewRequest("GET", secure.URL+"/auth/csrfToken", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-Proto", "https")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if c := resp.Cookies(); len(c) != 1 || c[0].Name != secureNames.csrf || !c[0].Secure {
			t.Errorf("cookies %v", c)
		}
	})
	t.Run("a flow of one scheme does not end in the other", func(t *testing.T) {
		g := s.guest()
		start := g.get("/auth/signIn/gh", https...)
		if r := g.get(callback(t, start.header.Get("Location"))); r.status != http.StatusBadRequest || g.subject() != "" {
			t.Errorf("status %d", r.status)
		}
	})
}

// CK-05: a real cookie jar is empty after a sign-out, and the lines are taken
// by one that checks Secure and Domain.
func TestJarIsEmptied(t *testing.T) {
	for _, domain := range []string{"", "example.com"} {
		s := newSite(t, func(c *aura.Config) { c.BaseURL, c.Cookies.Domain = "https://app.example.com", domain })
		g := s.guest()
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		at := &url.URL{Scheme: "https", Host: "app.example.com", Path: "/auth/"}
		take := func(r reply) {
			// The jar judges by the wall clock; the site's clock stands still.
			lines := setCookies(t, r.header)
			for _, c := range lines {
				c.Expires = time.Time{}
			}
			jar.SetCookies(at, lines)
		}
		start := g.get("/auth/signIn/gh")
		take(start)
		g.get("/auth/signIn/gh") // a second tab, never finished, in another answer
		r := g.get(callback(t, start.header.Get("Location")))
		take(r)
		if n := len(jar.Cookies(at)); n != 2 {
			t.Errorf("domain %q: %d cookies after the sign-in: %v", domain, n, jar.Cookies(at))
		}
		sibling := len(jar.Cookies(&url.URL{Scheme: "https", Host: "other.example.com", Path: "/"}))
		if (domain != "") != (sibling == 1) {
			t.Errorf("domain %q: a sibling host has %d cookies", domain, sibling)
		}
		if n := len(jar.Cookies(&url.URL{Scheme: "http", Host: "app.example.com", Path: "/"})); n != 0 {
			t.Errorf("domain %q: %d cookies go over http", domain, n)
		}
		take(g.form("/auth/signOut", url.Values{"csrfToken": {g.csrf()}}))
		if left := jar.Cookies(at); len(left) != 0 {
			t.Errorf("domain %q: left %v", domain, left)
		}
	}
}

// CK-08: no cookie outlives what browsers allow, and what it holds.
func TestCookieLifetimes(t *testing.T) {
	for maxAge, want := range map[time.Duration]int{time.Hour: 3600, 400 * day: 400 * 86400, 4000 * day: 400 * 86400} {
		s := newSite(t, func(c *aura.Config) { c.Session.MaxAge = maxAge })
		g := s.guest()
		r := g.signIn()
		for _, name := range []string{g.names.session, g.names.csrf} {
			if c := cookieLine(t, r, name); c == nil || c.MaxAge != want {
				t.Errorf("MaxAge %v: %s has %v", maxAge, name, c)
			}
		}
		s.clock.add(maxAge / 2)
		if c := cookieLine(t, g.patch(`{}`), g.names.session); c == nil || c.MaxAge != min(want, int(maxAge/time.Second/2)) {
			t.Errorf("MaxAge %v, half of it gone: %v", maxAge, c)
		}
	}
}
