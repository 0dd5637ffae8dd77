package aura_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// doors are the ways in which a session begins: each sends one attempt that the
// library would let in, and says what it should see of a refusal.
var doors = map[string]struct {
	provider string
	enter    func(g *guest) reply
	refusal  func(t *testing.T, r reply, code aura.Code)
}{
	"provider, a script": {"gh", func(g *guest) reply { return g.through() }, refusedJSON},
	"provider, a page": {"gh", func(g *guest) reply { return g.through(navigate...) }, func(t *testing.T, r reply, code aura.Code) {
		t.Helper()
		if r.status != 403 || r.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(r.body, "Code "+string(code)+" ") {
			t.Errorf("status %d\n%s", r.status, r.body)
		}
	}},
	"credentials": {"credentials", func(g *guest) reply { return g.password("ada", "right") }, refusedJSON},
	"credentials, a form": {"credentials", func(g *guest) reply {
		return g.form("/auth/signIn/credentials", url.Values{"username": {"ada"}, "password": {"right"}, "redirectTo": {"/in"}, "csrfToken": {g.csrf()}})
	}, func(t *testing.T, r reply, code aura.Code) {
		t.Helper()
		if want := "/login?error=" + string(code) + "&redirectTo=%2Fin"; r.status != 303 || r.header.Get("Location") != want {
			t.Errorf("status %d, Location %q, want %q", r.status, r.header.Get("Location"), want)
		}
	}},
	"sign-up": {"signUp", func(g *guest) reply { return g.join(`{}`) }, refusedJSON},
}

func refusedJSON(t *testing.T, r reply, code aura.Code) {
	t.Helper()
	if r.status != 403 || r.code(t) != string(code) || r.json(t)["success"] != false {
		t.Errorf("status %d, want 403 %s\n%s", r.status, code, r.body)
	}
}

// through is a sign-in with gh up to the callback's answer.
func (g *guest) through(header ...string) reply {
	g.t.Helper()
	start := g.get("/auth/signIn/gh?redirectTo=%2Fafter")
	return g.get(callback(g.t, start.header.Get("Location")), header...)
}

// newHouse is a site with all doors.
func newHouse(t *testing.T, hooks aura.Hooks, change func(*aura.Config)) *site {
	t.Helper()
	s, _ := newBank(t, func(c *aura.Config) {
		c.Hooks = hooks
		c.SignUp.Create = func(context.Context, aura.SignUpForm) (aura.User, error) {
			return aura.User{Subject: "new-1"}, nil
		}
		if change != nil {
			change(c)
		}
	})
	return s
}

// The SignIn hook sees who comes through which door, with the context's values
// and a deadline, and what it adds to the user is in the session.
func TestSignInHook(t *testing.T) {
	type key struct{}
	for name, door := range doors {
		t.Run(name, func(t *testing.T) {
			var seen aura.Attempt
			var value any
			var deadline bool
			s := newHouse(t, aura.Hooks{SignIn: func(ctx context.Context, a *aura.Attempt) error {
				seen, value = *a, ctx.Value(key{})
				_, deadline = ctx.Deadline()
				a.User.Name = "Dame " + a.User.Subject
				return errors.Join(a.User.Set("role", "ops"), a.User.Set("teams", []string{"a", "b"}))
			}}, nil)
			mux := http.NewServeMux()
			mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
				s.auth.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "of the middleware")))
			})
			mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
				session, _, err := s.auth.GetSession(r)
				claims, err2 := aura.Claims[struct {
					Name, Role string
					Teams      []string
				}](session)
				_, _ = fmt.Fprint(w, claims.Name, claims.Role, claims.Teams, err, err2, session.Provider)
			})
			g := s.guest().on(s.serve(mux))
			door.enter(g)
			subject := g.subject()
			if seen.User == nil || seen.User.Subject != subject || subject == "" {
				t.Fatalf("the hook saw %+v; signed in as %q", seen, subject)
			}
			if seen.Provider != door.provider {
				t.Errorf("Attempt.Provider is %q, want %q", seen.Provider, door.provider)
			}
			if (seen.Profile != nil) != (door.provider == "gh") || seen.Provider != "gh" && seen.Issuer != g.url {
				t.Errorf("Profile %v, Issuer %q", seen.Profile, seen.Issuer)
			}
			if value != "of the middleware" || !deadline {
				t.Errorf("the hook's context: value %v, deadline %v", value, deadline)
			}
			if got := g.get("/me").body; !strings.HasPrefix(got, "Dame "+subject+"ops[a b] <nil> <nil>") && !strings.HasPrefix(got, "Dame "+subject+"ops[a b]<nil> <nil>") {
				t.Errorf("the session holds %s", got)
			}
		})
	}
}

// A refusal is 403 with the hook's code, through every door and in every form;
// what was signed in before stays so, and the reason goes to the log only.
func TestSignInHookRefuses(t *testing.T) {
	for why, test := range map[string]struct {
		err  error
		code aura.Code
	}{
		"a plain error":    {errors.New("zzcanary"), aura.CodeSignInDenied},
		"the denial":       {&aura.Error{Code: aura.CodeSignInDenied, Err: errors.New("zzcanary")}, aura.CodeSignInDenied},
		"a code of ours":   {&aura.Error{Code: aura.CodeAccessDenied, Err: errors.New("zzcanary")}, aura.CodeAccessDenied},
		"a code of theirs": {fmt.Errorf("no: %w", &aura.Error{Code: "BETA_CLOSED", Err: errors.New("zzcanary")}), "BETA_CLOSED"},
	} {
		for name, door := range doors {
			t.Run(why+"/"+name, func(t *testing.T) {
				s := newHouse(t, aura.Hooks{SignIn: func(_ context.Context, a *aura.Attempt) error {
					a.User.Name = "changed all the same"
					return test.err
				}}, nil)
				g := s.member("u-0")
				r := door.enter(g)
				door.refusal(t, r, test.code)
				if slices.Contains(r.written(), plainNames.session) || g.subject() != "u-0" || strings.Contains(r.body, "zzcanary") {
					t.Errorf("cookies %q, signed in as %q\n%s", r.written(), g.subject(), r.body)
				}
				if !strings.Contains(s.log.String(), "zzcanary") {
					t.Error("the reason is not in the log")
				}
			})
		}
	}
}

// What a hook may not do: change who it is, panic with effect, or call an
// outage a refusal.
func TestSignInHookBounds(t *testing.T) {
	for why, test := range map[string]struct {
		hook   func(context.Context, *aura.Attempt) error
		status int
		code   aura.Code
	}{
		"another subject": {func(_ context.Context, a *aura.Attempt) error { a.User.Subject = "admin"; return nil }, 500, aura.CodeServerError},
		"no subject":      {func(_ context.Context, a *aura.Attempt) error { a.User.Subject = ""; return nil }, 500, aura.CodeServerError},
		"another user":    {func(_ context.Context, a *aura.Attempt) error { a.User = &aura.User{Subject: "admin"}; return nil }, 500, aura.CodeServerError},
		"no user":         {func(_ context.Context, a *aura.Attempt) error { a.User = nil; return nil }, 500, aura.CodeServerError},
		"a panic":         {func(context.Context, *aura.Attempt) error { panic("zzcanary") }, 500, aura.CodeServerError},
		"an outage":       {func(context.Context, *aura.Attempt) error { return aura.ErrUnavailable }, 503, aura.CodeUnavailable},
	} {
		for _, name := range []string{"provider, a script", "credentials", "sign-up"} {
			t.Run(why+"/"+name, func(t *testing.T) {
				s := newHouse(t, aura.Hooks{SignIn: test.hook}, nil)
				g := s.member("u-0")
				r := doors[name].enter(g)
				if r.status != test.status || r.code(t) != string(test.code) || slices.Contains(r.written(), plainNames.session) || g.subject() != "u-0" || strings.Contains(r.body, "zzcanary") {
					t.Errorf("status %d, want %d; signed in as %q\n%s", r.status, test.status, g.subject(), r.body)
				}
				if test.status == 503 && r.header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
			})
		}
	}
	t.Run("another provider or issuer", func(t *testing.T) {
		s := newHouse(t, aura.Hooks{SignIn: func(_ context.Context, a *aura.Attempt) error {
			a.Provider, a.Issuer = "corp", "https://corp.example"
			return nil
		}}, nil)
		g := s.guest()
		g.password("ada", "right")
		own, _ := s.open(g.cookies[g.names.session])["aura"].(map[string]any)
		if own["idp"] != "credentials" || own["iss"] != s.url {
			t.Errorf("the hook has changed whose account this is: %v", own)
		}
	})
}

// SignOut runs once for each session that its user ends, over HTTP and by call,
// and never for nobody or for a refused request.
func TestSignOutHook(t *testing.T) {
	var ended []string
	var deadline bool
	s := newSite(t, func(c *aura.Config) {
		c.Hooks.SignOut = func(ctx context.Context, session *aura.Session) {
			ended = append(ended, session.User.Subject+" "+session.ID)
			_, deadline = ctx.Deadline()
		}
	})
	g := s.member("u-1")
	if g.do("POST", "/auth/signOut", "", "X-CSRF-Token", "x"); len(ended) != 0 {
		t.Errorf("a refused sign-out runs the hook: %q", ended)
	}
	g.do("POST", "/auth/signOut", "", "X-CSRF-Token", g.csrf())
	if !slices.Equal(ended, []string{"u-1 sid-of-u-1"}) || !deadline {
		t.Errorf("over HTTP: %q, deadline %v", ended, deadline)
	}
	s.guest().form("/auth/signOut", nil)
	s.inOneRequest(t, s.member("u-1"), false, signOut)
	s.inOneRequest(t, s.guest(), false, func(t *testing.T, a *aura.Auth, r *http.Request, _ func(http.Header)) {
		if _, err := a.SignOut(r); err != nil {
			t.Error(err)
		}
	})
	if !slices.Equal(ended, []string{"u-1 sid-of-u-1", "u-1 sid-of-u-1"}) {
		t.Errorf("by call: %q", ended)
	}

	angry := newSite(t, func(c *aura.Config) {
		c.Hooks.SignOut = func(context.Context, *aura.Session) { panic("zzcanary") }
	})
	g = angry.member("u-1")
	if r := g.do("POST", "/auth/signOut", "", "X-CSRF-Token", g.csrf()); strings.Contains(r.body, "zzcanary") || r.status != 500 && r.status != 202 {
		t.Errorf("a panic: status %d\n%s", r.status, r.body)
	}
}

// The Error hook sees what is logged, with the cause, and may itself fail
// without anybody noticing.
func TestErrorHook(t *testing.T) {
	var seen []*aura.Error
	s := newHouse(t, aura.Hooks{
		Error: func(_ context.Context, e *aura.Error) { seen = append(seen, e); panic("zzcanary") },
		SignIn: func(_ context.Context, a *aura.Attempt) error {
			if a.Provider == "gh" {
				return errors.New("not you")
			}
			return nil
		},
	}, nil)
	for name, test := range map[string]struct {
		send   func(g *guest) reply
		status int
		code   aura.Code // "": nothing is seen
		cause  string
	}{
		"nobody": {func(g *guest) reply { return g.get("/auth/session") }, 401, "", ""},
		"a session": {func(g *guest) reply {
			g.cookies[g.names.session] = s.seal(s.claims("u-1"))
			return g.get("/auth/session")
		}, 200, "", ""},
		"no route":          {func(g *guest) reply { return g.get("/auth/nope") }, 404, aura.CodeNotFound, "no route"},
		"no host of ours":   {func(g *guest) reply { return g.get("/auth/session", "Host", "evil.example") }, 421, aura.CodeHostNotTrusted, "TrustedHosts"},
		"no token":          {func(g *guest) reply { return g.do("POST", "/auth/signOut", "") }, 403, aura.CodeCSRFMissing, "X-CSRF-Token"},
		"a wrong password":  {func(g *guest) reply { return g.password("ada", "wrong") }, 401, aura.CodeInvalidCredentials, ""},
		"the right one":     {func(g *guest) reply { return g.password("ada", "right") }, 200, "", ""},
		"refused by a hook": {func(g *guest) reply { return g.through() }, 403, aura.CodeSignInDenied, "not you"},
		"a stale callback":  {func(g *guest) reply { return g.get("/auth/callback/gh?state=x&code=y") }, 400, aura.CodeStateInvalid, ""},
	} {
		seen = nil
		r := test.send(s.guest())
		if r.status != test.status || strings.Contains(r.body, "zzcanary") {
			t.Errorf("%s: status %d, want %d\n%s", name, r.status, test.status, r.body)
		}
		if test.code == "" && len(seen) == 0 {
			continue
		}
		if len(seen) != 1 || seen[0].Code != test.code || !strings.Contains(seen[0].Error(), test.cause) {
			t.Errorf("%s: the hook saw %v, want %s with %q", name, seen, test.code, test.cause)
		}
	}
	if !strings.Contains(s.log.String(), "panic in Hooks.Error") {
		t.Error("the hook's panic is not in the log")
	}
	// Deny, on a route of the application, is a failure like any other.
	seen = nil
	w := httptest.NewRecorder()
	s.auth.Deny(w, httptest.NewRequest("GET", "http://127.0.0.1/x", nil), aura.ErrUnavailable)
	if w.Code != 503 || len(seen) != 1 || seen[0].Code != aura.CodeUnavailable {
		t.Errorf("Deny: status %d, seen %v", w.Code, seen)
	}
}
