package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The two identity providers answer differently: identityprovider.go says how.
func TestOIDCProvider(t *testing.T) { signsInAgainst(t, startOIDCProvider) }
func TestDex(t *testing.T)          { signsInAgainst(t, startDex) }

func signsInAgainst(t *testing.T, start func(*testing.T, ...string) *identityProvider) {
	t.Helper()
	b := startBrowser(t)
	eachApp(t, func(t *testing.T, name string) {
		port, other := freePort(t), freePort(t)
		idp := start(t, redirectURI(port), redirectURI(other))
		t.Run("the user arrives", func(t *testing.T) {
			a := startApp(t, name, port, productionEnvironment(port, idp)...)
			j := journey{tab: b.profile(t, true).tab(), app: a}
			j.wantSignedOut()
			j.screenshot("1-login")
			j.toProvider()
			j.screenshot("2-provider")
			if status := j.logIn(idp); status != http.StatusOK {
				t.Errorf("the log-in led to status %d", status)
			}
			j.wantDashboard(idp.user.name)
			j.screenshot("3-dashboard")
			if got := j.me(a); got.Name != idp.user.name || got.Email != idp.user.email {
				t.Errorf("/api/me = %+v, want %q and %q", got, idp.user.name, idp.user.email)
			}
		})
		t.Run("a wrong client secret ends in an error and no session", func(t *testing.T) {
			env := append(without(productionEnvironment(other, idp), "OIDC_CLIENT_SECRET"), "OIDC_CLIENT_SECRET="+strongSecret())
			a := startApp(t, name, other, env...)
			j := journey{tab: b.profile(t, true).tab(), app: a}
			j.mustOpen(a.url + "/login")
			j.toProvider()
			status := j.logIn(idp)
			j.screenshot("4-error")
			if u := j.url(); !strings.HasPrefix(u.String(), a.url+"/") || status < 400 && u.Query().Get("error") == "" {
				t.Errorf("no error: status %d; the page is %s", status, j.describe())
			}
			j.wantSignedOut()
		})
	})
}

func (j journey) toProvider() {
	j.t.Helper()
	if status := j.submit("/signIn/oidc"); status != http.StatusOK {
		j.t.Fatalf("the sign-in form led to status %d; the page is %s", status, j.describe())
	}
}

// TestSignInOverHTTP runs both providers without a browser, in a user agent that
// sends no Fetch Metadata: old browsers and proxies that strip headers sign in too.
func TestSignInOverHTTP(t *testing.T) {
	eachApp(t, func(t *testing.T, name string) {
		for _, kind := range identityProviders {
			t.Run(kind.name, func(t *testing.T) {
				port := freePort(t)
				idp := kind.start(t, redirectURI(port))
				a := startApp(t, name, port, productionEnvironment(port, idp)...)
				v := newVisitor(t)
				login := v.get(a.url + "/dashboard")
				f := login.form(t, "/signIn/oidc")
				pg := v.logIn(idp, v.submit(f, button{}, url.Values{}), idp.user.password)
				if pg.status != http.StatusOK || pg.url.Path != "/dashboard" {
					t.Fatalf("arrived at %s (%d):\n%s", pg.url, pg.status, pg.body)
				}
				if got := decodeMe(t, v.get(a.url+"/api/me").body); got.Name != idp.user.name {
					t.Errorf("/api/me names %q, want %q", got.Name, idp.user.name)
				}
			})
		}
	})
}
