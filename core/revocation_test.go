package aura_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/memstore"
)

// A moodyStore is a memstore that fails on command, and counts.
type moodyStore struct {
	*memstore.Store

	mu   sync.Mutex
	fail func(context.Context) error // nil: it works
	gets int
	puts int
}

func (m *moodyStore) mood(fail func(context.Context) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

// moodOf is mood for a failure that looks at no context.
func (m *moodyStore) moodOf(fail func() error) { m.mood(func(context.Context) error { return fail() }) }

func (m *moodyStore) asked(counter *int) func(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	*counter++
	if m.fail == nil {
		return func(context.Context) error { return nil }
	}
	return m.fail
}

func (m *moodyStore) Get(ctx context.Context, keys ...string) ([]aura.Record, error) {
	if err := m.asked(&m.gets)(ctx); err != nil {
		return nil, err
	}
	return m.Store.Get(ctx, keys...)
}

func (m *moodyStore) Put(ctx context.Context, r aura.Record) error {
	if err := m.asked(&m.puts)(ctx); err != nil {
		return err
	}
	return m.Store.Put(ctx, r)
}

// moods are the ways in which a store does not answer.
var moods = map[string]func(context.Context) error{
	"an error":  func(context.Context) error { return errors.New("zzcanary: connection refused") },
	"a panic":   func(context.Context) error { panic("zzcanary") },
	"not there": func(context.Context) error { return aura.ErrNotFound },
	"a hang": func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	},
}

func newMoodySite(t *testing.T, change func(*aura.Config)) (*site, *moodyStore) {
	t.Helper()
	store := &moodyStore{}
	s := newSite(t, func(c *aura.Config) {
		store.Store = memstore.New(c.Now)
		c.Store = store
		if change != nil {
			change(c)
		}
	})
	return s, store
}

// SE-23: a copy of the cookie is worth nothing after the sign-out, in each form
// of the token; nor is one that a renewal has written meanwhile.
func TestSignOutEndsCopies(t *testing.T) {
	for _, mode := range []aura.TokenMode{aura.SealedToken, aura.SignedToken, aura.EncryptedToken} {
		t.Run(string(mode), func(t *testing.T) {
			s, _ := newMoodySite(t, func(c *aura.Config) { c.Session.Token, c.Session.Expiration = mode, aura.RollingExpiration })
			g, other := s.member("u-1"), s.member("u-2")
			copied := g.copy()
			if r := copied.get("/auth/session"); r.status != 200 {
				t.Fatalf("the copy before: %d %s", r.status, r.body)
			}
			renewed := copied.copy() // with the cookie of the renewal
			if r := g.signOut(); r.status != 202 || len(g.cookies) != 0 {
				t.Fatalf("sign-out: %d %s, cookies %v", r.status, r.body, g.cookies)
			}
			for why, c := range map[string]*guest{"the copy": copied, "the renewal": renewed} {
				if r := c.get("/auth/session"); r.status != 401 {
					t.Errorf("%s after the sign-out: %d %s", why, r.status, r.body)
				}
			}
			if r := other.get("/auth/session"); r.status != 200 {
				t.Errorf("somebody else: %d %s", r.status, r.body)
			}
			// As long as the token could be good, and no byte of it: it is the sid.
			s.clock.add(s.maxAge() - time.Second)
			again := s.member("u-1")
			if r := again.get("/auth/session"); r.status != 401 {
				t.Errorf("a token of that session 15 days later: %d %s", r.status, r.body)
			}
		})
	}
}

// FA-07 to FA-10: a store that does not answer signs nobody out and lets nobody
// in; nothing is cleared, and when it is back everything is as it was.
func TestStoreOutage(t *testing.T) {
	for name, mood := range moods {
		t.Run(name, func(t *testing.T) {
			s, store := newMoodySite(t, nil)
			g := s.member("u-1")
			csrf := s.signCSRF(s.csrfClaims("sid-of-u-1"))
			store.mood(mood)
			ask := map[string]func() reply{
				"GET session":  func() reply { return g.get("/auth/session") },
				"sign-out":     func() reply { return g.do("POST", "/auth/signOut", "", "X-CSRF-Token", csrf) },
				"GET csrf":     func() reply { return g.get("/auth/csrfToken") },
				"HEAD session": func() reply { return g.do("HEAD", "/auth/session", "") },
			}
			if name == "a hang" { // two seconds each
				delete(ask, "GET csrf")
				delete(ask, "HEAD session")
			}
			for what, call := range ask {
				r := call()
				if r.status != 503 || r.header.Get("Retry-After") == "" || len(r.header["Set-Cookie"]) != 0 || strings.Contains(r.body, "zzcanary") {
					t.Errorf("%s: %d, Retry-After %q, cookies %q: %s", what, r.status, r.header.Get("Retry-After"), r.header["Set-Cookie"], r.body)
				}
				if what != "HEAD session" && r.code(t) != string(aura.CodeUnavailable) {
					t.Errorf("%s: code %s", what, r.code(t))
				}
			}
			if name != "a hang" {
				for what, call := range map[string]func(*http.Request) error{
					"Load":       func(r *http.Request) error { _, _, err := s.auth.Load(r); return err },
					"Require":    func(r *http.Request) error { _, _, err := s.auth.Require(r); return err },
					"GetSession": func(r *http.Request) error { _, _, err := s.auth.GetSession(r); return err },
					"Verify":     s.auth.Verify,
				} {
					r := httptest.NewRequest("POST", s.url+"/page", nil)
					r.Header.Set("Cookie", g.header())
					if err := call(r); !errors.Is(err, aura.ErrUnavailable) || errors.Is(err, aura.ErrNoSession) {
						t.Errorf("%s: %v", what, err)
					}
				}
			}
			store.mood(nil)
			if r := g.get("/auth/session"); r.status != 200 {
				t.Errorf("when it is back: %d %s", r.status, r.body)
			}
		})
	}
}

// A record that makes no sense, or was not asked for, is an outage and no
// session.
func TestStoreLies(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Store = lyingStore{memstore.New(c.Now)} })
	if r := s.member("u-1").get("/auth/session"); r.status != 503 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

type lyingStore struct{ *memstore.Store }

func (lyingStore) Get(context.Context, ...string) ([]aura.Record, error) {
	return []aura.Record{{Key: "another", Value: []byte(`{"at":1}`), Version: 1}}, nil
}

// Guests cost the store nothing, and a session check one call.
func TestStoreCalls(t *testing.T) {
	s, store := newMoodySite(t, nil)
	s.guest().get("/auth/session")
	forged := s.member("u-1")
	forged.cookies[forged.names.session] += "x"
	forged.get("/auth/session")
	if store.gets != 0 {
		t.Errorf("%d calls for guests", store.gets)
	}
	s.member("u-1").get("/auth/session")
	if store.gets != 1 || store.puts != 0 {
		t.Errorf("a session check: %d gets, %d puts", store.gets, store.puts)
	}
}

// FL-26, FL-27: what a sign-in takes the place of ends: somebody else's session
// at once, the same user's after half a minute, so that other tabs finish.
func TestSignInEndsPredecessor(t *testing.T) {
	for name, test := range map[string]struct {
		next string
		at   time.Duration
	}{"somebody else": {"u-2", 0}, "the same user": {"u-1", 30 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			s, store := newMoodySite(t, nil)
			s.idp.become("u-1")
			g := s.guest()
			g.signIn()
			before := g.copy()
			s.idp.become(test.next)
			store.mood(moods["an error"])
			if r := g.get("/auth/signIn/gh"); r.status == 302 {
				if r := g.get(callback(t, r.header.Get("Location"))); r.status != 503 {
					t.Errorf("a sign-in while the store is down: %d %s", r.status, r.body)
				}
			}
			store.mood(nil)
			if r := before.get("/auth/session"); r.status != 200 {
				t.Fatalf("after the sign-in that failed: %d %s", r.status, r.body)
			}
			g.signIn()
			if test.at > 0 {
				s.clock.add(test.at - time.Second)
				if r := before.get("/auth/session"); r.status != 200 {
					t.Errorf("within the handover: %d %s", r.status, r.body)
				}
				s.clock.add(time.Second)
			}
			if r := before.get("/auth/session"); r.status != 401 {
				t.Errorf("the session of before: %d %s", r.status, r.body)
			}
			if r := g.get("/auth/session"); r.status != 200 {
				t.Errorf("the new session: %d %s", r.status, r.body)
			}
		})
	}
}

// copy is another browser with the same cookies.
func (g *guest) copy() *guest {
	other := *g
	other.cookies = maps.Clone(g.cookies)
	return &other
}

// signOut signs out as a script does.
func (g *guest) signOut() reply {
	g.t.Helper()
	return g.do("POST", "/auth/signOut", "", "X-CSRF-Token", g.csrf())
}

// SE-24: RevokeAll ends what began up to now, of that account and no other;
// RevokeSession one session.
func TestRevokeSessions(t *testing.T) {
	s, store := newMoodySite(t, nil)
	at := s.clock.now().UnixMilli()
	member := func(subject, sid, issuer string, at int64) *guest {
		g := s.guest()
		g.cookies[g.names.session] = s.seal(s.claims(subject).with("aura", map[string]any{"sid": sid, "idp": "gh", "iss": issuer, "at": at}))
		return g
	}
	ada := []*guest{member("u-1", "a", "https://idp.example", at-1000), member("u-1", "b", "https://idp.example", at)}
	others := map[string]*guest{
		"another issuer":  member("u-1", "c", "https://other.example", at),
		"another subject": member("u-2", "d", "https://idp.example", at),
		"a later sign-in": member("u-1", "e", "https://idp.example", at+1),
		"parts that join": member("1", "f", "https://idp.exampleu-", at),
	}
	foreign := s.guest()
	foreign.cookies[foreign.names.session] = s.seal(s.claims("u-1").without("aura")) // minted by TypeScript
	others["minted elsewhere"] = foreign

	if err := s.auth.RevokeAll(t.Context(), aura.Account{Issuer: "https://idp.example", Subject: "u-1"}); err != nil {
		t.Fatal(err)
	}
	for i, g := range ada {
		if r := g.get("/auth/session"); r.status != 401 {
			t.Errorf("session %d: %d %s", i, r.status, r.body)
		}
	}
	for why, g := range others {
		if r := g.get("/auth/session"); r.status != 200 {
			t.Errorf("%s: %d %s", why, r.status, r.body)
		}
	}
	if err := s.auth.RevokeSession(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	if r := others["another subject"].get("/auth/session"); r.status != 401 {
		t.Errorf("RevokeSession: %d %s", r.status, r.body)
	}
	if err := s.auth.RevokeSession(t.Context(), "jti-of-u-1"); err != nil {
		t.Fatal(err)
	}
	if r := foreign.get("/auth/session"); r.status != 401 {
		t.Errorf("RevokeSession of one minted elsewhere: %d %s", r.status, r.body)
	}

	store.mood(moods["an error"])
	for name, err := range map[string]error{
		"RevokeAll": s.auth.RevokeAll(t.Context(), aura.Account{}), "RevokeSession": s.auth.RevokeSession(t.Context(), "x"),
	} {
		if !errors.Is(err, aura.ErrUnavailable) {
			t.Errorf("%s while the store is down: %v", name, err)
		}
	}
	without := newSite(t, nil)
	for name, err := range map[string]error{
		"RevokeAll": without.auth.RevokeAll(t.Context(), aura.Account{}), "RevokeSession": without.auth.RevokeSession(t.Context(), "x"),
	} {
		if !errors.Is(err, aura.ErrNeedsStore) {
			t.Errorf("%s without a store: %v", name, err)
		}
	}
}

// CC-05, SE-28: however a sign-out races with renewals and updates, in the end
// nobody is signed in.
func TestSignOutRaces(t *testing.T) {
	s, _ := newMoodySite(t, func(c *aura.Config) {
		c.Session.Expiration, c.Session.UpdatableFields = aura.RollingExpiration, []string{"name"}
	})
	for range 50 {
		g := s.guest()
		sid := "sid-" + strings.ReplaceAll(time.Now().Format(time.RFC3339Nano), ":", "-")
		g.cookies[g.names.session] = s.seal(s.claims("u-1").with("aura", map[string]any{"sid": sid, "idp": "gh", "iss": "https://idp.example", "at": s.clock.now().UnixMilli()}))
		csrf := s.signCSRF(s.csrfClaims(sid))
		tabs := []*guest{g.copy(), g.copy(), g.copy()}
		var all sync.WaitGroup
		all.Go(func() { g.do("POST", "/auth/signOut", "", "X-CSRF-Token", csrf) })
		for i, tab := range tabs {
			all.Go(func() {
				if i == 0 {
					tab.do("PATCH", "/auth/session", `{"user":{"name":"Late"}}`, "Content-Type", "application/json", "X-CSRF-Token", csrf)
					return
				}
				tab.get("/auth/session")
			})
		}
		all.Wait()
		for i, tab := range tabs {
			if r := tab.get("/auth/session"); r.status != 401 {
				t.Fatalf("tab %d is signed in after the sign-out: %d %s", i, r.status, r.body)
			}
		}
	}
}

// A form that signs out while the store is down is told so, and keeps its
// cookies: FA-09. The page with the sign-in form would say the opposite.
func TestFormSignOutOutage(t *testing.T) {
	s, store := newMoodySite(t, nil)
	g := s.member("u-1")
	store.mood(moods["an error"])
	form := url.Values{"csrfToken": {s.signCSRF(s.csrfClaims("sid-of-u-1"))}}
	for accept, want := range map[string]string{"text/html": "<h1>Sign-out did not work</h1>", "*/*": string(aura.CodeUnavailable)} {
		r := g.do("POST", "/auth/signOut", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", accept)
		if r.status != 503 || r.header.Get("Retry-After") == "" || len(r.header["Set-Cookie"]) != 0 || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %q: %s", accept, r.status, r.header["Set-Cookie"], r.body)
		}
	}
}
