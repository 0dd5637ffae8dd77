// The reference application for Echo: sign-in, a protected page, protected
// JSON and sign-out. Copy it and make it yours; dev.go is only for trying it
// out without an identity provider of your own.
package main

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	auraecho "github.com/aura-stack-go/auth/adapters/echo"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
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
	server := &http.Server{Handler: dev.only(routes(auth, forms{cfg.Credentials.Authorize != nil, cfg.SignUp.Create != nil})), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	fmt.Printf("Listening on http://%s\n", listener.Addr())

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(grace) // requests under way finish
}

// providers offers every provider whose credentials the environment holds.
func providers() []aura.Provider {
	list := provider.FromEnvironment()
	if oidc := provider.OIDC("oidc", os.Getenv("OIDC_ISSUER")); oidc.Configured() {
		list = append(list, oidc)
	}
	return list
}

func routes(auth *aura.Auth, on forms) http.Handler {
	e := echo.New()
	e.Use(middleware.Recover(), auraecho.Load(auth))
	e.Renderer = &echo.TemplateRenderer{Template: template.Must(template.New("").Funcs(auth.FuncMap()).ParseFS(web, "web/*.html"))}

	get := []string{http.MethodGet, http.MethodHead}
	auraecho.Mount(e, auth)
	e.Match(get, "/", page(auth, on, "home.html"))
	e.Match(get, "/login", page(auth, on, "login.html"))
	e.Match(get, "/dashboard", page(auth, on, "dashboard.html"), auraecho.Require(auth))
	e.Match(get, "/api/me", me, auraecho.Require(auth))
	e.Match(get, "/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.FileFS("/style.css", "web/style.css", web)
	return e
}

// page renders a template with the session, a CSRF token for its forms, and the
// way back that the sign-in page was given.
func page(auth *aura.Auth, on forms, name string) echo.HandlerFunc {
	return func(c echo.Context) error {
		session, _ := auraecho.Session(c)
		token, lines, err := auth.CSRFToken(c.Request())
		if err != nil {
			return auraecho.Deny(c, auth, err)
		}
		auraecho.Apply(c, lines)
		c.Response().Header().Set("Cache-Control", "no-store")
		c.Response().Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'")
		return c.Render(http.StatusOK, name, map[string]any{
			"Session": session, "CSRFToken": token,
			"RedirectTo": auth.SafeRedirect(c.QueryParam("redirectTo")), "Error": c.QueryParam("error"),
			"Password": on.password, "SignUp": on.signUp,
		})
	}
}

func me(c echo.Context) error {
	session, _ := auraecho.Session(c)
	return c.JSON(http.StatusOK, session.User)
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
