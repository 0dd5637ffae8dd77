package aura_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// A step is a call of a server-side function, with the header lines applied as
// an application does it.
type step func(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header))

// inOneRequest has g send one form post, with the right token, to a page of the
// application that takes the steps. g does with the answer what a browser does.
func (s *site) inOneRequest(t *testing.T, g *guest, loaded bool, steps ...step) {
	t.Helper()
	var page http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, take := range steps {
			take(t, s.auth, r, func(lines http.Header) { aura.Apply(w.Header(), lines) })
		}
	})
	if loaded {
		page = behindLoad(s.auth, page)
	}
	var token []string
	if slices.ContainsFunc(slices.Collect(maps.Keys(g.cookies)), func(name string) bool { return strings.HasPrefix(name, g.names.session) }) {
		token = []string{"X-CSRF-Token", s.signCSRF(s.csrfClaims("sid-of-u-1"))}
	}
	r := g.on(s.serve(page)).do("POST", "/page", "", token...)
	if r.status != http.StatusOK {
		t.Fatalf("status %d\n%s", r.status, r.body)
	}
	seen := map[string]bool{}
	for _, name := range r.written() {
		if seen[name] {
			t.Errorf("two Set-Cookie lines for %s", name)
		}
		seen[name] = true
	}
}

// set is UpdateSession with one extra claim.
func set(name, value string) step {
	return func(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
		_, lines, err := a.UpdateSession(r, func(u *aura.User) error { return u.Set(name, value) })
		if err != nil {
			t.Errorf("UpdateSession %s: %v", name, err)
		}
		apply(lines)
	}
}

func signOut(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
	lines, err := a.SignOut(r)
	if err != nil {
		t.Errorf("SignOut: %v", err)
	}
	apply(lines)
}

func look(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
	_, lines, err := a.GetSession(r)
	if err != nil {
		t.Errorf("GetSession: %v", err)
	}
	apply(lines)
}

// gone fails for whatever the browser still holds of a session.
func gone(t *testing.T, g *guest) {
	t.Helper()
	for name := range g.cookies {
		if strings.HasPrefix(name, g.names.session) {
			t.Errorf("after the sign-out the browser holds %s", name)
		}
	}
	if got := g.subject(); got != "" {
		t.Errorf("after the sign-out the browser is %q", got)
	}
}

// bothWays runs a test behind Load and without it.
func bothWays(t *testing.T, run func(t *testing.T, loaded bool)) {
	t.Helper()
	for name, loaded := range map[string]bool{"behind Load": true, "alone": false} {
		t.Run(name, func(t *testing.T) { run(t, loaded) })
	}
}

func roomy(c *aura.Config) { c.Cookies.MaxBytes = 16 << 10 }

// Behind Load the second update builds on the first, and both are in the cookie.
func TestUpdateTwice(t *testing.T) {
	s := newSite(t, nil)
	g := s.member("u-1")
	s.inOneRequest(t, g, true,
		func(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
			_, lines, err := a.UpdateSession(r, func(u *aura.User) error { u.Name = "Countess"; return nil })
			if err != nil {
				t.Error(err)
			}
			apply(lines)
		},
		set("theme", "dark"),
		func(t *testing.T, a *aura.Auth, r *http.Request, _ func(http.Header)) {
			here, ok := aura.SessionFrom(r.Context())
			asked, _, err := a.GetSession(r)
			if !ok || err != nil || here.User.Name != "Countess" || asked.User.Name != "Countess" {
				t.Errorf("the handler sees %+v and %+v, %v", here, asked, err)
			}
			ctx, _, err := a.Require(r)
			if again, ok := aura.SessionFrom(ctx); err != nil || !ok || again.User.Name != "Countess" {
				t.Errorf("Require sees %+v, %v", again, err)
			}
		},
	)
	if u := g.user(); u["name"] != "Countess" || u["theme"] != "dark" || u["sub"] != "u-1" {
		t.Errorf("the browser holds %v", u)
	}
}

// A change that fails is nowhere: neither in the cookie nor in the request.
func TestFailedUpdateInBetween(t *testing.T) {
	s := newSite(t, nil)
	g := s.member("u-1")
	s.inOneRequest(t, g, true, set("a", "1"),
		func(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
			_, lines, err := a.UpdateSession(r, func(u *aura.User) error { u.Name = "lost"; return u.Set("x", filler(8<<10)) })
			if aura.CodeOf(err) != aura.CodeSessionTooLarge || lines != nil {
				t.Errorf("too large: %v", err)
			}
			apply(lines)
		}, set("b", "2"))
	if u := g.user(); u["a"] != "1" || u["b"] != "2" || u["name"] != "Ada" || u["x"] != nil {
		t.Errorf("the browser holds %v", u)
	}
}

// A session that is split, rewritten and joined within one response leaves the
// browser with the last one and no pieces of the others.
func TestSizesWithinOneRequest(t *testing.T) {
	large, larger, small := filler(3000), filler(6000), "1"
	for name, sizes := range map[string][]string{
		"grows": {small, large}, "grows twice": {large, larger}, "shrinks": {larger, large},
		"grows and shrinks": {large, small}, "there and back": {larger, small, large},
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, loaded bool) {
				s := newSite(t, roomy)
				g := s.member("u-1")
				var steps []step
				for _, size := range sizes {
					steps = append(steps, set("big", size))
				}
				for range 2 { // from one cookie, and from what that has become
					s.inOneRequest(t, g, loaded, steps...)
					if u := g.user(); u["big"] != sizes[len(sizes)-1] {
						t.Fatalf("the browser holds %v", g.cookies)
					}
				}
			})
		})
	}
}

// Signing out also takes back what earlier functions have put into the same
// response: no chunk of it reaches the browser.
func TestSignOutLast(t *testing.T) {
	for name, steps := range map[string][]step{
		"alone":                     {signOut},
		"after an update":           {set("a", "1"), signOut},
		"after one that splits":     {set("big", filler(3000)), signOut},
		"after two that split":      {set("big", filler(6000)), set("big", filler(3000)), signOut},
		"twice, after one of these": {set("big", filler(3000)), signOut, signOut},
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, loaded bool) {
				s := newSite(t, roomy)
				g := s.member("u-1")
				s.inOneRequest(t, g, loaded, steps...)
				gone(t, g)
			})
		})
	}
}

// A renewal can make a session larger: here it adds the claim that sessions of
// a TypeScript server lack, and so splits what was one cookie.
func TestRenewalThatSplits(t *testing.T) {
	for name, last := range map[string]step{"SignOut": signOut, "UpdateSession": set("big", "1"), "nothing": look} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, loaded bool) {
				s := newSite(t, func(c *aura.Config) {
					roomy(c)
					c.Session.Expiration = aura.RollingExpiration
				})
				g := s.guest()
				// Nearly the largest session that is one cookie; its sid is its jti.
				claims := s.claims("u-1").without("aura").with("jti", "sid-of-u-1")
				for n := 3000; g.cookies[g.names.session] == ""; n -= 16 {
					if value := s.seal(claims.with("big", filler(n))); len(g.names.session)+len(value) <= 4000 {
						g.cookies[g.names.session] = value
					}
				}
				s.inOneRequest(t, g, loaded, look, last)
				if name == "SignOut" {
					gone(t, g)
					return
				}
				if got := g.subject(); got != "u-1" {
					t.Errorf("the browser is %q, with %d cookies", got, len(g.cookies))
				}
				if pieces := g.cookies[g.names.session+".0"] != ""; pieces != (name == "nothing") {
					t.Errorf("split: %t; a renewal that does not split shows nothing here", pieces)
				}
			})
		})
	}
}

// Behind Load, nothing in the request is signed in any more after SignOut, and
// nothing brings the session back.
func TestAfterSignOut(t *testing.T) {
	s := newSite(t, nil)
	for name, then := range map[string]step{
		"UpdateSession": func(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
			session, lines, err := a.UpdateSession(r, func(*aura.User) error { t.Error("change was called"); return nil })
			if !errors.Is(err, aura.ErrNoSession) || session != nil || lines != nil {
				t.Errorf("%v, lines %v", err, lines)
			}
		},
		"GetSession": func(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
			if session, lines, err := a.GetSession(r); !errors.Is(err, aura.ErrNoSession) || session != nil || lines != nil {
				t.Errorf("%v, lines %v", err, lines)
			}
		},
		"SessionFrom": func(t *testing.T, _ *aura.Auth, r *http.Request, _ func(http.Header)) {
			if session, ok := aura.SessionFrom(r.Context()); ok {
				t.Errorf("%+v", session)
			}
		},
		"Require": func(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
			ctx, lines, err := a.Require(r)
			if !errors.Is(err, aura.ErrNoSession) || subjectFrom(ctx) != "" {
				t.Errorf("%v, %q", err, subjectFrom(ctx))
			}
			apply(lines)
		},
		"Load": func(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
			ctx, lines, err := a.Load(r)
			if err != nil || subjectFrom(ctx) != "" {
				t.Errorf("%v, %q", err, subjectFrom(ctx))
			}
			apply(lines)
		},
		"Verify": func(t *testing.T, a *aura.Auth, r *http.Request, _ func(http.Header)) {
			if err := a.Verify(r); aura.CodeOf(err) != aura.CodeCSRFMismatch { // the session's token
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := s.member("u-1")
			s.inOneRequest(t, g, true, signOut, then)
			gone(t, g)
		})
	}
	t.Run("CSRFToken", func(t *testing.T) { // for the form of the page that says goodbye
		g := s.member("u-1")
		var before, after string
		s.inOneRequest(t, g, true, issue(&before), signOut, issue(&after))
		gone(t, g)
		if before == after || g.cookies[g.names.csrf] != after {
			t.Errorf("the browser does not hold the token that was made after the sign-out")
		}
		if r := g.do("POST", "/auth/signOut", "", "X-CSRF-Token", after); r.code(t) != string(aura.CodeNoSession) { // it passed
			t.Errorf("the new token: status %d\n%s", r.status, r.body)
		}
		if r := g.do("POST", "/auth/signOut", "", "X-CSRF-Token", before); r.code(t) != string(aura.CodeCSRFMismatch) {
			t.Errorf("the old token: status %d\n%s", r.status, r.body)
		}
	})
}

// issue is CSRFToken.
func issue(into *string) step {
	return func(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
		token, lines, err := a.CSRFToken(r)
		if err != nil || token == "" {
			t.Errorf("CSRFToken: %v", err)
		}
		*into = token
		apply(lines)
	}
}

// Two forms of one page carry one token, and it is the one in the cookie.
func TestCSRFTokenTwice(t *testing.T) {
	s := newSite(t, nil)
	for name, g := range map[string]*guest{"nobody": s.guest(), "somebody": s.member("u-1")} {
		t.Run(name, func(t *testing.T) {
			var first, second, third string
			steps := []step{issue(&first), issue(&second)}
			if name == "somebody" {
				steps = append(steps, set("a", "1"))
			}
			s.inOneRequest(t, g, true, append(steps, issue(&third))...)
			if first != second || first != third || g.cookies[g.names.csrf] != first {
				t.Errorf("tokens %q, %q and %q, cookie %q", first, second, third, g.cookies[g.names.csrf])
			}
			r := g.do("POST", "/auth/signOut", "", "X-CSRF-Token", first)
			if r.status >= 400 && r.code(t) != string(aura.CodeNoSession) {
				t.Errorf("with the token: status %d\n%s", r.status, r.body)
			}
		})
	}
}
