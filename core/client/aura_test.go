package client_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/client"
)

// A session from its beginning to its end, as the real server answers.
func TestSessionOfARealServer(t *testing.T) {
	for name, row := range map[string]struct {
		secure bool
		prefix string
	}{"http on loopback": {}, "https": {secure: true}, "below a prefix": {prefix: "/shop"}} {
		t.Run(name, func(t *testing.T) {
			ctx, s := t.Context(), newStage(t, row.secure, row.prefix)
			c := s.client()
			if _, err := c.Session(ctx); !errors.Is(err, client.ErrNoSession) {
				t.Fatalf("before: %v, want ErrNoSession", err)
			}
			if _, err := c.SignOut(ctx, client.After{}); !errors.Is(err, client.ErrNoSession) {
				t.Errorf("signing out before: %v, want ErrNoSession", err)
			}
			s.signIn(c)

			session, err := c.Session(ctx)
			if err != nil {
				t.Fatal(err)
			}
			u := session.User
			if u.Subject != "demo-ada" || u.Name != "Ada Lovelace" || u.Email != "ada@example.com" || !u.EmailVerified || session.Expires.Before(time.Now()) {
				t.Errorf("session %+v", session)
			}

			changed, err := c.UpdateSession(ctx, map[string]any{"name": "Countess", "theme": "dark"})
			if err != nil {
				t.Fatal(err)
			}
			again, err := c.Session(ctx)
			if err != nil || toJSON(t, again) != toJSON(t, changed) || again.User.Name != "Countess" || !again.Expires.Equal(session.Expires) {
				t.Errorf("after the update %+v (%v), want what it returned: %+v", again, err, changed)
			}
			if theme, err := client.Claims[struct{ Theme string }](again); err != nil || theme.Theme != "dark" {
				t.Errorf("extra claim %+v (%v)", theme, err)
			}
			if _, err := c.UpdateSession(ctx, again.User); err != nil {
				t.Errorf("sending the whole user: %v", err)
			}

			out, err := c.SignOut(ctx, client.After{RedirectTo: "https://evil.example/"})
			if err != nil || out.RedirectURL != "/" {
				t.Errorf("sign-out: %+v (%v), want the target refused", out, err)
			}
			if _, err := c.Session(ctx); !errors.Is(err, client.ErrNoSession) {
				t.Errorf("after: %v, want ErrNoSession", err)
			}
		})
	}
}

// Failures as the real server words them.
func TestFailuresOfARealServer(t *testing.T) {
	s := newStage(t, false, "")
	c := s.client()
	s.signIn(c)
	lost := newClient(t, client.Options{BaseURL: s.url, BasePath: "/auth", HTTPClient: s.browser})
	rows := map[string]struct {
		call    func() error
		status  int
		code    aura.Code
		details map[string]string
	}{
		"a field that may not change": {func() error {
			_, err := c.UpdateSession(t.Context(), map[string]any{"email": "eve@example.com"})
			return err
		}, 422, aura.CodeUpdateNotAllowed, map[string]string{"user.email": "may not be changed"}},
		"an unknown provider": {func() error {
			_, err := c.SignInURL(t.Context(), "nobody", client.SignInOptions{})
			return err
		}, 404, aura.CodeUnknownProvider, nil},
		"a wrong base path": {func() error { _, err := lost.Session(t.Context()); return err }, 404, aura.CodeNotFound, nil},
		"too much": {func() error {
			_, err := c.UpdateSession(t.Context(), map[string]any{"theme": strings.Repeat("x", 64<<10)})
			return err
		}, 413, aura.CodeBodyTooLarge, nil},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			var e *client.Error
			if err := row.call(); !errors.As(err, &e) {
				t.Fatalf("error %v, want an *Error", err)
			}
			if e.Status != row.status || e.Code != row.code || e.Message == "" || e.ID == "" || e.Err != nil || toJSON(t, e.Details) != toJSON(t, row.details) {
				t.Errorf("got %#v", e)
			}
		})
	}
	if session, err := c.Session(t.Context()); err != nil || session.User.Email != "ada@example.com" {
		t.Errorf("after the failures: %+v (%v)", session, err)
	}
}

// One Client in many goroutines is one visitor.
func TestConcurrentUse(t *testing.T) {
	s := newStage(t, false, "")
	c := s.client()
	s.signIn(c)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := c.UpdateSession(t.Context(), map[string]any{"name": "Countess"}); err != nil {
				t.Error(err)
			}
			if session, err := c.Session(t.Context()); err != nil || session.User.Subject != "demo-ada" {
				t.Errorf("%+v, %v", session, err)
			}
			if _, err := c.CSRFToken(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// The token of CSRFToken is the one that guards the application's own routes.
func TestCSRFTokenServesOtherRoutes(t *testing.T) {
	s := newStage(t, false, "")
	c := s.client()
	s.signIn(c)
	for _, good := range []bool{true, false} {
		token, err := c.CSRFToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !good {
			token = "x" + token
		}
		req, err := http.NewRequest(http.MethodPost, s.url+"/api/auth/signOut?redirect=false", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-CSRF-Token", token)
		resp, err := s.browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if accepted := resp.StatusCode == http.StatusAccepted; accepted != good {
			t.Errorf("a good token: %v, but the status is %d", good, resp.StatusCode)
		}
	}
}
