package adaptertest

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	aura "github.com/aura-stack-go/auth/core"
)

// Sessions that come in Authorization: Bearer.
var bearerRows = []row{
	{"bearer", "A session token in Authorization counts where a cookie would, in Load, Require and Protect; no cookie counts beside it, and none is sent.", func(p *probe) {
		p.serve(bearing, nil)
		token := "Bearer " + p.mint("bearer-ada", "")
		c := p.client()
		c.signIn()
		p.want("the cookie alone", c.get("/public"), 200, "demo-ada")
		for _, r := range []struct {
			what string
			reply
			body string
		}{
			{"GET /public", c.get("/public", "Authorization", token), "bearer-ada"},
			{"GET /private", c.get("/private", "Authorization", token), "bearer-ada"},
			{"POST /private", c.post("/private", nil, "Authorization", token), "bearer-ada"},
			{"POST /change without a CSRF token", c.post("/change", map[string][]string{"what": {"it"}}, "Authorization", token), "changed it"},
			{"GET /auth/session", c.get("/auth/session", "Authorization", token), `"sub":"bearer-ada"`},
		} {
			p.want(r.what, r.reply, 200, r.body)
			if len(r.header["Set-Cookie"]) > 0 {
				p.errorf("%s: cookies are sent: %q", r.what, r.header["Set-Cookie"])
			}
			if vary := strings.Join(r.header["Vary"], ", "); !strings.Contains(vary, "Authorization") || !strings.Contains(vary, "Cookie") {
				p.errorf("%s: Vary is %q, want Cookie and Authorization in it", r.what, vary)
			}
		}
	}},
	{"bearer: bogus", "A token that is none is no session, and never that of the cookie beside it; other schemes are not looked at.", func(p *probe) {
		var ran atomic.Int32
		p.serve(bearing, func(app *App) { count(app, "POST", "/change", &ran) })
		c := p.client()
		c.signIn()
		csrf := c.csrf()
		for _, header := range []string{"Bearer bogus", "Bearer", "bearer bogus"} {
			p.want("GET /public, "+header, c.get("/public", "Authorization", header), 200, "nobody")
			p.want("GET /private, "+header, c.get("/private", "Authorization", header), 401, string(aura.CodeNoSession))
			p.want("POST /change, "+header, c.post("/change", map[string][]string{"csrfToken": {csrf}}, "Authorization", header), 401, string(aura.CodeNoSession))
		}
		if ran.Load() != 0 {
			p.errorf("the handler behind Protect has run")
		}
		p.want("GET /public, Basic", c.get("/public", "Authorization", "Basic YTpi"), 200, "demo-ada")
		p.want("POST /change, Basic", c.post("/change", nil, "Authorization", "Basic YTpi"), 403, string(aura.CodeCSRFMissing))
	}},
	{"bearer: other origin", "A bearer token stands for the CSRF token, and not for the origin layer.", func(p *probe) {
		p.serve(bearing, nil)
		token := "Bearer " + p.mint("bearer-ada", "")
		for _, path := range []string{"/private", "/change", p.auth.BasePath() + "/signOut"} {
			for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}} {
				p.want("POST "+path+" with "+header[0], p.client().post(path, nil, "Authorization", token, header[0], header[1]), 403, string(aura.CodeOriginRejected))
			}
		}
	}},
	{"bearer: repeated", "Two Authorization lines reach the core as two, and are no session.", func(p *probe) {
		p.serve(bearing, nil)
		token := p.mint("bearer-ada", "")
		for _, lines := range []string{
			"Authorization: Bearer " + token + "\r\nAuthorization: Bearer " + token + "\r\n",
			"Authorization: Bearer bogus\r\nAuthorization: Bearer " + token + "\r\n",
			"Authorization: Basic YTpi\r\nAuthorization: Bearer " + token + "\r\n",
			"Authorization: Bearer " + token + "\r\nAuthorization: Basic YTpi\r\n",
		} {
			for path, want := range map[string]int{"/private": 401, "/auth/session": 401} {
				r, _ := p.raw(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: HOST\r\n%sConnection: close\r\n\r\n", path, lines))
				p.want("GET "+path+" with two lines", r, want, string(aura.CodeNoSession))
			}
		}
	}},
	{"bearer: renewal", "A renewed token is in the body of GET /session and PATCH /session, and in no cookie.", func(p *probe) {
		p.serve(func(cfg *aura.Config) { bearing(cfg); cfg.Session.Expiration = aura.RollingExpiration }, nil)
		c := p.client()
		token := p.mint("bearer-ada", "")
		renewed := func(what string, r reply) {
			_, rest, _ := strings.Cut(r.body, `"token":"`)
			next, _, _ := strings.Cut(rest, `"`)
			if r.status != http.StatusOK || next == "" || next == token || len(r.header["Set-Cookie"]) > 0 {
				p.errorf("%s: status %d, cookies %q, body %s", what, r.status, r.header["Set-Cookie"], clip(r.body))
			}
			token = next
		}
		renewed("GET", c.get("/auth/session", "Authorization", "Bearer "+token))
		renewed("PATCH", c.do("PATCH", "/auth/session", `{"user":{"name":"Countess"}}`, "Content-Type", "application/json", "Authorization", "Bearer "+token))
		p.want("with the last token", c.get("/auth/session", "Authorization", "Bearer "+token), 200, `"name":"Countess"`)
	}},
}

func bearing(cfg *aura.Config) { cfg.Bearer = true }
