package e2e

import (
	"encoding/json"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	aurahttp "github.com/aura-stack-go/auth/adapters/nethttp"
	aura "github.com/aura-stack-go/auth/core"
)

// site is a small application in this process, with the pages that journeys
// know. The reference applications read what the environment can say, an issuer
// and one client; this one can be configured in every way that the library can.
//
// It has its address before it serves: a provider needs it to know its clients,
// and the application needs the provider.
type site struct {
	*app
	t      *testing.T
	server *httptest.Server
	tls    bool
	wire   *wiretap // what it says to providers
	visits *visits  // what browsers, and providers, say to it
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, server: httptest.NewUnstartedServer(nil), wire: &wiretap{}, visits: &visits{}}
	t.Cleanup(s.server.Close)
	s.app = &app{url: "http://" + s.server.Listener.Addr().String()}
	return s
}

// newTLSSite has a certificate that no browser trusts, for the host localhost: to
// a provider on 127.0.0.1 it is another site, which another port would not be.
func newTLSSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.tls = true
	s.url = "https://localhost" + strings.TrimPrefix(s.url, "http://127.0.0.1")
	return s
}

// at is where the library answers below its base path.
func (s *site) at(path string) string { return s.url + "/api/auth" + path }

// serve starts the application with these providers.
func (s *site) serve(configure func(*aura.Config), providers ...aura.Provider) {
	s.t.Helper()
	cfg := aura.Config{
		BasePath:   "/api/auth",
		BaseURL:    s.url,
		Secrets:    []aura.Secret{aura.Secret(strongSecret())},
		Salt:       aura.Secret(strongSecret()),
		Providers:  providers,
		HTTPClient: &http.Client{Transport: s.wire},
		Logger:     slog.New(slog.NewTextHandler(s.t.Output(), nil)),
	}
	if configure != nil {
		configure(&cfg)
	}
	auth, err := aura.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.server.Config.Handler = s.visits.note(siteRoutes(auth))
	if s.tls {
		s.server.StartTLS()
		return
	}
	s.server.Start()
}

const sitePages = `
{{define "login"}}<!doctype html><html lang="en"><title>Sign in</title>{{auraSignInAll .RedirectTo}}{{end}}
{{define "dashboard"}}<!doctype html><html lang="en"><title>Dashboard</title><h1>{{.Session.User.Name}}</h1>{{auraSignOut .CSRFToken "/goodbye"}}{{end}}
{{define "goodbye"}}<!doctype html><html lang="en"><title>Goodbye</title><h1>Goodbye</h1>{{end}}`

func siteRoutes(auth *aura.Auth) http.Handler {
	pages := template.Must(template.New("").Funcs(auth.FuncMap()).Parse(sitePages))
	page := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			session, _ := aurahttp.Session(r)
			token, lines, err := auth.CSRFToken(r)
			if err != nil {
				aurahttp.Deny(w, r, auth, err)
				return
			}
			aurahttp.Apply(w, lines)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_ = pages.ExecuteTemplate(w, name, map[string]any{
				"Session": session, "CSRFToken": token, "RedirectTo": auth.SafeRedirect(r.URL.Query().Get("redirectTo")),
			})
		})
	}
	mux := http.NewServeMux()
	aurahttp.Mount(mux, auth)
	require := aurahttp.Require(auth)
	mux.Handle("GET /login", page("login"))
	mux.Handle("GET /goodbye", page("goodbye"))
	mux.Handle("GET /dashboard", require(page("dashboard")))
	mux.Handle("GET /api/me", require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := aurahttp.Session(r)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(session.User)
	})))
	return aurahttp.Load(auth)(mux)
}
