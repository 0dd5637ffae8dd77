package aura_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// A provider that is down for ten minutes costs nobody their session, and no
// check of a session has to do with it; new sign-ins are told to wait, at a
// bounded cost to the provider; and when it is back, so are they, without a
// restart.
func TestProviderDownForTenMinutes(t *testing.T) {
	for name, warm := range map[string]bool{"asked before": true, "never asked before": false} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t, 1, nil)
			ada := s.browser()
			ada.signIn("demo-ada")
			if !warm {
				s.deploy(nil) // a new process, in the middle of the outage
			}
			down := []devidp.Fault{}
			for _, e := range []devidp.Endpoint{devidp.Discovery, devidp.JWKS, devidp.Token, devidp.UserInfo} {
				down = append(down, devidp.Reset(e))
			}
			s.idp.Misbehave(down...)
			before := s.idp.Counts()
			for minute := range 10 {
				calls := s.idp.Counts()
				r := ada.get("/auth/session")
				if r.status != http.StatusOK || ada.subject() != "demo-ada" {
					t.Fatalf("minute %d: the session check answers %d\n%s", minute, r.status, r.body)
				}
				if s.idp.Counts() != calls {
					t.Fatalf("minute %d: a session check went to the provider", minute)
				}
				for range 20 {
					b := s.browser()
					r, _ := attempt(b, []string{"Accept", "application/json"})
					want := aura.CodeDiscoveryUnreachable
					if warm {
						want = aura.CodeTokenUnreachable // the metadata of before leads to the provider's page
					}
					r.wantRefusal(t, http.StatusServiceUnavailable, want)
					if r.header.Get("Retry-After") == "" {
						t.Error("503 without Retry-After")
					}
				}
				s.clock.add(time.Minute)
			}
			after := s.idp.Counts()
			if n := after.Discovery - before.Discovery; n > 10 {
				t.Errorf("%d discovery requests in ten minutes, for 200 sign-ins", n)
			}
			if n := after.JWKS - before.JWKS; n != 0 {
				t.Errorf("%d requests for keys, without a token to verify", n)
			}
			s.idp.Behave()
			if again := s.browser(); fmt.Sprint(again.signIn("demo-grace").status) != "302" || again.subject() != "demo-grace" {
				t.Errorf("after the outage: signed in as %q", again.subject())
			}
			if ada.subject() != "demo-ada" {
				t.Error("the outage has cost a session")
			}
		})
	}
}
