package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aura-stack-go/auth/core/provider"
	"github.com/chromedp/chromedp"
)

const (
	secureSession = "__Secure-aura-auth.session_token"
	laxFlow       = "__Host-aura-auth.flow."
	postedFlow    = "__Host-aura-auth.flow_post."
)

// TestFormPost has oidc-provider answer by a form that its page posts, in a
// browser that takes the application for another site: on localhost over TLS,
// with the provider on 127.0.0.1. On one host every cookie would arrive, and the
// test would prove nothing.
func TestFormPost(t *testing.T) {
	b := startBrowser(t, chromedp.Flag("ignore-certificate-errors", true))
	s := newTLSSite(t)
	c := newClient(t, "e2e-posts", "client_secret_basic")
	c.metadata["redirect_uris"] = []string{s.at("/callback/posts"), s.at("/callback/asks")}
	idp := startOIDCProviderFor(t, []map[string]any{c.metadata})
	posts, asks := provider.OIDC("posts", idp.issuer), provider.OIDC("asks", idp.issuer)
	posts.ResponseMode = "form_post"
	asks.AuthParams = map[string]string{"prompt": "login"} // and so the visitor stays there
	c.apply(&posts)
	c.apply(&asks)
	s.serve(nil, posts, asks)

	for _, javascript := range []bool{true, false} {
		name := map[bool]string{true: "the page posts by itself", false: "the visitor presses the button"}[javascript]
		t.Run(name, func(t *testing.T) {
			s.visits.forget()
			p := b.profile(t, javascript)
			j := journey{tab: p.tab(), app: s.app}
			j.wantSignedOut()
			j.submit("/signIn/posts")
			j.logIn(idp)
			j.wantPosted(idp)
			j.screenshot("signed-in")
			wantCrossSite(t, s, false)

			// Once more, when there is more to give away: a session, and another
			// sign-in under way.
			other := journey{tab: p.tab(), app: s.app}
			other.mustOpen(s.at("/signIn/asks"))
			s.visits.forget()
			j.mustOpen(s.url + "/login?redirectTo=/dashboard")
			j.submit("/signIn/posts")
			j.wantPosted(idp)
			wantCrossSite(t, s, true)
		})
	}
}

// wantPosted wants the tab to come back from the page that posts, signed in.
func (j journey) wantPosted(idp *identityProvider) {
	j.t.Helper()
	if j.has(`form[action$="/callback/posts"] button`) {
		j.submit("/callback/posts")
	}
	j.awaitPage(j.app.url + "/dashboard")
	j.wantDashboard(idp.user.name)
	if got := j.me(j.app); got.Email != idp.user.email {
		j.t.Errorf("/api/me = %+v, want %q", got, idp.user.email)
	}
}

// wantCrossSite wants one answer to have been posted from another site, with the
// cookie that is meant for it and none that is not, and the callback that follows
// to have had all of them. again says that the visitor was signed in before.
func wantCrossSite(t *testing.T, s *site, again bool) {
	t.Helper()
	posts, gets := s.visits.to(http.MethodPost, "/api/auth/callback/posts"), s.visits.to(http.MethodGet, "/api/auth/callback/posts")
	if len(posts) != 1 || len(gets) != 1 {
		t.Fatalf("the callback was posted %d times and got %d times, want once each", len(posts), len(gets))
	}
	post, get := posts[0], gets[0]
	if post.from != "cross-site" || post.status != http.StatusSeeOther {
		t.Errorf("the browser posts %s and is answered %d, want cross-site and 303", post.from, post.status)
	}
	if len(post.cookies) != 1 || !strings.HasPrefix(post.cookies[0], postedFlow) {
		t.Errorf("the post has the cookies %q, want %s… alone", post.cookies, postedFlow)
	}
	flows := slices.DeleteFunc(slices.Clone(get.cookies), func(name string) bool { return !strings.HasPrefix(name, laxFlow) })
	wantFlows := 1
	if again {
		wantFlows = 2
	}
	if len(flows) != wantFlows || slices.Contains(get.cookies, secureSession) != again {
		t.Errorf("the callback has the cookies %q; want %d of %s…, and the session: %t", get.cookies, wantFlows, laxFlow, again)
	}
	if slices.ContainsFunc(get.cookies, func(name string) bool { return strings.HasPrefix(name, postedFlow) }) {
		t.Errorf("the callback still has the post's cookie: %q", get.cookies)
	}
	if get.status != http.StatusFound {
		t.Errorf("the callback answers %d, want 302", get.status)
	}
}
