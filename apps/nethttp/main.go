// The reference application for net/http: sign-in, a protected page, protected
// JSON and sign-out. Copy it and make it yours; dev.go is only for trying it
// out without an identity provider of your own.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	aurahttp "github.com/aura-stack-go/auth/adapters/nethttp"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
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
	mux := http.NewServeMux()
	aurahttp.Mount(mux, auth)
	require := aurahttp.Require(auth)
	pages := template.Must(template.New("").Funcs(auth.FuncMap()).ParseFS(web, "web/*.html"))

	mux.Handle("GET /{$}", page(auth, on, pages, "home.html"))
	mux.Handle("GET /login", page(auth, on, pages, "login.html"))
	mux.Handle("GET /dashboard", require(page(auth, on, pages, "dashboard.html")))
	mux.Handle("GET /api/me", require(http.HandlerFunc(me)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, web, "web/style.css") })
	return aurahttp.Load(auth)(mux)
}

// page renders a template with the session, a CSRF token for its forms, and the
// way back that the sign-in page was given.
func page(auth *aura.Auth, on forms, pages *template.Template, name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := aurahttp.Session(r)
		token, lines, err := auth.CSRFToken(r)
		if err != nil {
			aurahttp.Deny(w, r, auth, err)
			return
		}
		aurahttp.Apply(w, lines)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		data := map[string]any{
			"Session": session, "CSRFToken": token,
			"RedirectTo": auth.SafeRedirect(r.URL.Query().Get("redirectTo")), "Error": r.URL.Query().Get("error"),
			"Password": on.password, "SignUp": on.signUp,
		}
		if err := pages.ExecuteTemplate(w, name, data); err != nil {
			slog.Error("page", "name", name, "err", err)
		}
	})
}

func me(w http.ResponseWriter, r *http.Request) {
	session, _ := aurahttp.Session(r)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(session.User)
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
