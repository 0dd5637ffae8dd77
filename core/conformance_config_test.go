package aura_test

import (
	"net/http"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// The Config plan: everything but the issuer comes from the provider.
func TestConformanceConfig(t *testing.T) {
	// Endpoints moved by discovery are the ones that are used: nothing is guessed.
	t.Run("oidcc-client-test-discovery-openid-config", func(t *testing.T) {
		s := conformanceStage(t, false)
		s.idp.Misbehave(devidp.Fault{Endpoint: devidp.Discovery, JSON: func(o map[string]any) {
			o["authorization_endpoint"] = s.idp.Issuer() + "/moved"
		}})
		b := s.browser()
		if got := query(t, b.start("/after")); got.Get("response_type") != "code" || got.Get("client_id") != s.idp.Client().ID {
			t.Errorf("authorization request: %v", got)
		}
		if got := b.start("/after"); got[:len(s.idp.Issuer())+len("/moved?")] != s.idp.Issuer()+"/moved?" {
			t.Errorf("the browser is sent to %s", got)
		}
		if n := s.idp.Counts().Discovery; n != 1 {
			t.Errorf("%d discovery requests", n)
		}
	})

	// Keys are those of jwks_uri, and nothing else verifies.
	t.Run("oidcc-client-test-discovery-jwks-uri-keys", func(t *testing.T) {
		s := conformanceStage(t, false)
		b := s.browser()
		b.signIn("demo-ada")
		if n := s.idp.Counts().JWKS; n != 1 || b.subject() != "demo-ada" {
			t.Errorf("%d requests to jwks_uri, signed in as %q", n, b.subject())
		}
		s = conformanceStage(t, false)
		s.idp.Misbehave(devidp.WrongKey)
		r, _ := attempt(s.browser(), []string{"Accept", "application/json"})
		r.wantRefusal(t, 401, aura.CodeIDTokenInvalid)
	})

	module{name: "-discovery-issuer-mismatch", fault: devidp.DiscoveryWrongIssuer, status: 502, code: aura.CodeDiscoveryIssuerMismatch}.run(t)
	module{name: "-idtoken-sig-none", fault: devidp.AlgNone, status: 401, code: aura.CodeIDTokenInvalid}.run(t)

	// In the same sign-in, by one more look at jwks_uri.
	t.Run("oidcc-client-test-signing-key-rotation-just-before-signing", func(t *testing.T) {
		s := conformanceStage(t, false)
		s.browser().signIn("demo-grace") // the keys are cached
		s.idp.Misbehave(devidp.RotateBeforeSigning)
		before := s.idp.Counts().JWKS
		b := s.browser()
		if b.signIn("demo-ada"); b.subject() != "demo-ada" || s.idp.Counts().JWKS != before+1 {
			t.Errorf("signed in as %q after %d requests for keys", b.subject(), s.idp.Counts().JWKS-before)
		}
	})

	t.Run("oidcc-client-test-signing-key-rotation", func(t *testing.T) {
		s := conformanceStage(t, false)
		s.browser().signIn("demo-grace")
		if err := s.idp.RotateKeys(); err != nil {
			t.Fatal(err)
		}
		before := s.idp.Counts().JWKS
		b := s.browser()
		if b.signIn("demo-ada"); b.subject() != "demo-ada" || s.idp.Counts().JWKS != before+1 {
			t.Errorf("signed in as %q after %d requests for keys", b.subject(), s.idp.Counts().JWKS-before)
		}
		// A token by the old key, once the provider has dropped it.
		s.idp.Misbehave(devidp.OtherKey)
		r, _ := attempt(s.browser(), []string{"Accept", "application/json"})
		if r.status != http.StatusUnauthorized {
			t.Errorf("by a key that was never published: status %d", r.status)
		}
	})
}
