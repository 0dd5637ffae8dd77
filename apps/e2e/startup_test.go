package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestStartRefused holds the starts that must end with exit status 1 and a
// message that says what to do: a typing error in production must never publish
// demo accounts.
func TestStartRefused(t *testing.T) {
	secret, salt := "AURA_AUTH_SECRET="+strongSecret(), "AURA_AUTH_SALT="+strongSecret()
	const weak = "AURA_AUTH_SECRET=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for _, row := range []struct {
		name string
		env  []string
		says []string
	}{
		{"a provider without a secret", []string{"OIDC_ISSUER=http://127.0.0.1:9", "OIDC_CLIENT_ID=id", "OIDC_CLIENT_SECRET=s"}, []string{"AURA_AUTH_SECRET"}},
		{"a preset's credentials without a secret", []string{"AURA_AUTH_GITHUB_CLIENT_ID=id", "AURA_AUTH_GITHUB_CLIENT_SECRET=s"}, []string{"AURA_AUTH_SECRET"}},
		{"half a preset's credentials", []string{"AURA_AUTH_GITHUB_CLIENT_ID=id"}, []string{"AURA_AUTH_SECRET"}},
		{"only an issuer", []string{"OIDC_ISSUER=http://127.0.0.1:9"}, []string{"AURA_AUTH_SECRET"}},
		{"only a salt", []string{salt}, []string{"AURA_AUTH_SECRET"}},
		{"only a base URL", []string{"AURA_AUTH_BASE_URL=https://app.example"}, []string{"AURA_AUTH_SECRET"}},
		{"every interface and nothing configured", []string{"HOST=0.0.0.0"}, []string{"AURA_AUTH_SECRET"}},
		{"development mode on every interface", []string{"AURA_AUTH_DEV=1", "HOST=0.0.0.0"}, []string{"AURA_AUTH_DEV", "HOST"}},
		{"development mode on every interface, with a secret", []string{"AURA_AUTH_DEV=1", "HOST=0.0.0.0", secret, salt}, []string{"AURA_AUTH_DEV", "HOST"}},
		{"a weak secret", []string{weak, salt}, []string{"AURA_AUTH_SECRET", "openssl rand"}},
		{"a PostgreSQL store", []string{"DATABASE_URL=postgres://127.0.0.1/x", secret, salt}, []string{"DATABASE_URL"}},
		{"an SQLite store and nothing else", []string{"DATABASE_URL=sqlite:x.db"}, []string{"DATABASE_URL"}},
		{"a Redis store", []string{"REDIS_URL=redis://127.0.0.1", "AURA_AUTH_DEV=1"}, []string{"REDIS_URL"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachApp(t, func(t *testing.T, name string) {
				status, output := appExit(t, name, row.env...)
				if status != 1 {
					t.Errorf("exit status %d, want 1; it printed:\n%s", status, output)
				}
				for _, word := range row.says {
					if !strings.Contains(output, word) {
						t.Errorf("the message does not say %s:\n%s", word, output)
					}
				}
				for _, entry := range row.env {
					_, value, _ := strings.Cut(entry, "=")
					if strings.Contains(entry, "SECRET=") && len(value) > 10 && strings.Contains(output, value) {
						t.Errorf("the message shows the secret:\n%s", output)
					}
				}
			})
		})
	}
}

// TestStartWithoutProvider: a secret and no provider is a valid start that warns.
func TestStartWithoutProvider(t *testing.T) {
	eachApp(t, func(t *testing.T, name string) {
		port := freePort(t)
		a := startApp(t, name, port, "AURA_AUTH_SECRET="+strongSecret(), "AURA_AUTH_SALT="+strongSecret(),
			"AURA_AUTH_BASE_URL=http://127.0.0.1:"+strconv.Itoa(port))
		if !strings.Contains(strings.ToLower(a.out.String()), "no sign-in provider is configured") {
			t.Errorf("no warning; it printed:\n%s", a.out)
		}
		login := newVisitor(t).get(a.url + "/login")
		if login.status != http.StatusOK || !strings.Contains(strings.ToLower(login.body), "no sign-in provider is configured") {
			t.Errorf("/login (%d) does not say that no provider is configured:\n%s", login.status, login.body)
		}
		for _, f := range login.forms {
			if strings.Contains(f.action.Path, "/signIn/") {
				t.Errorf("/login has a sign-in form: %s", f.action)
			}
		}
	})
}

// TestPublicAnswers are the pages as a visitor without a session gets them.
func TestPublicAnswers(t *testing.T) {
	eachApp(t, func(t *testing.T, name string) {
		a := startApp(t, name, freePort(t))
		if !strings.Contains(a.out.String(), "AURA_AUTH_SECRET") {
			t.Errorf("the start does not warn of a secret made for this run; it printed:\n%s", a.out)
		}
		for _, row := range []struct {
			path     string
			accept   string
			status   int
			location string
			kind     string
		}{
			{"/", "text/html", 200, "", "text/html"},
			{"/login", "text/html", 200, "", "text/html"},
			{"/dashboard", "text/html", 303, "/login?redirectTo=%2Fdashboard", ""},
			{"/api/me", "application/json", 401, "", "application/json"},
			{"/healthz", "*/*", 200, "", ""},
			{"/api/auth/session", "application/json", 401, "", "application/json"},
			{"/api/auth/nothing", "application/json", 404, "", "application/json"},
		} {
			pg := requestAs(t, a, row.path, "", http.Header{"Accept": {row.accept}})
			if pg.status != row.status || pg.header.Get("Location") != row.location || !strings.HasPrefix(pg.header.Get("Content-Type"), row.kind) {
				t.Errorf("%s: %d, Location %q, Content-Type %q; want %d, %q, %q", row.path, pg.status, pg.header.Get("Location"),
					pg.header.Get("Content-Type"), row.status, row.location, row.kind)
			}
		}
	})
}

// TestDevelopmentModeStaysLocal: a request that came through a proxy, or to a
// name that is not loopback, gets 421 and the reason.
func TestDevelopmentModeStaysLocal(t *testing.T) {
	eachApp(t, func(t *testing.T, name string) {
		port := freePort(t)
		a := startApp(t, name, port)
		for _, row := range []struct {
			host, header, value string
			status              int
		}{
			{"", "", "", 200},
			{"localhost", "", "", 200},
			{"localhost:" + strconv.Itoa(port), "", "", 200},
			{"127.0.0.1", "", "", 200},
			{"[::1]:" + strconv.Itoa(port), "", "", 200},
			{"", "X-Requested-With", "x", 200},
			{"", "Forwarded", "for=192.0.2.1", 421},
			{"", "X-Forwarded-For", "192.0.2.1", 421},
			{"", "X-Forwarded-Host", "app.example", 421},
			{"", "X-Forwarded-Proto", "https", 421},
			{"", "X-Real-Ip", "192.0.2.1", 421},
			{"", "Via", "1.1 proxy", 421},
			{"app.example", "", "", 421},
			{"192.0.2.1:3000", "", "", 421},
			{"localhost.app.example", "", "", 421},
			{"127.0.0.1.app.example", "", "", 421},
		} {
			for _, path := range []string{"/", "/login", "/api/auth/signIn/dev"} {
				header := http.Header{}
				if row.header != "" {
					header.Set(row.header, row.value)
				}
				pg := requestAs(t, a, path, row.host, header)
				refused := pg.status == http.StatusMisdirectedRequest
				if refused != (row.status == 421) {
					t.Errorf("%s with Host %q and %s %q: status %d", path, row.host, row.header, row.value, pg.status)
				}
				if refused && strings.TrimSpace(pg.body) == "" {
					t.Errorf("%s with Host %q and %s: 421 without a reason", path, row.host, row.header)
				}
			}
		}
	})
}

// requestAs sends one GET and does not follow redirects.
func requestAs(t *testing.T, a *app, path, host string, header http.Header) *page {
	t.Helper()
	v := newVisitor(t)
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header, req.Host = header, host
	return v.do(req)
}
