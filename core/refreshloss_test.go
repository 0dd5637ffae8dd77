package aura_test

import (
	"net/http"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// Whatever fails after a refresh, the browser gets the rotated refresh token.
func TestRotatedTokenIsNeverLost(t *testing.T) {
	t.Run("userinfo fails", func(t *testing.T) {
		s := newTokenRig(t, devidp.Lifetimes{}, nil)
		b := s.member()
		s.clock.add(hour + time.Second)
		s.idp.Misbehave(devidp.Status(devidp.UserInfo, 503))
		r := b.act("POST", "/auth/providers/dev/user/refresh")
		r.wantFailure(t, http.StatusServiceUnavailable, aura.CodeUserInfoUnreachable, true)
		s.idp.Behave()
		s.clock.add(11 * time.Minute) // no memory helps now
		if !b.connected() || s.userInfo(b.accessToken()) != http.StatusOK {
			t.Error("the tokens are lost")
		}
		s.clock.add(hour)
		if s.userInfo(b.accessToken()) != http.StatusOK {
			t.Error("the rotated refresh token is lost")
		}
	})
	// The browser never saw the first refresh; at its next request the second one
	// meets an outage.
	for name, after := range map[string]time.Duration{"due again": 110 * time.Second, "expired again": 125 * time.Second} {
		t.Run("an outage, "+name, func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{AccessToken: 2 * time.Minute}, nil)
			b := s.member()
			s.clock.add(2 * time.Minute)
			if r := s.crowd(1, cookieHeader(b.cookies()), b.csrf())[0]; r.status != http.StatusOK { // its answer is lost
				t.Fatalf("status %d", r.status)
			}
			s.clock.add(after)
			s.idp.Misbehave(devidp.Status(devidp.Refresh, 503))
			b.act("GET", tokensPath)
			s.idp.Behave()
			s.clock.add(11 * time.Minute)
			if r := b.act("GET", tokensPath); r.status != http.StatusOK {
				t.Errorf("status %d: the refresh token of before the first refresh was used again\n%s", r.status, r.body)
			}
		})
	}
}

// SE-28: the answer of a refresh that arrives after the session has ended brings
// nothing back.
func TestLateAnswerAfterTheEnd(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, nil)
	b := s.member()
	s.clock.add(hour + time.Second)
	late := s.crowd(1, cookieHeader(b.cookies()), b.csrf())[0]
	if late.status != http.StatusOK {
		t.Fatalf("status %d", late.status)
	}
	b.act("POST", "/auth/signOut")
	b.receives(late)
	if b.subject() != "" || b.get("/auth/providers/dev").status != http.StatusUnauthorized {
		t.Error("the sign-out is undone")
	}
	b.signIn("demo-grace")
	b.receives(late)
	if b.subject() != "demo-grace" || b.connected() {
		t.Errorf("signed in as %q, connected %v with the tokens of the session before", b.subject(), b.connected())
	}
	b.act("GET", tokensPath).wantFailure(t, http.StatusUnauthorized, aura.CodeNotConnected, false)
}
