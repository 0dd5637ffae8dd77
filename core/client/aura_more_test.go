package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/client"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/provider"
)

// newFullStage is newStage with every route turned on: passwords, sign-up, and
// provider tokens that the server exposes. Its provider's tokens live an hour
// on the clock that ahead moves.
func newFullStage(t *testing.T) (s *stage, ahead func(time.Duration)) {
	t.Helper()
	var lead time.Duration // moved between calls only
	now := func() time.Time { return time.Now().Add(lead) }
	idp, err := devidp.Start(devidp.Config{SigningAlg: "ES256", Now: now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	dev := provider.OIDC("dev", idp.Issuer())
	dev.ClientID, dev.ClientSecret = idp.Client().ID, aura.Secret(idp.Client().Secret)
	server := httptest.NewUnstartedServer(nil)
	s = &stage{t: t, idp: idp, url: "http://" + server.Listener.Addr().String()}
	auth, err := aura.New(aura.Config{
		BaseURL: s.url, BasePath: "/api/auth", Providers: []aura.Provider{dev}, Now: now,
		Secrets: []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"}, Salt: "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
		ProviderTokens: aura.ProviderTokensConfig{ExposeRefreshToken: true, ExposeIDToken: true},
		Credentials:    aura.CredentialsConfig{Authorize: authorize},
		SignUp:         aura.SignUpConfig{Create: create},
		Logger:         slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = auth
	server.Start()
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.browser = server.Client()
	s.browser.Jar = jar
	s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s, func(d time.Duration) { lead += d }
}

func authorize(_ context.Context, c aura.Credentials) (aura.User, error) {
	switch {
	case c.Username == "outage":
		return aura.User{}, errors.New("the database is down")
	case c.Username == "locked":
		return aura.User{}, aura.ErrAccountLocked
	case c.Username == "grace" && string(c.Password) == "nanosecond & ü":
		return aura.User{Subject: "u-7", Name: "Grace Hopper"}, nil
	}
	return aura.User{}, aura.ErrInvalidCredentials
}

func create(_ context.Context, f aura.SignUpForm) (aura.User, error) {
	switch name := f.Field("username"); name {
	case "":
		return aura.User{}, aura.FieldErrors{"username": "is missing", "password": "is too short"}
	case "taken":
		return aura.User{}, aura.ErrUserExists
	default:
		return aura.User{Subject: "new-" + name, Name: name}, nil
	}
}

// refused fails the test unless err is an *Error with status and code.
func refused(t *testing.T, err error, status int, code aura.Code) *client.Error {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) || e.Status != status || e.Code != code || e.Message == "" || e.ID == "" || e.Err != nil {
		t.Fatalf("error %v, want an *Error with status %d and code %s", err, status, code)
	}
	return e
}

func TestCredentialsOfARealServer(t *testing.T) {
	s, _ := newFullStage(t)
	ctx, c := t.Context(), s.client()
	for _, row := range []struct {
		user, password string
		status         int
		code           aura.Code
	}{
		{"grace", "wrong", 401, aura.CodeInvalidCredentials},
		{"nobody", "wrong", 401, aura.CodeInvalidCredentials},
		{"locked", "any", 401, aura.CodeInvalidCredentials},
		{"outage", "any", 503, aura.CodeAuthorizeUnavailable},
		{"grace", "", 422, aura.CodeUnprocessable},
	} {
		_, err := c.SignInCredentials(ctx, row.user, row.password, client.After{})
		e := refused(t, err, row.status, row.code)
		if errors.Is(err, client.ErrUnavailable) != (row.status == 503) || (e.RetryAfter > 0) != (row.status == 503) || (len(e.Details) > 0) != (row.status == 422) {
			t.Errorf("%s: got %#v", row.user, e)
		}
	}
	if _, err := c.Session(ctx); !errors.Is(err, client.ErrNoSession) {
		t.Fatalf("after the failures: %v", err)
	}
	out, err := c.SignInCredentials(ctx, " Grace ", "nanosecond & ü", client.After{RedirectTo: "/after?x=1"})
	if err != nil || out.RedirectURL != "/after?x=1" {
		t.Fatalf("%+v, %v", out, err)
	}
	if session, err := c.Session(ctx); err != nil || session.User.Subject != "u-7" || session.User.Name != "Grace Hopper" {
		t.Errorf("%+v, %v", session, err)
	}
	if is, err := c.Connected(ctx, "dev"); is || err != nil {
		t.Errorf("a password connects no provider: %v, %v", is, err)
	}
	for range 10 {
		_, err = c.SignInCredentials(ctx, "target", "guess", client.After{})
	}
	if e := refused(t, err, 429, aura.CodeRateLimited); !errors.Is(err, client.ErrRateLimited) || e.RetryAfter <= 0 {
		t.Errorf("too many: %#v", e)
	}
}

func TestSignUpOfARealServer(t *testing.T) {
	s, _ := newFullStage(t)
	ctx, c := t.Context(), s.client()
	_, err := c.SignUp(ctx, map[string]string{"email": "x"}, client.After{})
	if e := refused(t, err, 422, aura.CodeUnprocessable); toJSON(t, e.Details) != `{"password":"is too short","username":"is missing"}` {
		t.Errorf("details %v", e.Details)
	}
	_, err = c.SignUp(ctx, map[string]string{"username": "taken"}, client.After{})
	refused(t, err, 409, aura.CodeUserExists)
	if _, err := c.Session(ctx); !errors.Is(err, client.ErrNoSession) {
		t.Fatalf("after the failures: %v", err)
	}
	out, err := c.SignUp(ctx, struct {
		Username string `json:"username"`
	}{"lin"}, client.After{RedirectTo: "https://evil.example/"})
	if err != nil || out.RedirectURL != "/" {
		t.Fatalf("%+v, %v", out, err)
	}
	if session, err := c.Session(ctx); err != nil || session.User.Subject != "new-lin" {
		t.Errorf("%+v, %v", session, err)
	}
}

// Where the server has them turned off, the routes are not there.
func TestPasswordsTurnedOff(t *testing.T) {
	c := newStage(t, false, "").client()
	_, err := c.SignUp(t.Context(), map[string]string{}, client.After{})
	refused(t, err, 404, aura.CodeNotFound)
	// The path is then that of a provider with this id, which is never one.
	if _, err := c.SignInCredentials(t.Context(), "ada", "x", client.After{}); err == nil {
		t.Error("signing in by password succeeded")
	}
}

func TestProvidersOfARealServer(t *testing.T) {
	s, ahead := newFullStage(t)
	ctx, c := t.Context(), s.client()
	calls := map[string]func(id string) error{
		"Connected":      func(id string) error { _, err := c.Connected(ctx, id); return err },
		"ProviderTokens": func(id string) error { _, err := c.ProviderTokens(ctx, id); return err },
		"AccessToken":    func(id string) error { _, err := c.AccessToken(ctx, id); return err },
		"RefreshUser":    func(id string) error { _, err := c.RefreshUser(ctx, id); return err },
		"RevokeTokens":   func(id string) error { return c.RevokeTokens(ctx, id) },
		"Disconnect":     func(id string) error { return c.Disconnect(ctx, id) },
	}
	for name, call := range calls {
		if err := call("dev"); !errors.Is(err, client.ErrNoSession) {
			t.Errorf("%s, signed out: %v, want ErrNoSession", name, err)
		}
	}
	s.signIn(c)
	for _, call := range calls {
		refused(t, call("nobody"), 404, aura.CodeUnknownProvider)
	}
	if is, err := c.Connected(ctx, "dev"); !is || err != nil {
		t.Errorf("Connected: %v, %v", is, err)
	}

	first, err := c.ProviderTokens(ctx, "dev")
	if err != nil || first.AccessToken == "" || first.RefreshToken == "" || first.IDToken == "" || first.TokenType != "Bearer" ||
		!slices.Equal(first.Scopes, []string{"openid", "profile", "email"}) || first.ExpiresAt.Sub(first.IssuedAt).Round(2*time.Second) != time.Hour {
		t.Fatalf("%+v, %v", first, err)
	}
	ahead(time.Hour + time.Second)
	fresh, err := c.AccessToken(ctx, "dev")
	if err != nil || fresh == string(first.AccessToken) || s.idp.Counts().Refresh != 1 {
		t.Errorf("AccessToken: a new one: %v, %d refreshes, %v", fresh != string(first.AccessToken), s.idp.Counts().Refresh, err)
	}
	if again, err := c.AccessToken(ctx, "dev"); err != nil || again != fresh {
		t.Errorf("AccessToken once more: the same: %v, %v", again == fresh, err)
	}

	s.idp.Misbehave(devidp.Fault{Endpoint: devidp.UserInfo, JSON: func(o map[string]any) { o["name"] = "Countess" }})
	if session, err := c.RefreshUser(ctx, "dev"); err != nil || session.User.Name != "Countess" || session.User.Subject != "demo-ada" {
		t.Errorf("RefreshUser: %+v, %v", session, err)
	}
	s.idp.Misbehave(devidp.Status(devidp.Revoke, 503), devidp.Status(devidp.UserInfo, 503), devidp.Status(devidp.Refresh, 503))
	ahead(time.Hour + time.Second)
	for _, call := range []string{"RevokeTokens", "RefreshUser", "AccessToken"} {
		if err := calls[call]("dev"); !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("%s in an outage: %v, want ErrUnavailable", call, err)
		}
	}
	s.idp.Behave()
	if err := c.RevokeTokens(ctx, "dev"); err != nil || s.idp.Counts().Revoke != 3 {
		t.Errorf("RevokeTokens: %v, %d calls", err, s.idp.Counts().Revoke)
	}
	for _, call := range []string{"ProviderTokens", "AccessToken", "RefreshUser", "RevokeTokens", "Disconnect"} {
		err := calls[call]("dev")
		refused(t, err, 401, aura.CodeNotConnected)
		if errors.Is(err, client.ErrNoSession) {
			t.Errorf("%s, not connected: reads as signed out", call)
		}
	}

	s.signIn(c)
	if err := c.Disconnect(ctx, "dev"); err != nil || s.idp.Counts().Revoke != 3 {
		t.Errorf("Disconnect: %v", err)
	}
	is, err := c.Connected(ctx, "dev")
	if session, err := c.Session(ctx); is || err != nil || session.User.Subject != "demo-ada" {
		t.Errorf("after Disconnect: connected %v, session %+v, %v", is, session, err)
	}
	if err != nil {
		t.Error(err)
	}

	s.signIn(c)
	s.idp.Misbehave(devidp.RefreshInvalidGrant)
	ahead(time.Hour + time.Second)
	refused(t, calls["AccessToken"]("dev"), 401, aura.CodeRefreshRejected)
	if is, err := c.Connected(ctx, "dev"); is || err != nil {
		t.Errorf("after a dead refresh token: connected %v, %v", is, err)
	}
}
