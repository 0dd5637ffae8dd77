package aura_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/memstore"
)

// newDesk is a bank that takes bearer tokens.
func newDesk(t *testing.T, change func(*aura.Config)) (*site, *accounts) {
	t.Helper()
	return newBank(t, func(c *aura.Config) {
		c.Bearer = true
		c.Session.UpdatableFields = []string{"name"}
		c.SignUp.Create = func(context.Context, aura.SignUpForm) (aura.User, error) {
			return aura.User{Subject: "user-new"}, nil
		}
		if change != nil {
			change(c)
		}
	})
}

// Who a request is from, by its Authorization lines and a cookie of somebody
// else. Once the scheme Bearer is there, the cookie does not count: a bad token
// is no session, and never that of the cookie.
func TestBearer(t *testing.T) {
	for _, mode := range []aura.TokenMode{aura.SealedToken, aura.SignedToken, aura.EncryptedToken} {
		t.Run(string(mode), func(t *testing.T) {
			s, _ := newDesk(t, func(c *aura.Config) { c.Session.Token = mode })
			good := s.seal(s.claims("u-bearer"))
			expired := s.seal(s.claims("u-bearer").with("exp", s.clock.now().Unix()))
			csrf := s.signCSRF(s.csrfClaims("sid-of-u-bearer"))
			cookie := s.member("u-cookie")
			for _, test := range []struct {
				name  string
				lines []string
				want  string
			}{
				{"none", nil, "u-cookie"},
				{"Bearer", []string{"Bearer " + good}, "u-bearer"},
				{"the scheme's case does not matter", []string{"bEaReR " + good}, "u-bearer"},
				{"several spaces", []string{"Bearer   " + good}, "u-bearer"},
				{"a tab is no space", []string{"Bearer\t" + good}, ""},
				{"no token", []string{"Bearer"}, ""},
				{"an empty token", []string{"Bearer "}, ""},
				{"a bogus token", []string{"Bearer bogus"}, ""},
				{"an expired token", []string{"Bearer " + expired}, ""},
				{"a CSRF token", []string{"Bearer " + csrf}, ""},
				{"a token of another mode's shape", []string{"Bearer a.b.c"}, ""},
				{"more behind the token", []string{"Bearer " + good + " x"}, ""},
				{"two tokens in a line", []string{"Bearer " + good + ", Bearer " + good}, ""},
				{"two lines", []string{"Bearer " + good, "Bearer " + good}, ""},
				{"two lines, Basic first", []string{"Basic YTpi", "Bearer " + good}, ""},
				{"two lines, Basic last", []string{"Bearer " + good, "Basic YTpi"}, ""},
				{"the length limit", []string{"Bearer " + strings.Repeat("a", 12<<10)}, ""},
				{"Basic", []string{"Basic YTpi"}, "u-cookie"},
				{"DPoP", []string{"DPoP " + good}, "u-cookie"},
				{"another scheme that begins alike", []string{"Bearerer " + good}, "u-cookie"},
				{"the token without a scheme", []string{good}, "u-cookie"},
				{"empty", []string{""}, "u-cookie"},
			} {
				t.Run(test.name, func(t *testing.T) {
					var header []string
					for _, line := range test.lines {
						header = append(header, "Authorization", line)
					}
					r := cookie.get("/auth/session", header...)
					if got := cookie.subject(header...); got != test.want {
						t.Errorf("the session is of %q, want %q", got, test.want)
					}
					if len(r.written()) > 0 {
						t.Errorf("cookies were written: %q", r.written())
					}
				})
			}
		})
	}
}

// Without Config.Bearer the header is nobody's business.
func TestBearerOff(t *testing.T) {
	s, _ := newBank(t, nil)
	token := "Bearer " + s.seal(s.claims("u-bearer"))
	if got := s.guest().subject("Authorization", token); got != "" {
		t.Errorf("a bearer token was taken: %q", got)
	}
	g := s.member("u-cookie")
	if got := g.subject("Authorization", token); got != "u-cookie" {
		t.Errorf("the session is of %q, want u-cookie", got)
	}
	r := g.do("PATCH", "/auth/session", `{}`, "Content-Type", jsonType, "Authorization", token)
	if r.status != http.StatusForbidden || r.code(t) != string(aura.CodeCSRFMissing) {
		t.Errorf("PATCH without a CSRF token: %d %s", r.status, r.body)
	}
	// Nor does token=true change a sign-in.
	r = s.guest().do("POST", "/auth/signIn/credentials?token=true&redirect=false", `{"username":"ada","password":"right"}`, "Content-Type", jsonType)
	if r.status != http.StatusForbidden {
		t.Errorf("sign-in without a CSRF token: %d", r.status)
	}
	g = s.guest()
	csrf := g.csrf()
	r = g.do("POST", "/auth/signIn/credentials?token=true&redirect=false", `{"username":"ada","password":"right"}`, "Content-Type", jsonType, "X-CSRF-Token", csrf)
	if _, given := r.json(t)["token"]; r.status != http.StatusOK || given || g.subject() != "user-ada" {
		t.Errorf("status %d, body %s", r.status, r.body)
	}
}

// The routes that need nothing but a session take a bearer token in place of the
// CSRF token; the origin layer stays. A bogus token opens nothing, beside a
// cookie with whose session the request would have been allowed, too.
func TestBearerAndCSRF(t *testing.T) {
	routes := []struct {
		method, path, body string
		status             int
		code               aura.Code
	}{
		{"PATCH", "/auth/session?redirect=false", `{"user":{"name":"Countess"}}`, 200, ""},
		{"POST", "/auth/signOut?redirect=false", "", 202, ""},
		{"DELETE", "/auth/providers/gh", "", 401, aura.CodeNotConnected},
		{"GET", "/auth/providers/gh/tokens", "", 401, aura.CodeNotConnected},
		{"POST", "/auth/providers/gh/tokens/revoke", "", 401, aura.CodeNotConnected},
		{"POST", "/auth/providers/gh/user/refresh", "", 401, aura.CodeNotConnected},
	}
	s, _ := newDesk(t, nil)
	good := "Bearer " + s.seal(s.claims("u-bearer"))
	for _, route := range routes {
		t.Run(route.method+" "+route.path, func(t *testing.T) {
			send := func(g *guest, header ...string) reply {
				if route.body != "" {
					header = append(header, "Content-Type", jsonType)
				}
				return g.do(route.method, route.path, route.body, header...)
			}
			failed := func(r reply) aura.Code {
				if r.status < 300 {
					return ""
				}
				return aura.Code(r.code(t))
			}
			cookieToken := s.signCSRF(s.csrfClaims("sid-of-u-cookie"))
			for _, test := range []struct {
				name   string
				header []string
				status int
				code   aura.Code
			}{
				{"a valid token", []string{"Authorization", good}, route.status, route.code},
				{"from our own origin", []string{"Authorization", good, "Origin", s.url, "Sec-Fetch-Site", "same-origin"}, route.status, route.code},
				{"from another origin", []string{"Authorization", good, "Origin", "https://evil.example"}, 403, aura.CodeOriginRejected},
				{"from another site", []string{"Authorization", good, "Sec-Fetch-Site", "cross-site"}, 403, aura.CodeOriginRejected},
				{"a bogus token", []string{"Authorization", "Bearer bogus"}, 401, aura.CodeNoSession},
				{"a bogus token and the CSRF token of the cookie", []string{"Authorization", "Bearer bogus", "X-CSRF-Token", cookieToken}, 401, aura.CodeNoSession},
				{"no token at all", []string{"Authorization", "Bearer"}, 401, aura.CodeNoSession},
				{"twice", []string{"Authorization", good, "Authorization", good}, 401, aura.CodeNoSession},
				{"another scheme", []string{"Authorization", "Basic YTpi"}, 403, aura.CodeCSRFMissing},
			} {
				g := s.member("u-cookie")
				before := g.header()
				r := send(g, test.header...)
				if r.status != test.status || failed(r) != test.code {
					t.Errorf("%s: %d %s, want %d %s", test.name, r.status, r.body, test.status, test.code)
				}
				if strings.HasPrefix(test.header[1], "Bearer") && (len(r.written()) > 0 || g.header() != before) {
					t.Errorf("%s: cookies were written: %q", test.name, r.written())
				}
			}
		})
	}
}

// Sign-ins never go without the CSRF token, whatever comes in Authorization.
func TestBearerSignInNeedsCSRF(t *testing.T) {
	s, table := newDesk(t, nil)
	good := "Bearer " + s.seal(s.claims("u-bearer"))
	for _, path := range []string{"/auth/signIn/credentials", "/auth/signUp"} {
		for _, query := range []string{"?redirect=false", "?redirect=false&token=true"} {
			for name, header := range map[string][]string{
				"a valid token": {"Authorization", good},
				"a bogus token": {"Authorization", "Bearer bogus"},
				"none":          {},
			} {
				r := s.guest().do("POST", path+query, `{"username":"ada","password":"right"}`, append(header, "Content-Type", jsonType)...)
				if r.status != http.StatusForbidden || r.code(t) != string(aura.CodeCSRFMissing) || len(r.written()) > 0 {
					t.Errorf("%s%s with %s: %d %s", path, query, name, r.status, r.body)
				}
			}
			// The cookie's token does not help a bogus bearer: the cookie is not looked at.
			g := s.guest()
			csrf := g.csrf()
			r := g.do("POST", path+query, `{"username":"ada","password":"right"}`, "Content-Type", jsonType, "X-CSRF-Token", csrf, "Authorization", "Bearer bogus")
			if r.status != http.StatusForbidden || r.code(t) != string(aura.CodeCSRFMissing) {
				t.Errorf("%s%s with the cookie's token and a bogus bearer: %d %s", path, query, r.status, r.body)
			}
		}
	}
	if table.calls() > 0 {
		t.Errorf("passwords were looked at: %q", table.names())
	}
}

// The token is in the body of a sign-in that asks for it, and then no cookie
// is; a request that any browser could have sent does not get it.
func TestTokenInBody(t *testing.T) {
	s, table := newDesk(t, nil)
	for _, path := range []string{"/auth/signIn/credentials", "/auth/signUp"} {
		g := s.guest()
		csrf := g.csrf()
		cookies := g.header()
		ask := func(query string, header ...string) reply {
			return g.do("POST", path+query, `{"username":"ada","password":"right"}`, append(header, "Content-Type", jsonType, "X-CSRF-Token", csrf)...)
		}
		for _, header := range [][]string{
			{"Origin", s.url}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Dest", "empty"},
			{"Origin", s.url, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"},
		} {
			r := ask("?redirect=false&token=true", header...)
			if r.status != http.StatusForbidden || r.code(t) != string(aura.CodeOriginRejected) || len(r.written()) > 0 {
				t.Errorf("%s with %q: %d %s", path, header, r.status, r.body)
			}
		}
		r := g.form(path+"?token=true", url.Values{"username": {"ada"}, "password": {"right"}, "csrfToken": {csrf}})
		if r.status != http.StatusUnsupportedMediaType || len(r.written()) > 0 {
			t.Errorf("%s by a form: %d %s", path, r.status, r.body)
		}
		if path == "/auth/signIn/credentials" && table.calls() > 0 {
			t.Errorf("passwords were looked at: %q", table.names())
		}

		r = ask("?redirect=false&token=true")
		body := r.json(t)
		token, _ := body["token"].(string)
		expires, _ := body["expires"].(string)
		if r.status != http.StatusOK || token == "" || expires != s.clock.now().Add(s.maxAge()).Format("2006-01-02T15:04:05.000Z") {
			t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		if len(r.written()) > 0 || g.header() != cookies {
			t.Errorf("%s: cookies beside the token: %q", path, r.written())
		}
		if got := s.guest().subject("Authorization", "Bearer "+token); !strings.HasPrefix(got, "user-") {
			t.Errorf("%s: the token is of %q", path, got)
		}
		if strings.Contains(s.log.String(), token) {
			t.Errorf("%s: the token is in the log", path)
		}

		// Not asked for, it stays in the cookie.
		for _, query := range []string{"?redirect=false", "?redirect=false&token=false", "?redirect=false&token=1"} {
			g := s.guest()
			r := g.do("POST", path+query, `{"username":"ada","password":"right"}`, "Content-Type", jsonType, "X-CSRF-Token", g.csrf())
			if _, given := r.json(t)["token"]; r.status != http.StatusOK || given || g.subject() == "" {
				t.Errorf("%s%s: %d %s", path, query, r.status, r.body)
			}
		}
	}
}

// Whoever has a session by token can sign in as somebody else with its CSRF
// token, and gets the new token.
func TestBearerSignsInAnew(t *testing.T) {
	s, _ := newDesk(t, nil)
	bearer := "Bearer " + s.seal(s.claims("u-bearer"))
	g := s.guest()
	csrf, _ := g.get("/auth/csrfToken", "Authorization", bearer).json(t)["csrfToken"].(string)
	if len(g.cookies) > 0 {
		t.Errorf("the token's cookie was set: %q", g.header())
	}
	r := g.do("POST", "/auth/signIn/credentials?redirect=false", `{"username":"ada","password":"right"}`,
		"Content-Type", jsonType, "X-CSRF-Token", csrf, "Authorization", bearer)
	token, _ := r.json(t)["token"].(string)
	if r.status != http.StatusOK || len(g.cookies) > 0 || g.subject("Authorization", "Bearer "+token) != "user-ada" {
		t.Errorf("%d %s, cookies %q", r.status, r.body, g.header())
	}
	r = g.do("POST", "/auth/signIn/credentials?redirect=false", `{"username":"ada","password":"right"}`,
		"Content-Type", jsonType, "X-CSRF-Token", csrf, "Authorization", bearer, "Origin", s.url)
	if r.status != http.StatusForbidden || r.code(t) != string(aura.CodeOriginRejected) {
		t.Errorf("from a page: %d %s", r.status, r.body)
	}
}

// A renewal and an update answer the new token beside the session; the policy is
// that of cookies.
func TestBearerRenewal(t *testing.T) {
	for _, policy := range []aura.Expiration{aura.AbsoluteExpiration, aura.FixedExpiration, aura.RollingExpiration, aura.SlidingExpiration} {
		t.Run(string(policy), func(t *testing.T) {
			s, _ := newDesk(t, func(c *aura.Config) { c.Session.Expiration, c.Session.MaxAge = policy, 10*day })
			g, first := s.guest(), s.seal(s.claims("u-1"))
			s.clock.add(9 * day)
			r := g.get("/auth/session", "Authorization", "Bearer "+first)
			renews := policy == aura.RollingExpiration || policy == aura.SlidingExpiration
			token, given := r.json(t)["token"].(string)
			if r.status != http.StatusOK || given != renews {
				t.Fatalf("GET: %d %s", r.status, r.body)
			}
			if renews {
				if c := s.open(token); c.number("exp") != s.clock.now().Add(10*day).Unix() || c["jti"] == "jti-of-u-1" {
					t.Errorf("the new token says %v", c)
				}
			}
			r = g.do("PATCH", "/auth/session?redirect=false", `{"user":{"name":"Countess"}}`, "Content-Type", jsonType, "Authorization", "Bearer "+first)
			token, _ = r.json(t)["token"].(string)
			if r.status != http.StatusOK || token == "" || g.user("Authorization", "Bearer "+token)["name"] != "Countess" {
				t.Errorf("PATCH: %d %s", r.status, r.body)
			}
			if r := g.do("HEAD", "/auth/session", "", "Authorization", "Bearer "+first); r.status != http.StatusOK {
				t.Errorf("HEAD: %d", r.status)
			}
			if len(g.cookies) > 0 {
				t.Errorf("cookies were set: %q", g.header())
			}
		})
	}
}

// Without a store a token cannot be ended, and the answer says so. The cookies
// of the same client are another session, and stay.
func TestBearerSignOut(t *testing.T) {
	s, _ := newDesk(t, nil)
	g := s.member("u-cookie")
	r := g.do("POST", "/auth/signOut?redirect=false", "", "Authorization", "Bearer "+s.seal(s.claims("u-bearer")))
	if ended, said := r.json(t)["ended"].(bool); r.status != http.StatusAccepted || !said || ended || g.subject() != "u-cookie" {
		t.Errorf("%d %s", r.status, r.body)
	}
	r = g.form("/auth/signOut", url.Values{}, "Authorization", "Bearer bogus")
	if r.status != http.StatusSeeOther || !strings.Contains(r.header.Get("Location"), string(aura.CodeNoSession)) || g.subject() != "u-cookie" {
		t.Errorf("a form with a bogus token: %d %q %s", r.status, r.header.Get("Location"), r.body)
	}
}

// A session in a cookie never becomes a token that scripts could read.
func TestCookieSessionsStayCookies(t *testing.T) {
	s, _ := newDesk(t, func(c *aura.Config) { c.Session.Expiration = aura.RollingExpiration })
	g := s.member("u-1")
	for name, r := range map[string]reply{
		"GET":              g.get("/auth/session?token=true"),
		"PATCH":            g.do("PATCH", "/auth/session?token=true&redirect=false", `{"user":{"name":"Countess"}}`, "Content-Type", jsonType, "X-CSRF-Token", g.csrf()),
		"GET beside Basic": g.get("/auth/session?token=true", "Authorization", "Basic YTpi"),
	} {
		if _, given := r.json(t)["token"]; r.status != http.StatusOK || given || len(r.written()) == 0 {
			t.Errorf("%s: %d %s, cookies %q", name, r.status, r.body, r.written())
		}
	}
}

// With a store a sign-out ends the token, every copy of it; while the store is
// away, nothing is said to have ended.
func TestBearerSignOutWithStore(t *testing.T) {
	store := &moodyStore{}
	s, _ := newDesk(t, func(c *aura.Config) {
		store.Store = memstore.New(c.Now)
		c.Store = store
	})
	g, bearer := s.guest(), "Bearer "+s.seal(s.claims("u-1"))
	store.moodOf(func() error { return errors.New("away") })
	for _, r := range []reply{g.get("/auth/session", "Authorization", bearer), g.do("POST", "/auth/signOut?redirect=false", "", "Authorization", bearer)} {
		r.wantRefusal(t, 503, aura.CodeUnavailable)
	}
	store.mood(nil)
	r := g.do("POST", "/auth/signOut?redirect=false", "", "Authorization", bearer)
	if r.status != http.StatusAccepted || r.json(t)["ended"] != true {
		t.Errorf("%d %s", r.status, r.body)
	}
	g.get("/auth/session", "Authorization", bearer).wantRefusal(t, 401, aura.CodeNoSession)
}
