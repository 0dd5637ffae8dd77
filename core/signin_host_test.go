package aura_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// Which origin a sign-in names as its own: FL-25 and the catalogue's HP rows.
func TestSignInHost(t *testing.T) {
	s := newRig(t, 1, nil)
	proxy := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	overTLS := func(r *http.Request) { r.TLS = &tls.ConnectionState{} }
	fromProxy := func(r *http.Request) { r.RemoteAddr = "10.1.2.3:4711" }

	for _, c := range []struct {
		why    string
		config aura.Config
		host   string
		header []string
		change func(*http.Request)
		want   string // the public origin, or the code of the refusal
	}{
		{"FL-25 BaseURL decides, not Host", aura.Config{BaseURL: "https://app.example"}, "evil.example", nil, nil, "https://app.example"},
		{"BaseURL decides, not TLS", aura.Config{BaseURL: "http://localhost:3000"}, "evil.example", nil, overTLS, "http://localhost:3000"},
		{"BaseURL's default port goes", aura.Config{BaseURL: "https://APP.example:443/"}, "x", nil, nil, "https://app.example"},
		{"HP-01 BaseURL decides, not X-Forwarded-Host", aura.Config{BaseURL: "https://app.example"}, "app.example", []string{"X-Forwarded-Host", "evil.example"}, nil, "https://app.example"},
		{"HP-01 nor a trusted proxy's", aura.Config{BaseURL: "https://app.example", TrustedProxies: proxy}, "app.example", []string{"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http"}, fromProxy, "https://app.example"},
		{"HP-09 a malformed Host, with BaseURL", aura.Config{BaseURL: "https://app.example"}, "good@evil", nil, nil, "HOST_MALFORMED"},
		{"HP-09 no Host, with BaseURL", aura.Config{BaseURL: "https://app.example"}, "", nil, nil, "HOST_MALFORMED"},

		{"loopback by name", aura.Config{}, "localhost:3000", nil, nil, "http://localhost:3000"},
		{"loopback by address", aura.Config{}, "127.0.0.1:8080", nil, nil, "http://127.0.0.1:8080"},
		{"loopback in IPv6", aura.Config{}, "[::1]:8080", nil, nil, "http://[::1]:8080"},
		{"below localhost", aura.Config{}, "app.localhost", nil, nil, "http://app.localhost"},
		{"loopback over TLS", aura.Config{}, "localhost:3000", nil, overTLS, "https://localhost:3000"},
		{"HP-10 another host", aura.Config{}, "evil.example", nil, overTLS, "HOST_NOT_TRUSTED"},
		{"HP-10 a name that begins like loopback", aura.Config{}, "127.evil.example", nil, nil, "HOST_NOT_TRUSTED"},
		{"HP-10 a name that begins with localhost", aura.Config{}, "localhost.evil.example", nil, nil, "HOST_NOT_TRUSTED"},
		{"HP-10 a private address", aura.Config{}, "10.0.0.1", nil, nil, "HOST_NOT_TRUSTED"},

		{"a trusted host", aura.Config{TrustedHosts: []string{"app.example"}}, "app.example", nil, overTLS, "https://app.example"},
		{"a trusted host in another case", aura.Config{TrustedHosts: []string{"app.example"}}, "APP.Example", nil, overTLS, "https://app.example"},
		{"HP-10 beside a trusted host", aura.Config{TrustedHosts: []string{"app.example"}}, "x.app.example", nil, overTLS, "HOST_NOT_TRUSTED"},
		{"HP-10 another port of a trusted host", aura.Config{TrustedHosts: []string{"app.example"}}, "app.example:8443", nil, overTLS, "HOST_NOT_TRUSTED"},
		{"a trusted host by plain http", aura.Config{TrustedHosts: []string{"app.example"}}, "app.example", nil, nil, "HOST_NOT_TRUSTED"},
		{"the same, dangerously", aura.Config{TrustedHosts: []string{"app.example"}, DangerouslyAllowInsecureHTTP: true}, "app.example", nil, nil, "http://app.example"},

		{"HP-01 X-Forwarded-Host of anybody", aura.Config{}, "localhost:3000", []string{"X-Forwarded-Host", "evil.example"}, nil, "http://localhost:3000"},
		{"HP-01 the same beside a trusted proxy", aura.Config{TrustedProxies: proxy}, "localhost:3000", []string{"X-Forwarded-Host", "evil.example"}, nil, "http://localhost:3000"},
		{"HP-03 X-Forwarded-Proto: https of anybody", aura.Config{TrustedHosts: []string{"app.example"}}, "app.example", []string{"X-Forwarded-Proto", "https"}, nil, "HOST_NOT_TRUSTED"},
		{"HP-03 on loopback", aura.Config{}, "localhost", []string{"X-Forwarded-Proto", "https"}, nil, "http://localhost"},
		{"HP-03 X-Forwarded-Proto: http over TLS", aura.Config{TrustedHosts: []string{"app.example"}}, "app.example", []string{"X-Forwarded-Proto", "http"}, overTLS, "https://app.example"},
		{"a trusted proxy", aura.Config{TrustedProxies: proxy, TrustedHosts: []string{"app.example"}}, "10.9.9.9:80", []string{"X-Forwarded-Host", "app.example", "X-Forwarded-Proto", "https"}, fromProxy, "https://app.example"},
		{"HP-02 a trusted proxy and a strange host", aura.Config{TrustedProxies: proxy, TrustedHosts: []string{"app.example"}}, "app.example", []string{"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https"}, fromProxy, "HOST_NOT_TRUSTED"},
		{"HP-02 a trusted proxy and two hosts", aura.Config{TrustedProxies: proxy, TrustedHosts: []string{"app.example"}}, "app.example", []string{"X-Forwarded-Host", "evil.example, app.example", "X-Forwarded-Proto", "https"}, fromProxy, "HOST_MALFORMED"},
		{"HP-11 Forwarded that was not chosen", aura.Config{TrustedProxies: proxy, TrustedHosts: []string{"app.example"}}, "localhost", []string{"Forwarded", "host=app.example;proto=https"}, fromProxy, "http://localhost"},
		{"HP-11 Forwarded that was chosen", aura.Config{TrustedProxies: proxy, TrustedHosts: []string{"app.example"}, ForwardedHeader: true}, "localhost", []string{"Forwarded", "host=app.example;proto=https"}, fromProxy, "https://app.example"},
		{"HP-11 disagreement", aura.Config{TrustedProxies: proxy, TrustedHosts: []string{"app.example"}}, "localhost", []string{"Forwarded", "host=evil.example", "X-Forwarded-Host", "app.example", "X-Forwarded-Proto", "https"}, fromProxy, "HOST_MALFORMED"},
		{"HP-12 X_Forwarded_Host", aura.Config{TrustedProxies: proxy}, "localhost", []string{"X_Forwarded_Host", "evil.example", "X-Forwarded_Host", "evil.example", "X_Forwarded_Proto", "https"}, fromProxy, "http://localhost"},
		{"HP-13 headers that rewrite", aura.Config{TrustedProxies: proxy}, "localhost", []string{"X-Original-Url", "/auth/callback/dev", "X-Rewrite-Url", "/", "X-Forwarded-Uri", "/", "X-Forwarded-Prefix", "//evil.example", "X-Forwarded-Port", "80,evil"}, fromProxy, "http://localhost"},
	} {
		t.Run(c.why, func(t *testing.T) {
			auth := newAuth(t, s.stage, func(cfg *aura.Config) {
				cfg.BaseURL, cfg.TrustedHosts, cfg.TrustedProxies = c.config.BaseURL, c.config.TrustedHosts, c.config.TrustedProxies
				cfg.ForwardedHeader, cfg.DangerouslyAllowInsecureHTTP = c.config.ForwardedHeader, c.config.DangerouslyAllowInsecureHTTP
			})
			r := direct(auth, "/auth/signIn/dev?redirectTo=/after", func(r *http.Request) {
				r.Host = c.host
				for i := 0; i < len(c.header); i += 2 {
					// As they came: names with underscores are not canonical.
					r.Header[c.header[i]] = append(r.Header[c.header[i]], c.header[i+1])
				}
				if c.change != nil {
					c.change(r)
				}
			})
			if !strings.Contains(c.want, "://") {
				status := map[string]int{"HOST_MALFORMED": 400, "HOST_NOT_TRUSTED": 421}[c.want]
				r.wantRefusal(t, status, aura.Code(c.want))
				if strings.Contains(r.body, "evil") || len(r.written()) != 0 {
					t.Errorf("the answer repeats the host, or sets a cookie: %s %q", r.body, r.written())
				}
				return
			}
			if got := query(t, r.header.Get("Location")).Get("redirect_uri"); r.status != 302 || got != c.want+"/auth/callback/dev" {
				t.Fatalf("status %d, redirect_uri %q, want that of %s\n%s", r.status, got, c.want, r.body)
			}
			line, secure := r.header.Get("Set-Cookie"), strings.HasPrefix(c.want, "https:")
			if strings.HasPrefix(line, "__Host-aura-auth.flow.") != secure || strings.Contains(line, "; Secure") != secure || strings.Contains(line, "Domain") || !strings.Contains(line, "; HttpOnly") || !strings.Contains(line, "; SameSite=Lax") || !strings.Contains(line, "; Path=/;") || !strings.Contains(line, "; Max-Age=600;") {
				t.Errorf("the cookie does not suit %s: %s", c.want, line)
			}
		})
	}
}

// HP-09, HP-12: requests that no client sends, through a real server.
func TestSignInHostOnTheWire(t *testing.T) {
	s := newRig(t, 1, nil)
	for name, request := range map[string]string{
		"two Hosts":         "GET /auth/signIn/dev HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
		"the same twice":    "GET /auth/signIn/dev HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
		"no Host":           "GET /auth/signIn/dev HTTP/1.1\r\n",
		"no Host, HTTP/1.0": "GET /auth/signIn/dev HTTP/1.0\r\n",
		"user information":  "GET /auth/signIn/dev HTTP/1.1\r\nHost: localhost@evil.example\r\n",
		"a path":            "GET /auth/signIn/dev HTTP/1.1\r\nHost: localhost/evil.example\r\n",
		"a port and more":   "GET /auth/signIn/dev HTTP/1.1\r\nHost: localhost:80evil\r\n",
		"a trailing dot":    "GET /auth/signIn/dev HTTP/1.1\r\nHost: localhost.\r\n",
		"a list":            "GET /auth/signIn/dev HTTP/1.1\r\nHost: localhost, evil.example\r\n",
		"absolute form":     "GET http://evil.example/auth/signIn/dev HTTP/1.1\r\nHost: localhost\r\n",
		"a padded name":     "GET /auth/signIn/dev HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host : evil.example\r\n",
	} {
		t.Run("HP-09 "+name, func(t *testing.T) {
			r := rawExchange(t, s.url, request+"Connection: close\r\n\r\n")
			if !slices.Contains([]int{400, 421}, r.status) || len(r.written()) != 0 || r.header.Get("Location") != "" {
				t.Errorf("status %d, Location %q, cookies %q", r.status, r.header.Get("Location"), r.written())
			}
		})
	}
	if n := s.idp.Counts().Discovery; n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// A developer who comes in by another name of this machine is first sent to the
// one where the callback will find the cookies.
func TestSignInStrayLoopback(t *testing.T) {
	s := newRig(t, 1, func(url string, c *aura.Config) {
		c.BaseURL = strings.Replace(url, "127.0.0.1", "localhost", 1)
	})
	public := strings.Replace(s.url, "127.0.0.1", "localhost", 1)
	b := newBrowser(t, public)
	r := b.get(s.url + "/auth/signIn/dev?redirectTo=/after%3Fa&login_hint=ada&prompt=none")
	want := public + "/auth/signIn/dev?login_hint=ada&moved=1&redirectTo=%2Fafter%3Fa"
	if r.status != 303 || r.header.Get("Location") != want || len(r.written()) != 0 {
		t.Fatalf("status %d, Location %q, cookies %q", r.status, r.header.Get("Location"), r.written())
	}
	started := b.get(want)
	if started.status != 302 {
		t.Fatalf("at the public origin: status %d", started.status)
	}
	if r := b.get(b.consent(started.header.Get("Location"), "demo-ada")); r.header.Get("Location") != "/after?a" || b.subject() != "demo-ada" {
		t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
	}
	// Another port is another application; it is not sent anywhere.
	r = direct(s.auth, "/auth/signIn/dev", func(r *http.Request) { r.Host = "127.0.0.1:1" })
	if r.status != 302 || !strings.HasPrefix(r.header.Get("Location"), s.idp.Issuer()) {
		t.Errorf("another port: status %d, Location %q", r.status, r.header.Get("Location"))
	}
}

// A path in BaseURL is a prefix that a proxy strips.
func TestSignInBehindPrefix(t *testing.T) {
	s := newRig(t, 1, func(url string, c *aura.Config) { c.BaseURL = url + "/shop" })
	front := http.StripPrefix("/shop", s.auth)
	visit := func(b *browser, target string, header ...string) reply {
		req := httptest.NewRequest("GET", target, nil)
		req.Host = strings.TrimPrefix(s.url, "http://")
		req.Header.Set("Cookie", cookieHeader(b.cookies()))
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		front.ServeHTTP(w, req)
		for _, c := range w.Result().Cookies() {
			b.plant(c.Name, c.Value)
		}
		return reply{w.Code, w.Header(), w.Body.String()}
	}
	b := s.browser()
	location := visit(b, "/shop/auth/signIn/dev?redirectTo="+url.QueryEscape(s.url+"/shop/after")).header.Get("Location")
	if got := query(t, location).Get("redirect_uri"); got != s.url+"/shop/auth/callback/dev" {
		t.Fatalf("redirect_uri %q", got)
	}
	callback := strings.TrimPrefix(b.consent(location, "demo-ada"), s.url)
	if r := visit(b, callback); r.status != 302 || r.header.Get("Location") != "/shop/after" {
		t.Errorf("status %d, Location %q\n%s", r.status, r.header.Get("Location"), r.body)
	}
	if r := visit(b, callback, "Accept", "text/html"); !strings.Contains(r.body, `href="`+s.url+`/shop/auth/signIn/dev`) || !strings.Contains(r.body, `href="/shop/"`) {
		t.Errorf("the links of the error page leave the prefix:\n%s", r.body)
	}
}

// The whole way over TLS, where every name and attribute is another.
func TestSignInOverTLS(t *testing.T) {
	s := newRig(t, 1, nil)
	server := httptest.NewTLSServer(s.auth)
	defer server.Close()
	b := newBrowser(t, server.URL)
	b.http.Transport = server.Client().Transport
	b.signIn("demo-ada")
	held := b.cookies()
	if b.subject() != "demo-ada" || held["__Secure-aura-auth.session_token"] == "" || held["__Host-aura-auth.csrf_token"] == "" || len(b.flows()) != 0 {
		t.Errorf("signed in as %q with %v", b.subject(), held)
	}
	// What a plain http page has planted is not read.
	planted := newBrowser(t, server.URL)
	planted.http.Transport = b.http.Transport
	planted.plant("aura-auth.session_token", held["__Secure-aura-auth.session_token"])
	if planted.subject() != "" {
		t.Error("a cookie without prefix was read over https")
	}
}
