package auragin_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	auragin "github.com/aura-stack-go/auth/adapters/gin"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/gin-gonic/gin"
)

// newAuth is an Auth whose base path lies below /api.
func newAuth(t *testing.T) *aura.Auth {
	t.Helper()
	auth, err := aura.New(aura.Config{
		Secrets: []aura.Secret{"auragin+5f3c9a0e71d84b26f0a9c3e7"}, Salt: "auragin+d15b8642ac90fe137d58b264",
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
	gin.SetMode(gin.TestMode)
	auth := newAuth(t)
	for prefix, fits := range map[string]bool{"/api": true, "/api/": true, "/": true, "/v1": false, "/ap": false, "/api/auth": false, "/api/v1": false, "/:tenant": false} {
		t.Run(prefix, func(t *testing.T) {
			defer func() {
				p := recover()
				if text, _ := p.(string); (p == nil) != fits || p != nil && !strings.Contains(text, "BasePath") {
					t.Errorf("panic: %v", p)
				}
			}()
			auragin.Mount(gin.New().Group(prefix), auth)
		})
	}
}

// Deny in a handler of the application answers as Require does, and nothing
// that comes after it adds to the answer.
func TestDeny(t *testing.T) {
	auth := newAuth(t)
	gin.SetMode(gin.TestMode)
	app := gin.New()
	app.GET("/me", func(c *gin.Context) {
		if _, _, err := auth.GetSession(c.Request); err != nil {
			auragin.Deny(c, auth, err)
		}
	}, func(c *gin.Context) { c.String(http.StatusOK, "after") })
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
