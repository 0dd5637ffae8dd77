package aura_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// A renewal of the session that is answered after a refresh, by a request that
// began with the same cookies, does not bring the used refresh token back.
func TestRenewalKeepsRotatedTokens(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, func(c *aura.Config) { c.Session.Expiration = aura.RollingExpiration })
	b := s.member()
	s.clock.add(hour + time.Second)
	before := cookieHeader(b.cookies())
	if r := b.act("GET", tokensPath); r.status != http.StatusOK {
		t.Fatalf("tokens: status %d\n%s", r.status, r.body)
	}
	b.receives(newBrowser(t, s.url).get("/auth/session", "Cookie", before))
	s.clock.add(hour + 11*time.Minute) // no memory helps now
	if r := b.act("GET", tokensPath); r.status != http.StatusOK {
		t.Errorf("status %d: the renewal brought the used refresh token back\n%s", r.status, r.body)
	}
}

// HEAD sends no cookies, so it must not use the refresh token up.
func TestHEADRefreshesNothing(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, nil)
	b := s.member()
	s.clock.add(hour + time.Second)
	if _, lines, err := s.auth.AccessToken(b.request("HEAD"), "dev"); err == nil || lines != nil {
		t.Errorf("an ended token: %v, lines %v, want an error", err, lines)
	}
	if n := s.idp.Counts().Refresh; n != 0 {
		t.Errorf("HEAD made %d refreshes", n)
	}
	s.clock.add(11 * time.Minute)
	if r := b.act("GET", tokensPath); r.status != http.StatusOK {
		t.Errorf("afterwards: status %d\n%s", r.status, r.body)
	}
}

// What an update writes, the tokens follow: for as long as the session now
// lives, and within the room for cookies.
func TestUpdateKeepsTokens(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, func(c *aura.Config) {
		c.Session.Expiration = aura.SlidingExpiration
		c.Session.UpdatableFields = []string{"name"}
	})
	b := s.member()
	r := b.do("PATCH", "/auth/session", `{"user":{"name":"Countess"}}`, "Content-Type", "application/json", "X-CSRF-Token", b.csrf())
	if r.status != http.StatusOK || !strings.Contains(strings.Join(r.header["Set-Cookie"], "\n"), tokensCookie+"=") {
		t.Errorf("status %d, cookies %q, want the tokens among them", r.status, r.written())
	}
	if !b.connected() {
		t.Error("the tokens are lost")
	}
	large := `{"user":{"name":"` + strings.Repeat("x", 2400) + `"}}`
	if r = b.do("PATCH", "/auth/session", large, "Content-Type", "application/json", "X-CSRF-Token", b.csrf()); r.status != http.StatusOK {
		t.Fatalf("a large name: status %d\n%s", r.status, r.body)
	}
	if n := len(cookieHeader(b.cookies())); n > 7168 {
		t.Errorf("%d bytes of cookies, want 7168 at most", n)
	}
}

// FA-17: a hook that comes too late lets nobody in, whatever it then says.
func TestLateHook(t *testing.T) {
	t.Parallel() // it waits for ten seconds
	s := newTokenRig(t, devidp.Lifetimes{}, func(c *aura.Config) {
		c.Hooks.SignIn = func(ctx context.Context, _ *aura.Attempt) error {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("the hook has no deadline")
			}
			<-ctx.Done()
			return nil
		}
	})
	b := s.browser()
	start := b.start("/after")
	callback, err := s.idp.Approve(start, "demo-ada")
	if err != nil {
		t.Fatal(err)
	}
	if r := b.get(callback); r.status != http.StatusServiceUnavailable || b.subject() != "" {
		t.Errorf("status %d, signed in as %q, want 503 and nobody", r.status, b.subject())
	}
}
