package aura_test

import (
	"net/http"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// newDeviceRig is a rig whose provider really does RFC 8628: it counts the time
// between polls itself, and an ID token comes of it.
func newDeviceRig(t *testing.T) *rig {
	t.Helper()
	return newRig(t, 1, func(_ string, c *aura.Config) {
		c.Bearer = true
		c.Providers[0].DeviceFlow = true
	})
}

// deviceStart begins a sign-in and returns the handle and the user code.
func (b *browser) deviceStart() (handle, userCode string) {
	b.t.Helper()
	r := b.do("POST", "/auth/device/dev", "", "X-CSRF-Token", b.csrf())
	m := r.json(b.t)
	handle, _ = m["device"].(string)
	userCode, _ = m["userCode"].(string)
	if r.status != http.StatusOK || handle == "" || userCode == "" {
		b.t.Fatalf("device: %d %s", r.status, r.body)
	}
	return handle, userCode
}

func (b *browser) devicePoll(handle string) reply {
	b.t.Helper()
	return b.do("POST", "/auth/device/dev/poll?redirect=false", mustJSON(b.t, map[string]string{"device": handle}), "Content-Type", jsonType, "X-CSRF-Token", b.csrf())
}

func (b *browser) devicePending(handle string, interval float64) (next string) {
	b.t.Helper()
	r := b.devicePoll(handle)
	m := r.json(b.t)
	if r.status != http.StatusAccepted || m["pending"] != true || m["interval"] != interval || b.subject() != "" {
		b.t.Fatalf("poll: %d %s", r.status, r.body)
	}
	if slower, ok := m["device"].(string); ok {
		return slower
	}
	return handle
}

func TestDeviceOfARealProvider(t *testing.T) {
	s := newDeviceRig(t)
	b := s.browser()
	handle, userCode := b.deviceStart()
	b.devicePending(handle, 5)
	// We think that four seconds will do; this provider insists on five.
	s.clock.add(4 * time.Second)
	slower := b.devicePending(handle, 10)
	if slower == handle {
		t.Error("slow_down brings no new handle")
	}
	s.clock.add(10 * time.Second)
	b.devicePending(slower, 10)
	if n := s.idp.Counts().Token; n != 3 {
		t.Errorf("the provider was asked %d times, want 3", n)
	}

	// Somebody else's browser, at the provider.
	page := s.browser()
	r := page.get(s.idp.Issuer() + "/device?user_code=" + userCode)
	action, code := formAction.FindStringSubmatch(r.body), userCode
	if action == nil {
		t.Fatalf("no form: %d %s", r.status, r.body)
	}
	if r := page.post(action[1], map[string][]string{"user_code": {code}, "user": {"demo-grace"}}); r.status != http.StatusOK {
		t.Fatalf("the provider's page: %d %s", r.status, r.body)
	}
	s.clock.add(10 * time.Second)
	if r := b.devicePoll(slower); r.status != http.StatusOK || b.subject() != "demo-grace" {
		t.Fatalf("%d %s, signed in as %q", r.status, r.body, b.subject())
	}
	if page.subject() != "" {
		t.Error("the browser that allowed it is signed in here as well")
	}
	s.clock.add(time.Minute)
	s.browser().devicePoll(slower).wantRefusal(t, 400, aura.CodeStateInvalid)
}

// How it ends without a session, with a provider that means it.
func TestDeviceOfARealProviderEnds(t *testing.T) {
	t.Run("denied", func(t *testing.T) {
		s := newDeviceRig(t)
		b := s.browser()
		handle, userCode := b.deviceStart()
		if err := s.idp.DenyDevice(userCode); err != nil {
			t.Fatal(err)
		}
		b.devicePoll(handle).wantRefusal(t, 403, aura.CodeAccessDenied)
	})
	t.Run("expired", func(t *testing.T) {
		s := newDeviceRig(t)
		b := s.browser()
		handle, userCode := b.deviceStart()
		s.clock.add(10 * time.Minute)
		if err := s.idp.ApproveDevice(userCode, "demo-ada"); err == nil {
			t.Error("the provider took a code that has expired")
		}
		b.devicePoll(handle).wantRefusal(t, 400, aura.CodeDeviceExpired)
	})
	t.Run("down", func(t *testing.T) {
		s := newDeviceRig(t)
		b := s.browser()
		handle, _ := b.deviceStart()
		if err := s.idp.Close(); err != nil {
			t.Fatal(err)
		}
		b.devicePoll(handle).wantRefusal(t, 503, aura.CodeTokenUnreachable)
	})
}

// The ID token of a poll is held to the same rules as any other, though it has no
// nonce; and the endpoint is the provider's own, or none.
func TestDeviceFaults(t *testing.T) {
	for _, f := range devidp.Faults() {
		if f.Endpoint != devidp.Token || f.Slow || f.IDToken == nil && f.JWS == nil {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			s := newDeviceRig(t)
			b := s.browser()
			handle, userCode := b.deviceStart()
			if err := s.idp.ApproveDevice(userCode, "demo-ada"); err != nil {
				t.Fatal(err)
			}
			s.idp.Misbehave(f)
			r := b.devicePoll(handle)
			verdict := f.Verdict
			if f.Name == devidp.MissingNonce.Name {
				verdict = devidp.Accept // there is none to miss
			}
			signedIn := r.status == http.StatusOK && b.subject() == "demo-ada"
			if verdict == devidp.Refuse && (r.status < 400 || b.subject() != "") || verdict == devidp.Accept && !signedIn {
				t.Errorf("%s\n%d %s, signed in as %q", f.About, r.status, r.body, b.subject())
			}
		})
	}
	s := newDeviceRig(t)
	s.idp.Misbehave(devidp.Fault{Endpoint: devidp.DeviceAuthorization, JSON: func(o map[string]any) {
		o["verification_uri"] = "javascript:alert(1)"
	}})
	b := s.browser()
	r := b.do("POST", "/auth/device/dev", "", "X-CSRF-Token", b.csrf())
	r.wantRefusal(t, 502, aura.CodeDeviceMalformed)
}
