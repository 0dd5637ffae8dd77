package aurafiber_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	aurafiber "github.com/aura-stack-go/auth/adapters/fiber"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/gofiber/fiber/v2"
)

func belowAPI(cfg *aura.Config) { cfg.BasePath = "/api/auth" }

// On a group whose prefix does not lead to the base path the routes would be
// where nobody looks for them: Mount panics at start-up and says what to set.
func TestMountOnTheWrongGroup(t *testing.T) {
	auth := newSite(t, fiber.Config{}, belowAPI, func(*fiber.App, *aura.Auth) {}).auth
	for prefix, fits := range map[string]bool{"/api": true, "/api/": true, "/": true, "/v1": false, "/ap": false, "/api/auth": false, "/api/v1": false, "/:tenant": false} {
		t.Run(prefix, func(t *testing.T) {
			defer func() {
				p := recover()
				if text, _ := p.(string); (p == nil) != fits || p != nil && !strings.Contains(text, "BasePath") {
					t.Errorf("panic: %v", p)
				}
			}()
			aurafiber.Mount(fiber.New().Group(prefix), auth)
		})
	}
}

// Deny in a handler of the application answers as Require does, and nothing
// that comes after it adds to the answer.
func TestDeny(t *testing.T) {
	s := newSite(t, fiber.Config{}, nil, func(f *fiber.App, auth *aura.Auth) {
		f.Get("/me", func(c *fiber.Ctx) error {
			if _, _, err := auth.GetSession(aurafiber.Request(c)); err != nil {
				return aurafiber.Deny(c, auth, err)
			}
			return c.SendString("after")
		})
	})
	for accept, want := range map[string]int{"text/html": http.StatusSeeOther, "application/json": http.StatusUnauthorized} {
		r, err := http.NewRequest("GET", "http://"+s.addr+"/me?x=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		resp, err := s.client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil {
			t.Fatal(err)
		}
		if to := resp.Header.Get("Location"); resp.StatusCode != want || strings.Contains(string(body), "after") || (to == "/login?redirectTo=%2Fme%3Fx%3D1") != (want == http.StatusSeeOther) {
			t.Errorf("%s: status %d, Location %q, body %q", accept, resp.StatusCode, to, body)
		}
		if want == http.StatusUnauthorized && !strings.Contains(string(body), string(aura.CodeNoSession)) {
			t.Errorf("%s: body %q", accept, body)
		}
	}
}
