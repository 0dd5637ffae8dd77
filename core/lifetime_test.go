package aura_test

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

const day = 24 * time.Hour

// The four strategies, over the life of one session: what a look (GET) and an
// update (PATCH) do to exp, iat and jti (docs/wire.md).
func TestExpirationStrategies(t *testing.T) {
	type effect struct{ exp, iat time.Duration } // after the sign-in; what the token then says
	for _, test := range []struct {
		strategy    aura.Expiration
		maxDuration time.Duration
		at          time.Duration // when, after the sign-in
		look        *effect       // nil: GET writes nothing
		update      effect
	}{
		{aura.AbsoluteExpiration, 0, day, nil, effect{10 * day, 0}},
		{aura.AbsoluteExpiration, 0, 9 * day, nil, effect{10 * day, 0}},
		{aura.FixedExpiration, 0, day, nil, effect{10 * day, day}},
		{aura.FixedExpiration, 0, 9 * day, nil, effect{10 * day, 9 * day}},
		{aura.RollingExpiration, 0, time.Second, &effect{10*day + time.Second, time.Second}, effect{10*day + time.Second, time.Second}},
		{aura.RollingExpiration, 0, 9 * day, &effect{19 * day, 9 * day}, effect{19 * day, 9 * day}},
		{aura.SlidingExpiration, 0, day, nil, effect{11 * day, day}},
		{aura.SlidingExpiration, 0, 6 * day, nil, effect{16 * day, 6 * day}}, // 4 of 10 days are left: exactly the threshold
		{aura.SlidingExpiration, 0, 6*day + time.Second, &effect{16*day + time.Second, 6*day + time.Second}, effect{16*day + time.Second, 6*day + time.Second}},
		// With a bound on the whole: exp stops at it (SE-04).
		{aura.RollingExpiration, 12 * day, day, &effect{11 * day, day}, effect{11 * day, day}},
		{aura.RollingExpiration, 12 * day, 5 * day, &effect{12 * day, 5 * day}, effect{12 * day, 5 * day}},
		{aura.SlidingExpiration, 12 * day, 7 * day, &effect{12 * day, 7 * day}, effect{12 * day, 7 * day}},
		{aura.SlidingExpiration, 12 * day, day, nil, effect{11 * day, day}},
		{aura.AbsoluteExpiration, 5 * day, day, nil, effect{5 * day, 0}},
		{aura.FixedExpiration, 5 * day, day, nil, effect{5 * day, day}},
	} {
		t.Run(string(test.strategy)+" "+test.maxDuration.String()+" at "+test.at.String(), func(t *testing.T) {
			newOne := func() (*site, *guest, claimSet, time.Time) {
				s := newSite(t, func(c *aura.Config) {
					c.Session = aura.SessionConfig{MaxAge: 10 * day, MaxDuration: test.maxDuration, Expiration: test.strategy, SlidingThreshold: 0.4, UpdatableFields: []string{"name"}}
				})
				g := s.guest()
				start := s.clock.now()
				g.signIn()
				before := s.open(g.cookies[g.names.session])
				s.clock.add(test.at)
				return s, g, before, start
			}
			check := func(t *testing.T, s *site, g *guest, before claimSet, start time.Time, want effect) {
				t.Helper()
				after := s.open(g.cookies[g.names.session])
				if got := time.Duration(after.number("exp")-start.Unix()) * time.Second; got != want.exp {
					t.Errorf("exp is %v after the sign-in, want %v", got, want.exp)
				}
				if got := time.Duration(after.number("iat")-start.Unix()) * time.Second; got != want.iat {
					t.Errorf("iat is %v after the sign-in, want %v", got, want.iat)
				}
				if after["jti"] == before["jti"] || after["jti"] == "" {
					t.Error("jti is the old one")
				}
				if !reflect.DeepEqual(after["aura"], before["aura"]) || after["nbf"] != before["nbf"] {
					t.Errorf("aura or nbf has changed: %v, %v", after["aura"], after["nbf"])
				}
				mexp := int64(0)
				if test.maxDuration > 0 {
					mexp = start.Add(test.maxDuration).Unix()
				}
				if got := after.number("mexp"); got != mexp {
					t.Errorf("mexp %d, want %d", got, mexp)
				}
			}
			t.Run("look", func(t *testing.T) {
				s, g, before, start := newOne()
				// HEAD never renews, whatever is due.
				if r := g.do("HEAD", "/auth/session", ""); r.status != http.StatusOK {
					t.Fatalf("HEAD: status %d", r.status)
				}
				r := g.get("/auth/session")
				if r.status != http.StatusOK {
					t.Fatalf("status %d\n%s", r.status, r.body)
				}
				line := cookieLine(t, r, g.names.session)
				if test.look == nil {
					if line != nil {
						t.Errorf("Set-Cookie: %s", line.Raw)
					}
					return
				}
				if line == nil {
					t.Fatal("nothing was renewed")
				}
				check(t, s, g, before, start, *test.look)
				if want := int((test.look.exp - test.at) / time.Second); line.MaxAge != want {
					t.Errorf("Max-Age %d, want the remaining %d", line.MaxAge, want)
				}
				session, _ := r.json(t)["session"].(map[string]any)
				if want := start.Add(test.look.exp).Format("2006-01-02T15:04:05.000Z"); session["expires"] != want {
					t.Errorf("expires %v, want %s", session["expires"], want)
				}
			})
			t.Run("update", func(t *testing.T) {
				s, g, before, start := newOne()
				// The token is fetched from a copy: a rolling GET would renew.
				token := s.signCSRF(s.csrfClaims(sidOf(before)))
				r := g.do("PATCH", "/auth/session", `{"user":{"name":"X"},"expires":"2999-01-01T00:00:00Z"}`, "Content-Type", jsonType, "X-CSRF-Token", token)
				if r.status != http.StatusOK {
					t.Fatalf("status %d\n%s", r.status, r.body)
				}
				check(t, s, g, before, start, test.update)
				if got := g.user()["name"]; got != "X" {
					t.Errorf("name %v", got)
				}
			})
		})
	}
}

// sidOf is the session's id.
func sidOf(c claimSet) string {
	a, _ := c["aura"].(map[string]any)
	sid, _ := a["sid"].(string)
	return sid
}

// SE-04: however often it is renewed, a session ends MaxDuration after the
// sign-in, and exp has no tolerance.
func TestSessionEnds(t *testing.T) {
	for _, strategy := range []aura.Expiration{aura.RollingExpiration, aura.SlidingExpiration} {
		t.Run(string(strategy), func(t *testing.T) {
			s := newSite(t, func(c *aura.Config) {
				c.Session = aura.SessionConfig{MaxAge: 10 * time.Hour, MaxDuration: 35 * time.Hour, Expiration: strategy, SlidingThreshold: 0.5, UpdatableFields: []string{"name"}}
			})
			g := s.guest()
			start := s.clock.now()
			g.signIn()
			for s.clock.now().Before(start.Add(34 * time.Hour)) {
				s.clock.add(2 * time.Hour)
				if g.subject() != "u-1" {
					t.Fatalf("signed out %v after the sign-in", s.clock.now().Sub(start))
				}
				if r := g.patch(`{"user":{"name":"X"}}`); r.status != http.StatusOK {
					t.Fatalf("PATCH: status %d", r.status)
				}
				if exp := s.open(g.cookies[g.names.session]).number("exp"); exp > start.Add(35*time.Hour).Unix() {
					t.Fatalf("exp exceeds the bound by %d s", exp-start.Add(35*time.Hour).Unix())
				}
			}
			s.clock.add(start.Add(35*time.Hour - time.Second).Sub(s.clock.now()))
			if g.subject() != "u-1" {
				t.Error("signed out a second before the end")
			}
			s.clock.add(time.Second)
			if g.subject() != "" {
				t.Error("signed in at the end")
			}
		})
	}
	t.Run("absolute", func(t *testing.T) {
		s := newSite(t, func(c *aura.Config) { c.Session.MaxAge = time.Hour })
		g := s.guest()
		g.signIn()
		s.clock.add(time.Hour - time.Second)
		if g.subject() != "u-1" {
			t.Error("signed out a second before the end")
		}
		s.clock.add(time.Second)
		r := g.get("/auth/session")
		if r.status != http.StatusUnauthorized {
			t.Errorf("status %d at the end", r.status)
		}
		if line := cookieLine(t, r, g.names.csrf); line != nil {
			t.Errorf("the CSRF cookie is touched: %s", line.Raw)
		}
	})
}

// A bound that is configured later holds for sessions that exist already, also
// for those of a TypeScript server, which count from iat.
func TestNewlyConfiguredMaxDuration(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(claimSet) claimSet
		signed time.Duration // before now
		status int
		exp    time.Duration // of what GET answers, after the sign-in
	}{
		{"within it", nil, day, 200, 5 * day},
		{"beyond it", nil, 5 * day, 401, 0},
		{"made elsewhere, within it", func(c claimSet) claimSet { return c.without("aura") }, day, 200, 5 * day},
		{"made elsewhere, beyond it", func(c claimSet) claimSet { return c.without("aura") }, 5 * day, 401, 0},
		{"with a greater bound of its own", func(c claimSet) claimSet { return c.with("mexp", c["iat"].(int64)+int64(30*day/time.Second)) }, day, 200, 5 * day},
		{"with a smaller bound of its own", func(c claimSet) claimSet { return c.with("mexp", c["iat"].(int64)+int64(3*day/time.Second)) }, 3 * day, 401, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, func(c *aura.Config) { c.Session.MaxDuration = 5 * day; c.Session.MaxAge = 30 * day })
			g := s.guest()
			start := s.clock.now()
			claims := s.claims("u-1")
			if test.change != nil {
				claims = test.change(claims)
			}
			g.cookies[g.names.session] = s.seal(claims)
			s.clock.add(test.signed)
			r := g.get("/auth/session")
			if r.status != test.status {
				t.Fatalf("status %d, want %d", r.status, test.status)
			}
			if test.status != http.StatusOK {
				return
			}
			session, _ := r.json(t)["session"].(map[string]any)
			if want := start.Add(test.exp).Format("2006-01-02T15:04:05.000Z"); session["expires"] != want {
				t.Errorf("expires %v, want the bound %s", session["expires"], want)
			}
		})
	}
}

// FA-13: clocks of two servers differ, and are set right while sessions live.
func TestClockSteps(t *testing.T) {
	for _, test := range []struct {
		step   time.Duration
		signed bool
	}{
		{-2 * time.Minute, true}, {-150 * time.Second, true}, {-151 * time.Second, false}, {-time.Hour, false},
		{time.Minute, true}, {time.Hour, true}, {15*day - time.Second, true}, {15 * day, false},
	} {
		t.Run(test.step.String(), func(t *testing.T) {
			s := newSite(t, nil)
			g := s.guest()
			g.signIn()
			token := g.csrf()
			s.clock.add(test.step)
			if got := g.subject() != ""; got != test.signed {
				t.Errorf("signed in: %v, want %v", got, test.signed)
			}
			if !test.signed {
				return
			}
			if r := g.do("PATCH", "/auth/session", `{}`, "Content-Type", jsonType, "X-CSRF-Token", token); r.status != http.StatusOK {
				t.Errorf("PATCH with the token of before: status %d\n%s", r.status, r.body)
			}
		})
	}
	t.Run("during a sign-in", func(t *testing.T) {
		s := newSite(t, nil)
		g := s.guest()
		start := g.get("/auth/signIn/gh").header.Get("Location")
		s.clock.add(-2 * time.Minute)
		if r := g.get(callback(t, start)); r.status != http.StatusFound || g.subject() != "u-1" {
			t.Errorf("status %d, signed in as %q", r.status, g.subject())
		}
	})
}

// SE-27: looking at a session that need not be renewed writes nothing.
func TestLookingWritesNothing(t *testing.T) {
	for _, strategy := range []aura.Expiration{aura.AbsoluteExpiration, aura.FixedExpiration, aura.SlidingExpiration} {
		t.Run(string(strategy), func(t *testing.T) {
			s := newSite(t, func(c *aura.Config) { c.Session.Expiration = strategy })
			g := s.member("u-1")
			for i := range 100 {
				s.clock.add(time.Hour)
				if r := g.get("/auth/session"); len(r.header["Set-Cookie"]) != 0 || r.status != http.StatusOK {
					t.Fatalf("look %d: status %d, Set-Cookie %q", i, r.status, r.header["Set-Cookie"])
				}
			}
		})
	}
	t.Run("HEAD", func(t *testing.T) {
		s := newSite(t, func(c *aura.Config) { c.Session.Expiration = aura.RollingExpiration })
		g := s.member("u-1")
		for range 10 {
			s.clock.add(time.Hour)
			for _, path := range []string{"/auth/session", "/auth/csrfToken"} {
				if r := g.do("HEAD", path, ""); r.status != http.StatusOK { // judge refuses Set-Cookie
					t.Errorf("HEAD %s: status %d", path, r.status)
				}
			}
		}
	})
}

// Rotation of the secret: a session under an older one is moved to the newest
// as it is, and only by what may write (must-show 6, SE-14).
func TestRotationMovesSessions(t *testing.T) {
	old := newSite(t, nil)
	g := old.guest()
	g.signIn()
	was := old.open(g.cookies[g.names.session])
	token := g.csrf()

	next := newSite(t, func(c *aura.Config) { c.Secrets = []aura.Secret{otherSecret, testSecret} })
	next.clock.add(time.Hour)
	g = g.on(next.url)
	if r := g.do("HEAD", "/auth/session", ""); r.status != http.StatusOK {
		t.Fatalf("HEAD: status %d", r.status)
	}
	if r := g.do("PATCH", "/auth/session", `{}`, "Content-Type", jsonType, "X-CSRF-Token", token); r.status != http.StatusOK {
		t.Errorf("PATCH with a token of the older secret: status %d\n%s", r.status, r.body)
	}
	g.cookies[g.names.session] = old.seal(was)
	r := g.get("/auth/session")
	line := cookieLine(t, r, g.names.session)
	if r.status != http.StatusOK || line == nil {
		t.Fatalf("status %d, Set-Cookie %q", r.status, r.header["Set-Cookie"])
	}
	if _, key, err := next.codec.Open(line.Value); err != nil || key != 0 {
		t.Errorf("the moved session opens under secret %d, %v", key, err)
	}
	if now := next.open(line.Value); !reflect.DeepEqual(now, was) {
		t.Errorf("the moved session is\n%v, was\n%v", now, was)
	}
	if r := g.get("/auth/session"); len(r.header["Set-Cookie"]) != 0 {
		t.Error("moved twice")
	}

	alone := newSite(t, func(c *aura.Config) { c.Secrets = []aura.Secret{otherSecret} })
	if g := g.on(alone.url); g.subject() != "u-1" {
		t.Error("the moved session does not live under the new secret alone")
	}
	g.cookies[g.names.session] = old.seal(was)
	r = g.on(alone.url).get("/auth/session")
	if r.status != http.StatusUnauthorized || len(r.header["Set-Cookie"]) != 0 {
		t.Errorf("a session of the dropped secret: status %d, Set-Cookie %q", r.status, r.header["Set-Cookie"])
	}
}
