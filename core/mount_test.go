package aura_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

var pageLoad = []string{"Accept", "text/html,application/xhtml+xml;q=0.9"}

// The README's program: everything behind Require, and no sign-in page but the
// start of the only provider's sign-in. A page load comes back to its page, and
// no redirect leads in a circle.
func TestREADMELoop(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Pages.SignIn = "/auth/signIn/gh" })
	mux := http.NewServeMux()
	mux.Handle(s.auth.BasePath()+"/", s.auth)
	mux.Handle("/", protect(s.auth, whoami))
	g := s.guest().on(s.serve(mux))
	for _, page := range []string{"/", "/dashboard?x=1"} {
		clear(g.cookies)
		denied := g.get(page, pageLoad...)
		if want := "/auth/signIn/gh?redirectTo=" + url.QueryEscape(page); denied.status != http.StatusSeeOther || denied.header.Get("Location") != want {
			t.Fatalf("%s: status %d to %q, want 303 to %q", page, denied.status, denied.header.Get("Location"), want)
		}
		start := g.get(denied.header.Get("Location"), pageLoad...)
		if to := start.header.Get("Location"); start.status != http.StatusFound || !strings.HasPrefix(to, "https://idp.example/authorize?") {
			t.Fatalf("the start of the sign-in: status %d to %q", start.status, to)
		}
		back := g.get(callback(t, start.header.Get("Location")), pageLoad...)
		if got := back.header.Get("Location"); got != page {
			t.Fatalf("after the sign-in: %q, want %q", got, page)
		}
		if r := g.get(page, pageLoad...); r.status != http.StatusOK || r.body != "u-1" {
			t.Errorf("%s: status %d, %q", page, r.status, r.body)
		}
	}
}

// A sign-in page that is itself behind Require is a mistake that must show: 401,
// not a redirect from the page to itself until the browser gives up.
func TestDenyOnTheSignInPage(t *testing.T) {
	for name, change := range map[string]func(*aura.Config){
		"the default": nil,
		"its own":     func(c *aura.Config) { c.Pages.SignIn = "/login?from=app" },
		"behind a prefix that a proxy strips": func(c *aura.Config) {
			c.BaseURL = "https://app.example/shop"
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, change)
			g := s.guest().on(s.serve(protect(s.auth, whoami)))
			for _, target := range []string{"/login", "/login?redirectTo=%2F", "/login?error=SESSION_NOT_FOUND"} {
				for _, method := range []string{"GET", "HEAD", "POST"} {
					r := g.do(method, target, "", pageLoad...)
					if r.status != http.StatusUnauthorized || r.header.Get("Location") != "" {
						t.Errorf("%s %s: status %d to %q", method, target, r.status, r.header.Get("Location"))
					}
				}
			}
			if r := g.get("/login/help", pageLoad...); r.status != http.StatusSeeOther {
				t.Errorf("another page: status %d", r.status)
			}
		})
	}
}

// The base path belongs to Auth only where it is mounted: a route of the
// application below it is guarded like any other.
func TestRequireBelowTheBasePath(t *testing.T) {
	s := newSite(t, nil)
	for _, h := range map[string]http.Handler{
		"Require": protect(s.auth, whoami), "Require behind Load": behindLoad(s.auth, protect(s.auth, whoami)),
	} {
		for cookies, want := range map[string]int{s.member("u-1").header(): http.StatusOK, "": http.StatusUnauthorized} {
			for _, path := range []string{"/auth/me", "/auth/session", "/me"} {
				r := httptest.NewRequest("GET", s.url+path, nil)
				r.Header.Set("Cookie", cookies)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != want || want == http.StatusOK && w.Body.String() != "u-1" {
					t.Errorf("%s: status %d, %q; want %d", path, w.Code, w.Body, want)
				}
			}
		}
	}
}

// Whoever strips the prefix of the public address, a proxy or the application's
// own router, the way back is the address that the browser has asked for.
func TestWayBackWithAPrefix(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example/shop" })
	guarded := protect(s.auth, whoami)
	for _, test := range []struct {
		name          string
		h             http.Handler
		target, wants string
	}{
		{"the router strips", http.StripPrefix("/shop", guarded), "/shop/dashboard?x=1", "/shop/dashboard?x=1"},
		{"the router strips, the start page", http.StripPrefix("/shop", guarded), "/shop/", "/shop/"},
		{"the proxy strips", guarded, "/dashboard?x=1", "/shop/dashboard?x=1"},
		{"the proxy strips, the start page", guarded, "/", "/shop/"},
		{"the proxy strips, a page that begins alike", guarded, "/shopping", "/shop/shopping"},
		{"a group below it strips once more", http.StripPrefix("/shop", http.StripPrefix("/team", guarded)), "/shop/team/x", "/shop/team/x"},
		{"a group strips behind a proxy", http.StripPrefix("/team", guarded), "/team/x", "/shop/team/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := s.guest().on(s.serve(test.h)).get(test.target, pageLoad...)
			if want := "/shop/login?redirectTo=" + url.QueryEscape(test.wants); r.header.Get("Location") != want {
				t.Errorf("status %d to %q, want %q", r.status, r.header.Get("Location"), want)
			}
		})
	}
}

// A group whose prefix does not lead to the base path would put the routes where
// nobody looks for them. That is found at start-up.
func TestMountPath(t *testing.T) {
	auth := newSite(t, func(c *aura.Config) { c.BasePath = "/api/v1/auth" }).auth
	for prefix, want := range map[string]string{
		"": "/api/v1/auth", "/": "/api/v1/auth", "/api": "/v1/auth", "/api/": "/v1/auth", "/api/v1": "/auth",
		"/v1": "", "/ap": "", "/api/v": "", "/API": "", "api": "", "/api/v1/auth": "", "/api/v1/auth/x": "", "/:tenant": "", "/api//": "",
	} {
		t.Run(prefix, func(t *testing.T) {
			defer func() {
				p := recover()
				text, _ := p.(string)
				if (p != nil) != (want == "") || p != nil && (!strings.Contains(text, `"`+strings.TrimSuffix(prefix, "/")+`"`) || !strings.Contains(text, "BasePath")) {
					t.Errorf("panic: %v", p)
				}
			}()
			if got := auth.MountPath(prefix); got != want {
				t.Errorf("MountPath: %q, want %q", got, want)
			}
		})
	}
}

// A request for a host that is not ours gets the answer of its route: the same
// members for scripts, and a page for people.
func TestHostFailure(t *testing.T) {
	s := newSite(t, nil)
	for _, test := range []struct {
		method, target string
		page           bool
		members        map[string]any
	}{
		{"GET", "/auth/csrfToken", false, map[string]any{"csrfToken": nil}},
		{"GET", "/auth/session", false, map[string]any{"authenticated": false, "session": nil}},
		{"PATCH", "/auth/session", false, map[string]any{"session": nil, "redirect": false, "redirectURL": nil}},
		{"POST", "/auth/signOut", false, map[string]any{"redirect": false, "redirectURL": nil}},
		{"GET", "/auth/signIn/gh", true, map[string]any{"redirect": false, "signInURL": nil}},
		{"GET", "/auth/callback/gh?state=a&code=b", true, map[string]any{}},
		{"GET", "/auth/none", false, map[string]any{}},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			g := s.member("u-1")
			for host, want := range map[string]struct {
				status int
				code   aura.Code
			}{"evil.example": {421, aura.CodeHostNotTrusted}, "good@evil.example": {400, aura.CodeHostMalformed}} {
				r := g.do(test.method, test.target, "", "Host", host, "Accept", "application/json")
				members := r.json(t)
				if r.status != want.status || r.code(t) != string(want.code) || members["success"] != false {
					t.Errorf("%s: status %d\n%s", host, r.status, r.body)
				}
				for name, value := range test.members {
					if got, ok := members[name]; !ok || got != value {
						t.Errorf("%s: member %s is %v (there: %t), want %v", host, name, got, ok, value)
					}
				}
				r = g.do(test.method, test.target, "", append([]string{"Host", host, "Sec-Fetch-Mode", "navigate"}, pageLoad...)...)
				if kind := r.header.Get("Content-Type"); r.status != want.status || strings.HasPrefix(kind, "text/html") != test.page {
					t.Errorf("%s: a page load gets %d %s", host, r.status, kind)
				}
				if strings.Contains(r.body, "evil") || len(r.header["Set-Cookie"]) != 0 {
					t.Errorf("%s: Set-Cookie %q\n%s", host, r.header["Set-Cookie"], r.body)
				}
			}
		})
	}
}

// An earlier middleware that has asked for a form value has not made a form of
// what is none: the answer is for the script that sent it.
func TestParsedBodyIsNotAForm(t *testing.T) {
	s := newSite(t, nil)
	asked := s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.FormValue("_method") // what method overrides and some loggers do
		s.auth.ServeHTTP(w, r)
	}))
	token := s.signCSRF(s.csrfClaims("sid-of-u-1"))
	parts := "--x\r\nContent-Disposition: form-data; name=\"csrfToken\"\r\n\r\n" + token + "\r\n--x--\r\n"
	for _, test := range []struct {
		name, kind, body, token string
		status                  int
		location                string
		code                    aura.Code
	}{
		{"JSON", jsonType, `{"redirectTo":"/next"}`, token, 302, "/next", ""},
		{"JSON that wants nothing", jsonType, `{}`, token, 202, "", ""},
		{"JSON without a token", jsonType, `{"redirectTo":"/next"}`, "", 403, "", aura.CodeCSRFMissing},
		{"text", "text/plain", `{"redirectTo":"/next"}`, token, 302, "/next", ""},
		{"text without a token", "text/plain", `{}`, "", 415, "", aura.CodeUnsupportedMedia},
		{"multipart with the token inside", "multipart/form-data; boundary=x", parts, "", 403, "", aura.CodeCSRFMissing},
		{"nothing", "", "", token, 202, "", ""},
		{"nothing without a token", "", "", "", 403, "", aura.CodeCSRFMissing},
		{"a form", formType, "csrfToken=" + token, "", 303, "/", ""},
		{"a form without a token", formType, "a=b", "", 303, "/login?error=CSRF_TOKEN_MISSING", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := s.member("u-1").on(asked)
			var header []string
			if test.kind != "" {
				header = append(header, "Content-Type", test.kind)
			}
			if test.token != "" {
				header = append(header, "X-CSRF-Token", test.token)
			}
			r := g.do("POST", "/auth/signOut", test.body, header...)
			if r.status != test.status || r.header.Get("Location") != test.location || test.code != "" && r.code(t) != string(test.code) {
				t.Errorf("status %d to %q, want %d to %q, %s\n%s", r.status, r.header.Get("Location"), test.status, test.location, test.code, r.body)
			}
			passed := test.code == "" && !strings.Contains(test.location, "error=")
			if signedIn := g.subject() == "u-1"; signedIn == passed {
				t.Errorf("afterwards signed in: %t", signedIn)
			}
		})
	}
}

// The limit of an earlier middleware is a limit, and said to be one.
func TestMaxBytesReader(t *testing.T) {
	s := newSite(t, nil)
	limited := func(h http.Handler) string {
		return s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 100)
			h.ServeHTTP(w, r)
		}))
	}
	own := limited(s.auth)
	app := limited(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.auth.Verify(r); err != nil {
			s.auth.Deny(w, r, err)
		}
	}))
	token := s.signCSRF(s.csrfClaims("sid-of-u-1"))
	form, object := "a="+strings.Repeat("x", 2000), `{"a":"`+strings.Repeat("x", 2000)+`"}`
	for _, test := range []struct{ url, method, target, kind, body string }{
		{own, "POST", "/auth/signOut", formType, form},
		{own, "POST", "/auth/signOut", jsonType, object},
		{own, "PATCH", "/auth/session", jsonType, object},
		{app, "POST", "/page", formType, form},
	} {
		g := s.member("u-1").on(test.url)
		r := g.do(test.method, test.target, test.body, "Content-Type", test.kind, "X-CSRF-Token", token)
		if r.status != http.StatusRequestEntityTooLarge || r.code(t) != string(aura.CodeBodyTooLarge) || len(r.header["Set-Cookie"]) != 0 {
			t.Errorf("%s %s (%s): status %d\n%s", test.method, test.target, test.kind, r.status, r.body)
		}
	}
}
