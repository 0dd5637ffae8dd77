package adaptertest

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// What the adapter makes of the request.
var requestRows = []row{
	{"repeated headers", "Every line of a repeated header reaches the core, which refuses two of those that decide about origins.", func(p *probe) {
		p.serve(nil, nil)
		c := p.client()
		c.signIn()
		cookie := "Cookie: aura-auth.session_token=" + p.mint("demo-ada", "") + "\r\n"
		for _, name := range []string{"Origin", "Sec-Fetch-Site", "X-CSRF-Token"} {
			first, second := p.url, "https://evil.example"
			if name != "Origin" {
				first, second = "same-origin", "cross-site"
			}
			for _, pair := range [][2]string{{first, second}, {second, first}, {first, first}} {
				r, _ := p.raw(fmt.Sprintf("POST /private HTTP/1.1\r\nHost: HOST\r\n%s%s: %s\r\n%s: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
					cookie, name, pair[0], name, pair[1]))
				p.want("two lines of "+name, r, 403, string(aura.CodeOriginRejected))
				r, _ = p.raw(fmt.Sprintf("POST %s/signOut HTTP/1.1\r\nHost: HOST\r\n%s%s: %s\r\n%s: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
					p.auth.BasePath(), cookie, name, pair[0], name, pair[1]))
				p.want("two lines of "+name+" to a route of Auth", r, 403, string(aura.CodeOriginRejected))
			}
		}
	}},
	{"application sees all lines", "The request that the application passes to aura.Auth holds every header line, in order.", func(p *probe) {
		p.serve(nil, func(app *App) {
			app.Routes = append(app.Routes, Route{Method: "GET", Path: "/lines", Handle: func(x Exchange) {
				x.Send(200, strings.Join(x.Request().Header["X-Forwarded-For"], "|"))
			}})
		})
		r, _ := p.raw("GET /lines HTTP/1.1\r\nHost: HOST\r\nX-Forwarded-For: one\r\nX-Forwarded-For: two, three\r\nConnection: close\r\n\r\n")
		p.want("two lines", r, 200, "one|two, three")
	}},
	{"hosts", "Two Host lines, none, and one that holds user@, a path or a bad port are refused; what stands behind the @ is not the host.", func(p *probe) {
		p.serve(nil, nil)
		cookie := "Cookie: aura-auth.session_token=" + p.mint("demo-ada", "") + "\r\n"
		for _, hosts := range []string{
			"Host: HOST\r\nHost: evil.example\r\n", "Host: evil.example\r\nHost: HOST\r\n", "",
			"Host: good@HOST\r\n", "Host: HOST@evil.example\r\n", "Host: HOST/evil\r\n", "Host: localhost:80evil\r\n", "Host: localhost.\r\n",
		} {
			for _, path := range []string{"/auth/session", "/auth/signIn/dev", "/private"} {
				r, _ := p.raw("GET " + path + " HTTP/1.1\r\n" + hosts + cookie + "Connection: close\r\n\r\n")
				if r.status != 400 && r.status != 421 || len(r.header["Set-Cookie"]) > 0 {
					p.errorf("GET %s with %q: status %d, want 400 or 421", path, hosts, r.status)
				}
			}
		}
		r, _ := p.raw("GET http://evil.example/auth/session HTTP/1.1\r\nHost: HOST\r\n" + cookie + "Connection: close\r\n\r\n")
		if r.status != 421 && r.status != 400 {
			p.errorf("absolute form with another host: status %d, want 421", r.status)
		}
		r, _ = p.raw("GET http://HOST/auth/session HTTP/1.1\r\nHost: HOST\r\n" + cookie + "Connection: close\r\n\r\n")
		p.want("absolute form with the right host", r, 200, "demo-ada")
		r, _ = p.raw("GET /private HTTP/1.1\r\nHost: HOST\r\n" + cookie + "Connection: close\r\n\r\n")
		p.want("the right host", r, 200, "demo-ada")
	}},
	{"forwarded headers", "X-Forwarded-* changes nothing, unless the connection comes from a proxy that the configuration names.", func(p *probe) {
		forwarded := []string{"X-Forwarded-Host", "proxied.example", "X-Forwarded-Proto", "https", "X-Forwarded-For", "192.0.2.1"}
		redirectURI := func() string {
			u, err := url.Parse(p.client().get(p.auth.BasePath()+"/signIn/dev", forwarded...).header.Get("Location"))
			p.must(err)
			return u.Query().Get("redirect_uri")
		}
		p.serve(nil, nil)
		if got, want := redirectURI(), p.url+p.auth.BasePath()+"/callback/dev"; got != want {
			p.errorf("from a peer that nobody trusts: redirect_uri %q, want %q", got, want)
		}
		p.want("session", p.client().get("/private", append(forwarded, "Cookie", "aura-auth.session_token="+p.mint("demo-ada", ""))...), 200, "demo-ada")
		p.serve(func(cfg *aura.Config) {
			cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			cfg.TrustedHosts = []string{"proxied.example"}
		}, nil)
		if got, want := redirectURI(), "https://proxied.example"+p.auth.BasePath()+"/callback/dev"; got != want {
			p.errorf("from a trusted proxy: redirect_uri %q, want %q", got, want)
		}
	}},
	{"tls", "A connection with TLS is known as one: cookies get their prefix and Secure, and those without are not read.", func(p *probe) {
		config, pool, err := certificate()
		p.must(err)
		p.serve(nil, func(app *App) { app.Listener = tls.NewListener(app.Listener, config) })
		p.url = "https://" + p.addr
		c := p.client()
		c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		token := p.mint("demo-ada", "")
		for _, path := range []string{"/public", "/private", "/auth/session"} {
			p.want(path, c.get(path, "Cookie", "__Secure-aura-auth.session_token="+token), 200, "demo-ada")
		}
		p.want("the name for http", c.get("/public", "Cookie", "aura-auth.session_token="+token), 200, "nobody")
		r := c.get(p.auth.BasePath() + "/csrfToken")
		if lines := cookies(r, "__Host-aura-auth.csrf_token"); len(lines) != 1 || !strings.Contains(lines[0], "; Secure") {
			p.errorf("Set-Cookie %q, want __Host-aura-auth.csrf_token with Secure", r.header["Set-Cookie"])
		}
	}},
	{"nameless cookies", "A cookie without a name is not read as the cookie that its value looks like.", func(p *probe) {
		p.serve(nil, nil)
		good, evil := p.mint("good", ""), p.mint("evil", "")
		for _, header := range []string{
			"=aura-auth.session_token=" + evil + "; aura-auth.session_token=" + good,
			"aura-auth.session_token=" + good + "; =aura-auth.session_token=" + evil,
		} {
			for _, path := range []string{"/public", "/private", "/auth/session"} {
				r, _ := p.raw("GET " + path + " HTTP/1.1\r\nHost: HOST\r\nCookie: " + header + "\r\nConnection: close\r\n\r\n")
				p.want(path+" with a nameless one", r, 200, "good")
			}
		}
		r, _ := p.raw("GET /public HTTP/1.1\r\nHost: HOST\r\nCookie: =aura-auth.session_token=" + evil + "\r\nConnection: close\r\n\r\n")
		p.want("the nameless one alone", r, 200, "nobody")
	}},
	{"duplicate cookies", "Two different values of one cookie are none, in one line or in two; the same value twice is one.", func(p *probe) {
		p.serve(nil, nil)
		a, b := "aura-auth.session_token="+p.mint("a", ""), "aura-auth.session_token="+p.mint("b", "")
		for header, want := range map[string]string{
			"Cookie: " + a + "; " + b:                "nobody",
			"Cookie: " + a + "\r\nCookie: " + b:      "nobody",
			"Cookie: " + a + "\r\nCookie: x=1":       "a",
			"Cookie: x=1\r\nCookie: " + a:            "a",
			"Cookie: " + a + "; " + a:                "a",
			"Cookie: " + a + "; " + a + "; " + b:     "nobody",
			"cOOkie:" + a:                            "a",
			"Cookie: aura-auth.session_token=; " + a: "a",
		} {
			r, _ := p.raw("GET /public HTTP/1.1\r\nHost: HOST\r\n" + header + "\r\nConnection: close\r\n\r\n")
			p.want(clip(header), r, 200, want)
			r, _ = p.raw("GET /auth/session HTTP/1.1\r\nHost: HOST\r\n" + header + "\r\nConnection: close\r\n\r\n")
			if want == "nobody" {
				p.want("a route of Auth, "+clip(header), r, 401, string(aura.CodeNoSession))
			} else {
				p.want("a route of Auth, "+clip(header), r, 200, fmt.Sprintf(`"sub":%q`, want))
			}
		}
	}},
	{"large cookies", "A session that fills the room for cookies arrives whole, in chunks, and goes out in chunks.", func(p *probe) {
		p.serve(func(cfg *aura.Config) { cfg.Cookies.MaxBytes = 12 << 10 }, func(app *App) {
			app.Routes = append(app.Routes, Route{Method: "POST", Path: "/grow", Require: true, Handle: func(x Exchange) {
				_, lines, err := app.Auth.UpdateSession(x.Request(), func(u *aura.User) error { return u.Set("pad", strings.Repeat("x", 4000)) })
				x.Apply(lines)
				x.Send(statusOf(err), "grown "+string(aura.CodeOf(err)))
			}})
		})
		large := p.mint("large", strings.Repeat("y", 4500))
		var chunks []string
		for i := 0; i*3900 < len(large); i++ {
			chunks = append(chunks, fmt.Sprintf("aura-auth.session_token.%d=%s", i, large[i*3900:min(len(large), (i+1)*3900)]))
		}
		r, _ := p.raw("GET /private HTTP/1.1\r\nHost: HOST\r\nCookie: " + strings.Join(chunks, "; ") + "\r\nConnection: close\r\n\r\n")
		p.want("in", r, 200, "large")
		r, _ = p.raw("GET /auth/session HTTP/1.1\r\nHost: HOST\r\nCookie: " + strings.Join(chunks, "\r\nCookie: ") + "\r\nConnection: close\r\n\r\n")
		p.want("in, on lines of their own", r, 200, "large")
		c := p.client()
		c.signIn()
		out := c.post("/grow", url.Values{"csrfToken": {c.csrf()}})
		p.want("out", out, 200, "grown")
		if n := len(cookies(out, "aura-auth.session_token.0")) + len(cookies(out, "aura-auth.session_token.1")); n != 2 {
			p.errorf("%d chunks, want 2: %q", n, out.header["Set-Cookie"])
		}
		p.want("afterwards", c.get("/public"), 200, "demo-ada")
	}},
	{"body read before", "A form that an earlier middleware has parsed still holds its token, and still signs out.", func(p *probe) {
		p.serve(nil, func(app *App) { app.Before = func(x Exchange) { x.Form("anything") } })
		c := p.client()
		c.signIn()
		p.want("protected", c.post("/change", url.Values{"csrfToken": {c.csrf()}, "what": {"it"}}), 200, "changed it")
		r := c.post(p.auth.BasePath()+"/signOut", url.Values{"csrfToken": {c.csrf()}, "redirectTo": {"/bye"}})
		p.want("sign-out", r, 303, "")
		if got := r.header.Get("Location"); got != "/bye" {
			p.errorf("Location %q, want /bye", got)
		}
		p.want("afterwards", c.get("/public"), 200, "nobody")
	}},
	{"body limit", "A body over 64 KiB is 413, whether its length is announced or not, and changes nothing.", func(p *probe) {
		p.serve(nil, nil)
		c := p.client()
		c.signIn()
		big := `{"user":{"name":"` + strings.Repeat("x", 70<<10) + `"}}`
		csrf := c.csrf()
		p.want("announced", c.do("PATCH", p.auth.BasePath()+"/session", big, "Content-Type", "application/json", "X-CSRF-Token", csrf), 413, string(aura.CodeBodyTooLarge))
		var chunked strings.Builder
		for i := 0; i < len(big); i += 8 << 10 {
			part := big[i:min(len(big), i+8<<10)]
			fmt.Fprintf(&chunked, "%x\r\n%s\r\n", len(part), part)
		}
		cookie := "Cookie: aura-auth.session_token=" + p.mint("demo-ada", "")
		r, _ := p.raw("PATCH " + p.auth.BasePath() + "/session HTTP/1.1\r\nHost: HOST\r\n" + cookie +
			"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunked.String() + "0\r\n\r\n")
		p.want("chunked", r, 413, string(aura.CodeBodyTooLarge))
		p.want("afterwards", c.get(p.auth.BasePath()+"/session"), 200, `"name":"Ada Lovelace"`)
	}},
	{"odd bodies", "Malformed JSON is 400 and a foreign content type 415, by the core's own reading of the body.", func(p *probe) {
		p.serve(nil, nil)
		c := p.client()
		c.signIn()
		csrf := c.csrf()
		for body, want := range map[string]int{`{"user":`: 400, `[]`: 400, `{"user":{}} x`: 400, `{"user":{}}`: 200} {
			p.want(body, c.do("PATCH", p.auth.BasePath()+"/session", body, "Content-Type", "application/json", "X-CSRF-Token", csrf), want, "")
		}
		p.want("multipart", c.do("PATCH", p.auth.BasePath()+"/session", "--x--", "Content-Type", "multipart/form-data; boundary=x", "X-CSRF-Token", csrf), 415, string(aura.CodeUnsupportedMedia))
		p.want("a body that waits for 100 Continue", c.do("PATCH", p.auth.BasePath()+"/session", `{"user":{"name":"Countess"}}`,
			"Content-Type", "application/json", "X-CSRF-Token", csrf, "Expect", "100-continue"), 200, "Countess")
	}},
}
