package adaptertest

import (
	"context"
	"net/url"

	aura "github.com/aura-stack-go/auth/core"
)

// linkInto is a Hooks.Link that tells what it has been told.
func linkInto(book chan<- aura.Account) func(context.Context, *aura.Session, *aura.Attempt) error {
	return func(_ context.Context, _ *aura.Session, t *aura.Attempt) error {
		book <- t.Account()
		return nil
	}
}

var linkRows = []row{
	{"link", "A form of the application starts a link at one more provider, and the callback leaves the session as it is.", func(p *probe) {
		book := make(chan aura.Account, 1)
		p.serve(func(cfg *aura.Config) {
			second := cfg.Providers[0]
			second.ID = "second"
			cfg.Providers = append(cfg.Providers, second)
			cfg.Hooks.Link = linkInto(book)
		}, nil)
		c := p.client()
		c.signIn()
		path := p.auth.BasePath() + "/link/second"
		p.want("without a token", c.do("POST", path+"?redirect=false", ""), 403, string(aura.CodeCSRFMissing))
		r := c.post(path, url.Values{"csrfToken": {c.csrf()}, "redirectTo": {"/linked"}})
		p.want("by form", r, 303, "")
		callback, err := p.idp.Approve(r.header.Get("Location"), "demo-grace")
		p.must(err)
		p.want("another browser", p.client().get(callback), 400, string(aura.CodeStateInvalid))
		r = c.get(callback)
		p.want("the callback", r, 302, "")
		if got := r.header.Get("Location"); got != "/linked" {
			p.errorf("the callback: Location %q, want /linked", got)
		}
		if len(cookies(r, "aura-auth.session_token")) != 0 {
			p.errorf("the callback replaces the session: %q", r.header["Set-Cookie"])
		}
		select {
		case account := <-book:
			if account.Subject != "demo-grace" {
				p.errorf("linked: %+v, want demo-grace", account)
			}
		default:
			p.errorf("nothing has been linked")
		}
		p.want("afterwards", c.get("/private"), 200, "demo-ada")
	}},
}
