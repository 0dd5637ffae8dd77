package aura_test

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// unchanged runs a request that must be refused and change nothing.
func unchanged(t *testing.T, g *guest, status int, code aura.Code, send func() reply) {
	t.Helper()
	before := maps.Clone(g.cookies)
	r := send()
	if r.status != status || r.code(t) != string(code) {
		t.Errorf("status %d, code %s; want %d, %s", r.status, r.code(t), status, code)
	}
	if len(r.header["Set-Cookie"]) != 0 || !maps.Equal(before, g.cookies) {
		t.Errorf("a refused request writes cookies: %q", r.header["Set-Cookie"])
	}
}

// The catalogue's B.5, each case with a session and without one, on the routes
// that this library has.
func TestCSRF(t *testing.T) {
	const forbidden = http.StatusForbidden
	signOut := func(g *guest, header ...string) func() reply {
		return func() reply { return g.do("POST", "/auth/signOut", "", header...) }
	}
	patch := func(g *guest, header ...string) func() reply {
		return func() reply {
			return g.do("PATCH", "/auth/session", `{"user":{"name":"X"}}`, append([]string{"Content-Type", jsonType}, header...)...)
		}
	}
	open := func(t *testing.T) *site {
		t.Helper()
		return newSite(t, func(c *aura.Config) { c.Session.UpdatableFields = []string{"name"} })
	}

	t.Run("CS-01 without a token", func(t *testing.T) {
		s := open(t)
		for name, g := range map[string]*guest{"member": s.member("u-1"), "guest": s.guest()} {
			g.csrf() // the cookie alone must not do
			unchanged(t, g, forbidden, aura.CodeCSRFMissing, signOut(g))
			unchanged(t, g, forbidden, aura.CodeCSRFMissing, signOut(g, "Content-Type", jsonType, "X-CSRF-Token", ""))
			if name == "member" {
				unchanged(t, g, forbidden, aura.CodeCSRFMissing, patch(g))
			}
		}
		g := s.member("u-1")
		before := maps.Clone(g.cookies)
		r := g.form("/auth/signOut", url.Values{"redirectTo": {"/bye"}})
		if r.status != http.StatusSeeOther || r.header.Get("Location") != "/login?error=CSRF_TOKEN_MISSING&redirectTo=%2Fbye" || !maps.Equal(before, g.cookies) {
			t.Errorf("form: status %d, Location %q", r.status, r.header.Get("Location"))
		}
	})

	t.Run("CS-02 tokens that are none", func(t *testing.T) {
		s := open(t)
		bound, unbound := s.csrfClaims("sid-of-u-1"), s.csrfClaims("")
		good, goodUnbound := s.signCSRF(bound), s.signCSRF(unbound)
		values := map[string]string{
			"garbage": "garbage", "null": "null", "undefined": "undefined", "dots": "..", "a session": s.seal(s.claims("u-1")),
			"truncated": good[:len(good)-1], "altered": good[:len(good)-3] + "AAA", "extended": good + "A", "two in one": good + ", " + good, "20 KiB": strings.Repeat("A", 20<<10),
			"another secret": strings.Join(append(strings.Split(good, ".")[:2], strings.Split(goodUnbound, ".")[2]), "."),
		}
		for name, change := range map[string]func(claimSet) claimSet{
			"expired": func(c claimSet) claimSet { return c.with("exp", s.clock.now().Unix()) }, "no exp": func(c claimSet) claimSet { return c.without("exp") },
			"not yet": func(c claimSet) claimSet { return c.with("nbf", s.clock.now().Unix()+151) }, "from the future": func(c claimSet) claimSet { return c.with("iat", s.clock.now().Unix()+151) },
			"no iat": func(c claimSet) claimSet { return c.without("iat") }, "no jti": func(c claimSet) claimSet { return c.without("jti") },
			"no token": func(c claimSet) claimSet { return c.without("token") }, "token is a number": func(c claimSet) claimSet { return c.with("token", 7) },
			"token of 33 bytes":   func(c claimSet) claimSet { return c.with("token", "Y3NyZi10b2tlbi12YWx1ZS0wMTIzNDU2Nzg5YWJjZGVm") },
			"also a session":      func(c claimSet) claimSet { return c.with("sub", "u-1") },
			"bound is not a bool": func(c claimSet) claimSet { return c.with("bound", "true") },
		} {
			values[name], values[name+", unbound"] = s.signCSRF(change(bound)), s.signCSRF(change(unbound))
		}
		m := s.member("u-1")
		for name, value := range values {
			unchanged(t, m, forbidden, aura.CodeCSRFMismatch, patch(m, "X-CSRF-Token", value))
			unchanged(t, m, forbidden, aura.CodeCSRFMismatch, signOut(m, "X-CSRF-Token", value))
			g := s.guest()
			g.cookies[g.names.csrf] = goodUnbound
			unchanged(t, g, forbidden, aura.CodeCSRFMismatch, signOut(g, "X-CSRF-Token", value))
			if strings.ContainsAny(value, ", ") || value == "" {
				continue
			}
			g.cookies[g.names.csrf] = value // a bad cookie beside a good header
			unchanged(t, g, forbidden, aura.CodeCSRFMismatch, signOut(g, "X-CSRF-Token", goodUnbound))
			unchanged(t, g, forbidden, aura.CodeCSRFMismatch, signOut(g, "X-CSRF-Token", value)) // the same in both
			if t.Failed() {
				t.Fatalf("at %q", name)
			}
		}
		t.Run("a header of 512 KiB", func(t *testing.T) {
			unchanged(t, m, forbidden, aura.CodeCSRFMismatch, patch(m, "X-CSRF-Token", strings.Repeat("A", 512<<10)))
		})
		t.Run("header only, without a session", func(t *testing.T) {
			g := s.guest()
			unchanged(t, g, forbidden, aura.CodeCSRFMissing, signOut(g, "X-CSRF-Token", goodUnbound))
		})
		t.Run("header only, with a session", func(t *testing.T) { // the cookie is not consulted
			for _, cookie := range []string{"", "garbage", goodUnbound, s.signCSRF(s.csrfClaims("other"))} {
				g := s.member("u-1")
				if cookie != "" {
					g.cookies[g.names.csrf] = cookie
				}
				if r := patch(g, "X-CSRF-Token", good)(); r.status != http.StatusOK {
					t.Errorf("cookie %.10q: status %d", cookie, r.status)
				}
			}
		})
		t.Run("the claim bound is demanded", func(t *testing.T) {
			g := s.member("u-1")
			unchanged(t, g, forbidden, aura.CodeCSRFMismatch, patch(g, "X-CSRF-Token", s.signCSRF(bound.without("bound"))))
			unchanged(t, g, forbidden, aura.CodeCSRFMismatch, patch(g, "X-CSRF-Token", s.signCSRF(bound.with("bound", false))))
		})
		t.Run("a token of an older secret", func(t *testing.T) {
			next := newSite(t, func(c *aura.Config) { c.Secrets = []aura.Secret{otherSecret, testSecret} })
			g := next.member("u-1")
			if r := signOut(g, "X-CSRF-Token", good)(); r.status != http.StatusAccepted {
				t.Errorf("status %d", r.status)
			}
		})
	})

	t.Run("CS-03 the attacker's own pair", func(t *testing.T) {
		s := open(t)
		attacker := s.guest()
		pair := attacker.csrf()
		victim := s.member("u-1")
		victim.cookies[victim.names.csrf] = attacker.cookies[attacker.names.csrf]
		unchanged(t, victim, forbidden, aura.CodeCSRFMismatch, patch(victim, "X-CSRF-Token", pair))
		unchanged(t, victim, forbidden, aura.CodeCSRFMismatch, signOut(victim, "X-CSRF-Token", pair))
		mallory := s.member("u-666")
		theirs := mallory.csrf()
		victim.cookies[victim.names.csrf] = mallory.cookies[mallory.names.csrf]
		unchanged(t, victim, forbidden, aura.CodeCSRFMismatch, patch(victim, "X-CSRF-Token", theirs))
		// An anonymous victim rests on the name and the origin layer (docs/wire.md).
		anonymous := s.guest()
		anonymous.cookies[anonymous.names.csrf] = attacker.cookies[attacker.names.csrf]
		unchanged(t, anonymous, forbidden, aura.CodeOriginRejected, signOut(anonymous, "X-CSRF-Token", pair, "Sec-Fetch-Site", "cross-site"))
		unchanged(t, anonymous, http.StatusUnauthorized, aura.CodeNoSession, signOut(anonymous, "X-CSRF-Token", pair))
	})

	t.Run("CS-04 across a sign-in and a sign-out", func(t *testing.T) {
		s := open(t)
		g := s.guest()
		early, earlyCookie := g.csrf(), g.cookies[g.names.csrf]
		g.signIn()
		unchanged(t, g, forbidden, aura.CodeCSRFMismatch, patch(g, "X-CSRF-Token", early))
		current := g.csrf()
		if r := patch(g, "X-CSRF-Token", current)(); r.status != http.StatusOK {
			t.Fatalf("the present token: status %d", r.status)
		}
		// The session has a new jti now; the page's token stays good.
		if r := patch(g, "X-CSRF-Token", current)(); r.status != http.StatusOK {
			t.Errorf("the token after an update: status %d", r.status)
		}
		g.signIn() // the same user, another session
		unchanged(t, g, forbidden, aura.CodeCSRFMismatch, patch(g, "X-CSRF-Token", current))
		last, lastCookie := g.csrf(), g.cookies[g.names.csrf]
		if r := signOut(g, "X-CSRF-Token", last)(); r.status != http.StatusAccepted {
			t.Fatalf("sign-out: status %d", r.status)
		}
		g.cookies[g.names.csrf] = lastCookie
		unchanged(t, g, forbidden, aura.CodeCSRFMismatch, signOut(g, "X-CSRF-Token", last))
		g.cookies[g.names.csrf] = earlyCookie
		unchanged(t, g, http.StatusUnauthorized, aura.CodeNoSession, signOut(g, "X-CSRF-Token", early))
	})

	t.Run("CS-05 a planted cookie", func(t *testing.T) {
		s := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example" })
		g := s.guest()
		good, planted := g.csrf(), s.signCSRF(s.csrfClaims(""))
		for _, name := range []string{plainNames.csrf, "__Secure-" + plainNames.csrf} {
			unchanged(t, g, forbidden, aura.CodeCSRFMissing, signOut(g, "X-CSRF-Token", planted, "-Cookie", name+"="+planted))
		}
		for _, both := range []string{g.header() + "; " + secureNames.csrf + "=" + planted, secureNames.csrf + "=" + planted + "; " + g.header()} {
			for _, token := range []string{good, planted} {
				unchanged(t, g, forbidden, aura.CodeCSRFMissing, signOut(g, "X-CSRF-Token", token, "-Cookie", both))
			}
		}
	})

	t.Run("CS-06 cross-site with a valid token", func(t *testing.T) {
		s := open(t)
		for _, g := range []*guest{s.member("u-1"), s.guest()} {
			unchanged(t, g, forbidden, aura.CodeOriginRejected, signOut(g, "X-CSRF-Token", g.csrf(), "Sec-Fetch-Site", "cross-site"))
			before := maps.Clone(g.cookies)
			if r := g.form("/auth/signOut", url.Values{"csrfToken": {g.csrf()}}, "Sec-Fetch-Site", "cross-site"); r.status != forbidden || !maps.Equal(before, g.cookies) {
				t.Errorf("form: status %d", r.status)
			}
		}
	})
	t.Run("CS-07 a sibling subdomain", func(t *testing.T) {
		s := open(t)
		for _, g := range []*guest{s.member("u-1"), s.guest()} {
			unchanged(t, g, forbidden, aura.CodeOriginRejected, signOut(g, "X-CSRF-Token", g.csrf(), "Sec-Fetch-Site", "same-site"))
		}
	})
	t.Run("CS-08 and CS-09 other origins", func(t *testing.T) {
		s := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example" })
		for _, g := range []*guest{s.member("u-1"), s.guest()} {
			token := g.csrf()
			for _, origin := range []string{
				"https://evil.example", "null", "https://app.example.evil.example", "https://app.example@evil.example", "https://app.example:8443",
				"http://app.example", "//app.example", "app.example", "https://APP.EXAMPLE", "https://app.example/", "https://app.example:443", "https://app.example.", "https://app.example https://evil.example",
			} {
				unchanged(t, g, forbidden, aura.CodeOriginRejected, signOut(g, "X-CSRF-Token", token, "Origin", origin))
			}
			if r := signOut(g, "X-CSRF-Token", token, "Origin", "https://app.example")(); r.status == forbidden {
				t.Error("our own origin is refused")
			}
		}
	})
	t.Run("CS-10 behind a proxy that ends TLS", func(t *testing.T) {
		configured := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example" })
		g := configured.member("u-1")
		token := g.csrf()
		unchanged(t, g, forbidden, aura.CodeOriginRejected, signOut(g, "X-CSRF-Token", token, "Origin", "https://evil.example", "Referer", "https://evil.example/", "X-Forwarded-Host", "evil.example"))
		unchanged(t, g, forbidden, aura.CodeOriginRejected, signOut(g, "X-CSRF-Token", token, "Origin", g.url))
		told := newSite(t, func(c *aura.Config) {
			c.TrustedHosts, c.TrustedProxies = []string{"app.example"}, loopbackProxies()
		})
		forwarded := []string{"Host", "app.example", "X-Forwarded-Proto", "https"}
		m := told.guest()
		m.cookies[secureNames.session] = told.seal(told.claims("u-1"))
		value, _ := m.get("/auth/csrfToken", forwarded...).json(t)["csrfToken"].(string)
		with := append(forwarded, "X-CSRF-Token", value, "Origin")
		for _, origin := range []string{"https://evil.example", "http://app.example", "https://app.example:80"} {
			unchanged(t, m, forbidden, aura.CodeOriginRejected, signOut(m, append(with, origin)...))
		}
		if r := signOut(m, append(with, "https://app.example")...)(); r.status != http.StatusAccepted {
			t.Errorf("our own origin: status %d\n%s", r.status, r.body)
		}
	})
	t.Run("CS-11 odd TrustedOrigins", func(t *testing.T) {
		for _, entry := range []string{"app.example", "https://app.example/", "https://app.example/x", "*", "https://*", "null", "http://a.example", "https://user@a.example"} {
			cfg := goodConfig()
			cfg.BaseURL, cfg.TrustedOrigins = "https://app.example", []string{entry}
			if _, err := aura.New(cfg); err == nil {
				t.Errorf("%q is accepted", entry)
			}
		}
	})
	t.Run("CS-12 content types", func(t *testing.T) { contentTypes(t, open(t)) })
	t.Run("CS-13 methods", func(t *testing.T) {
		s := open(t)
		g := s.member("u-1")
		token := g.csrf()
		for _, test := range []struct {
			method, path, body string
			status             int
			header             []string
		}{
			{"GET", "/auth/signOut", "", 405, nil},
			{"GET", "/auth/signOut?_method=POST", "", 405, []string{"X-HTTP-Method-Override", "POST"}},
			{"GET", "/auth/session?_method=PATCH", "", 200, []string{"X-HTTP-Method-Override", "PATCH", "X-HTTP-Method", "PATCH", "X-Method-Override", "PATCH"}},
			{"POST", "/auth/session", `{"user":{"name":"X"}}`, 405, []string{"Content-Type", jsonType, "X-HTTP-Method-Override", "PATCH"}},
			{"POST", "/auth/session?_method=PATCH", "_method=PATCH&name=X", 405, []string{"Content-Type", formType}},
			{"DELETE", "/auth/session", "", 405, nil},
			{"PUT", "/auth/session", `{"user":{"name":"X"}}`, 405, []string{"Content-Type", jsonType}},
		} {
			before := maps.Clone(g.cookies)
			r := g.do(test.method, test.path, test.body, append(test.header, "X-CSRF-Token", token)...)
			if r.status != test.status || !maps.Equal(before, g.cookies) || g.user()["name"] != "Ada" {
				t.Errorf("%s %s: status %d, want %d, name %v", test.method, test.path, r.status, test.status, g.user()["name"])
			}
		}
	})
	t.Run("CS-14 login CSRF", func(t *testing.T) {
		s := open(t)
		g := s.guest()
		for _, path := range []string{"/auth/signIn/credentials", "/auth/signIn/gh", "/auth/callback/gh", "/auth/signUp"} {
			r := g.form(path, url.Values{"username": {"mallory"}, "password": {"x"}}, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
			if r.status != 404 && r.status != 405 || len(g.cookies) != 0 {
				t.Errorf("%s: status %d, cookies %v", path, r.status, g.cookies)
			}
		}
	})
	t.Run("CS-15 CORS", func(t *testing.T) { // judge refuses Access-Control-*
		s := open(t)
		g := s.member("u-1")
		for _, origin := range []string{"https://evil.example", "null", s.url} {
			r := g.do("OPTIONS", "/auth/session", "", "Origin", origin, "Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "x-csrf-token")
			if r.status != http.StatusNoContent {
				t.Errorf("preflight: status %d", r.status)
			}
			for _, path := range []string{"/auth/session", "/auth/csrfToken"} {
				r := g.get(path, "Origin", origin)
				if strings.Contains(mustJSON(t, r.header)+r.body, "evil.example") {
					t.Errorf("%s reflects the origin", path)
				}
			}
		}
	})
	t.Run("CS-16 a token in the address", func(t *testing.T) {
		s := open(t)
		g := s.member("u-1")
		q := url.QueryEscape(g.csrf())
		unchanged(t, g, forbidden, aura.CodeCSRFMissing, func() reply {
			return g.do("POST", "/auth/signOut?csrfToken="+q+"&X-CSRF-Token="+q, "")
		})
		unchanged(t, g, forbidden, aura.CodeCSRFMissing, func() reply {
			return g.do("POST", "/auth/signOut", `{"csrfToken":"`+q+`"}`, "Content-Type", jsonType)
		})
		if r := g.do("POST", "/auth/signOut/"+q, ""); r.status != http.StatusNotFound || g.subject() == "" {
			t.Errorf("in the path: status %d", r.status)
		}
	})
	t.Run("CS-17 a caller without a browser", func(t *testing.T) {
		s := open(t)
		g := s.member("u-1")
		unchanged(t, g, forbidden, aura.CodeCSRFMissing, signOut(g))
		if r := signOut(g, "X-CSRF-Token", g.csrf())(); r.status != http.StatusAccepted || len(g.cookies) != 0 {
			t.Errorf("status %d, cookies %v", r.status, g.cookies)
		}
	})
	t.Run("CS-18 other spellings of a path", func(t *testing.T) {
		s := open(t)
		g := s.member("u-1")
		for _, path := range []string{"/auth/x/../signOut", "/auth//signOut", "//auth/signOut", "/auth/signOut/", "/auth/./signOut", "/auth/signOut%2f", "/auth/%73ignOut", "/AUTH/signOut", "/auth/signout", "/auth/signOut;x", "/auth/../admin"} {
			if r := g.do("POST", path, ""); r.status != http.StatusNotFound || g.subject() == "" {
				t.Errorf("%s: status %d", path, r.status)
			}
		}
	})
	t.Run("CS-19 the comparison", func(t *testing.T) {
		s := open(t)
		g := s.member("u-1")
		raw := s.ring.MAC("aura:csrf", []byte("sid-of-u-1"))[0]
		for i := range raw {
			altered := append([]byte(nil), raw...)
			altered[i] ^= 1
			value := s.signCSRF(s.csrfClaims("sid-of-u-1").with("token", base64.RawURLEncoding.EncodeToString(altered)))
			unchanged(t, g, forbidden, aura.CodeCSRFMismatch, patch(g, "X-CSRF-Token", value))
		}
		constantTime(t)
	})
}
