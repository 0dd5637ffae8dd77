package aura_test

import (
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// The Refresh Token plan. A refused refresh leaves the session and the tokens
// as they were, and an honest one still works then.
func TestConformanceRefresh(t *testing.T) {
	for name, fault := range map[string]*devidp.Fault{
		"oidcc-client-test-refresh-token":                nil,
		"oidcc-client-test-refresh-token-invalid-issuer": &devidp.RefreshWrongIssuer,
		"oidcc-client-test-refresh-token-invalid-sub":    &devidp.RefreshWrongSubject,
	} {
		t.Run(name, func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{}, nil)
			b := s.member()
			old := b.accessToken()
			if fault != nil {
				s.idp.Misbehave(*fault)
			}
			s.clock.add(hour + 1)
			r := b.act("GET", tokensPath)
			if fault != nil {
				r.wantFailure(t, 401, aura.CodeIDTokenInvalid, false)
				if b.subject() != "demo-ada" || !b.connected() {
					t.Errorf("signed in as %q, connected %v", b.subject(), b.connected())
				}
				return
			}
			if fresh := r.tokens(t)["accessToken"]; r.status != 200 || fresh == nil || fresh == old || s.idp.Counts().Refresh != 1 {
				t.Errorf("status %d, a new token %v, %d refreshes", r.status, fresh != old, s.idp.Counts().Refresh)
			}
		})
	}
}
