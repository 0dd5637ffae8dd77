package aura_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// padded makes a member of the token answer n bytes long.
func padded(member string, n int) devidp.Fault {
	return devidp.Fault{Endpoint: devidp.Token, JSON: func(o map[string]any) { o[member] = filler(n) }}
}

// largeIDToken makes the ID token n bytes longer, and keeps it valid.
func largeIDToken(n int) devidp.Fault {
	return devidp.Fault{Endpoint: devidp.Token, IDToken: func(claims, _ map[string]any) { claims["pad"] = filler(n) }}
}

// Tokens never fail a sign-in: first the ID token gives way, then all of them.
func TestTokensTooLarge(t *testing.T) {
	for name, row := range map[string]struct {
		faults    []devidp.Fault
		max       int
		connected bool
		idToken   bool
		split     bool
	}{
		"usual":                       {nil, 0, true, true, false},
		"a large ID token":            {[]devidp.Fault{largeIDToken(3000)}, 0, true, false, false},
		"a large access token":        {[]devidp.Fault{padded("access_token", 2850)}, 0, true, false, true},
		"too large an access token":   {[]devidp.Fault{padded("access_token", 5000)}, 0, false, false, false},
		"too large a refresh token":   {[]devidp.Fault{padded("refresh_token", 5000)}, 0, false, false, false},
		"split, with room":            {[]devidp.Fault{largeIDToken(3000)}, 16 << 10, true, true, true},
		"split, an access token":      {[]devidp.Fault{padded("access_token", 3000)}, 16 << 10, true, true, true},
		"too large with room as well": {[]devidp.Fault{padded("access_token", 12000)}, 16 << 10, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t, 1, func(_ string, c *aura.Config) {
				c.Cookies.MaxBytes = row.max
				c.ProviderTokens.ExposeIDToken = true
				// Userinfo would refuse an access token that it has not issued.
				c.Providers[0].Profile = func(_ context.Context, p *aura.Profile) (aura.User, error) { return aura.User{Subject: p.Subject}, nil }
			})
			s.idp.Misbehave(append(row.faults, userInfoOfAda(), devidp.MissingAtHash)...) // no at_hash: it would not be the padded token's
			b := s.member()
			if b.subject() != "demo-ada" || b.connected() != row.connected {
				t.Fatalf("signed in as %q, connected %v, want %v", b.subject(), b.connected(), row.connected)
			}
			if row.connected {
				_, has := b.tokens()["idToken"]
				if has != row.idToken || (len(b.held()) > 1) != row.split {
					t.Errorf("ID token %v, want %v; cookies %q, want them split: %v", has, row.idToken, b.held(), row.split)
				}
			}
			if said := strings.Contains(s.log.String(), "event=tokensDropped"); said == row.connected {
				t.Errorf("logged that the tokens are dropped: %v", said)
			}
			if !row.connected && len(b.held()) != 0 {
				t.Errorf("cookies %q are left", b.held())
			}
			size, max := 0, 7168
			for name, value := range b.cookies() {
				size += len(name) + len(value) + 3
			}
			if row.max != 0 {
				max = row.max
			}
			if size > max {
				t.Errorf("the cookies take %d bytes, over %d", size, max)
			}
		})
	}
}

// userInfoOfAda answers whatever token is shown.
func userInfoOfAda() devidp.Fault {
	return devidp.Fault{Endpoint: devidp.UserInfo, Hijack: func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"sub":"demo-ada"}`))
		return true
	}}
}
