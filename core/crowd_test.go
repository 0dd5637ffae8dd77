package aura_test

import (
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"
)

// Fifty browsers sign in at once, with nothing in any cache; each gets its own
// user, the provider is asked for its metadata and keys once (CC-07), and no
// goroutine is left behind.
func TestCrowd(t *testing.T) {
	base := settle(0)
	t.Run("fifty browsers", func(t *testing.T) {
		s := newRig(t, 1, nil)
		users := []string{"demo-ada", "demo-grace", "demo-alan"}
		var wg sync.WaitGroup
		for i := range 50 {
			b := s.browser()
			wg.Go(func() {
				for _, user := range []string{users[i%3], users[(i+1)%3]} {
					r := b.get(b.consent(b.start("/after"), user))
					if r.status != http.StatusFound || b.subject() != user {
						t.Errorf("browser %d: status %d, signed in as %q, want %q", i, r.status, b.subject(), user)
					}
				}
				r := b.do("POST", "/auth/signOut", "", "X-CSRF-Token", b.csrf())
				if r.status != http.StatusAccepted || b.subject() != "" {
					t.Errorf("browser %d: sign-out: status %d", i, r.status)
				}
			})
		}
		wg.Wait()
		if c := s.idp.Counts(); c.Discovery != 1 || c.JWKS != 1 || c.Token != 100 {
			t.Errorf("the provider was asked %+v", c)
		}
	})
	if now := settle(base); now > base {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines, %d before\n%s", now, base, stacks[:runtime.Stack(stacks, true)])
	}
}

// settle waits until no more than want goroutines are left, or for five seconds
// and returns how many there are.
func settle(want int) int {
	if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		transport.CloseIdleConnections()
	}
	for range 100 {
		if want > 0 && runtime.NumGoroutine() <= want {
			break
		}
		if want == 0 {
			return runtime.NumGoroutine()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return runtime.NumGoroutine()
}
