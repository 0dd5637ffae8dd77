package aura_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// The Form Post plan's own module: the provider cannot sign the user in without
// asking (prompt=none), and says so by form_post.
func TestConformanceFormPost(t *testing.T) {
	t.Run("oidcc-client-test-form-post-error", func(t *testing.T) {
		s := newPostRig(t, func(c *aura.Config) {
			c.Providers[0].AuthParams = map[string]string{"prompt": "none"}
		})
		b := s.browser()
		request := query(t, b.start("/after"))
		if request.Get("response_mode") != "form_post" || request.Get("prompt") != "none" {
			t.Fatalf("authorization request: %v", request)
		}
		r := b.postBack("/auth/callback/dev", url.Values{"error": {"login_required"}, "state": {request.Get("state")}})
		// The POST is answered by a page or a redirect that the browser follows on
		// our own site; the error must come out at its end, and no session.
		for range 3 {
			if r.status != http.StatusSeeOther && r.status != http.StatusFound || !strings.Contains(r.header.Get("Location"), "/callback/") {
				break
			}
			r = b.get(r.header.Get("Location"), "Accept", "application/json")
		}
		r.wantRefusal(t, http.StatusBadGateway, aura.CodeProviderError)
		if b.subject() != "" {
			t.Errorf("signed in as %q", b.subject())
		}
		path, form := posted(t, b.consent(with(t, asQuery(t, b.start("/after")), map[string][]string{"prompt": nil}), "demo-ada"))
		if b.get(b.postBack(path, form).header.Get("Location")); b.subject() != "demo-ada" {
			t.Errorf("an answer without error: signed in as %q", b.subject())
		}
	})
}
