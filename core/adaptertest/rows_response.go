package adaptertest

import (
	"net/http"
	"strings"
)

// What the adapter makes of the answer.
var responseRows = []row{
	{"header lines", "CR and LF in a value that is applied do not begin another header line.", func(p *probe) {
		p.serve(nil, func(app *App) {
			app.Routes = append(app.Routes, Route{Method: "GET", Path: "/split", Handle: func(x Exchange) {
				x.Apply(http.Header{"X-Value": {"a\r\nX-Injected: 1"}, "Set-Cookie": {"c=1; Path=/\r\nX-Injected: 2"}})
				x.Send(200, "sent")
			}})
		})
		r, text := p.raw("GET /split HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
		if r.header.Get("X-Injected") != "" || strings.Contains(text, "\nX-Injected:") {
			p.errorf("a header line was injected:\n%s", text)
		}
	}},
	{"applied lines", "Apply replaces Set-Cookie by cookie name, merges Vary, sets other lines, and nil lines change nothing.", func(p *probe) {
		p.serve(nil, func(app *App) {
			app.Routes = append(app.Routes, Route{Method: "GET", Path: "/apply", Handle: func(x Exchange) {
				x.Apply(http.Header{"Set-Cookie": {"a=1; Path=/", "b=1; Path=/"}, "Vary": {"Accept"}, "X-One": {"1"}})
				x.Apply(http.Header{"Set-Cookie": {"a=2; Path=/"}, "Vary": {"Cookie"}, "X-One": {"2"}})
				x.Apply(nil)
				x.Send(200, "sent")
			}})
		})
		r := p.client().get("/apply")
		if got := strings.Join(r.header["Set-Cookie"], "|"); strings.Count(got, "a=") != 1 || !strings.Contains(got, "a=2; Path=/") || !strings.Contains(got, "b=1; Path=/") {
			p.errorf("Set-Cookie lines %q, want a=2 and b=1", r.header["Set-Cookie"])
		}
		if got := strings.Join(r.header["Vary"], ", "); !strings.Contains(got, "Accept") || !strings.Contains(got, "Cookie") {
			p.errorf("Vary %q, want Accept and Cookie", got)
		}
		if got := r.header["X-One"]; len(got) != 1 || got[0] != "2" {
			p.errorf("X-One %q, want 2 alone", got)
		}
	}},
	{"one answer", "A refused request has one status line and one body: nothing is added after the refusal, and the next request on the connection gets its own answer.", func(p *probe) {
		p.serve(nil, func(app *App) {
			late := func(x Exchange) {
				x.Apply(http.Header{"X-Late": {"1"}, "Set-Cookie": {"late=1"}})
				x.Send(200, "late")
			}
			app.Routes = append(app.Routes,
				Route{Method: "GET", Path: "/late", Require: true, Handle: late},
				Route{Method: "POST", Path: "/late", Protect: true, Handle: late})
		})
		required := "GET /late HTTP/1.1\r\nHost: HOST\r\nAccept: application/json\r\n\r\n"
		protected := "POST /late HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n"
		public := "GET /public HTTP/1.1\r\nHost: HOST\r\n\r\n"
		replies, text := p.pipeline(required, public, protected, public, required)
		want := []int{401, 200, 403, 200, 401}
		for i, r := range replies {
			if r.status != want[i] || r.status == 200 && r.body != "nobody" {
				p.errorf("request %d: status %d and body %q, want %d", i+1, r.status, clip(r.body), want[i])
			}
		}
		if len(replies) != len(want) || strings.Contains(strings.ToLower(text), "late") || strings.Count(text, "HTTP/1.1 ") != len(want) {
			p.errorf("five requests on one connection were answered:\n%s", text)
		}
	}},
	{"headers of answers", "Every answer of Auth carries its own headers once, with no banner of the framework in place of the body.", func(p *probe) {
		p.serve(nil, nil)
		for _, path := range []string{"/auth/session", "/auth/csrfToken", "/auth/signIn/dev", "/auth/callback/dev", "/auth/nope", "/auth/signIn/nope"} {
			r := p.client().get(path)
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "Vary": "Cookie", "X-Content-Type-Options": "nosniff",
				"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Content-Type": "application/json",
			} {
				if got := r.header[name]; len(got) != 1 || got[0] != want {
					p.errorf("GET %s: %s %q, want %q once", path, name, got, want)
				}
			}
			if !strings.HasPrefix(r.body, "{") {
				p.errorf("GET %s: body %q is not JSON", path, clip(r.body))
			}
		}
		r := p.client().get("/private", "Accept", "text/html")
		if r.status != 303 || r.body != "" || r.header.Get("Content-Type") != "" {
			p.errorf("redirect: status %d, Content-Type %q, body %q, want an empty 303", r.status, r.header.Get("Content-Type"), r.body)
		}
	}},
}
