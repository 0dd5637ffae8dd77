package adaptertest

import (
	"net/http"
	"net/url"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// withLogout signs out at the provider, too.
func withLogout(cfg *aura.Config) { cfg.Providers[0].Logout.AtProvider = true }

// wantExit checks that a location is the provider's end of session, with
// everything that it was given, and returns what comes back from there.
func (c *client) wantExit(location string) (back string) {
	p := c.p
	u, err := url.Parse(location)
	p.must(err)
	q := u.Query()
	if !strings.HasPrefix(location, p.idp.Issuer()+"/") || q.Get("post_logout_redirect_uri") != p.url+p.auth.BasePath()+"/signedOut" || q.Get("state") == "" {
		p.fatalf("the sign-out leads to %q, want the provider's end of session with the way back", location)
	}
	r := c.get(location)
	if r.status < 300 || r.status > 399 {
		p.fatalf("the provider answers %d: %s", r.status, clip(r.body))
	}
	return r.header.Get("Location")
}

var logoutRows = []row{
	{"sign-out at the provider", "A sign-out ends the session here and leads to the provider, another host: a form by 303, a script by the address in its JSON.", func(p *probe) {
		p.serve(withLogout, nil)
		path := p.auth.BasePath() + "/signOut"
		c := p.client()
		c.signIn()
		p.want("with another token", c.post(path, url.Values{"csrfToken": {c.csrf() + "x"}}), 303, "")
		p.want("still signed in", c.get("/public"), 200, "demo-ada")
		r := c.post(path, url.Values{"csrfToken": {c.csrf()}, "redirectTo": {"/bye"}})
		p.want("by form", r, 303, "")
		c.wantExit(r.header.Get("Location"))
		p.want("afterwards", c.get("/public"), 200, "nobody")

		c.signIn()
		r = c.do("POST", path+"?redirect=false", "", "X-CSRF-Token", c.csrf())
		p.want("by script", r, 202, `"redirectURL":"`+p.idp.Issuer()+"/")
		p.want("afterwards", c.get("/public"), 200, "nobody")
	}},
	{"signed out", "The way back from the provider leads to the target that was asked for, once; anything else leads to /, and neither touches a cookie.", func(p *probe) {
		p.serve(withLogout, nil)
		c := p.client()
		c.signIn()
		r := c.post(p.auth.BasePath()+"/signOut", url.Values{"csrfToken": {c.csrf()}, "redirectTo": {"/bye?x=1&y=%2F"}})
		back := c.wantExit(r.header.Get("Location"))
		c.signIn() // anybody can send the browser there: nothing may happen to this one
		forged := p.auth.BasePath() + "/signedOut?state=forged"
		p.want("HEAD", c.do("HEAD", back, ""), 405, "")
		for _, step := range []struct{ what, address, want string }{
			{"forged", forged, "/"}, {"the way back", back, "/bye?x=1&y=%2F"}, {"again", back, "/"},
		} {
			r := c.get(step.address)
			if got := r.header.Get("Location"); r.status != http.StatusSeeOther || got != step.want || len(r.header["Set-Cookie"]) != 0 {
				p.errorf("%s: status %d, Location %q, cookies %q, want 303 to %q and none", step.what, r.status, got, r.header["Set-Cookie"], step.want)
			}
		}
		p.want("still signed in", c.get("/private"), 200, "demo-ada")
	}},
}
