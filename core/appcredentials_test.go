package aura_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/ratelimit"
)

// newForms is a site with sign-in by password and sign-up, for pages that call
// the functions themselves.
func newForms(t *testing.T, change func(*aura.Config)) (*site, *accounts) {
	t.Helper()
	return newBank(t, func(c *aura.Config) {
		c.SignUp.Create = func(_ context.Context, form aura.SignUpForm) (aura.User, error) {
			switch form.Field("name") {
			case "":
				return aura.User{}, aura.FieldErrors{"name": "is missing"}
			case "taken":
				return aura.User{}, aura.ErrUserExists
			}
			return aura.User{Subject: "new-1", Name: form.Field("name")}, nil
		}
		if change != nil {
			change(c)
		}
	})
}

// calls are the two functions, with what makes them succeed.
var calls = map[string]struct {
	subject string
	call    func(a *aura.Auth, r *http.Request) (*aura.Session, http.Header, error)
}{
	"SignInCredentials": {"user-ada", func(a *aura.Auth, r *http.Request) (*aura.Session, http.Header, error) {
		return a.SignInCredentials(r, " ADA ", "right")
	}},
	"SignUp": {"new-1", func(a *aura.Auth, r *http.Request) (*aura.Session, http.Header, error) {
		return a.SignUp(r, map[string]any{"name": "Ada", "role": "admin", "sub": "admin"})
	}},
}

// The functions begin a session that the browser then has; behind Load, later
// calls of the same request see it.
func TestSignInByCall(t *testing.T) {
	for name, fn := range calls {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, loaded bool) {
				s, _ := newForms(t, nil)
				for _, who := range []string{"nobody", "a member"} {
					g := s.guest()
					token := s.signCSRF(s.csrfClaims(""))
					g.cookies[g.names.csrf] = token
					if who == "a member" {
						g = s.member("u-1")
						token = s.signCSRF(s.csrfClaims("sid-of-u-1"))
					}
					var page http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						session, lines, err := fn.call(s.auth, r)
						if err != nil {
							t.Errorf("%s: %v", who, err)
							s.auth.Deny(w, r, err)
							return
						}
						aura.Apply(w.Header(), lines)
						if session.User.Subject != fn.subject || session.ID == "" || session.ID == "sid-of-u-1" || lines.Get("Cache-Control") != "no-store" {
							t.Errorf("%s: session %+v, lines %v", who, session, lines)
						}
						session.User.Subject = "changed by the caller"
						here, ok := aura.SessionFrom(r.Context())
						asked, _, err := s.auth.GetSession(r)
						if loaded && (!ok || here.User.Subject != fn.subject || err != nil || asked.User.Subject != fn.subject) {
							t.Errorf("%s: later calls see %+v and %+v, %v", who, here, asked, err)
						}
						if !loaded {
							return
						}
						// The form of the same page must carry the new session's token.
						csrf, lines, err := s.auth.CSRFToken(r)
						if err != nil {
							t.Error(err)
						}
						aura.Apply(w.Header(), lines)
						w.Header().Set("X-Form-Token", csrf)
					})
					if loaded {
						page = behindLoad(s.auth, page)
					}
					r := g.on(s.serve(page)).do("POST", "/page", "", "X-CSRF-Token", token)
					seen := map[string]bool{}
					for _, name := range r.written() {
						if seen[name] {
							t.Errorf("two Set-Cookie lines for %s", name)
						}
						seen[name] = true
					}
					if got := g.subject(); got != fn.subject {
						t.Errorf("%s: the browser is %q", who, got)
					}
					if g.user()["role"] != nil {
						t.Error("AC-08: a field that was sent is in the session")
					}
					csrf := r.header.Get("X-Form-Token")
					if !loaded {
						csrf = g.csrf()
					}
					if out := g.do("POST", "/auth/signOut", "", "X-CSRF-Token", csrf); out.status != 202 {
						t.Errorf("%s: the page's token does not sign out: status %d", who, out.status)
					}
				}
			})
		})
	}
}

// Both layers against CSRF and the method stand before the application is
// asked; a refused call has no header lines.
func TestSignInByCallRefused(t *testing.T) {
	for name, fn := range calls {
		t.Run(name, func(t *testing.T) {
			asked := 0
			s := newSite(t, func(c *aura.Config) {
				c.Credentials.Authorize = func(context.Context, aura.Credentials) (aura.User, error) {
					asked++
					return aura.User{Subject: "x"}, nil
				}
				c.SignUp.Create = func(context.Context, aura.SignUpForm) (aura.User, error) {
					asked++
					return aura.User{Subject: "x"}, nil
				}
			})
			token := s.signCSRF(s.csrfClaims(""))
			cookie := plainNames.csrf + "=" + token
			member := plainNames.session + "=" + s.seal(s.claims("u-1"))
			with := func(r *http.Request, header ...string) *http.Request {
				for ; len(header) > 0; header = header[2:] {
					r.Header.Set(header[0], header[1])
				}
				return r
			}
			method := func(m string) *http.Request { r := post(cookie, token); r.Method = m; return r }
			for why, test := range map[string]struct {
				r    *http.Request
				code aura.Code
			}{
				"GET":                       {method("GET"), aura.CodeMethodNotAllowed},
				"HEAD":                      {method("HEAD"), aura.CodeMethodNotAllowed},
				"OPTIONS":                   {method("OPTIONS"), aura.CodeMethodNotAllowed},
				"no token":                  {post(cookie, ""), aura.CodeCSRFMissing},
				"no cookie":                 {post("", token), aura.CodeCSRFMissing},
				"another token":             {post(cookie, s.signCSRF(s.csrfClaims("").with("token", strings.Repeat("A", 43)))), aura.CodeCSRFMismatch},
				"another origin":            {with(post(cookie, token), "Origin", "https://evil.example"), aura.CodeOriginRejected},
				"another site":              {with(post(cookie, token), "Sec-Fetch-Site", "cross-site"), aura.CodeOriginRejected},
				"a member, unbound token":   {post(member+"; "+cookie, token), aura.CodeCSRFMismatch},
				"a member, another's token": {post(member, s.signCSRF(s.csrfClaims("other"))), aura.CodeCSRFMismatch},
				"a host that is not ours":   {func() *http.Request { r := post(cookie, token); r.Host = "evil.example"; return r }(), aura.CodeHostNotTrusted},
			} {
				for load, r := range map[string]*http.Request{"alone": test.r, "behind Load": load(t, s.auth, test.r)} {
					session, lines, err := fn.call(s.auth, r)
					if session != nil || len(lines) != 0 || aura.CodeOf(err) != test.code {
						t.Errorf("%s, %s: %v, lines %v, %v; want %s", why, load, session, lines, err, test.code)
					}
				}
			}
			if asked != 0 {
				t.Errorf("the application was asked %d times", asked)
			}
			off := newSite(t, nil)
			if _, _, err := fn.call(off.auth, post(cookie, token)); aura.CodeOf(err) != aura.CodeNotFound {
				t.Errorf("not configured: %v", err)
			}
		})
	}
}

// The errors of the functions are the routes', and Deny answers them so.
func TestSignInByCallErrors(t *testing.T) {
	s, table := newForms(t, func(c *aura.Config) { c.Limits.Credentials = ratelimit.Rule{Limit: 2, Window: time.Hour} })
	request := func() *http.Request {
		token := s.signCSRF(s.csrfClaims(""))
		return post(plainNames.csrf+"="+token, token)
	}
	down := errors.New("zzcanary")
	for _, test := range []struct {
		name   string
		call   func(r *http.Request) (*aura.Session, http.Header, error)
		status int
		is     error
	}{
		{"a wrong password", func(r *http.Request) (*aura.Session, http.Header, error) {
			return s.auth.SignInCredentials(r, "bob", "x")
		}, 401, aura.ErrInvalidCredentials},
		{"a locked account", func(r *http.Request) (*aura.Session, http.Header, error) {
			return s.auth.SignInCredentials(r, "locked", "x")
		}, 401, aura.ErrAccountLocked},
		{"again", func(r *http.Request) (*aura.Session, http.Header, error) {
			return s.auth.SignInCredentials(r, "BOB", "x")
		}, 401, aura.ErrInvalidCredentials},
		{"once too often", func(r *http.Request) (*aura.Session, http.Header, error) {
			return s.auth.SignInCredentials(r, "Bob", "x")
		}, 429, &aura.Error{Code: aura.CodeRateLimited}},
		{"an empty password", func(r *http.Request) (*aura.Session, http.Header, error) {
			return s.auth.SignInCredentials(r, "ada", "")
		}, 422, &aura.Error{Code: aura.CodeUnprocessable}},
		{"a long one", func(r *http.Request) (*aura.Session, http.Header, error) {
			return s.auth.SignInCredentials(r, "ada", strings.Repeat("x", 1025))
		}, 422, &aura.Error{Code: aura.CodeUnprocessable}},
		{"an outage", func(r *http.Request) (*aura.Session, http.Header, error) {
			table.become(func(context.Context, aura.Credentials) (aura.User, error) { return aura.User{}, down })
			defer table.become(nil)
			return s.auth.SignInCredentials(r, "ada", "right")
		}, 503, down},
		{"exists", func(r *http.Request) (*aura.Session, http.Header, error) {
			return s.auth.SignUp(r, map[string]string{"name": "taken"})
		}, 409, aura.ErrUserExists},
		{"no object", func(r *http.Request) (*aura.Session, http.Header, error) { return s.auth.SignUp(r, []string{"x"}) }, 400, &aura.Error{Code: aura.CodeMalformed}},
		{"nothing", func(r *http.Request) (*aura.Session, http.Header, error) { return s.auth.SignUp(r, nil) }, 400, &aura.Error{Code: aura.CodeMalformed}},
		{"no JSON", func(r *http.Request) (*aura.Session, http.Header, error) { return s.auth.SignUp(r, make(chan int)) }, 400, &aura.Error{Code: aura.CodeMalformed}},
	} {
		r := request()
		session, lines, err := test.call(r)
		if session != nil || len(lines) != 0 || !errors.Is(err, test.is) {
			t.Errorf("%s: %v, lines %v, %v", test.name, session, lines, err)
			continue
		}
		w := httptest.NewRecorder()
		s.auth.Deny(w, r, err)
		if w.Code != test.status || strings.Contains(w.Body.String(), "zzcanary") {
			t.Errorf("%s: Deny answers %d, want %d\n%s", test.name, w.Code, test.status, w.Body)
		}
	}
	_, _, err := s.auth.SignUp(request(), struct{ Name string }{"Ada"}) // its member is called Name
	var fields aura.FieldErrors
	if !errors.As(err, &fields) || fields["name"] != "is missing" || aura.CodeOf(err) != aura.CodeUnprocessable {
		t.Errorf("fields: %v", err)
	}
}
