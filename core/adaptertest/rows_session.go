package adaptertest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	aura "github.com/aura-stack-go/auth/core"
)

// Who gets in, and what the others are told.
var sessionRows = []row{
	{"anonymous", "Load lets requests without a session pass, and Session returns false for them.", func(p *probe) {
		p.serve(nil, nil)
		p.want("GET /public", p.client().get("/public"), 200, "nobody")
	}},
	{"signed in", "Load and Require put the session where Session finds it.", func(p *probe) {
		p.serve(nil, nil)
		c := p.client()
		c.signIn()
		p.want("GET /public", c.get("/public"), 200, "demo-ada")
		p.want("GET /private", c.get("/private"), 200, "demo-ada")
	}},
	{"require alone", "Require does without Load: it finds the session by itself, and sends what Load would send.", func(p *probe) {
		p.serve(func(cfg *aura.Config) { cfg.Session.Expiration = aura.RollingExpiration }, func(app *App) { app.WithoutLoad = true })
		c := p.client()
		p.want("anonymous", c.get("/private"), 401, string(aura.CodeNoSession))
		c.signIn()
		r := c.get("/private")
		p.want("signed in", r, 200, "demo-ada")
		if n := len(cookies(r, "aura-auth.session_token")); n != 1 {
			p.errorf("%d Set-Cookie lines for the session's renewal, want 1", n)
		}
		p.want("protected too", c.post("/change", url.Values{"csrfToken": {c.csrf()}, "what": {"it"}}), 200, "changed it")
		p.want("no Load, no session", c.get("/public"), 200, "nobody")
	}},
	{"require: script", "Without a session, Require answers 401 with JSON and a code to anything but a page load, and the handler does not run.", func(p *probe) {
		var ran atomic.Int32
		p.serve(nil, func(app *App) { count(app, "GET", "/private", &ran) })
		r := p.client().get("/private", "Accept", "application/json")
		p.want("GET /private", r, 401, string(aura.CodeNoSession))
		if kind := r.header.Get("Content-Type"); kind != "application/json" {
			p.errorf("Content-Type %q, want application/json", kind)
		}
		if ran.Load() != 0 {
			p.errorf("the handler behind Require has run")
		}
	}},
	{"require: page", "Without a session, Require sends a page load to the sign-in page with 303 and the way back, and the handler does not run.", func(p *probe) {
		var ran atomic.Int32
		p.serve(nil, func(app *App) { count(app, "GET", "/private", &ran) })
		r := p.client().get("/private?tab=2&q=a%20b", "Accept", "text/html")
		p.want("GET /private", r, 303, "")
		if got, want := r.header.Get("Location"), "/login?redirectTo="+url.QueryEscape("/private?tab=2&q=a%20b"); got != want {
			p.errorf("Location %q, want %q", got, want)
		}
		if ran.Load() != 0 {
			p.errorf("the handler behind Require has run")
		}
	}},
	{"require: other origin", "Require refuses a POST that another origin's page has sent, with 403, although there is a session.", func(p *probe) {
		var ran atomic.Int32
		p.serve(nil, func(app *App) { count(app, "POST", "/private", &ran) })
		c := p.client()
		c.signIn()
		p.want("own origin", c.post("/private", nil, "Origin", p.url), 200, "demo-ada")
		p.want("other origin", c.post("/private", nil, "Origin", "https://evil.example"), 403, string(aura.CodeOriginRejected))
		p.want("other site", c.post("/private", nil, "Sec-Fetch-Site", "cross-site"), 403, string(aura.CodeOriginRejected))
		if n := ran.Load(); n != 1 {
			p.errorf("the handler behind Require has run %d times, want 1", n)
		}
	}},
	{"protect", "Protect demands the session's CSRF token of unsafe methods, in the header or the form, and leaves the form readable; the handler does not run without it.", func(p *probe) {
		var ran atomic.Int32
		p.serve(nil, func(app *App) { count(app, "POST", "/change", &ran) })
		c := p.client()
		c.signIn()
		csrf := c.csrf()
		p.want("no token", c.post("/change", url.Values{"what": {"x"}}), 403, string(aura.CodeCSRFMissing))
		p.want("wrong token", c.post("/change", url.Values{"csrfToken": {csrf + "x"}}), 403, string(aura.CodeCSRFMismatch))
		p.want("in the form", c.post("/change", url.Values{"csrfToken": {csrf}, "what": {"by form"}}), 200, "changed by form")
		p.want("in the header", c.post("/change", url.Values{"what": {"by header"}}, "X-CSRF-Token", csrf), 200, "changed by header")
		if n := ran.Load(); n != 2 {
			p.errorf("the handler behind Protect has run %d times, want 2", n)
		}
	}},
	{"renewal", "Load sends the header lines of a renewal with the response of the application's own route, once.", func(p *probe) {
		p.serve(func(cfg *aura.Config) { cfg.Session.Expiration = aura.RollingExpiration }, nil)
		c := p.client()
		c.signIn()
		for _, path := range []string{"/public", "/private"} {
			r := c.get(path)
			p.want(path, r, 200, "demo-ada")
			if n := len(cookies(r, "aura-auth.session_token")); n != 1 {
				p.errorf("%s: %d Set-Cookie lines for the session, want 1", path, n)
			}
		}
	}},
	{"server side", "Functions of aura.Auth work on the framework's request, and Apply sends their header lines; a renewal followed by a sign-out is one line, the sign-out, and Session knows of it.", func(p *probe) {
		p.serve(func(cfg *aura.Config) { cfg.Session.Expiration = aura.RollingExpiration }, func(app *App) {
			auth := app.Auth
			app.Routes = append(app.Routes,
				Route{Method: "POST", Path: "/bye", Handle: func(x Exchange) {
					lines, err := auth.SignOut(x.Request())
					x.Apply(lines)
					_, still := x.Session()
					x.Send(statusOf(err), fmt.Sprintf("bye %s, session %t", aura.CodeOf(err), still))
				}},
				Route{Method: "POST", Path: "/rename", Require: true, Handle: func(x Exchange) {
					s, lines, err := auth.UpdateSession(x.Request(), func(u *aura.User) error { u.Name = x.Form("name"); return nil })
					x.Apply(lines)
					if err != nil {
						x.Send(statusOf(err), string(aura.CodeOf(err)))
						return
					}
					if present, ok := x.Session(); !ok || present.User.Name != s.User.Name {
						x.Send(500, "Session does not know of it")
						return
					}
					x.Send(200, "renamed "+s.User.Name)
				}},
				Route{Method: "GET", Path: "/token", Handle: func(x Exchange) {
					csrf, lines, err := auth.CSRFToken(x.Request())
					x.Apply(lines)
					x.Send(statusOf(err), csrf)
				}})
		})
		c := p.client()
		c.signIn()
		csrf := c.get("/token").body
		p.want("rename", c.post("/rename", url.Values{"csrfToken": {csrf}, "name": {"Countess"}}), 200, "renamed Countess")
		p.want("session", c.get(p.auth.BasePath()+"/session"), 200, `"name":"Countess"`)
		p.want("sign-out without a token", c.post("/bye", nil), 403, string(aura.CodeCSRFMissing))
		r := c.post("/bye", url.Values{"csrfToken": {csrf}})
		p.want("sign-out", r, 200, "bye , session false")
		lines := cookies(r, "aura-auth.session_token")
		if len(lines) != 1 || !strings.Contains(lines[0], "Max-Age=0") {
			p.errorf("Set-Cookie lines for the session after renewal and sign-out: %q, want the sign-out alone", lines)
		}
		p.want("afterwards", c.get("/public"), 200, "nobody")
	}},
}

func statusOf(err error) int {
	if err != nil {
		return http.StatusForbidden
	}
	return http.StatusOK
}

// cookies returns a reply's Set-Cookie lines for a name.
func cookies(r reply, name string) (lines []string) {
	for _, line := range r.header["Set-Cookie"] {
		if strings.HasPrefix(line, name+"=") {
			lines = append(lines, line)
		}
	}
	return lines
}
