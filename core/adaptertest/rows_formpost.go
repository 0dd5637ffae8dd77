package adaptertest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// withFormPost has the provider answer by form_post.
func withFormPost(cfg *aura.Config) { cfg.Providers[0].ResponseMode = "form_post" }

// fromProvider are the headers of a form that a provider's page sends.
var fromProvider = []string{"Origin", "https://idp.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}

// startPost begins a sign-in by form_post and returns what the provider's page
// would post.
func (c *client) startPost() (callback string, form url.Values) {
	r := c.get(c.p.auth.BasePath() + "/signIn/dev?redirectTo=/after")
	if r.status != http.StatusFound {
		c.p.fatalf("GET signIn: status %d, want 302: %s", r.status, r.body)
	}
	callback, form, err := c.p.idp.ApprovePost(r.header.Get("Location"), "demo-ada")
	c.p.must(err)
	return callback, form
}

// wantPosted checks the answer to the post, and that the callback completes.
func (c *client) wantPosted(r reply, callback string, form url.Values) {
	p := c.p
	next := callback + "?" + url.Values{"state": {form.Get("state")}}.Encode()
	if got := r.header.Get("Location"); r.status != http.StatusSeeOther || got != next {
		p.fatalf("the post: status %d, Location %q, want 303 to %q: %s", r.status, got, next, clip(r.body))
	}
	written := slices.Clone(r.header["Set-Cookie"])
	slices.Sort(written) // aura-auth.flow.… comes before aura-auth.flow_post.…
	if len(written) != 2 || !strings.HasPrefix(written[0], "aura-auth.flow.") || strings.Contains(written[0], "; Max-Age=0") || !strings.HasSuffix(written[0], "; SameSite=Lax") ||
		!strings.HasPrefix(written[1], "aura-auth.flow_post.") || !strings.Contains(written[1], "; Max-Age=0") {
		p.errorf("the post: Set-Cookie lines %q, want the flow's, and the end of the posted flow's", written)
	}
	p.want("nobody yet", c.get("/public"), 200, "nobody")
	done := c.get(next)
	p.want("the callback", done, 302, "")
	if got := done.header.Get("Location"); got != "/after" {
		p.errorf("the callback: Location %q, want /after", got)
	}
	p.want("afterwards", c.get("/private"), 200, "demo-ada")
}

// What a provider's page posts comes from another site: neither the adapter nor
// the framework may judge it, and the body must arrive.
var formPostRows = []row{
	{"form post", "What a provider's page posts from another site reaches the callback whole: it is answered 303 with one flow cookie ended and one set, and the GET that follows signs in.", func(p *probe) {
		p.serve(withFormPost, nil)
		c := p.client()
		callback, form := c.startPost()
		other := p.client()
		p.want("another browser", other.post(callback, form, fromProvider...), 400, string(aura.CodeStateInvalid))
		p.want("as JSON", c.do("POST", callback, `{}`, append(fromProvider, "Content-Type", "application/json")...), 415, string(aura.CodeUnsupportedMedia))
		r := c.post(callback, form, fromProvider...)
		c.wantPosted(r, callback, form)
		p.want("posted again", c.post(callback, form, fromProvider...), 400, string(aura.CodeStateInvalid))
	}},
	{"form post read before", "The form is the same when an earlier middleware has read it.", func(p *probe) {
		p.serve(withFormPost, func(app *App) { app.Before = func(x Exchange) { x.Form("anything") } })
		c := p.client()
		callback, form := c.startPost()
		r := c.post(callback, form, fromProvider...)
		c.wantPosted(r, callback, form)
	}},
}
