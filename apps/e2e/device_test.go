package e2e

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/client"
	"github.com/aura-stack-go/auth/core/provider"
)

// TestDeviceFlow signs a program in that has no browser (RFC 8628): it shows a
// code, and its user types it at oidc-provider, in a browser that has never seen
// the application.
func TestDeviceFlow(t *testing.T) {
	s := newSite(t)
	c := newClient(t, "e2e-device", "client_secret_post")
	c.metadata["redirect_uris"], c.metadata["response_types"] = []string{}, []string{}
	c.metadata["grant_types"] = []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"}
	idp := startOIDCProviderFor(t, []map[string]any{c.metadata})
	p := provider.OIDC("oidc", idp.issuer)
	p.DeviceFlow = true
	c.apply(&p)
	s.serve(func(c *aura.Config) { c.Bearer = true }, p)

	for name, bearer := range map[string]bool{"cookies": false, "bearer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := newProgram(t, s, bearer)
			shown := 0
			err := program.Device(t.Context(), "oidc", func(_ context.Context, code client.DeviceCode) error {
				shown++
				allowDevice(t, idp, code)
				return nil
			})
			if err != nil || shown != 1 {
				t.Fatalf("Device: %v; the code was shown %d times", err, shown)
			}
			session, err := program.Session(t.Context())
			if err != nil || session.User.Name != idp.user.name || session.User.Email != idp.user.email {
				t.Fatalf("the session is %+v, %v", session, err)
			}
			if token := program.Token(); (token != "") != bearer {
				t.Errorf("a token was handed out: %t, want %t", token != "", bearer)
			}
		})
	}
	t.Run("the user says no", func(t *testing.T) {
		t.Parallel()
		program := newProgram(t, s, false)
		err := program.Device(t.Context(), "oidc", func(_ context.Context, code client.DeviceCode) error {
			v := newVisitor(t)
			v.submit(v.typeCode(idp, code), button{}, url.Values{"confirm": nil, "abort": {"yes"}})
			return nil
		})
		var refused *client.Error
		if !errors.As(err, &refused) || refused.Code != aura.CodeAccessDenied {
			t.Errorf("Device: %v, want %s", err, aura.CodeAccessDenied)
		}
		if session, err := program.Session(t.Context()); !errors.Is(err, client.ErrNoSession) {
			t.Errorf("the session is %+v, %v", session, err)
		}
	})
}

func newProgram(t *testing.T, s *site, bearer bool) *client.Client {
	t.Helper()
	program, err := client.New(client.Options{BaseURL: s.url, BasePath: "/api/auth", Bearer: bearer})
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// typeCode types the code at the provider and returns the form that asks whether
// the device may come in.
func (v *visitor) typeCode(idp *identityProvider, code client.DeviceCode) form {
	v.t.Helper()
	if !strings.HasPrefix(code.VerificationURI, idp.issuer+"/") || !strings.Contains(code.VerificationURIComplete, code.UserCode) {
		v.t.Errorf("the code is %+v", code)
	}
	asked := v.get(code.VerificationURI)
	confirm := v.submit(asked.form(v.t, "/device"), button{}, url.Values{"user_code": {code.UserCode}})
	if !strings.Contains(confirm.body, code.UserCode) {
		v.t.Errorf("the provider does not show the code:\n%s", confirm.body)
	}
	return confirm.form(v.t, "/device")
}

// allowDevice lets the device in.
func allowDevice(t *testing.T, idp *identityProvider, code client.DeviceCode) {
	t.Helper()
	v := newVisitor(t)
	done := v.logIn(idp, v.submit(v.typeCode(idp, code), button{}, nil), idp.user.password)
	if done.status != http.StatusOK || len(done.forms) != 0 {
		t.Fatalf("arrived at %s (%d):\n%s", done.url, done.status, done.body)
	}
}
