package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/client"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/provider"
)

// A gate is an application for clients without a browser. It keeps what the
// requests carried.
type gate struct {
	t   *testing.T
	url string
	idp *devidp.Provider

	mu   sync.Mutex
	seen []string // method, path, and which of Authorization, Cookie, X-CSRF-Token
}

func newGate(t *testing.T, change func(*aura.Config)) *gate {
	t.Helper()
	idp, err := devidp.Start(devidp.Config{SigningAlg: "ES256", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	dev := provider.OIDC("dev", idp.Issuer())
	dev.ClientID, dev.ClientSecret, dev.IDToken.SignIn = idp.Client().ID, aura.Secret(idp.Client().Secret), true
	cfg := aura.Config{
		Secrets: []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"}, Salt: "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
		Providers: []aura.Provider{dev}, Bearer: true, Logger: slog.New(slog.DiscardHandler),
		Session: aura.SessionConfig{UpdatableFields: []string{"name"}, Expiration: aura.RollingExpiration},
		Credentials: aura.CredentialsConfig{Authorize: func(_ context.Context, c aura.Credentials) (aura.User, error) {
			return aura.User{Subject: c.Username, Name: "Ada"}, nil
		}},
	}
	if change != nil {
		change(&cfg)
	}
	auth, err := aura.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, idp: idp}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		what := r.Method + " " + r.URL.Path
		for _, name := range []string{"Authorization", "Cookie", "X-Csrf-Token"} {
			if r.Header.Get(name) != "" {
				what += " " + name
			}
		}
		g.seen = append(g.seen, what)
		g.mu.Unlock()
		auth.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// since returns what has been seen since the last call.
func (g *gate) since() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	seen := g.seen
	g.seen = nil
	return seen
}

func (g *gate) want(seen ...string) {
	g.t.Helper()
	if got := g.since(); !slices.Equal(got, seen) {
		g.t.Errorf("requests\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(seen, "\n\t"))
	}
}

func TestBearer(t *testing.T) {
	g, ctx := newGate(t, nil), t.Context()
	c := newClient(t, client.Options{BaseURL: g.url, Bearer: true})
	// Without a session no request is spent on one.
	for name, err := range map[string]error{"Session": failureOf(c.Session(ctx)), "SignOut": failureOf(c.SignOut(ctx, client.After{})), "UpdateSession": failureOf(c.UpdateSession(ctx, map[string]string{}))} {
		if !errors.Is(err, client.ErrNoSession) {
			t.Errorf("%s before a sign-in: %v", name, err)
		}
	}
	g.want()
	if c.Token() != "" {
		t.Errorf("a token before a sign-in: %d bytes", len(c.Token()))
	}

	if _, err := c.SignInCredentials(ctx, "ada", "right", client.After{}); err != nil {
		t.Fatal(err)
	}
	g.want("GET /auth/csrfToken", "POST /auth/signIn/credentials Cookie X-Csrf-Token")
	first := c.Token()
	if s, err := c.Session(ctx); err != nil || s.User.Subject != "ada" {
		t.Errorf("%v, %v", s, err)
	}
	second := c.Token()
	if s, err := c.UpdateSession(ctx, map[string]string{"name": "Countess"}); err != nil || s.User.Name != "Countess" {
		t.Errorf("%v, %v", s, err)
	}
	g.want("GET /auth/session Authorization", "PATCH /auth/session Authorization")
	third := c.Token()
	if first == "" || first == second || second == third {
		t.Error("renewed tokens are not followed")
	}
	if text := fmt.Sprintf("%v %+v %#v %v %v", c, c, c, third, *c); strings.Contains(text, string(third)) {
		t.Error("the token is printed")
	}

	// The next start of the program.
	again := newClient(t, client.Options{BaseURL: g.url, Bearer: true, Token: third})
	if s, err := again.Session(ctx); err != nil || s.User.Name != "Countess" {
		t.Errorf("with the token of before: %v, %v", s, err)
	}
	r, err := c.SignOut(ctx, client.After{})
	if err != nil || !r.TokenOutlives || c.Token() != "" {
		t.Errorf("SignOut: %+v, %v", r, err)
	}
	if err := failureOf(c.Session(ctx)); !errors.Is(err, client.ErrNoSession) {
		t.Errorf("after the sign-out: %v", err)
	}
	// Whoever signs in anew sends no token, and becomes somebody else.
	if _, err := again.SignInCredentials(ctx, "grace", "right", client.After{}); err != nil {
		t.Fatal(err)
	}
	if s, err := again.Session(ctx); err != nil || s.User.Subject != "grace" {
		t.Errorf("%v, %v", s, err)
	}
}

// A token that the server no longer takes is no session, and stays: another
// process of it may.
func TestBearerRefused(t *testing.T) {
	g := newGate(t, nil)
	c := newClient(t, client.Options{BaseURL: g.url, Bearer: true, Token: "bogus"})
	if _, err := c.Session(t.Context()); !errors.Is(err, client.ErrNoSession) || c.Token() != "bogus" {
		t.Errorf("%v, token %q", err, string(c.Token()))
	}
	g = newGate(t, func(c *aura.Config) { c.Bearer = false })
	c = newClient(t, client.Options{BaseURL: g.url, Bearer: true})
	_, err := c.SignInCredentials(t.Context(), "ada", "right", client.After{})
	if !errors.Is(err, client.ErrProtocol) || !strings.Contains(err.Error(), "Config.Bearer") || c.Token() != "" {
		t.Errorf("a server without Config.Bearer: %v", err)
	}
	for name, o := range map[string]client.Options{
		"Token: is of no use without Bearer": {BaseURL: g.url, Token: "x"},
		"Token: cannot be a session token":   {BaseURL: g.url, Bearer: true, Token: "x\r\ny"},
	} {
		if _, err := client.New(o); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\ny") {
			t.Errorf("%v, want %q in it", err, name)
		}
	}
	c = newClient(t, client.Options{BaseURL: g.url, Bearer: true, Token: "x", Header: func(context.Context) (http.Header, error) {
		return http.Header{"Authorization": {"Basic x"}}, nil
	}})
	if _, err := c.Session(t.Context()); err == nil || !strings.Contains(err.Error(), "Authorization") {
		t.Errorf("another Authorization: %v", err)
	}
	s := newScript(t, map[string]line{"POST /auth/signIn/credentials": {body: `{"success":true,"token":"a b"}`}})
	c = newClient(t, client.Options{BaseURL: s.url, Bearer: true})
	if _, err := c.SignInCredentials(t.Context(), "ada", "right", client.After{}); !errors.Is(err, client.ErrProtocol) || c.Token() != "" {
		t.Errorf("a token that is none: %v", err)
	}
}

func TestSignInIDToken(t *testing.T) {
	for name, bearer := range map[string]bool{"cookies": false, "bearer": true} {
		t.Run(name, func(t *testing.T) {
			g, ctx := newGate(t, nil), t.Context()
			c := newClient(t, client.Options{BaseURL: g.url, Bearer: bearer})
			get := func(_ context.Context, nonce string) (string, error) {
				now := time.Now().Unix()
				return g.idp.SignJWT(nil, map[string]any{"iss": g.idp.Issuer(), "aud": g.idp.Client().ID, "sub": "demo-ada", "nonce": nonce, "iat": now, "exp": now + 60})
			}
			if err := c.SignInIDToken(ctx, "dev", get); err != nil {
				t.Fatal(err)
			}
			if s, err := c.Session(ctx); err != nil || s.User.Subject != "demo-ada" || (c.Token() != "") != bearer {
				t.Errorf("%v, %v, token of %d bytes", s, err, len(c.Token()))
			}
			failure := errors.New("the person has pressed cancel")
			if err := c.SignInIDToken(ctx, "dev", func(context.Context, string) (string, error) { return "", failure }); !errors.Is(err, failure) {
				t.Errorf("get fails: %v", err)
			}
			err := c.SignInIDToken(ctx, "dev", func(context.Context, string) (string, error) { return get(ctx, "another") })
			var refused *client.Error
			if !errors.As(err, &refused) || refused.Code != aura.CodeStateInvalid {
				t.Errorf("another nonce: %v", err)
			}
			if s, err := c.Session(ctx); err != nil || s.User.Subject != "demo-ada" {
				t.Errorf("after failures: %v, %v", s, err)
			}
		})
	}
}

func failureOf(_ any, err error) error { return err }
