package devidp_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/devidp"
)

// TestCloseEndsEverything: requests that would wait for a minute and more end with
// Close, and so do their goroutines.
func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	p, err := devidp.Start(fast())
	if err != nil {
		t.Fatal(err)
	}
	p.Misbehave(devidp.Stall(devidp.JWKS), devidp.Delay(devidp.Discovery, time.Hour), devidp.Drip(devidp.UserInfo, time.Hour))
	access := newTokens(t, p).text("access_token")
	var waiting sync.WaitGroup
	for path, header := range map[string]http.Header{"/jwks": nil, "/.well-known/openid-configuration": nil, "/userinfo": {"Authorization": {"Bearer " + access}}} {
		waiting.Go(func() {
			if a := do(context.Background(), "GET", base(p)+path, nil, header); a.err == nil {
				t.Errorf("%s: %d %q, want a broken connection", path, a.status, a.body)
			}
		})
	}
	for c := p.Counts(); c.JWKS+c.Discovery+c.UserInfo < 3; c = p.Counts() {
		time.Sleep(time.Millisecond)
	}
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	waiting.Wait()
	if err := p.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	if a := do(t.Context(), "GET", base(p)+"/jwks", nil, nil); a.err == nil {
		t.Errorf("after Close: %d", a.status)
	}
	// The client's own goroutines end in their own time.
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 64<<10)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

func TestStartDefaults(t *testing.T) {
	p, other := start(t, devidp.Config{}), start(t, devidp.Config{})
	if !strings.HasPrefix(p.Issuer(), "http://127.0.0.1:") || strings.HasSuffix(p.Issuer(), ":0") {
		t.Errorf("issuer %s", p.Issuer())
	}
	if p.Client().ID != "dev" || len(p.Client().Secret) < 43 || p.Client().Secret == other.Client().Secret {
		t.Error("the default client has no random secret")
	}
	if len(p.Users()) != 3 || p.Users()[0].Name != "Ada Lovelace" {
		t.Errorf("users %v", p.Users())
	}
	key := get(t, base(p)+"/jwks").object()["keys"].([]any)[0].(map[string]any)
	if key["kty"] != "RSA" || key["alg"] != "RS256" || key["use"] != "sig" || key["d"] != nil || len(str(key, "n")) != 342 {
		t.Errorf("key %v", key)
	}
	if _, err := devidp.Start(devidp.Config{Issuer: p.Issuer()}); err == nil {
		t.Error("a second provider on the same port started")
	}
}

// TestKnobsAreSafeForConcurrentUse is for the race detector.
func TestKnobsAreSafeForConcurrentUse(t *testing.T) {
	p := start(t, fast())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				p.Misbehave(devidp.WrongNonce, devidp.RotateBeforeSigning, devidp.NULSubject)
				code, err := p.Approve(base(p)+"/authorize?"+authRequest(p).Encode(), "demo-ada")
				if err != nil {
					t.Error(err)
					return
				}
				_, code, _ = strings.Cut(code, "code=")
				code, _, _ = strings.Cut(code, "&")
				a := do(t.Context(), "POST", base(p)+"/token", tokenRequest(p, code), nil)
				if a.status != 200 || do(t.Context(), "GET", base(p)+"/jwks", nil, nil).status != 200 {
					t.Errorf("%d %s %v", a.status, a.body, a.err)
				}
				p.Behave()
				_ = p.Counts()
			}
		})
	}
	all.Wait()
}
