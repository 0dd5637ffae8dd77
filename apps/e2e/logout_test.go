package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/memstore"
	"github.com/aura-stack-go/auth/core/provider"
)

// TestSignOutAtProvider signs out at oidc-provider by signing out here
// (RP-initiated logout), with the ID token as a hint and without.
func TestSignOutAtProvider(t *testing.T) {
	for name, hint := range map[string]bool{"with the ID token": true, "without a hint": false} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			c := newClient(t, "e2e-leaves", "client_secret_basic")
			c.metadata["redirect_uris"] = []string{s.at("/callback/oidc")}
			c.metadata["post_logout_redirect_uris"] = []string{s.at("/signedOut")}
			idp := startOIDCProviderFor(t, []map[string]any{c.metadata})
			p := provider.OIDC("oidc", idp.issuer)
			p.Logout = aura.LogoutConfig{AtProvider: true, SendIDTokenHint: hint}
			c.apply(&p)
			s.serve(nil, p)

			v := wireClient{visitor: newVisitor(t), app: s.app}
			v.arrives(s, idp, v.signInPage(s))
			asked := v.signOutPage(s, idp)
			// Here the session has ended, whatever the visitor says there.
			v.session(401)
			if !strings.HasPrefix(asked.url.String(), idp.issuer+"/session/end?") || asked.url.Query().Has("id_token_hint") != hint {
				t.Fatalf("signing out leads to %s", asked.url)
			}
			left := v.submit(asked.form(t, "/session/end/confirm"), button{}, url.Values{"logout": {"yes"}})
			wantGoodbye(t, s, left)
			v.wantAskedAnew(s, idp)
		})
	}
}

// signOutPage signs out on the protected page. Before that it makes sure that the
// provider knows the visitor: signing in again asks for nothing.
func (c wireClient) signOutPage(s *site, idp *identityProvider) *page {
	c.t.Helper()
	pg := c.signInPage(s)
	if pg.url.String() != s.url+"/dashboard" || pg.status != http.StatusOK {
		c.t.Fatalf("signing in again leads to %s (%d), want the provider to know the visitor:\n%s", pg.url, pg.status, pg.body)
	}
	s.visits.forget()
	return c.submit(pg.form(c.t, "/signOut"), button{}, nil)
}

// wantGoodbye wants the way back from the provider to have led to the page that
// the sign-out form named.
func wantGoodbye(t *testing.T, s *site, pg *page) {
	t.Helper()
	if pg.url.String() != s.url+"/goodbye" || pg.status != http.StatusOK {
		t.Errorf("the provider led to %s (%d), want /goodbye:\n%s", pg.url, pg.status, pg.body)
	}
	if back := s.visits.to(http.MethodGet, "/api/auth/signedOut"); len(back) != 1 || back[0].status != http.StatusSeeOther {
		t.Errorf("the visitor came back by %+v, want one 303", back)
	}
}

// wantAskedAnew wants the provider not to know the visitor any more.
func (c wireClient) wantAskedAnew(s *site, idp *identityProvider) {
	c.t.Helper()
	pg := c.signInPage(s)
	if !strings.HasPrefix(pg.url.String(), idp.issuer+"/") || len(pg.forms) == 0 || !pg.forms[0].fields.Has("password") {
		c.t.Errorf("signing in again leads to %s (%d), want the provider's log-in:\n%s", pg.url, pg.status, pg.body)
	}
}

// TestBackchannelLogout ends a session at oidc-provider, which has its server say
// so to the application: the sessions that began with that one end, or, from a
// provider that names only the user, all of the user's.
func TestBackchannelLogout(t *testing.T) {
	for name, bySession := range map[string]bool{"by session": true, "by user": false} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			c := newClient(t, "e2e-obeys", "client_secret_basic")
			c.metadata["redirect_uris"] = []string{s.at("/callback/oidc")}
			c.metadata["backchannel_logout_uri"] = s.at("/backchannelLogout/oidc")
			c.metadata["backchannel_logout_session_required"] = bySession
			idp := startOIDCProviderFor(t, []map[string]any{c.metadata})
			p := provider.OIDC("oidc", idp.issuer)
			p.Logout.Backchannel = true
			c.apply(&p)
			s.serve(func(c *aura.Config) { c.Store = memstore.New(nil) }, p)

			leaves := wireClient{visitor: newVisitor(t), app: s.app}
			elsewhere := wireClient{visitor: newVisitor(t), app: s.app} // another browser of the same user
			for _, v := range []wireClient{leaves, elsewhere} {
				v.arrives(s, idp, v.signInPage(s))
				v.session(200)
			}
			asked := leaves.get(idp.issuer + "/session/end")
			left := leaves.submit(asked.form(t, "/session/end/confirm"), button{}, url.Values{"logout": {"yes"}})
			if left.status != http.StatusOK || !strings.HasPrefix(left.url.String(), idp.issuer+"/") {
				t.Fatalf("arrived at %s (%d):\n%s", left.url, left.status, left.body)
			}
			if orders := s.visits.to(http.MethodPost, "/api/auth/backchannelLogout/oidc"); len(orders) != 1 || orders[0].status != http.StatusOK {
				t.Errorf("the provider's server said %+v, want one post that is answered 200", orders)
			}
			leaves.session(401)
			if pg := leaves.get(s.url + "/dashboard"); pg.url.Path != "/login" {
				t.Errorf("the protected page leads to %s, want /login", pg.url)
			}
			elsewhere.session(map[bool]int{true: 200, false: 401}[bySession])
			// Who was signed out signs in again, and stays.
			leaves.arrives(s, idp, leaves.signInPage(s))
			leaves.session(200)
		})
	}
}
