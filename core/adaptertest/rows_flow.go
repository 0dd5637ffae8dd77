package adaptertest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	aura "github.com/aura-stack-go/auth/core"
)

// valueKey is the key of a context value that an earlier middleware sets.
type valueKey struct{}

// The routes of Auth, as Mount registers them.
var flowRows = []row{
	{"whole flow", "Sign-in, session, token, update and sign-out work from end to end.", func(p *probe) {
		p.serve(nil, nil)
		c := p.client()
		base := p.auth.BasePath()
		p.want("before", c.get(base+"/session"), 401, `"authenticated":false`)
		r := c.signIn()
		if got := r.header.Get("Location"); got != "/after" {
			p.errorf("callback: Location %q, want /after", got)
		}
		p.want("session", c.get(base+"/session"), 200, `"sub":"demo-ada"`)
		csrf := c.csrf()
		p.want("update", c.do("PATCH", base+"/session", `{"user":{"name":"Countess"}}`,
			"Content-Type", "application/json", "X-CSRF-Token", csrf), 200, `"name":"Countess"`)
		p.want("sign-out", c.do("POST", base+"/signOut?redirect=false", "", "X-CSRF-Token", csrf), 202, `"success":true`)
		p.want("after", c.get(base+"/session"), 401, `"session":null`)
	}},
	{"callback answers a failure", "A callback that does not belong to the browser is refused with its code, and leaves the session as it is.", func(p *probe) {
		p.serve(nil, nil)
		c, other := p.client(), p.client()
		c.signIn()
		callback := c.start("/after")
		p.want("another browser", other.get(callback), 400, string(aura.CodeStateInvalid))
		p.want("another browser's session", other.get("/public"), 200, "nobody")
		p.want("its own browser", c.get(callback), 302, "")
		p.want("replayed", c.get(callback), 400, string(aura.CodeStateInvalid))
		p.want("session", c.get("/public"), 200, "demo-ada")
	}},
	{"location untouched", "The redirect target reaches Location byte for byte: it has been judged as it is.", func(p *probe) {
		p.serve(nil, nil)
		for _, target := range []string{"/a/b?x=1&y=2#frag", "/caf%C3%A9?next=%2Fb%5Cc", "/;@x/~u?u=//host/&&=", "/a%20b?q=a+b", "/dir/?back=/../x"} {
			c := p.client()
			if got := c.get(c.start(target)).header.Get("Location"); got != target {
				p.errorf("Location %q, want %q", got, target)
			}
		}
	}},
	{"several cookies", "All Set-Cookie lines of an answer are sent, each as it is.", func(p *probe) {
		p.serve(nil, nil)
		r := p.client().signIn()
		for _, name := range []string{"aura-auth.session_token", "aura-auth.csrf_token", "aura-auth.access_token.dev"} {
			lines := cookies(r, name)
			if len(lines) != 1 || !strings.Contains(lines[0], "; Path=/; Max-Age=") || !strings.Contains(lines[0], "; HttpOnly; SameSite=") {
				p.errorf("Set-Cookie lines for %s: %q, want one with all its attributes", name, lines)
			}
		}
		if n := len(r.header["Set-Cookie"]); n != 4 {
			p.errorf("%d Set-Cookie lines, want 4 (flow, CSRF token, session, provider tokens): %q", n, r.header["Set-Cookie"])
		}
	}},
	{"one line per cookie", "An answer of Auth replaces the line that an earlier middleware has set for the same cookie, and keeps its others.", func(p *probe) {
		p.serve(nil, func(app *App) {
			app.Before = func(x Exchange) {
				x.Apply(http.Header{"Set-Cookie": {"aura-auth.csrf_token=stale; Path=/", "theirs=1; Path=/"}})
			}
		})
		r := p.client().get(p.auth.BasePath() + "/csrfToken")
		if lines := cookies(r, "aura-auth.csrf_token"); len(lines) != 1 || strings.Contains(lines[0], "stale") {
			p.errorf("Set-Cookie lines for the CSRF token: %q, want one, and not the stale one", lines)
		}
		if lines := cookies(r, "theirs"); len(lines) != 1 {
			p.errorf("Set-Cookie lines of the earlier middleware: %q, want its one", lines)
		}
	}},
	{"methods", "HEAD is GET without body and without effect, OPTIONS 204 with Allow, a wrong method 405 with Allow, and a method override is ignored.", func(p *probe) {
		p.serve(nil, nil)
		c := p.client()
		base := p.auth.BasePath()
		c.signIn()
		get, head := c.get(base+"/session"), c.do("HEAD", base+"/session", "")
		if head.status != get.status || head.body != "" || head.header.Get("Content-Length") != get.header.Get("Content-Length") {
			p.errorf("HEAD: status %d, body %q, Content-Length %q; GET has %d and %q", head.status, head.body,
				head.header.Get("Content-Length"), get.status, get.header.Get("Content-Length"))
		}
		if head = p.client().do("HEAD", base+"/csrfToken", ""); len(head.header["Set-Cookie"]) > 0 {
			p.errorf("HEAD /csrfToken sets cookies: %q", head.header["Set-Cookie"])
		}
		for _, m := range []string{"OPTIONS", "PUT", "DELETE", "TRACE"} {
			r, _ := p.raw(m + " " + base + "/session HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
			status := map[bool]int{true: 204, false: 405}[m == "OPTIONS"]
			if r.status != status || r.header.Get("Allow") != "GET, HEAD, PATCH, OPTIONS" {
				p.errorf("%s: status %d, Allow %q, want %d and the methods of the path", m, r.status, r.header.Get("Allow"), status)
			}
		}
		for _, m := range []string{"PROPFIND", "get"} { // no framework routes all methods
			if r, _ := p.raw(m + " " + base + "/session HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"); r.status < 400 || r.status >= 500 {
				p.errorf("%s: status %d, want one from 400 to 499", m, r.status)
			}
		}
		p.want("HEAD callback", c.do("HEAD", base+"/callback/dev?code=a&state=b", ""), 405, "")
		p.want("override", c.post(base+"/session?_method=PATCH", url.Values{"_method": {"PATCH"}}, "X-HTTP-Method-Override", "PATCH"), 405, "")
	}},
	{"paths", "Only the path as it is written in the contract leads to a desk: encoded, doubled, differently cased and longer ones are 404, never a success or a redirect to elsewhere.", func(p *probe) {
		p.serve(nil, nil)
		session := "Cookie: aura-auth.session_token=" + p.mint("demo-ada", "") + "\r\n"
		for _, path := range []string{"/auth/%73ession", "/AUTH/session", "/auth/Session", "/auth/session/", "/auth/session/x", "/auth/session%2f", "/auth/session;x", "/auth/"} {
			r, _ := p.raw("GET " + path + " HTTP/1.1\r\nHost: HOST\r\n" + session + "Connection: close\r\n\r\n")
			if r.status != 404 {
				p.errorf("GET %s: status %d, want 404", path, r.status)
			}
		}
		r, _ := p.raw("GET /auth/session HTTP/1.1\r\nHost: HOST\r\n" + session + "Connection: close\r\n\r\n")
		p.want("the path of the contract", r, 200, "demo-ada")
		for _, path := range []string{"/auth", "//auth/session", "/auth//session", "//evil.example/auth/session/", "//evil.example/%2e%2e/"} {
			r, _ := p.raw("GET " + path + " HTTP/1.1\r\nHost: HOST\r\n" + session + "Connection: close\r\n\r\n")
			location := r.header.Get("Location")
			if r.status < 300 || strings.HasPrefix(location, "//") || strings.HasPrefix(location, `/\`) || strings.Contains(location, "://") {
				p.errorf("GET %s: status %d, Location %q", path, r.status, location)
			}
		}
	}},
	{"protected paths", "However a protected path is written, the handler behind Require does not answer an anonymous request.", func(p *probe) {
		var ran atomic.Int32
		p.serve(nil, func(app *App) { count(app, "GET", "/private", &ran) })
		for _, path := range []string{"/private", "//private", "/private/", "/PRIVATE", "/private%2f", "/%70rivate", "/%2570rivate", "/x/../private", "/private;x", "/public?x=/private", `/private\`} {
			r, _ := p.raw("GET " + path + " HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
			if r.status == 200 && !strings.HasPrefix(path, "/public") {
				p.errorf("GET %s: status 200, body %q", path, r.body)
			}
			if r.status == 0 {
				p.errorf("GET %s: no answer", path)
			}
		}
		if ran.Load() != 0 {
			p.errorf("the handler behind Require has run")
		}
	}},
	{"group", "Mounted on a group or prefix, the routes are where the base path says, and so is the redirect URI.", func(p *probe) {
		for _, group := range []string{"/group", "/group/", "/"} {
			p.serve(func(cfg *aura.Config) { cfg.BasePath = "/group/auth" }, func(app *App) { app.Group = group })
			c := p.client()
			r := c.get("/group/auth/signIn/dev")
			u, err := url.Parse(r.header.Get("Location"))
			p.must(err)
			if got, want := u.Query().Get("redirect_uri"), p.url+"/group/auth/callback/dev"; got != want {
				p.fatalf("group %q: redirect_uri %q, want %q", group, got, want)
			}
			c.signIn()
			p.want("session", c.get("/group/auth/session"), 200, "demo-ada")
			p.want("elsewhere", c.get("/auth/session"), 404, "")
		}
	}},
	{"context values", "What an earlier middleware puts into the context reaches hooks, and is still there for handlers after Load and Require.", func(p *probe) {
		seen := make(chan any, 10)
		p.serve(func(cfg *aura.Config) {
			cfg.Providers[0].Profile = func(ctx context.Context, pr *aura.Profile) (aura.User, error) {
				seen <- ctx.Value(valueKey{})
				return aura.DefaultProfile(ctx, pr)
			}
		}, func(app *App) {
			app.Before = func(x Exchange) { x.SetContext(context.WithValue(x.Context(), valueKey{}, "set before")) }
			app.Routes = append(app.Routes, Route{Method: "GET", Path: "/value", Require: true, Handle: func(x Exchange) {
				value, _ := x.Context().Value(valueKey{}).(string)
				passed, _ := x.Request().Context().Value(valueKey{}).(string)
				x.Send(200, "value "+value+", passed "+passed)
			}})
		})
		c := p.client()
		c.signIn()
		if got := <-seen; got != "set before" {
			p.errorf("in a hook the value is %v, want %q", got, "set before")
		}
		p.want("in a handler", c.get("/value"), 200, "value set before, passed set before")
	}},
}
