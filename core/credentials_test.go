package aura_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/ratelimit"
)

// accounts is an application's user table. It keeps whom it was asked for.
type accounts struct {
	mu    sync.Mutex
	asked []aura.Credentials
	// answer replaces the table; nil leaves it: ada has the password "right",
	// locked is locked, nobody else is known.
	answer func(ctx context.Context, c aura.Credentials) (aura.User, error)
}

func (a *accounts) authorize(ctx context.Context, c aura.Credentials) (aura.User, error) {
	a.mu.Lock()
	a.asked = append(a.asked, c)
	answer := a.answer
	a.mu.Unlock()
	switch {
	case answer != nil:
		return answer(ctx, c)
	case c.Username == "locked":
		return aura.User{}, aura.ErrAccountLocked
	case c.Username == "ada" && string(c.Password) == "right":
		return aura.User{Subject: "user-ada", Name: "Ada", Email: "ada@example.com"}, nil
	}
	return aura.User{}, aura.ErrInvalidCredentials
}

// become replaces the answer.
func (a *accounts) become(answer func(context.Context, aura.Credentials) (aura.User, error)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = answer
}

// calls is how often Authorize ran, names whom it was asked for.
func (a *accounts) calls() int { return len(a.names()) }

func (a *accounts) names() (names []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.asked {
		names = append(names, c.Username)
	}
	return names
}

// newBank is a site with sign-in by password.
func newBank(t *testing.T, change func(*aura.Config)) (*site, *accounts) {
	t.Helper()
	table := &accounts{}
	return newSite(t, func(c *aura.Config) {
		c.Credentials.Authorize = table.authorize
		if change != nil {
			change(c)
		}
	}), table
}

// password sends JSON to the route, with the guest's CSRF token.
func (g *guest) password(username, password string, header ...string) reply {
	g.t.Helper()
	body := mustJSON(g.t, map[string]string{"username": username, "password": password})
	return g.do("POST", "/auth/signIn/credentials", body, append([]string{"Content-Type", jsonType, "X-CSRF-Token", g.csrf()}, header...)...)
}

// The ways in which a browser, the published client and a page without script
// send credentials, and what each is answered (docs/wire.md).
func TestCredentials(t *testing.T) {
	right := `{"username":"ada","password":"right"}`
	form := url.Values{"username": {"ada"}, "password": {"right"}}
	for _, test := range []struct {
		name, query, kind, body string
		status                  int
		location                string
		want                    map[string]any // nil: no JSON
	}{
		{"JSON", "", jsonType, right, 200, "", map[string]any{"success": true, "redirect": false, "redirectURL": nil}},
		{"text/plain", "", "text/plain;charset=UTF-8", right, 200, "", map[string]any{"success": true, "redirect": false, "redirectURL": nil}},
		{"JSON, redirectTo", "?redirectTo=%2Fafter", jsonType, right, 302, "/after", map[string]any{"success": true, "redirect": true, "redirectURL": nil}},
		{"the published client", "?redirectTo=%2Fafter&redirect=false", "text/plain;charset=UTF-8", right, 200, "", map[string]any{"success": true, "redirect": false, "redirectURL": "/after"}},
		{"redirectTo=undefined", "?redirectTo=undefined&redirect=false", "text/plain;charset=UTF-8", right, 200, "", map[string]any{"success": true, "redirect": false, "redirectURL": nil}},
		{"a foreign target", "?redirectTo=https%3A%2F%2Fevil.example%2F&redirect=false", jsonType, right, 200, "", map[string]any{"success": true, "redirect": false, "redirectURL": "/"}},
		{"more than was asked for", "", jsonType, `{"username":"ada","password":"right","sub":"admin","role":"admin","email_verified":true,"__proto__":{"sub":"admin"}}`, 200, "", map[string]any{"success": true, "redirect": false, "redirectURL": nil}},
		{"form", "?redirectTo=%2Fafter", formType, form.Encode(), 303, "/after", nil},
		{"form without a target", "", formType, form.Encode(), 303, "/", nil},
		{"form, redirect=false", "?redirect=false", formType, form.Encode(), 200, "", map[string]any{"success": true, "redirect": false, "redirectURL": nil}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, table := newBank(t, nil)
			g := s.guest()
			token, body, header := g.csrf(), test.body, []string{"Content-Type", test.kind}
			if test.kind == formType {
				body += "&csrfToken=" + token
			} else {
				header = append(header, "X-CSRF-Token", token)
			}
			r := g.do("POST", "/auth/signIn/credentials"+test.query, body, header...)
			if r.status != test.status || r.header.Get("Location") != test.location {
				t.Fatalf("status %d, Location %q, want %d and %q\n%s", r.status, r.header.Get("Location"), test.status, test.location, r.body)
			}
			if test.want != nil && mustJSON(t, r.json(t)) != mustJSON(t, test.want) {
				t.Errorf("body %s, want %v", r.body, test.want)
			}
			if test.want == nil && r.body != "" {
				t.Errorf("body %q", r.body)
			}
			claims := s.open(g.cookies[g.names.session])
			own, _ := claims["aura"].(map[string]any)
			if own["idp"] != "credentials" || own["iss"] != s.url || claims["role"] != nil || claims["email_verified"] != nil {
				t.Errorf("claims %v", claims)
			}
			if g.subject() != "user-ada" || table.calls() != 1 {
				t.Errorf("signed in as %q after %d calls", g.subject(), table.calls())
			}
			if g.cookies[g.names.csrf] == token || g.csrf() != g.cookies[g.names.csrf] {
				t.Error("the CSRF token of before the sign-in is still the cookie's")
			}
			if r := g.do("POST", "/auth/signOut", "", "X-CSRF-Token", token); r.status != http.StatusForbidden {
				t.Errorf("the token of before signs out: status %d", r.status)
			}
		})
	}
}

// What cannot be credentials is refused before anybody is asked, or counted.
func TestCredentialsIncomplete(t *testing.T) {
	long := strings.Repeat("x", 1025)
	for _, test := range []struct {
		name, kind, body string
		status           int
		detail           string // the field that details names
	}{
		{"nothing", jsonType, `{}`, 422, "username password"},
		{"no body", jsonType, ``, 422, "username password"},
		{"no password", jsonType, `{"username":"ada"}`, 422, "password"},
		{"no user name", jsonType, `{"password":"right"}`, 422, "username"},
		{"an empty password", jsonType, `{"username":"ada","password":""}`, 422, "password"},
		{"an empty user name", jsonType, `{"username":"","password":"right"}`, 422, "username"},
		{"a blank user name", jsonType, `{"username":" \t\u3000","password":"right"}`, 422, "username"},
		{"null", jsonType, `{"username":null,"password":null}`, 422, "username password"},
		{"a number", jsonType, `{"username":"ada","password":7}`, 422, "password"},
		{"an array", jsonType, `{"username":["ada"],"password":"right"}`, 422, "username"},
		{"an object", jsonType, `{"username":{"$ne":1},"password":"right"}`, 422, "username"},
		{"another case", jsonType, `{"Username":"ada","Password":"right"}`, 422, "username password"},
		{"1,025 bytes of password", jsonType, `{"username":"ada","password":"` + long + `"}`, 422, "password"},
		{"513 letters of two bytes", jsonType, `{"username":"ada","password":"` + strings.Repeat("é", 513) + `"}`, 422, "password"},
		{"321 bytes of user name", jsonType, `{"username":"` + long[:321] + `","password":"right"}`, 422, "username"},
		{"NUL in the user name", jsonType, `{"username":"ada\u0000","password":"right"}`, 422, "username"},
		{"zero width in the user name", jsonType, `{"username":"a\u200bda","password":"right"}`, 422, "username"},
		{"right to left", jsonType, `{"username":"\u202eada","password":"right"}`, 422, "username"},
		{"form, two user names", formType, `username=ada&username=bob&password=right`, 422, "username"},
		{"form, two passwords", formType, `username=ada&password=right&password=wrong`, 422, "password"},
		{"form, not UTF-8", formType, `username=ada%ff&password=right`, 422, "username"},
		{"no object", jsonType, `["ada","right"]`, 400, ""},
		{"1 MiB of password", jsonType, `{"username":"ada","password":"` + strings.Repeat("x", 1<<20) + `"}`, 413, ""},
		{"text/xml", "text/xml", `<a/>`, 415, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, table := newBank(t, func(c *aura.Config) {
				c.Limits.Credentials = ratelimit.Rule{Limit: 1, Window: time.Minute}
			})
			g := s.guest()
			token := g.csrf()
			for range 3 { // more than the limit
				header := []string{"Content-Type", test.kind, "X-CSRF-Token", token}
				r := g.do("POST", "/auth/signIn/credentials?redirect=false", test.body, header...)
				if r.status != test.status || len(r.header["Set-Cookie"]) != 0 || r.json(t)["success"] != false {
					t.Fatalf("status %d, want %d; cookies %q\n%s", r.status, test.status, r.header["Set-Cookie"], r.body)
				}
				details, _ := r.json(t)["details"].(map[string]any)
				for field := range strings.FieldsSeq(test.detail) {
					detail, _ := details[field].(map[string]any)
					if detail["message"] == "" || detail["code"] != "invalid_value" || len(details) != len(strings.Fields(test.detail)) {
						t.Errorf("details %v, want those about %s", details, test.detail)
					}
				}
			}
			if table.calls() != 0 {
				t.Errorf("Authorize was asked for %q", table.names())
			}
			if r := g.password("ada", "right"); r.status != http.StatusOK {
				t.Errorf("what was refused unread was counted: status %d\n%s", r.status, r.body)
			}
		})
	}
	t.Run("bounds", func(t *testing.T) {
		s, table := newBank(t, nil)
		if r := s.guest().password(long[:320], long[:1024]); r.status != http.StatusUnauthorized || table.calls() != 1 {
			t.Errorf("320 and 1,024 bytes: status %d, %d calls", r.status, table.calls())
		}
	})
	t.Run("form", func(t *testing.T) {
		s, _ := newBank(t, nil)
		g := s.guest()
		r := g.form("/auth/signIn/credentials", url.Values{"username": {"ada"}, "redirectTo": {"/in"}, "csrfToken": {g.csrf()}})
		if want := "/login?error=UNPROCESSABLE_ENTITY&redirectTo=%2Fin"; r.status != 303 || r.header.Get("Location") != want {
			t.Errorf("status %d, Location %q, want %q", r.status, r.header.Get("Location"), want)
		}
	})
}

// LK-04: an unknown user, a wrong password and a locked account look the same
// to a client. The log and the Error hook know better.
func TestCredentialsEqualAnswers(t *testing.T) {
	var seen []error
	s, _ := newBank(t, func(c *aura.Config) {
		c.Hooks.Error = func(_ context.Context, e *aura.Error) { seen = append(seen, e) }
	})
	ask := map[string]func(g *guest, user string) reply{
		"JSON": func(g *guest, user string) reply { return g.password(user, "wrong") },
		"text": func(g *guest, user string) reply { return g.password(user, "wrong", "Accept", "text/html") },
		"signed in": func(g *guest, user string) reply {
			g.cookies[g.names.session] = s.seal(s.claims("u-1"))
			return g.password(user, "wrong")
		},
		"form": func(g *guest, user string) reply {
			return g.form("/auth/signIn/credentials", url.Values{"username": {user}, "password": {"wrong"}, "redirectTo": {"/in"}, "csrfToken": {g.csrf()}})
		},
	}
	for name, send := range ask {
		t.Run(name, func(t *testing.T) {
			var first reply
			for i, user := range []string{"nobody", "ada", "locked"} {
				seen = nil
				r := send(s.guest(), user)
				if len(seen) != 1 || errors.Is(seen[0], aura.ErrAccountLocked) != (user == "locked") || !errors.Is(seen[0], aura.ErrInvalidCredentials) {
					t.Errorf("%s: the Error hook sees %v", user, seen)
				}
				if len(r.header["Set-Cookie"]) != 0 {
					t.Errorf("%s: cookies %q", user, r.header["Set-Cookie"])
				}
				if r.status == http.StatusUnauthorized {
					if r.code(t) != string(aura.CodeInvalidCredentials) {
						t.Errorf("%s: %s", user, r.body)
					}
					r.body = withoutID(t, r)
				} else if want := "/login?error=AUTH_CREDENTIALS_INVALID&redirectTo=%2Fin"; name != "form" || r.status != 303 || r.header.Get("Location") != want {
					t.Errorf("%s: status %d, Location %q", user, r.status, r.header.Get("Location"))
				}
				r.header.Del("Date")
				if i == 0 {
					first = r
				}
				if r.status != first.status || r.body != first.body || mustJSON(t, r.header) != mustJSON(t, first.header) {
					t.Errorf("%s: status %d\n%v\n%s\ndiffers from\n%d\n%v\n%s", user, r.status, r.header, r.body, first.status, first.header, first.body)
				}
			}
		})
	}
	if !strings.Contains(s.log.String(), "AUTH_ACCOUNT_LOCKED") {
		t.Error("the log does not tell a locked account")
	}
	if strings.Contains(s.log.String(), "wrong") {
		t.Error("a password is in the log")
	}
}

// AC-06: all spellings of a name are one name, or none.
func TestCanonicalUsername(t *testing.T) {
	for in, want := range map[string]string{
		"alice": "alice", "Alice": "alice", "ALICE": "alice", " alice ": "alice", "\talice\n": "alice", "\u00a0alice\u3000": "alice",
		"ａｌｉｃｅ": "alice", "Ａlice": "alice", "alice＠example.com": "alice@example.com", "Alice@Example.COM": "alice@example.com",
		"ÉLÖDIE": "élödie", "al ice": "al ice", "日本": "日本", "a！～": "a!~",
		"": "", "   ": "", "alice\x00": "", "al\tice": "", "alice\x7f": "", "al\u200bice": "", "al\u00adice": "", "\ufeffalice": "", "\u202ealice": "",
		"al\xffice": "", "alice\u0085x": "", strings.Repeat("a", 320): strings.Repeat("a", 320), strings.Repeat("a", 321): "",
	} {
		got := aura.CanonicalUsername(in)
		if got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
		if again := aura.CanonicalUsername(got); again != got {
			t.Errorf("%q becomes %q, and that %q", in, got, again)
		}
	}

	s, table := newBank(t, func(c *aura.Config) { c.Limits.Credentials = ratelimit.Rule{Limit: 3, Window: time.Hour} })
	g := s.guest()
	for i, spelling := range []string{"Alice", " alice ", "ａlice", "ALICE\u00a0"} {
		if r, want := g.password(spelling, "wrong"), 401+28*(i/3); r.status != want {
			t.Errorf("%q: status %d, want %d", spelling, r.status, want)
		}
	}
	if got := table.names(); !slices.Equal(got, []string{"alice", "alice", "alice"}) {
		t.Errorf("Authorize was asked for %q", got)
	}

	s, table = newBank(t, func(c *aura.Config) {
		c.Credentials.Canonical = func(name string) string { return strings.TrimPrefix(name, "corp\\") }
		c.Limits.Credentials = ratelimit.Rule{Limit: 1, Window: time.Hour}
	})
	g = s.guest()
	for spelling, want := range map[string]int{`corp\`: 422} {
		if r := g.password(spelling, "x"); r.status != want {
			t.Errorf("%q: status %d, want %d", spelling, r.status, want)
		}
	}
	if a, b := g.password(`corp\Bob`, "x"), g.password("Bob", "x"); a.status != 401 || b.status != 429 || !slices.Equal(table.names(), []string{"Bob"}) {
		t.Errorf("the application's own form: %d, %d, asked for %q", a.status, b.status, table.names())
	}
}

// Without Authorize there is no such route, and no provider of that name.
func TestCredentialsOff(t *testing.T) {
	off := newSite(t, nil)
	on, _ := newBank(t, nil)
	for _, test := range []struct {
		s                  *site
		method, path, body string
		status             int
		code               aura.Code
		allow              string
	}{
		{off, "POST", "/auth/signIn/credentials", `{"username":"ada","password":"right"}`, 404, aura.CodeNotFound, ""},
		{off, "POST", "/auth/signUp", `{}`, 404, aura.CodeNotFound, ""},
		{off, "GET", "/auth/signIn/credentials", "", 404, aura.CodeUnknownProvider, ""},
		{off, "GET", "/auth/signUp", "", 404, aura.CodeNotFound, ""},
		{off, "GET", "/auth/callback/credentials?state=x&code=y", "", 404, aura.CodeUnknownProvider, ""},
		{on, "GET", "/auth/signIn/credentials", "", 405, aura.CodeMethodNotAllowed, "POST, OPTIONS"},
		{on, "GET", "/auth/callback/credentials?state=x&code=y", "", 404, aura.CodeUnknownProvider, ""},
		{on, "PUT", "/auth/signIn/credentials", `{}`, 405, aura.CodeMethodNotAllowed, "POST, OPTIONS"},
		{on, "POST", "/auth/signIn/gh", `{}`, 405, aura.CodeMethodNotAllowed, "GET, OPTIONS"},
		{on, "POST", "/auth/signIn/Credentials", `{}`, 405, aura.CodeMethodNotAllowed, "GET, OPTIONS"},
	} {
		g := test.s.guest()
		r := g.do(test.method, test.path, test.body, "Content-Type", jsonType, "X-CSRF-Token", g.csrf())
		if r.status != test.status || r.code(t) != string(test.code) || r.header.Get("Allow") != test.allow {
			t.Errorf("%s %s: status %d, code %s, Allow %q, want %d %s %q", test.method, test.path, r.status, r.code(t), r.header.Get("Allow"), test.status, test.code, test.allow)
		}
	}
}

// FL-03, CS-03: without the layers against CSRF nobody is asked.
func TestCredentialsCSRF(t *testing.T) {
	s, table := newBank(t, nil)
	right := `{"username":"ada","password":"right"}`
	form := url.Values{"username": {"ada"}, "password": {"right"}}
	for _, test := range []struct {
		name   string
		status int
		send   func(g *guest) reply
	}{
		{"no token", 403, func(g *guest) reply { return g.do("POST", "/auth/signIn/credentials", right, "Content-Type", jsonType) }},
		{"text/plain without the header", 415, func(g *guest) reply {
			return g.do("POST", "/auth/signIn/credentials", right, "Content-Type", "text/plain")
		}},
		{"text/plain with a wrong one", 403, func(g *guest) reply {
			return g.do("POST", "/auth/signIn/credentials", right, "Content-Type", "text/plain", "X-CSRF-Token", "x")
		}},
		{"a token that is not the cookie's", 403, func(g *guest) reply {
			return g.do("POST", "/auth/signIn/credentials", right, "Content-Type", jsonType, "X-CSRF-Token", s.signCSRF(s.csrfClaims("")))
		}},
		{"another origin", 403, func(g *guest) reply { return g.password("ada", "right", "Origin", "https://evil.example") }},
		{"another site", 403, func(g *guest) reply { return g.password("ada", "right", "Sec-Fetch-Site", "cross-site") }},
		{"form without a token", 303, func(g *guest) reply { return g.form("/auth/signIn/credentials", form) }},
		{"form of another origin", 403, func(g *guest) reply {
			return g.form("/auth/signIn/credentials", form, "Origin", "https://evil.example")
		}},
		{"redirectTo twice", 400, func(g *guest) reply {
			return g.do("POST", "/auth/signIn/credentials?redirectTo=%2Fa&redirectTo=%2Fb", right, "Content-Type", jsonType, "X-CSRF-Token", g.csrf())
		}},
		{"credentials in the query", 422, func(g *guest) reply {
			return g.do("POST", "/auth/signIn/credentials?username=ada&password=right", "{}", "Content-Type", jsonType, "X-CSRF-Token", g.csrf())
		}},
	} {
		g := s.guest()
		if r := test.send(g); r.status != test.status || table.calls() != 0 || g.subject() != "" {
			t.Errorf("%s: status %d, want %d; %d calls\n%s", test.name, r.status, test.status, table.calls(), r.body)
		}
	}
}
