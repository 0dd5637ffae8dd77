// The reference application for Fiber: sign-in, a protected page, protected
// JSON and sign-out. Copy it and make it yours; dev.go is only for trying it
// out without an identity provider of your own.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	aurafiber "github.com/aura-stack-go/auth/adapters/fiber"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/filesystem"
	"github.com/gofiber/fiber/v2/middleware/recover"
)

//go:embed web
var web embed.FS

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	host, port := env("HOST", "127.0.0.1"), env("PORT", "3000")
	cfg := aura.Config{
		BasePath:  "/api/auth",
		Providers: providers(),
		Session:   aura.SessionConfig{UpdatableFields: []string{"name"}},
	}
	dev, err := startDevelopment(&cfg, host)
	if err != nil {
		return err
	}
	defer dev.close()
	if err := startAccounts(&cfg, dev); err != nil {
		return err
	}
	auth, err := aura.New(cfg)
	if err != nil {
		return err
	}
	if len(cfg.Providers) == 0 {
		slog.Warn("no sign-in provider is configured: set AURA_AUTH_GITHUB_CLIENT_ID and AURA_AUTH_GITHUB_CLIENT_SECRET, say")
	}
	app := routes(auth, dev, forms{cfg.Credentials.Authorize != nil, cfg.SignUp.Create != nil})
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	fmt.Printf("Listening on http://%s\n", listener.Addr())

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- app.Listener(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return app.ShutdownWithTimeout(10 * time.Second) // requests under way finish
	}
}

// providers offers every provider whose credentials the environment holds.
func providers() []aura.Provider {
	list := provider.FromEnvironment()
	if oidc := provider.OIDC("oidc", os.Getenv("OIDC_ISSUER")); oidc.Configured() {
		list = append(list, oidc)
	}
	return list
}

func routes(auth *aura.Auth, dev *development, on forms) *fiber.App {
	app := fiber.New(fiber.Config{
		DisableStartupMessage: true,
		ReadBufferSize:        16 << 10, // cookies: with Fiber's 4 KiB a large session is 431 on every request
		ReadTimeout:           10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorHandler: failed,
	})
	app.Use(recover.New(), dev.only, aurafiber.Load(auth))
	pages := template.Must(template.New("").Funcs(auth.FuncMap()).ParseFS(web, "web/*.html"))

	aurafiber.Mount(app, auth)
	app.Get("/", page(auth, on, pages, "home.html"))
	app.Get("/login", page(auth, on, pages, "login.html"))
	app.Get("/dashboard", aurafiber.Require(auth), page(auth, on, pages, "dashboard.html"))
	app.Get("/api/me", aurafiber.Require(auth), me)
	app.Get("/healthz", func(c *fiber.Ctx) error { return c.SendString("ok\n") })
	app.Use("/style.css", filesystem.New(filesystem.Config{Root: http.FS(web), PathPrefix: "web/style.css"}))
	return app
}

// failed answers errors with their status alone: the text of fasthttp's own
// errors repeats the request, cookies included.
func failed(c *fiber.Ctx, err error) error {
	if known := (&fiber.Error{}); errors.As(err, &known) {
		return c.SendStatus(known.Code)
	}
	return c.SendStatus(fiber.StatusInternalServerError)
}

// page renders a template with the session, a CSRF token for its forms, and the
// way back that the sign-in page was given.
func page(auth *aura.Auth, on forms, pages *template.Template, name string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		session, _ := aurafiber.Session(c)
		token, lines, err := auth.CSRFToken(aurafiber.Request(c))
		if err != nil {
			return aurafiber.Deny(c, auth, err)
		}
		aurafiber.Apply(c, lines)
		c.Set("Cache-Control", "no-store")
		c.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'")
		c.Set("Content-Type", "text/html; charset=utf-8")
		return pages.ExecuteTemplate(c, name, fiber.Map{
			"Session": session, "CSRFToken": token,
			"RedirectTo": auth.SafeRedirect(c.Query("redirectTo")), "Error": c.Query("error"),
			"Password": on.password, "SignUp": on.signUp,
		})
	}
}

func me(c *fiber.Ctx) error {
	session, _ := aurafiber.Session(c)
	return c.JSON(session.User)
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
