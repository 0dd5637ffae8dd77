package aura_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// renewals are the ways in which a session is written anew: each returns the
// status and the session's user as the answer shows it.
var renewals = map[string]struct {
	run    func(t *testing.T, s *site, g *guest) (status int, user map[string]any)
	failed int // the status when the hook fails
}{
	"GET /session, rolling": {func(t *testing.T, _ *site, g *guest) (int, map[string]any) {
		r := g.get("/auth/session")
		session, _ := r.json(t)["session"].(map[string]any)
		user, _ := session["user"].(map[string]any)
		return r.status, user
	}, 200},
	"PATCH": {func(t *testing.T, _ *site, g *guest) (int, map[string]any) {
		r := g.patch(`{"user":{"name":"Countess"}}`)
		session, _ := r.json(t)["session"].(map[string]any)
		user, _ := session["user"].(map[string]any)
		return r.status, user
	}, 500},
	"UpdateSession": {func(t *testing.T, s *site, g *guest) (int, map[string]any) {
		page := behindLoad(s.auth, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			session, lines, err := s.auth.UpdateSession(r, func(u *aura.User) error { u.Name = "Countess"; return nil })
			if err != nil {
				s.auth.Deny(w, r, err)
				return
			}
			aura.Apply(w.Header(), lines)
			_, _ = io.WriteString(w, mustJSON(t, session.User))
		}))
		r := g.on(s.serve(page)).do("POST", "/page", "", "X-CSRF-Token", s.signCSRF(s.csrfClaims("sid-of-u-1")))
		return r.status, r.json(t)
	}, 500},
}

// Renew runs whenever a session is renewed or updated; what it changes is
// written and answered, and after an error nothing has changed.
func TestRenewHook(t *testing.T) {
	for name, way := range renewals {
		t.Run(name, func(t *testing.T) {
			var hook func(context.Context, *aura.Session) error
			runs, deadline := 0, false
			s := newSite(t, func(c *aura.Config) {
				c.Session.Expiration, c.Session.UpdatableFields = aura.RollingExpiration, []string{"name"}
				c.Hooks.Renew = func(ctx context.Context, session *aura.Session) error {
					runs++
					_, deadline = ctx.Deadline()
					return hook(ctx, session)
				}
			})
			at := func() (*guest, claimSet) {
				runs = 0
				g := s.member("u-1")
				before := s.open(g.cookies[g.names.session])
				s.clock.add(time.Hour)
				return g, before
			}

			hook = func(_ context.Context, session *aura.Session) error {
				session.User.Image = "https://example.com/b.png"
				return session.User.Set("role", "ops of "+session.User.Name)
			}
			g, before := at()
			status, user := way.run(t, s, g)
			role := "ops of Countess"
			if name == "GET /session, rolling" {
				role = "ops of Ada"
			}
			after := s.open(g.cookies[g.names.session])
			if status != 200 || user["role"] != role || after["role"] != role || after["image"] != "https://example.com/b.png" || user["image"] != after["image"] {
				t.Errorf("status %d, user %v, written %v", status, user, after)
			}
			if after.number("exp") <= before.number("exp") || sidOf(after) != sidOf(before) || runs < 1 {
				t.Errorf("not renewed: %v after %v", after, before)
			}
			if !deadline {
				t.Error("the hook's context has no deadline")
			}

			for why, failing := range map[string]func(context.Context, *aura.Session) error{
				"an error": func(_ context.Context, session *aura.Session) error {
					session.User.Name = "zzcanary"
					return errors.New("zzcanary")
				},
				"another subject": func(_ context.Context, session *aura.Session) error { session.User.Subject = "admin"; return nil },
				"no subject":      func(_ context.Context, session *aura.Session) error { session.User = aura.User{}; return nil },
			} {
				hook = failing
				g, before := at()
				cookie := g.cookies[g.names.session]
				status, user := way.run(t, s, g)
				if status != way.failed {
					t.Errorf("%s: status %d, want %d: %v", why, status, way.failed, user)
				}
				if g.cookies[g.names.session] != cookie || strings.Contains(mustJSON(t, user), "zzcanary") || strings.Contains(mustJSON(t, user), "admin") || strings.Contains(mustJSON(t, user), "larger") {
					t.Errorf("%s: answered %v, cookie kept: %v", why, user, g.cookies[g.names.session] == cookie)
				}
				if status == 200 && (user["sub"] != before["sub"] || user["name"] != before["name"]) {
					t.Errorf("%s: user %v, want that of before", why, user)
				}
			}

			hook = func(context.Context, *aura.Session) error { panic("zzcanary") }
			if name != "UpdateSession" { // there, the panic is the application's own server's to catch
				g, _ := at()
				cookie := g.cookies[g.names.session]
				if r := g.patch(`{"user":{"name":"X"}}`); r.status != 500 || strings.Contains(r.body, "zzcanary") || g.cookies[g.names.session] != cookie {
					t.Errorf("a panic: status %d\n%s", r.status, r.body)
				}
			}
		})
	}
	t.Run("HEAD, and what is not renewed", func(t *testing.T) {
		runs := 0
		count := func(c *aura.Config) {
			c.Hooks.Renew = func(context.Context, *aura.Session) error { runs++; return nil }
		}
		s := newSite(t, count)
		g := s.member("u-1")
		g.get("/auth/session")
		rolling := newSite(t, func(c *aura.Config) { count(c); c.Session.Expiration = aura.RollingExpiration })
		rolling.member("u-1").do("HEAD", "/auth/session", "")
		rolling.guest().get("/auth/session")
		if runs != 0 {
			t.Errorf("Renew ran %d times for nothing", runs)
		}
	})
}
