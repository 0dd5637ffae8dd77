package aurafiber_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	aurafiber "github.com/aura-stack-go/auth/adapters/fiber"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gofiber/fiber/v2/middleware/encryptcookie"
)

// panicking is a log that cannot be written to.
func panicking() *slog.Logger { return slog.New(broken{}) }

type broken struct{}

func (b broken) WithAttrs([]slog.Attr) slog.Handler     { return b }
func (b broken) WithGroup(string) slog.Handler          { return b }
func (broken) Enabled(context.Context, slog.Level) bool { return true }
func (broken) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "aura: request refused" {
		panic("the log is full")
	}
	return nil
}

// httptest.NewRequest names example.com, which is not served without BaseURL or
// TrustedHosts; Fiber's app.Test takes the host from Request.Host alone.
func TestAppTest(t *testing.T) {
	s := newSite(t, fiber.Config{}, nil, mounted)
	for _, row := range []struct {
		host, target string
		want         int
	}{
		{"localhost", "/public", 200},
		{"localhost", "/private", 401},
		{"localhost", "/auth/session", 401},
		{"", "/private", 421},
	} {
		req := httptest.NewRequest("GET", row.target, nil)
		if row.host != "" {
			req.Host = row.host
		}
		resp, err := s.app.Test(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != row.want {
			t.Errorf("GET %s of %q: status %d, want %d: %s", row.target, row.host, resp.StatusCode, row.want, text)
		}
	}
}

// encryptcookie encrypts our cookies once more on their way out, and what it
// decrypts on their way in is not what the bridge reads.
func TestEncryptCookie(t *testing.T) {
	key := encryptcookie.GenerateKey()
	own := func(f *fiber.App) {
		f.Get("/set", func(c *fiber.Ctx) error {
			c.Cookie(&fiber.Cookie{Name: "theirs", Value: "plain"})
			return nil
		})
		f.Get("/read", func(c *fiber.Ctx) error { return c.SendString(c.Cookies("theirs")) })
	}
	rolling := func(cfg *aura.Config) { cfg.Session.Expiration = aura.RollingExpiration }

	around := newSite(t, fiber.Config{}, rolling, func(f *fiber.App, auth *aura.Auth) {
		f.Use(encryptcookie.New(encryptcookie.Config{Key: key}))
		mounted(f, auth)
	})
	if status := around.signIn(around.client()); status != 400 {
		t.Errorf("around Mount: the callback is answered %d; README.md says that it cannot work", status)
	}

	behind := newSite(t, fiber.Config{}, rolling, func(f *fiber.App, auth *aura.Auth) {
		f.Use(aurafiber.Load(auth))
		aurafiber.Mount(f, auth)
		f.Use(encryptcookie.New(encryptcookie.Config{Key: key, Except: []string{"aura-auth.session_token", "aura-auth.csrf_token"}}))
		f.Get("/private", aurafiber.Require(auth), who(aurafiber.Session))
		own(f)
	})
	c := behind.client()
	if status := behind.signIn(c); status != 302 {
		t.Fatalf("behind Mount: the callback is answered %d", status)
	}
	for range 2 { // the second with the renewed session
		if status, text := behind.get(c, "/private"); status != 200 || text != "demo-ada" {
			t.Errorf("behind Mount: status %d and body %q", status, text)
		}
	}
	resp, _ := behind.do(c, "GET", "/set", "")
	for _, line := range resp.Header["Set-Cookie"] {
		if strings.Contains(line, "plain") {
			t.Errorf("the application's own cookie is not encrypted: %q", line)
		}
	}
	if _, text := behind.get(c, "/read"); text != "plain" {
		t.Errorf("the application's own cookie reads %q", text)
	}
}

// Routes of a sub-application are guarded as all others; the routes of Auth are
// mounted where the base path is known, on the application itself.
func TestSubApplications(t *testing.T) {
	s := newSite(t, fiber.Config{}, func(cfg *aura.Config) { cfg.BasePath = "/api/auth" }, func(f *fiber.App, auth *aura.Auth) {
		f.Use(aurafiber.Load(auth))
		aurafiber.Mount(f, auth)
		sub := fiber.New()
		sub.Get("/public", who(aurafiber.Session))
		sub.Get("/private", aurafiber.Require(auth), who(aurafiber.Session))
		f.Mount("/api", sub)
	})
	c := s.client()
	if status, _ := s.get(c, "/api/private"); status != 401 {
		t.Errorf("anonymous: status %d, want 401", status)
	}
	if status := s.signIn(c); status != 302 {
		t.Fatalf("the callback is answered %d", status)
	}
	for _, path := range []string{"/api/public", "/api/private"} {
		if status, text := s.get(c, path); status != 200 || text != "demo-ada" {
			t.Errorf("%s: status %d and body %q", path, status, text)
		}
	}

	// On the sub-application the prefix is not known, and would come twice.
	lost := newSite(t, fiber.Config{}, func(cfg *aura.Config) { cfg.BasePath = "/api/auth" }, func(f *fiber.App, auth *aura.Auth) {
		sub := fiber.New()
		aurafiber.Mount(sub, auth)
		f.Mount("/api", sub)
	})
	for _, path := range []string{"/api/auth/session", "/api/api/auth/session"} {
		if status, _ := lost.get(lost.client(), path); status != 404 {
			t.Errorf("mounted on a sub-application, %s: status %d; README.md says that it cannot work", path, status)
		}
	}
}

// Middleware of a group runs on the routes of Auth that are mounted there.
func TestGroupMiddleware(t *testing.T) {
	var ran atomic.Int32
	s := newSite(t, fiber.Config{}, func(cfg *aura.Config) { cfg.BasePath = "/api/v1/auth" }, func(f *fiber.App, auth *aura.Auth) {
		mark := func(c *fiber.Ctx) error {
			ran.Add(1)
			return c.Next()
		}
		aurafiber.Mount(f.Group("/api", mark).Group("/v1", mark), auth)
	})
	resp, _ := s.do(s.client(), "GET", "/api/v1/auth/csrfToken", "")
	if n := ran.Load(); resp.StatusCode != 200 || n != 2 {
		t.Errorf("status %d after middleware of %d groups, want 200 and 2", resp.StatusCode, n)
	}
}

// With StreamRequestBody, BodyLimit does not hold: what is not a small form is
// left in the stream, for the handler, and bounded by core on its own routes.
func TestStreamRequestBody(t *testing.T) {
	s := newSite(t, fiber.Config{StreamRequestBody: true, BodyLimit: 1 << 20}, nil, func(f *fiber.App, auth *aura.Auth) {
		mounted(f, auth)
		f.Post("/upload", aurafiber.Require(auth), aurafiber.Protect(auth), func(c *fiber.Ctx) error {
			if !c.Request().IsBodyStream() {
				return c.SendString("buffered")
			}
			n, err := io.Copy(io.Discard, c.Request().BodyStream())
			if err != nil {
				return err
			}
			return c.SendString(fmt.Sprint(n))
		})
		f.Post("/change", aurafiber.Protect(auth), func(c *fiber.Ctx) error { return c.SendString(c.FormValue("what")) })
	})
	c := s.client()
	s.signIn(c)
	csrf := s.csrf(c)
	const size = 3 << 20
	if _, text := s.do(c, "POST", "/upload", strings.Repeat("x", size), "X-CSRF-Token", csrf); text != fmt.Sprint(size) {
		t.Errorf("an upload of %d bytes arrives as %q", size, text)
	}
	patch := fmt.Sprintf("PATCH /auth/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", size)
	if statuses, text := raw(t, s.addr, patch+strings.Repeat("x", 70<<10)); len(statuses) == 0 || statuses[0] != 413 {
		t.Errorf("PATCH with %d bytes: statuses %d, want 413: %s", size, statuses, text)
	}
	form := url.Values{"csrfToken": {csrf}, "what": {"it"}}.Encode()
	if resp, text := s.do(c, "POST", "/change", form, "Content-Type", fiber.MIMEApplicationForm); resp.StatusCode != 200 || text != "it" {
		t.Errorf("form: status %d and body %q", resp.StatusCode, text)
	}
	if resp, _ := s.do(c, "POST", "/auth/signOut", url.Values{"csrfToken": {csrf}}.Encode(), "Content-Type", fiber.MIMEApplicationForm); resp.StatusCode != 303 {
		t.Errorf("sign-out: status %d, want 303", resp.StatusCode)
	}
	if _, text := s.get(c, "/public"); text != "nobody" {
		t.Errorf("after the sign-out: %q", text)
	}
}

// Fiber behind net/http, or a lambda: requests that no connection has brought,
// whose head is not there to be read.
func TestConstructedRequests(t *testing.T) {
	s := newSite(t, fiber.Config{}, nil, mounted)
	listener := listen(t)
	server := &http.Server{Handler: adaptor.FiberApp(s.app)}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	s.addr = listener.Addr().String()
	c := s.client()
	if status := s.signIn(c); status != 302 {
		t.Fatalf("the callback is answered %d", status)
	}
	if status, text := s.get(c, "/private"); status != 200 || text != "demo-ada" {
		t.Errorf("status %d and body %q", status, text)
	}
	session := ""
	for _, cookie := range c.Jar.Cookies(&url.URL{Scheme: "http", Host: s.addr, Path: "/"}) {
		if cookie.Name == "aura-auth.session_token" {
			session = cookie.Name + "=" + cookie.Value
		}
	}
	for header, want := range map[string]string{session: "demo-ada", "=" + session: "nobody", "x=1; =" + session: "nobody", "x=1; " + session: "demo-ada"} {
		if _, text := s.do(s.client(), "GET", "/public", "", "Cookie", header); text != want {
			t.Errorf("Cookie: %.40s…: %q, want %q", header, text, want)
		}
	}
}
