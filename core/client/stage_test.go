package client_test

import (
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/client"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/provider"
)

// A stage is an application with the library on a real listener, beside a
// development identity provider, and a browser whose jar a Client shares.
type stage struct {
	t       *testing.T
	url     string
	idp     *devidp.Provider
	browser *http.Client
}

func newStage(t *testing.T, secure bool, prefix string) *stage {
	t.Helper()
	idp, err := devidp.Start(devidp.Config{SigningAlg: "ES256", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	server := httptest.NewUnstartedServer(nil)
	scheme := "http"
	if secure {
		scheme = "https"
	}
	s := &stage{t: t, idp: idp, url: scheme + "://" + server.Listener.Addr().String() + prefix}
	dev := provider.OIDC("dev", idp.Issuer())
	dev.ClientID, dev.ClientSecret = idp.Client().ID, aura.Secret(idp.Client().Secret)
	auth, err := aura.New(aura.Config{
		BaseURL: s.url, BasePath: "/api/auth", Providers: []aura.Provider{dev},
		Secrets: []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"}, Salt: "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
		Session: aura.SessionConfig{UpdatableFields: []string{"name", "theme"}}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = http.StripPrefix(prefix, auth)
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.browser = server.Client()
	s.browser.Jar = jar
	s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

func (s *stage) client() *client.Client {
	return newClient(s.t, client.Options{BaseURL: s.url, BasePath: "/api/auth", HTTPClient: s.browser})
}

// visit loads a page and returns where it leads.
func (s *stage) visit(address string) string {
	s.t.Helper()
	resp, err := s.browser.Get(address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		s.t.Fatalf("status %d, want 302", resp.StatusCode)
	}
	return resp.Header.Get("Location")
}

// signIn signs Ada in with the browser, beginning at the Client's address.
func (s *stage) signIn(c *client.Client) {
	s.t.Helper()
	address, err := c.SignInURL(s.t.Context(), "dev", client.SignInOptions{RedirectTo: "/after?x=1", Params: map[string]string{"login_hint": "ada"}})
	if err != nil {
		s.t.Fatal(err)
	}
	if want := s.url + "/api/auth/signIn/dev?"; !strings.HasPrefix(address, want) {
		s.t.Fatalf("the sign-in starts at %s, want %s…", address, want)
	}
	at := s.visit(address)
	if u, err := url.Parse(at); err != nil || u.Query().Get("login_hint") != "ada" {
		s.t.Errorf("the provider is not given the parameter: %s (%v)", at, err)
	}
	back, err := s.idp.Approve(at, "demo-ada")
	if err != nil {
		s.t.Fatal(err)
	}
	if to := s.visit(back); to != "/after?x=1" {
		s.t.Errorf("the sign-in ends at %q", to)
	}
}
