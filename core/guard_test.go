package aura_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// protect is Require and Deny as an adapter puts them together.
func protect(auth *aura.Auth, h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, lines, err := auth.Require(r)
		aura.Apply(w.Header(), lines)
		if err != nil {
			auth.Deny(w, r, err)
			return
		}
		h(w, r.WithContext(ctx))
	})
}

// whoami answers with the subject that SessionFrom finds.
func whoami(w http.ResponseWriter, r *http.Request) {
	s, ok := aura.SessionFrom(r.Context())
	if !ok {
		_, _ = io.WriteString(w, "nobody")
		return
	}
	_, _ = io.WriteString(w, s.User.Subject)
}

// Require and Deny: who gets a page, who gets JSON, and where a browser comes
// back to.
func TestRequireAndDeny(t *testing.T) {
	s := newSite(t, func(c *aura.Config) {
		c.BaseURL, c.Pages.SignIn = "https://app.example/shop", "/login?x=1"
	})
	app := s.serve(protect(s.auth, whoami))
	page := []string{"Accept", "text/html,application/xhtml+xml;q=0.9"}
	for _, test := range []struct {
		name     string
		method   string
		target   string
		header   []string
		status   int
		location string
		code     aura.Code
	}{
		{"a page", "GET", "/dashboard", page, 303, "/shop/login?x=1&redirectTo=%2Fshop%2Fdashboard", ""},
		{"a page with a query", "GET", "/a/b?x=1&y=%2F", page, 303, "/shop/login?x=1&redirectTo=%2Fshop%2Fa%2Fb%3Fx%3D1%26y%3D%252F", ""},
		{"what a target may not hold is encoded", "GET", `/a?q="<{|}>"`, page, 303, "/shop/login?x=1&redirectTo=%2Fshop%2Fa%3Fq%3D%2522%253C%257B%257C%257D%253E%2522", ""},
		{"letters beyond ASCII", "GET", "/caf\u00e9", page, 303, "/shop/login?x=1&redirectTo=%2Fshop%2Fcaf%25C3%25A9", ""},
		{"what no encoding makes safe", "GET", "/a//evil.example", page, 303, "/shop/login?x=1&redirectTo=%2F", ""},
		{"a way back of 3 KiB", "GET", "/a?q=" + strings.Repeat("x", 3000), page, 303, "/shop/login?x=1&redirectTo=%2F", ""},
		{"a navigation, said by the browser", "GET", "/d", append([]string{"Sec-Fetch-Mode", "navigate"}, page...), 303, "/shop/login?x=1&redirectTo=%2Fshop%2Fd", ""},
		{"a fetch of a page", "GET", "/d", append([]string{"Sec-Fetch-Mode", "cors"}, page...), 401, "", aura.CodeNoSession},
		{"a form post has no way back", "POST", "/d", page, 303, "/shop/login?x=1", ""},
		{"HEAD has no way back", "HEAD", "/d", page, 303, "/shop/login?x=1", ""},
		{"a script", "GET", "/api/me", []string{"Accept", "application/json"}, 401, "", aura.CodeNoSession},
		{"anything", "GET", "/api/me", []string{"Accept", "*/*"}, 401, "", aura.CodeNoSession},
		{"nothing said", "GET", "/api/me", nil, 401, "", aura.CodeNoSession},
		{"another origin", "POST", "/d", append([]string{"Origin", "https://evil.example"}, page...), 403, "", aura.CodeOriginRejected},
		{"a health check's user agent", "GET", "/d", []string{"User-Agent", "kube-probe/1.29"}, 401, "", aura.CodeNoSession}, // HP-14
		{"an address in a header", "GET", "/d", []string{"X-Original-URL", "/public", "X-Rewrite-URL", "/public", "X-Forwarded-Uri", "/public"}, 401, "", aura.CodeNoSession},
		{"a malformed host", "GET", "/d", append([]string{"Host", "good@evil"}, page...), 400, "", aura.CodeHostMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := rawRequest(t, app, test.method, test.target, test.header)
			r := s.guest().send(req)
			if r.status != test.status || r.header.Get("Location") != test.location {
				t.Fatalf("status %d, Location %q; want %d, %q", r.status, r.header.Get("Location"), test.status, test.location)
			}
			judge(t, test.method, "Cookie", r)
			if test.code != "" && r.code(t) != string(test.code) {
				t.Errorf("code %s, want %s", r.code(t), test.code)
			}
			if strings.Contains(r.body, "evil") {
				t.Errorf("the body echoes the request: %s", r.body)
			}
		})
	}
	t.Run("signed in", func(t *testing.T) {
		r := s.member("u-1").on(app).get("/dashboard", page...)
		if r.body != "u-1" || r.header.Get("Cache-Control") != "no-store" || r.header.Get("Vary") != "Cookie" {
			t.Errorf("status %d, body %q, Cache-Control %q, Vary %q", r.status, r.body, r.header.Get("Cache-Control"), r.header.Get("Vary"))
		}
	})
	t.Run("the way back leads back", func(t *testing.T) { // through Escape, a sign-in, and to the page
		g := s.guest()
		r := g.send(rawRequest(t, app, "GET", `/a?q="x"`, page))
		u, err := url.Parse(r.header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		start := g.get("/auth/signIn/gh?redirectTo=" + url.QueryEscape(u.Query().Get("redirectTo")))
		back := strings.TrimPrefix(callback(t, start.header.Get("Location")), "/shop")
		if got := g.get(back).header.Get("Location"); got != "/shop/a?q=%22x%22" {
			t.Errorf("after the sign-in: %q", got)
		}
	})
	t.Run("a host that is not ours", func(t *testing.T) {
		open := newSite(t, nil)
		app := open.serve(protect(open.auth, whoami))
		r := open.guest().on(app).get("/d", "Host", "evil.example", "Accept", "text/html")
		if r.status != http.StatusMisdirectedRequest || r.code(t) != string(aura.CodeHostNotTrusted) {
			t.Errorf("status %d\n%s", r.status, r.body)
		}
	})
	t.Run("the store is down", func(t *testing.T) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "http://app.example/d", nil)
		r.Header.Set("Accept", "text/html")
		s.auth.Deny(w, r, &aura.Error{Code: aura.CodeUnavailable, Err: errors.New("canary of the cause")})
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "canary of the cause") || len(w.Header()["Set-Cookie"]) != 0 {
			t.Errorf("status %d, header %v\n%s", w.Code, w.Header(), w.Body)
		}
	})
	t.Run("any other error", func(t *testing.T) {
		w := httptest.NewRecorder()
		s.auth.Deny(w, httptest.NewRequest("GET", "http://app.example/d", nil), errors.New("canary of the cause"))
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "canary of the cause") {
			t.Errorf("status %d\n%s", w.Code, w.Body)
		}
		if !strings.Contains(s.log.String(), "canary of the cause") {
			t.Error("the cause is not logged")
		}
	})
}

// rawRequest has the target's bytes on the wire as they are given.
func rawRequest(t *testing.T, origin, method, target string, header []string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, origin, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = target
	if strings.HasPrefix(target, "//") {
		t.Fatal("a target with two slashes needs a raw connection")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Add(header[i], header[i+1])
	}
	return req
}

// Load: everybody passes, the session is looked for once, and a renewal is one
// line however often the handler asks.
func TestLoad(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Session.Expiration = aura.RollingExpiration })
	load := func(next http.HandlerFunc) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, lines, err := s.auth.Load(r)
			if err != nil {
				s.auth.Deny(w, r, err)
				return
			}
			aura.Apply(w.Header(), lines)
			next(w, r.WithContext(ctx))
		})
	}
	t.Run("renewal", func(t *testing.T) {
		app := s.serve(load(func(w http.ResponseWriter, r *http.Request) {
			for range 3 {
				session, lines, err := s.auth.GetSession(r)
				if err != nil || session.User.Subject != "u-1" || len(lines["Set-Cookie"]) != 0 {
					t.Errorf("GetSession after Load: %v, lines %v", err, lines)
				}
				ctx, lines, err := s.auth.Require(r)
				if err != nil || len(lines["Set-Cookie"]) != 0 || ctx == nil {
					t.Errorf("Require after Load: %v, lines %v", err, lines)
				}
			}
			whoami(w, r)
		}))
		g := s.member("u-1").on(app)
		was := g.cookies[g.names.session]
		s.clock.add(1)
		r := g.get("/")
		if r.body != "u-1" || len(r.header["Set-Cookie"]) != 1 || g.cookies[g.names.session] == was || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("body %q, Set-Cookie %d, Cache-Control %q", r.body, len(r.header["Set-Cookie"]), r.header.Get("Cache-Control"))
		}
		if r := g.do("HEAD", "/", ""); len(r.header["Set-Cookie"]) != 0 {
			t.Error("HEAD renews")
		}
	})
	t.Run("sign-out after a renewal", func(t *testing.T) {
		app := s.serve(load(func(w http.ResponseWriter, r *http.Request) {
			lines, err := s.auth.SignOut(r)
			if err != nil {
				s.auth.Deny(w, r, err)
				return
			}
			aura.Apply(w.Header(), lines)
		}))
		g := s.member("u-1")
		token := g.csrf()
		r := g.on(app).do("POST", "/", "", "X-CSRF-Token", token)
		names := map[string]int{}
		for _, c := range setCookies(t, r.header) {
			names[c.Name]++
		}
		if r.status != http.StatusOK || names[g.names.session] != 1 || names[g.names.csrf] != 1 || len(g.cookies) != 0 {
			t.Errorf("status %d, lines %v, left %v", r.status, names, g.cookies)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		app := s.serve(load(func(w http.ResponseWriter, r *http.Request) {
			if _, _, err := s.auth.GetSession(r); !errors.Is(err, aura.ErrNoSession) {
				t.Errorf("GetSession: %v", err)
			}
			if _, _, err := s.auth.Require(r); !errors.Is(err, aura.ErrNoSession) {
				t.Errorf("Require: %v", err)
			}
			whoami(w, r)
		}))
		if r := s.guest().on(app).get("/"); r.body != "nobody" || r.status != http.StatusOK || len(r.header["Set-Cookie"]) != 0 {
			t.Errorf("status %d, body %q", r.status, r.body)
		}
	})
	t.Run("a health check by address", func(t *testing.T) {
		app := s.serve(load(whoami))
		if r := s.member("u-1").on(app).get("/", "Host", "10.0.0.7"); r.body != "nobody" || r.status != http.StatusOK {
			t.Errorf("status %d, body %q", r.status, r.body)
		}
	})
	t.Run("without Load", func(t *testing.T) {
		if _, ok := aura.SessionFrom(t.Context()); ok {
			t.Error("SessionFrom finds somebody")
		}
	})
	t.Run("a session is the request's own", func(t *testing.T) {
		app := s.serve(load(func(w http.ResponseWriter, r *http.Request) {
			first, _ := aura.SessionFrom(r.Context())
			first.User.Subject = "admin"
			_ = first.User.Set("role", "admin")
			second, _ := aura.SessionFrom(r.Context())
			if _, leaked := mustClaims(t, second)["role"]; second.User.Subject != "u-1" || leaked {
				t.Error("a change shows in another copy")
			}
		}))
		s.member("u-1").on(app).get("/")
	})
}

func mustClaims(t *testing.T, s *aura.Session) map[string]any {
	t.Helper()
	m, err := aura.Claims[map[string]any](s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Verify takes the token from the header or from a urlencoded form of at most
// 64 KiB, and leaves every body as readable as it was.
func TestVerify(t *testing.T) {
	s := newSite(t, nil)
	app := s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/parsed") {
			_ = r.ParseForm()
		}
		if err := s.auth.Verify(r); err != nil {
			s.auth.Deny(w, r, err)
			return
		}
		if r.URL.Path == "/form" || strings.HasPrefix(r.URL.Path, "/parsed") {
			_, _ = io.WriteString(w, r.PostFormValue("field"))
			return
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading the body: %v", err)
		}
		_, _ = w.Write(b)
	}))
	m := s.member("u-1")
	token := m.csrf()
	q := "csrfToken=" + url.QueryEscape(token)
	pad := func(n int) string { return q + "&field=x&pad=" + strings.Repeat("y", n-len(q)-len("&field=x&pad=")) }
	multipart := "--x\r\nContent-Disposition: form-data; name=\"csrfToken\"\r\n\r\n" + token + "\r\n--x--\r\n"
	for _, test := range []struct {
		name   string
		method string
		path   string
		kind   string
		body   string
		header bool // send the token in the header too
		status int
		echo   string // "" for the body itself
	}{
		{"form", "POST", "/form", formType, q + "&field=hello%21", false, 200, "hello!"},
		{"form, read whole", "POST", "/", formType, q + "&field=hello", false, 200, ""},
		{"form, parsed before", "POST", "/parsed", formType, q + "&field=hello", false, 200, "hello"},
		{"form with a charset", "POST", "/form", formType + "; charset=utf-8", q + "&field=hello", false, 200, "hello"},
		{"form by PUT", "PUT", "/", formType, q, false, 200, ""},
		{"form without a token", "POST", "/form", formType, "field=hello", false, 403, ""},
		{"form without a token, parsed before", "POST", "/parsed", formType, "field=hello", false, 403, ""},
		{"token in the query alone", "POST", "/parsed?" + q, formType, "field=hello", false, 403, ""},
		{"form with the header", "POST", "/form", formType, "field=hello", true, 200, "hello"},
		{"form of 64 KiB", "POST", "/", formType, pad(64 << 10), false, 200, ""},
		{"form of a byte more", "POST", "/", formType, pad(64<<10 + 1), false, 403, ""},
		{"form of a byte more, with the header", "POST", "/", formType, strings.Replace(pad(64<<10+1), "csrfToken", "other____", 1), true, 200, ""},
		{"form of 1 MiB, with the header", "POST", "/", formType, "field=" + strings.Repeat("z", 1<<20), true, 200, ""},
		{"JSON is not read", "POST", "/", jsonType, `{"csrfToken":"` + token + `"}`, false, 403, ""},
		{"JSON with the header", "POST", "/", jsonType, `{"a":1}`, true, 200, ""},
		{"multipart is not read", "POST", "/", "multipart/form-data; boundary=x", multipart, false, 403, ""},
		{"multipart with the header", "POST", "/", "multipart/form-data; boundary=x", multipart, true, 200, ""},
		{"text/plain is not read", "POST", "/", "text/plain", q, false, 403, ""},
		{"form that is none", "POST", "/", formType, q + "&a=%zz", false, 400, ""},
		{"nothing", "DELETE", "/", "", "", false, 403, ""},
		{"nothing, with the header", "DELETE", "/", "", "", true, 200, ""},
		{"GET passes", "GET", "/", "", "", false, 200, ""},
		{"HEAD passes", "HEAD", "/", "", "", false, 200, ""},
		{"an unknown method does not", "BREW", "/", "", "", false, 403, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var header []string
			if test.kind != "" {
				header = append(header, "Content-Type", test.kind)
			}
			if test.header {
				header = append(header, "X-CSRF-Token", token)
			}
			r := m.on(app).do(test.method, test.path, test.body, header...)
			if r.status != test.status {
				t.Fatalf("status %d, want %d\n%.300s", r.status, test.status, r.body)
			}
			want := test.echo
			if want == "" {
				want = test.body
			}
			if test.status == http.StatusOK && test.method != "HEAD" && r.body != want {
				t.Errorf("the handler read %d bytes, want %d", len(r.body), len(want))
			}
		})
	}
	t.Run("nobody needs the cookie too", func(t *testing.T) {
		g := s.guest()
		token := g.csrf()
		if r := g.on(app).do("POST", "/", "", "X-CSRF-Token", token); r.status != http.StatusOK {
			t.Errorf("with cookie and header: status %d", r.status)
		}
		if r := g.on(app).do("POST", "/", "", "X-CSRF-Token", token, "-Cookie", ""); r.status != http.StatusForbidden {
			t.Errorf("with the header alone: status %d", r.status)
		}
	})
	t.Run("no body at all", func(t *testing.T) { // FW-13
		r := httptest.NewRequest("POST", "http://localhost/", nil)
		r.Body = nil
		r.Header.Set("Content-Type", formType)
		if err := s.auth.Verify(r); aura.CodeOf(err) != aura.CodeCSRFMissing {
			t.Errorf("Verify: %v", err)
		}
	})
}
