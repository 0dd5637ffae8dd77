package aura_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/memstore"
)

// backchannelStage has a provider that knows where the application takes logout
// tokens, and posts them there itself.
func backchannelStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, clock: &clock{}, log: &logBuffer{}}
	var door atomic.Pointer[aura.Auth]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { door.Load().ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s.url = server.URL
	idp, err := devidp.Start(devidp.Config{Now: s.clock.now, Logger: slog.New(slog.DiscardHandler), Clients: []devidp.Client{
		{ID: "dev", Secret: "the-secret-of-the-client", BackchannelLogoutURI: s.url + "/auth/backchannelLogout/dev"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	s.idp = idp
	s.auth = newAuth(t, s, func(c *aura.Config) {
		c.Store, c.Providers[0].Logout.Backchannel = memstore.New(c.Now), true
		c.ProviderTokens.ExposeIDToken = true
	})
	door.Store(s.auth)
	return s
}

// ordered has the provider end all sessions of ada and returns the last answer.
func (s *stage) ordered() reply {
	s.t.Helper()
	notices, err := s.idp.EndSessions(s.t.Context(), "demo-ada")
	if err != nil || len(notices) == 0 || notices[len(notices)-1].Err != nil {
		s.t.Fatalf("the logout token did not arrive: %+v %v", notices, err)
	}
	last := notices[len(notices)-1]
	return reply{status: last.Status, body: string(last.Body)}
}

// The RP-Initiated and Back-Channel Logout plan's modules of the suite, with the
// provider's own post. What a verifier makes of single claims: TestBackchannelRefusals.
func TestConformanceBackchannel(t *testing.T) {
	t.Run("oidcc-client-test-rp-backchannel-rpinitlogout", func(t *testing.T) {
		s := backchannelStage(t)
		b, other := s.browser(), s.browser()
		b.signIn("demo-ada")
		other.signIn("demo-ada")
		hint, _ := b.tokens()["idToken"].(string)
		r := b.get(s.idp.Issuer() + "/end_session?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {s.url + "/bye"}, "state": {"x"}}.Encode())
		if r.status != http.StatusSeeOther || r.header.Get("Location") != s.url+"/bye?state=x" {
			t.Fatalf("the provider: %d %v\n%s", r.status, r.header, r.body)
		}
		if n := s.idp.Counts().BackchannelLogout; n != 1 || strings.Count(s.log.String(), "event=backchannelLogout") != 1 {
			t.Errorf("%d logout tokens were sent\n%s", n, s.log)
		}
		// By sid: the session in the other browser is another one at the provider.
		if b.subject() != "" || other.subject() != "demo-ada" {
			t.Errorf("signed in as %q, and in the other browser as %q", b.subject(), other.subject())
		}
	})

	for _, m := range []struct {
		name  string
		fault devidp.Fault
	}{
		{"-alg-none", devidp.LogoutAlgNone},
		{"-wrong-alg", devidp.LogoutHS256},
		{"-wrong-aud", devidp.LogoutWrongAudience},
		{"-wrong-iss", devidp.LogoutWrongIssuer},
		{"-no-event", devidp.LogoutNoEvent},
		{"-wrong-event", devidp.LogoutWrongEvent},
		{"-with-nonce", devidp.LogoutWithNonce},
	} {
		t.Run("oidcc-client-test-rp-backchannel"+m.name, func(t *testing.T) {
			disobeys(t, backchannelStage(t), m.fault)
		})
	}
}

// disobeys checks that a logout token is refused and ends nothing, and that the
// same order, given honestly, is obeyed: so that nothing else has refused it.
func disobeys(t *testing.T, s *stage, f devidp.Fault) {
	t.Helper()
	b := s.browser()
	b.signIn("demo-ada")
	s.idp.Misbehave(f)
	s.ordered().wantRefusal(t, 400, aura.CodeLogoutTokenInvalid)
	if got := b.subject(); got != "demo-ada" {
		t.Errorf("%s\nthe session has ended: %q", f.About, got)
	}
	s.idp.Behave()
	if r := s.ordered(); r.status != http.StatusOK || b.subject() != "" {
		t.Errorf("an honest logout token: %d %s, signed in as %q", r.status, r.body, b.subject())
	}
}

// Every fault of a logout token that the provider knows, the suite's or not.
func TestLogoutFaults(t *testing.T) {
	tried := 0
	for _, f := range devidp.Faults() {
		if f.Endpoint != devidp.BackchannelLogout {
			continue
		}
		tried++
		t.Run(f.Name, func(t *testing.T) {
			s := backchannelStage(t)
			if f.Name != devidp.LogoutReplayed.Name {
				disobeys(t, s, f)
				return
			}
			b := s.browser()
			b.signIn("demo-ada")
			s.idp.Misbehave(f)
			s.ordered().wantRefusal(t, 400, aura.CodeLogoutTokenInvalid)
			if got := b.subject(); got != "" {
				t.Errorf("the first of the two was not obeyed: %q", got)
			}
		})
	}
	if tried < 12 {
		t.Errorf("only %d faults were tried", tried)
	}
}
