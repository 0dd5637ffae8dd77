package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/memstore"
	"github.com/aura-stack-go/auth/core/provider"
)

// dexSite is an application with Dex as its provider. Dex takes a client's secret
// in either way; it issues refresh tokens for offline_access alone.
func dexSite(t *testing.T, method string, args ...string) (*site, *identityProvider) {
	t.Helper()
	s := newSite(t)
	idp := startDexWith(t, append(args, "-post-logout-redirect-uri", s.at("/signedOut"),
		"-backchannel-logout-uri", s.at("/backchannelLogout/oidc")), s.at("/callback/oidc"))
	p := provider.OIDC("oidc", idp.issuer)
	p.ClientID, p.ClientSecret, p.AuthMethod = idp.clientID, aura.Secret(idp.clientSecret), method
	p.Scopes = []string{"openid", "profile", "email", "offline_access"}
	p.Logout = aura.LogoutConfig{AtProvider: true, SendIDTokenHint: true, Backchannel: true}
	s.serve(func(c *aura.Config) {
		expose(c)
		c.Store = memstore.New(nil)
	}, p)
	return s, idp
}

// TestDexClient signs in with Dex by both ways of sending a secret, refreshes the
// tokens, and signs out at Dex, too.
func TestDexClient(t *testing.T) {
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			s, idp := dexSite(t, method, "-tokens-live", tokenSeconds+"s")
			v := wireClient{visitor: newVisitor(t), app: s.app}
			v.arrives(s, idp, v.signInPage(s))
			wantSent(t, s, "/dex/token authorization_code "+method)

			v.refreshed(v.tokens(200))
			wantSent(t, s, "/dex/token refresh_token "+method)
			ans := v.call(wireCall{function: "refreshUser", csrf: true, method: "POST", path: "/providers/oidc/user/refresh", status: 200})
			if !strings.Contains(ans.body, idp.user.email) {
				t.Errorf("the user's refresh answers %s", ans.body)
			}

			// Dex asks nothing of whoever brings the ID token of the session.
			wantGoodbye(t, s, v.signOutPage(s, idp))
			v.session(401)
			v.wantAskedAnew(s, idp)
		})
	}
}

// TestDexBackchannelLogout ends a session at Dex, whose server says so to the
// application. It does that when it has answered the user.
func TestDexBackchannelLogout(t *testing.T) {
	s, idp := dexSite(t, "client_secret_basic")
	leaves := wireClient{visitor: newVisitor(t), app: s.app}
	elsewhere := wireClient{visitor: newVisitor(t), app: s.app} // another browser of the same user
	for _, v := range []wireClient{leaves, elsewhere} {
		v.arrives(s, idp, v.signInPage(s))
		v.session(200)
	}
	leaves.submit(leaves.get(idp.issuer+"/logout").form(t, "/logout"), button{}, nil)
	var orders []seenRequest
	for limit := time.Now().Add(startLimit); len(orders) == 0; orders = s.visits.to(http.MethodPost, "/api/auth/backchannelLogout/oidc") {
		if time.Now().After(limit) {
			t.Fatal("Dex has told the application nothing")
		}
		time.Sleep(pollEvery)
	}
	if len(orders) != 1 || orders[0].status != http.StatusOK {
		t.Errorf("Dex's server said %+v, want one post that is answered 200", orders)
	}
	leaves.session(401)
	elsewhere.session(200)
}
