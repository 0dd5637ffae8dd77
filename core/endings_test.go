package aura_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/memstore"
)

// behind is one more process with the site's configuration, whose clock is
// behind by as much as clocks may be.
func (s *site) behind() string {
	s.t.Helper()
	cfg := s.cfg
	cfg.Now = func() time.Time { return s.clock.now().Add(-140 * time.Second) }
	auth, err := aura.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.serve(auth)
}

// What ends a session ends it at once in every process, whatever its clock says.
func TestEndingsDoNotWaitForClocks(t *testing.T) {
	for name, end := range map[string]func(*site, *guest) error{
		"sign-out": func(_ *site, g *guest) error { g.copy().signOut(); return nil },
		"revoked":  func(s *site, _ *guest) error { return s.auth.RevokeSession(t.Context(), "sid-of-u-1") },
		"all revoked": func(s *site, _ *guest) error {
			return s.auth.RevokeAll(t.Context(), aura.Account{Issuer: "https://idp.example", Subject: "u-1"})
		},
		"somebody else": func(s *site, g *guest) error {
			s.idp.become("u-2")
			g.copy().signIn()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newMoodySite(t, nil)
			g := s.member("u-1")
			other := g.on(s.behind())
			other.cookies = g.copy().cookies
			if r := other.get("/auth/session"); r.status != 200 {
				t.Fatalf("before: %d %s", r.status, r.body)
			}
			if err := end(s, g); err != nil {
				t.Fatal(err)
			}
			if r := other.get("/auth/session"); r.status != 401 {
				t.Errorf("in the process that is behind: %d %s", r.status, r.body)
			}
		})
	}
}

// A process whose clock is behind does not bring back what RevokeAll has ended.
func TestRevokeAllOnlyAdds(t *testing.T) {
	s, _ := newMoodySite(t, nil)
	account := aura.Account{Issuer: "https://idp.example", Subject: "u-1"}
	g := s.guest()
	g.cookies[g.names.session] = s.seal(s.claims("u-1").with("aura", map[string]any{"sid": "a", "idp": "gh", "iss": account.Issuer, "at": s.clock.now().UnixMilli()}))
	var all sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		cfg := s.cfg
		cfg.Now = func() time.Time { return s.clock.now().Add(-time.Duration(i) * time.Second) }
		other, err := aura.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() { errs[i] = other.RevokeAll(t.Context(), account) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if r := g.get("/auth/session"); r.status != 401 {
		t.Errorf("%d %s", r.status, r.body)
	}
	// The record lives as long as the last of them asked for.
	s.clock.add(s.maxAge() - time.Second)
	g.cookies[g.names.session] = s.seal(s.claims("u-1").with("aura", map[string]any{"sid": "a", "idp": "gh", "iss": account.Issuer, "at": s.clock.now().Add(time.Second - s.maxAge()).UnixMilli()}))
	if r := g.get("/auth/session"); r.status != 401 {
		t.Errorf("15 days later: %d %s", r.status, r.body)
	}
}

// An interruptedStore lets something happen before a write.
type interruptedStore struct {
	aura.Store
	begun  atomic.Bool
	before func()
}

func (i *interruptedStore) Put(ctx context.Context, r aura.Record) error {
	if i.before != nil && !i.begun.Swap(true) {
		i.before()
	}
	return i.Store.Put(ctx, r)
}

// The handover of a session that is taken the place of is no new lease of life:
// not for one that is revoked at the same moment, nor by signing in repeatedly.
func TestHandoverRevivesNothing(t *testing.T) {
	t.Run("revoked meanwhile", func(t *testing.T) {
		store := &interruptedStore{}
		s := newSite(t, func(c *aura.Config) {
			store.Store = memstore.New(c.Now)
			c.Store = store
		})
		g := s.guest()
		g.signIn()
		before := g.copy()
		id := s.sessionID(t, before)
		store.before = func() {
			if err := s.auth.RevokeSession(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
		g.signIn()
		if r := before.get("/auth/session"); r.status != 401 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if r := g.get("/auth/session"); r.status != 200 {
			t.Errorf("the new session: %d %s", r.status, r.body)
		}
	})
	t.Run("again and again", func(t *testing.T) {
		s, _ := newMoodySite(t, nil)
		g := s.guest()
		g.signIn()
		before := g.copy()
		for range 3 {
			if before.get("/auth/session").status == 200 {
				before.copy().signIn()
			}
			s.clock.add(20 * time.Second)
		}
		if r := before.get("/auth/session"); r.status != 401 {
			t.Errorf("a minute later: %d %s", r.status, r.body)
		}
	})
}

// sessionID is the ID of a browser's session.
func (s *site) sessionID(t *testing.T, g *guest) string {
	t.Helper()
	r := httptest.NewRequest("GET", s.url+"/page", nil)
	r.Header.Set("Cookie", g.header())
	session, _, err := s.auth.GetSession(r)
	if err != nil {
		t.Fatal(err)
	}
	return session.ID
}

// Requests with the cookie of before the sign-in are answered during the
// handover, and write no cookie over the new one.
func TestReplacedSessionIsNotWritten(t *testing.T) {
	s, _ := newMoodySite(t, func(c *aura.Config) {
		c.Session.Expiration, c.Session.UpdatableFields = aura.RollingExpiration, []string{"name"}
	})
	g := s.guest()
	g.signIn()
	before, csrf := g.copy(), g.csrf()
	g.signIn()
	if r := before.get("/auth/session"); r.status != 200 || len(r.header["Set-Cookie"]) != 0 {
		t.Errorf("a look: %d, cookies %q", r.status, r.header["Set-Cookie"])
	}
	if r := before.get("/auth/session"); r.status != 200 || len(r.header["Set-Cookie"]) != 0 {
		t.Errorf("a second look: %d, cookies %q", r.status, r.header["Set-Cookie"])
	}
	r := before.do("PATCH", "/auth/session", `{"user":{"name":"Late"}}`, "Content-Type", "application/json", "X-CSRF-Token", csrf)
	if r.status != 401 || r.code(t) != string(aura.CodeNoSession) || len(r.header["Set-Cookie"]) != 0 {
		t.Errorf("an update: %d, cookies %q: %s", r.status, r.header["Set-Cookie"], r.body)
	}
}

// The same for the tokens of its provider: they are handed out while they are
// good, and the cookie of the new sign-in stays.
func TestReplacedSessionKeepsOffTokens(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{AccessToken: 2 * time.Minute}, func(c *aura.Config) { c.Store = memstore.New(c.Now) })
	b := s.member()
	s.clock.add(100 * time.Second) // they are due
	before, csrf := cookieHeader(b.cookies()), b.csrf()
	b.signIn("demo-ada")
	old := func(method, path string) reply {
		return s.browser().do(method, path, "", "Cookie", before, "X-CSRF-Token", csrf)
	}
	if r := old("GET", tokensPath); r.status != 200 || len(r.header["Set-Cookie"]) != 0 || s.idp.Counts().Refresh != 0 {
		t.Errorf("tokens: %d, cookies %q, %d refreshes: %s", r.status, r.header["Set-Cookie"], s.idp.Counts().Refresh, r.body)
	}
	for _, path := range []string{"DELETE /auth/providers/dev", "POST " + tokensPath + "/revoke", "POST /auth/providers/dev/user/refresh"} {
		method, target, _ := strings.Cut(path, " ")
		if r := old(method, target); r.status != 401 || r.code(t) != string(aura.CodeNoSession) || len(r.header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d, cookies %q: %s", path, r.status, r.header["Set-Cookie"], r.body)
		}
	}
	s.clock.add(25 * time.Second) // they have run out
	if r := old("GET", tokensPath); r.status != 401 || r.code(t) != string(aura.CodeNoSession) || len(r.header["Set-Cookie"]) != 0 {
		t.Errorf("tokens that have run out: %d, cookies %q: %s", r.status, r.header["Set-Cookie"], r.body)
	}
	if !b.connected() {
		t.Error("the new session has lost its tokens")
	}
}

// SE-28, CC-05: what takes long, and ends after the sign-out, writes nothing and
// does not say that it has.
func TestEndedMeanwhile(t *testing.T) {
	t.Run("in a hook", func(t *testing.T) {
		var s *site
		end := false
		s, _ = newMoodySite(t, func(c *aura.Config) {
			c.Session.Expiration, c.Session.UpdatableFields = aura.RollingExpiration, []string{"name"}
			c.Hooks.Renew = func(ctx context.Context, session *aura.Session) error {
				if end {
					return s.auth.RevokeSession(ctx, session.ID)
				}
				return nil
			}
		})
		for what, ask := range map[string]func(*guest) reply{
			"a look": func(g *guest) reply { return g.get("/auth/session") },
			"an update": func(g *guest) reply {
				csrf := s.signCSRF(s.csrfClaims("sid-of-u-1"))
				return g.do("PATCH", "/auth/session", `{"user":{"name":"Late"}}`, "Content-Type", "application/json", "X-CSRF-Token", csrf)
			},
		} {
			end = true
			r := ask(s.member("u-1"))
			if len(r.header["Set-Cookie"]) != 0 || what == "an update" && r.status != 401 {
				t.Errorf("%s: %d, cookies %q: %s", what, r.status, r.header["Set-Cookie"], r.body)
			}
		}
	})
	t.Run("in a change of the application", func(t *testing.T) {
		s, store := newMoodySite(t, nil)
		for what, meanwhile := range map[string]func(){
			"ended": func() { _ = s.auth.RevokeSession(t.Context(), "sid-of-u-1") },
			"down":  func() { store.mood(moods["an error"]) },
		} {
			r := httptest.NewRequest("POST", s.url+"/page", nil)
			r.Header.Set("Cookie", s.member("u-"+map[string]string{"ended": "1", "down": "2"}[what]).header())
			r.Header.Set("X-CSRF-Token", s.signCSRF(s.csrfClaims("sid-of-u-"+map[string]string{"ended": "1", "down": "2"}[what])))
			want := map[string]error{"ended": aura.ErrNoSession, "down": aura.ErrUnavailable}[what]
			store.mood(nil)
			session, lines, err := s.auth.UpdateSession(r, func(u *aura.User) error { meanwhile(); u.Name = "Late"; return nil })
			if session != nil || len(lines["Set-Cookie"]) != 0 || !errors.Is(err, want) {
				t.Errorf("%s: %v, %v, %v", what, session, lines, err)
			}
		}
	})
	// While a provider answers: tokens are not handed out, and no cookie is written.
	for what, path := range map[string]string{"refresh": "GET " + tokensPath, "user": "POST /auth/providers/dev/user/refresh"} {
		t.Run("at the provider, "+what, func(t *testing.T) {
			var book sessionBook
			s := newTokenRig(t, devidp.Lifetimes{}, func(c *aura.Config) {
				c.Store = memstore.New(c.Now)
				c.HTTPClient = &http.Client{Transport: &book}
			})
			b := s.member()
			r := httptest.NewRequest("GET", s.url+"/page", nil)
			r.Header.Set("Cookie", cookieHeader(b.cookies()))
			session, _, err := s.auth.GetSession(r)
			if err != nil {
				t.Fatal(err)
			}
			csrf := b.csrf()
			s.clock.add(hour + time.Second)
			book.at(map[string]string{"refresh": "/token", "user": "/userinfo"}[what], func() error { return s.auth.RevokeSession(t.Context(), session.ID) })
			method, target, _ := strings.Cut(path, " ")
			got := b.do(method, target, "", "X-CSRF-Token", csrf)
			if got.status != 401 || got.code(t) != string(aura.CodeNoSession) || len(got.header["Set-Cookie"]) != 0 {
				t.Errorf("%d, cookies %q: %s", got.status, got.header["Set-Cookie"], got.body)
			}
			if err := book.result(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("linking", func(t *testing.T) {
		links := &linkBook{}
		var s *rig
		var id string
		s = newRig(t, 2, func(_ string, c *aura.Config) {
			c.Store, c.Hooks.Link = memstore.New(c.Now), links.hook
			c.Providers[1].Profile = func(ctx context.Context, p *aura.Profile) (aura.User, error) {
				if err := s.auth.RevokeSession(ctx, id); err != nil {
					return aura.User{}, err
				}
				return aura.DefaultProfile(ctx, p)
			}
		})
		b := s.browser()
		b.signIn("demo-ada")
		r := httptest.NewRequest("GET", s.url+"/page", nil)
		r.Header.Set("Cookie", cookieHeader(b.cookies()))
		session, _, err := s.auth.GetSession(r)
		if err != nil {
			t.Fatal(err)
		}
		id = session.ID
		b.get(b.consent(b.startLink("dev2"), "demo-grace")).wantRefusal(t, 400, aura.CodeStateInvalid)
		if links.count() != 0 {
			t.Errorf("linked: %v", links.links)
		}
	})
}

// A sessionBook is a transport that does something before it lets a call to a
// path end.
type sessionBook struct {
	mu   sync.Mutex
	path string
	do   func() error
	err  error
}

func (b *sessionBook) at(path string, do func() error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.path, b.do, b.err = path, do, errors.New("nothing has called "+path)
}

func (b *sessionBook) result() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

func (b *sessionBook) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	if b.do != nil && r.URL.Path == b.path {
		b.err = b.do()
	}
	b.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// FA-08: a client that has left while the store is asked loses no session and
// alarms nobody.
func TestClientLeavesDuringLookup(t *testing.T) {
	s, store := newMoodySite(t, nil)
	g := s.member("u-1")
	ctx, leave := context.WithCancel(t.Context())
	store.mood(func(ctx context.Context) error {
		leave()
		<-ctx.Done()
		return ctx.Err()
	})
	r := httptest.NewRequestWithContext(ctx, "GET", s.url+"/auth/session", nil)
	r.Header.Set("Cookie", g.header())
	w := httptest.NewRecorder()
	s.auth.ServeHTTP(w, r)
	if w.Code != 503 || len(w.Header()["Set-Cookie"]) != 0 {
		t.Errorf("%d, cookies %q", w.Code, w.Header()["Set-Cookie"])
	}
	if log := s.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN") {
		t.Errorf("an alarm:\n%s", log)
	}
	store.mood(nil)
	if r := g.get("/auth/session"); r.status != 200 {
		t.Errorf("the session afterwards: %d %s", r.status, r.body)
	}
}
