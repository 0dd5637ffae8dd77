package aurahttp_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	aurahttp "github.com/aura-stack-go/auth/adapters/nethttp"
	aura "github.com/aura-stack-go/auth/core"
)

// newAuth is an Auth whose base path lies below /api.
func newAuth(t *testing.T) *aura.Auth {
	t.Helper()
	auth, err := aura.New(aura.Config{
		Secrets: []aura.Secret{"aurahttp+5f3c9a0e71d84b26f0a9c3e7"}, Salt: "aurahttp+d15b8642ac90fe137d58b264",
		BasePath: "/api/auth", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// The application's patterns and those of Mount do not conflict, whichever is
// registered first: with a ServeMux that would be a panic at start-up.
func TestMountBesideWildcards(t *testing.T) {
	auth := newAuth(t)
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
	patterns := []string{"GET /{slug}", "GET /{slug}/{page}", "POST /{form}", "GET /api/{version}", "/{$}"}
	for name, first := range map[string]bool{"Mount first": true, "Mount last": false} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			if first {
				aurahttp.Mount(mux, auth)
			}
			for _, pattern := range patterns {
				mux.Handle(pattern, page)
			}
			if !first {
				aurahttp.Mount(mux, auth)
			}
			for target, want := range map[string]string{"/": "page /", "/about": "page /about", "/a/b": "page /a/b", "/api/v2": "page /api/v2", "/api/auth/session": string(aura.CodeNoSession)} {
				w := httptest.NewRecorder()
				mux.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost"+target, nil))
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("%s: status %d, %q; want %q", target, w.Code, w.Body, want)
				}
			}
		})
	}
}

// Deny in a handler of the application answers as Require does, and nothing
// that comes after it adds to the answer.
func TestDeny(t *testing.T) {
	auth := newAuth(t)
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, err := auth.GetSession(r); err != nil {
			aurahttp.Deny(w, r, auth, err)
			return
		}
		_, _ = io.WriteString(w, "after")
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
