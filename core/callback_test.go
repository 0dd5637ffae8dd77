package aura_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/internal/flow"
)

// The callback belongs to one sign-in, in one browser, with one provider, once.
// Numbers are those of the security catalogue.
func TestCallbackBinding(t *testing.T) {
	s := newRig(t, 2, nil)

	// refused runs a callback that must not reach any token endpoint.
	refused := func(t *testing.T, b *browser, callback string) {
		t.Helper()
		calls := s.tokenCalls()
		b.get(callback).wantRefusal(t, 400, aura.CodeStateInvalid)
		if n := s.tokenCalls() - calls; n != 0 {
			t.Errorf("%d requests to a token endpoint", n)
		}
	}
	completes := func(t *testing.T, b *browser, callback, user string) {
		t.Helper()
		if r := b.get(callback); r.status != http.StatusFound || b.subject() != user {
			t.Errorf("the honest callback: status %d, signed in as %q\n%s", r.status, b.subject(), r.body)
		}
	}

	t.Run("FL-01 no state", func(t *testing.T) {
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		refused(t, b, with(t, callback, map[string][]string{"state": nil}))
		refused(t, b, with(t, callback, map[string][]string{"state": {""}}))
		completes(t, b, callback, "demo-ada")
	})
	t.Run("FL-02 unknown state", func(t *testing.T) {
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		state := query(t, callback).Get("state")
		for _, garbage := range []string{"x", "../" + state, state + "A", state[1:], strings.ToLower(state), strings.Repeat("A", 43), "\x00", "ä"} {
			refused(t, b, with(t, callback, map[string][]string{"state": {garbage}}))
		}
		completes(t, b, callback, "demo-ada")
	})
	t.Run("FL-03 another browser", func(t *testing.T) {
		attacker, victim := s.browser(), s.browser()
		callback := attacker.consent(attacker.start("/after"), "demo-grace")
		refused(t, victim, callback)
		if victim.subject() != "" || len(victim.cookies()) != 0 {
			t.Errorf("the victim is %q with cookies %v", victim.subject(), victim.cookies())
		}
		completes(t, attacker, callback, "demo-grace")
	})
	t.Run("FL-04 another browser with a sign-in of its own", func(t *testing.T) {
		attacker, victim := s.browser(), s.browser()
		foreign := attacker.consent(attacker.start("/after"), "demo-grace")
		own := victim.consent(victim.start("/after"), "demo-ada")
		refused(t, victim, foreign)

		// A cookie of the right name whose content is of another sign-in.
		value := victim.cookies()[victim.flows()[0]]
		name := "aura-auth.flow." + flow.ID(query(t, foreign).Get("state"))
		victim.plant(name, value)
		refused(t, victim, foreign)
		completes(t, victim, own, "demo-ada")
	})
	t.Run("FL-05 another provider", func(t *testing.T) {
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		refused(t, b, strings.Replace(callback, "/callback/dev?", "/callback/dev2?", 1))
		completes(t, b, callback, "demo-ada")
	})
	t.Run("FL-06 expired", func(t *testing.T) {
		b := s.browser()
		in, late := b.start("/after"), b.start("/after")
		cookies := b.cookies()
		s.clock.add(flow.Lifetime - 3*time.Second)
		completes(t, b, b.consent(in, "demo-ada"), "demo-ada")
		s.clock.add(time.Minute)
		// The jar follows the real clock and still sends the cookie.
		callback := b.consent(late, "demo-grace")
		calls := s.tokenCalls()
		b.do("GET", callback, "", "Cookie", cookieHeader(cookies)).wantRefusal(t, 400, aura.CodeStateInvalid)
		if s.tokenCalls() != calls || b.subject() != "demo-ada" {
			t.Errorf("%d token calls, signed in as %q", s.tokenCalls()-calls, b.subject())
		}
	})
	t.Run("FL-11 altered flow", func(t *testing.T) {
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		name := b.flows()[0]
		value := b.cookies()[name]
		for _, at := range []int{0, len(value) / 3, len(value) / 2, len(value) - 10} {
			altered := []byte(value)
			altered[at] ^= 1
			b.plant(name, string(altered))
			refused(t, b, callback)
		}
		b.plant(name, value)
		completes(t, b, callback, "demo-ada")
	})
}

// FL-07, FL-08: a callback works once, and of fifty at the same time one.
func TestCallbackReplay(t *testing.T) {
	s := newRig(t, 1, nil)
	// The provider takes a code any number of times: only we are in the way.
	s.idp.Misbehave(devidp.CodeReuse)

	t.Run("FL-07 sequentially", func(t *testing.T) {
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		before := cookieHeader(b.cookies())
		if r := b.get(callback); r.status != 302 {
			t.Fatalf("status %d", r.status)
		}
		calls := s.tokenCalls()
		for range 3 {
			other := s.browser()
			other.get(callback, "Cookie", before).wantRefusal(t, 400, aura.CodeStateInvalid)
		}
		b.get(callback).wantRefusal(t, 400, aura.CodeStateInvalid)
		if s.tokenCalls() != calls || b.subject() != "demo-ada" {
			t.Errorf("%d token calls by replays; signed in as %q", s.tokenCalls()-calls, b.subject())
		}
	})
	t.Run("FL-08 fifty at once", func(t *testing.T) {
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		before, calls := cookieHeader(b.cookies()), s.tokenCalls()
		var succeeded atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				r := s.browser().get(callback, "Cookie", before)
				switch r.status {
				case 302:
					succeeded.Add(1)
				case 400:
					r.wantNoSession(t)
				default:
					t.Errorf("status %d\n%s", r.status, r.body)
				}
			})
		}
		wg.Wait()
		if n := succeeded.Load(); n != 1 || s.tokenCalls()-calls != 1 {
			t.Errorf("%d sign-ins and %d token calls, want 1 of each", n, s.tokenCalls()-calls)
		}
	})
	t.Run("FL-07 in another process", func(t *testing.T) {
		s.idp.Behave()
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		before := cookieHeader(b.cookies())
		if r := b.get(callback); r.status != 302 {
			t.Fatalf("status %d", r.status)
		}
		s.deploy(nil) // knows nothing of what the first has consumed
		s.browser().get(callback, "Cookie", before).wantRefusal(t, 502, aura.CodeTokenRejected)
	})
}

// What the provider answers, in the address of the callback.
func TestCallbackResponse(t *testing.T) {
	s := newRig(t, 2, nil)
	t.Run("FL-12 and FL-13 iss", func(t *testing.T) {
		for _, c := range []struct {
			fault  devidp.Fault
			status int
			code   aura.Code
		}{
			{devidp.ResponseMissingIssuer, 400, aura.CodeIssuerMismatch},
			{devidp.ResponseWrongIssuer, 400, aura.CodeIssuerMismatch},
			{devidp.ResponseRepeatedIssuer, 400, aura.CodeStateInvalid},
			{devidp.ResponseIssuerUnannounced, 400, aura.CodeIssuerMismatch},
			{devidp.ResponseNoIssuerUnannounced, 302, ""},
			{devidp.Fault{}, 302, ""},
		} {
			s.deploy(nil) // another discovery document
			s.idp.Misbehave(c.fault)
			b, calls := s.browser(), s.tokenCalls()
			r := b.get(b.consent(b.start("/after"), "demo-ada"))
			if c.status == 302 {
				if r.status != 302 || b.subject() != "demo-ada" {
					t.Errorf("%q: status %d, signed in as %q", c.fault.Name, r.status, b.subject())
				}
				continue
			}
			r.wantRefusal(t, c.status, c.code)
			if s.tokenCalls() != calls {
				t.Errorf("%s: the code was sent to the token endpoint", c.fault.Name)
			}
		}
		s.idp.Behave()
	})
	t.Run("FL-14 mix-up", func(t *testing.T) {
		s.deploy(nil)
		b := s.browser()
		toAttacker, toHonest := b.startAt("dev2", "/after"), b.startAt("dev", "/after")
		if x, y := query(t, toAttacker).Get("redirect_uri"), query(t, toHonest).Get("redirect_uri"); x == y {
			t.Errorf("both providers have the redirect_uri %s", x)
		}
		// The attacker's server sends the browser on to the honest one, with its
		// own state in place of the honest flow's.
		state := query(t, toAttacker).Get("state")
		landed := b.consent(with(t, toHonest, map[string][]string{"state": {state}}), "demo-ada")
		calls := s.tokenCalls()
		b.get(landed).wantRefusal(t, 400, aura.CodeStateInvalid)
		b.get(strings.Replace(landed, "/callback/dev?", "/callback/dev2?", 1)).wantRefusal(t, 400, aura.CodeIssuerMismatch)
		if s.tokenCalls() != calls || b.subject() != "" {
			t.Errorf("%d token calls; signed in as %q", s.tokenCalls()-calls, b.subject())
		}
	})
	t.Run("FL-15 access_denied", func(t *testing.T) {
		b := s.browser()
		other := b.consent(b.start("/other"), "demo-ada")
		denied := with(t, b.consent(b.start("/after"), "demo-ada"), map[string][]string{"code": nil, "error": {"access_denied"}})
		calls := s.tokenCalls()
		r := b.get(denied)
		r.wantRefusal(t, 403, aura.CodeAccessDenied)
		own := "aura-auth.flow." + flow.ID(query(t, denied).Get("state"))
		if got := r.written(); !slices.Equal(got, []string{own}) || len(b.flows()) != 1 || s.tokenCalls() != calls {
			t.Errorf("written: %q, want only %q; left %q; %d token calls", got, own, b.flows(), s.tokenCalls()-calls)
		}
		b.get(denied).wantRefusal(t, 400, aura.CodeStateInvalid)
		if r := b.get(other); r.status != 302 || b.subject() != "demo-ada" {
			t.Errorf("the other tab: status %d", r.status)
		}
	})
	t.Run("FL-16 error with a bad state", func(t *testing.T) {
		b := s.browser()
		for _, target := range []string{
			"/auth/callback/dev?error=zzcanary1&error_description=zzcanary2&state=zzcanary3",
			"/auth/callback/dev?error=zzcanary1&error_description=zzcanary2",
		} {
			for _, accept := range []string{"application/json", "text/html"} {
				r := b.get(target, "Accept", accept)
				if r.status != 400 || strings.Contains(r.body, "zzcanary") || strings.Contains(r.header.Get("Location"), "zzcanary") {
					t.Errorf("%s: status %d\n%s", accept, r.status, r.body)
				}
			}
		}
		if strings.Contains(s.log.String(), "zzcanary") {
			t.Error("the log repeats what anybody can put into the address")
		}
	})
	t.Run("FL-17 markup", func(t *testing.T) {
		for _, accept := range []string{"application/json", "text/html"} {
			b := s.browser()
			denied := with(t, b.consent(b.start("/after"), "demo-ada"), map[string][]string{
				"code": nil, "error": {`<script>alert(0)</script>`},
				"error_description": {`<script>alert(1)</script>`}, "error_uri": {"javascript:alert(2)"},
			})
			r := b.get(denied, "Accept", accept)
			if r.status != 502 || strings.Contains(r.body, "alert") || !strings.HasPrefix(r.header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s: status %d, CSP %q\n%s", accept, r.status, r.header.Get("Content-Security-Policy"), r.body)
			}
		}
	})
	t.Run("FL-18 repeated parameters", func(t *testing.T) {
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		q, calls := query(t, callback), s.tokenCalls()
		for _, change := range []map[string][]string{
			{"code": {q.Get("code"), "b"}}, {"state": {q.Get("state"), "x"}}, {"state": {q.Get("state"), q.Get("state")}},
			{"iss": {q.Get("iss"), "https://attacker.example"}}, {"error": {"access_denied"}}, {"code": nil, "error": {"a", "b"}},
		} {
			b.get(with(t, callback, change)).wantRefusal(t, 400, aura.CodeStateInvalid)
		}
		if s.tokenCalls() != calls {
			t.Errorf("%d token calls", s.tokenCalls()-calls)
		}
		if r := b.get(callback); r.status != 302 {
			t.Errorf("the honest one: status %d", r.status)
		}
	})
	t.Run("neither code nor error", func(t *testing.T) {
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		b.get(with(t, callback, map[string][]string{"code": nil})).wantRefusal(t, 400, aura.CodeCallbackIncomplete)
	})
	t.Run("FL-20 odd code", func(t *testing.T) {
		s.idp.Misbehave(devidp.OddCode)
		defer s.idp.Behave()
		b := s.browser()
		if b.signIn("demo-ada"); b.subject() != "demo-ada" {
			t.Error("not signed in")
		}
	})
}
