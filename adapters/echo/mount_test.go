package auraecho_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	auraecho "github.com/aura-stack-go/auth/adapters/echo"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/labstack/echo/v4"
)

// newAuth is an Auth whose base path lies below /api.
func newAuth(t *testing.T) *aura.Auth {
	t.Helper()
	auth, err := aura.New(aura.Config{
		Secrets: []aura.Secret{"auraecho+5f3c9a0e71d84b26f0a9c3e7"}, Salt: "auraecho+d15b8642ac90fe137d58b264",
		BasePath: "/api/auth", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// On a group whose prefix does not lead to the base path the routes would be
// where nobody looks for them: Mount panics at start-up and says what to set.
func TestMountOnTheWrongGroup(t *testing.T) {
	auth := newAuth(t)
	for prefix, fits := range map[string]bool{"/api": true, "/api/": true, "/": true, "/v1": false, "/ap": false, "/api/auth": false, "/api/v1": false, "/:tenant": false} {
		t.Run(prefix, func(t *testing.T) {
			defer func() {
				p := recover()
				if text, _ := p.(string); (p == nil) != fits || p != nil && !strings.Contains(text, "BasePath") {
					t.Errorf("panic: %v", p)
				}
			}()
			auraecho.Mount(echo.New().Group(prefix), auth)
		})
	}
}

// Deny in a handler of the application answers as Require does, and nothing
// that comes after it adds to the answer.
func TestDeny(t *testing.T) {
	auth := newAuth(t)
	app := echo.New()
	app.GET("/me", func(c echo.Context) error {
		if _, _, err := auth.GetSession(c.Request()); err != nil {
			return auraecho.Deny(c, auth, err)
		}
		return c.String(http.StatusOK, "after")
	})
	for accept, want := range map[string]int{"text/html": http.StatusSeeOther, "application/json": http.StatusUnauthorized} {
		r := httptest.NewRequest("GET", "http://localhost/me?x=1", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if w.Code != want || strings.Contains(w.Body.String(), "after") || (w.Header().Get("Location") == "/login?redirectTo=%2Fme%3Fx%3D1") != (want == http.StatusSeeOther) {
			t.Errorf("%s: status %d, Location %q, body %q", accept, w.Code, w.Header().Get("Location"), w.Body)
		}
		if want == http.StatusUnauthorized && !strings.Contains(w.Body.String(), string(aura.CodeNoSession)) {
			t.Errorf("%s: body %q", accept, w.Body)
		}
	}
}

// To learn a group's prefix Mount registers a route. It answers nobody; only OPTIONS,
// which Echo answers by itself, shows that it is there.
func TestMountLeavesNoRoute(t *testing.T) {
	auth := newAuth(t)
	app := echo.New()
	auraecho.Mount(app.Group("/api"), auth)
	for _, route := range app.Routes() {
		if route.Path == "/api/auth" || route.Path == "/api/auth/*" {
			continue
		}
		for _, method := range []string{"GET", "POST", "HEAD", "CONNECT", route.Method} {
			w := httptest.NewRecorder()
			app.ServeHTTP(w, httptest.NewRequest(method, "http://localhost"+route.Path, nil))
			if w.Code < 400 {
				t.Errorf("%s %s: status %d", method, route.Path, w.Code)
			}
		}
	}
}
