package aura_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/internal/flow"
	"github.com/aura-stack-go/auth/core/provider"
)

// newLogoutRig signs out at dev, not at dev2; trusted.example is a trusted
// origin.
func newLogoutRig(t *testing.T, change func(*aura.Config)) *rig {
	t.Helper()
	return newRig(t, 2, func(_ string, c *aura.Config) {
		c.Providers[0].Logout.AtProvider = true
		c.TrustedOrigins = []string{"https://trusted.example"}
		if change != nil {
			change(c)
		}
	})
}

// signOut posts the sign-out form of a page.
func (b *browser) signOut(redirectTo string) reply {
	b.t.Helper()
	return b.post("/auth/signOut", url.Values{"csrfToken": {b.csrf()}, "redirectTo": {redirectTo}}, "Origin", b.origin)
}

// wantAtProvider checks that a location is the provider's end of session, and
// returns its query.
func wantAtProvider(t *testing.T, s *rig, location string) url.Values {
	t.Helper()
	address, _, _ := strings.Cut(location, "?")
	q := query(t, location)
	if address != s.idp.Issuer()+"/end_session" {
		t.Fatalf("the browser is sent to %q, want the end_session_endpoint of %s", location, s.idp.Issuer())
	}
	if q.Get("client_id") != s.idp.Client().ID || q.Get("post_logout_redirect_uri") != s.url+"/auth/signedOut" || q.Get("state") == "" {
		t.Fatalf("the end of session is asked for with %v", q)
	}
	return q
}

// wantBack checks an answer of GET /signedOut.
func wantBack(t *testing.T, r reply, target string) {
	t.Helper()
	if r.status != http.StatusSeeOther || r.header.Get("Location") != target || len(r.written()) != 0 {
		t.Errorf("status %d, Location %q, cookies %q; want 303 to %q and no cookies\n%s", r.status, r.header.Get("Location"), r.written(), target, r.body)
	}
}

func TestSignOutAtProvider(t *testing.T) {
	s := newLogoutRig(t, nil)
	t.Run("by form, there and back", func(t *testing.T) {
		b := s.browser()
		b.signIn("demo-ada")
		r := b.signOut("/bye?x=1")
		if r.status != http.StatusSeeOther || b.subject() != "" || len(b.cookies()) != 0 {
			t.Fatalf("status %d, signed in as %q, cookies %v\n%s", r.status, b.subject(), b.cookies(), r.body)
		}
		if q := wantAtProvider(t, s, r.header.Get("Location")); q.Has("id_token_hint") {
			t.Error("the ID token is sent along, unasked")
		}
		back := b.get(r.header.Get("Location"))
		if address, _, _ := strings.Cut(back.header.Get("Location"), "?"); address != s.url+"/auth/signedOut" {
			t.Fatalf("the provider answers %d, Location %q\n%s", back.status, back.header.Get("Location"), back.body)
		}
		wantBack(t, b.get(back.header.Get("Location")), "/bye?x=1")
		wantBack(t, b.get(back.header.Get("Location")), "/") // once
	})
	t.Run("as JSON", func(t *testing.T) {
		for target, follow := range map[string]bool{"redirect=false": false, "redirect=false&redirectTo=/bye": false, "": false, "redirectTo=/bye": true} {
			b := s.browser()
			b.signIn("demo-ada")
			r := b.do("POST", "/auth/signOut?"+target, "", "X-CSRF-Token", b.csrf())
			status := map[bool]int{true: http.StatusFound, false: http.StatusAccepted}[follow]
			address, _ := r.json(t)["redirectURL"].(string)
			if r.status != status || r.json(t)["success"] != true || r.json(t)["redirect"] != follow || follow && r.header.Get("Location") != address || b.subject() != "" {
				t.Errorf("%q: status %d, Location %q\n%s", target, r.status, r.header.Get("Location"), r.body)
			}
			wantAtProvider(t, s, address)
		}
	})
	t.Run("a form that asks for JSON", func(t *testing.T) {
		b := s.browser()
		b.signIn("demo-ada")
		r := b.post("/auth/signOut?redirect=false", url.Values{"csrfToken": {b.csrf()}})
		address, _ := r.json(t)["redirectURL"].(string)
		if r.status != http.StatusAccepted {
			t.Errorf("status %d\n%s", r.status, r.body)
		}
		wantAtProvider(t, s, address)
	})
	t.Run("the other provider is not told", func(t *testing.T) {
		b := s.browser()
		b.get(b.consent(b.startAt("dev2", "/after"), "demo-ada"))
		if r := b.signOut("/bye"); r.status != http.StatusSeeOther || r.header.Get("Location") != "/bye" || b.subject() != "" {
			t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
		}
	})
	t.Run("nobody is signed in", func(t *testing.T) {
		b := s.browser()
		if r := b.signOut("/bye"); r.status != http.StatusSeeOther || r.header.Get("Location") != "/bye" {
			t.Errorf("by form: status %d, Location %q", r.status, r.header.Get("Location"))
		}
		if r := b.do("POST", "/auth/signOut?redirect=false", "", "X-CSRF-Token", b.csrf()); r.status != http.StatusUnauthorized {
			t.Errorf("as JSON: status %d\n%s", r.status, r.body)
		}
	})
	t.Run("refused", func(t *testing.T) {
		b := s.browser()
		b.signIn("demo-ada")
		foreign := s.browser().csrf()
		form := func(token ...string) url.Values { return url.Values{"csrfToken": token, "redirectTo": {"/bye"}} }
		for what, r := range map[string]reply{
			"no token":         b.post("/auth/signOut", form()),
			"another's token":  b.post("/auth/signOut", form(foreign)),
			"another site":     b.post("/auth/signOut", form(b.csrf()), "Origin", "https://evil.example"),
			"another site's":   b.post("/auth/signOut", form(b.csrf()), "Sec-Fetch-Site", "cross-site"),
			"by script":        b.do("POST", "/auth/signOut?redirect=false", ""),
			"by link":          b.get("/auth/signOut"),
			"two destinations": b.post("/auth/signOut?redirectTo=/x", form(b.csrf())),
		} {
			if strings.Contains(r.header.Get("Location"), s.idp.Issuer()) || strings.Contains(r.body, s.idp.Issuer()) {
				t.Errorf("%s: the refusal leads to the provider: %d %q\n%s", what, r.status, r.header.Get("Location"), r.body)
			}
			if len(r.written()) != 0 {
				t.Errorf("%s: the refusal writes %q", what, r.written())
			}
		}
		if b.subject() != "demo-ada" {
			t.Error("a refused sign-out has ended the session")
		}
	})
	t.Run("a target that is not ours", func(t *testing.T) {
		for _, target := range []string{"https://evil.example/", "//evil.example", "/auth/signOut", `/\evil.example`, ""} {
			b := s.browser()
			b.signIn("demo-ada")
			back := b.get(b.signOut(target).header.Get("Location"))
			wantBack(t, b.get(back.header.Get("Location")), "/")
		}
	})
}

func TestSignedOut(t *testing.T) {
	s := newLogoutRig(t, nil)
	b := s.browser()
	b.signIn("demo-ada")
	seal := func(info, payload string) string {
		sealed, err := testRing(t, testSecret).Box(info).Seal([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	wayBack := func(target string, age time.Duration) string {
		sealed, err := flow.WayBack{RedirectTo: target, Created: s.clock.now().Add(-age)}.Seal(testRing(t, testSecret).Box("aura:signed-out"))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	get := func(state ...string) reply { return b.get("/auth/signedOut?" + url.Values{"state": state}.Encode()) }
	good := wayBack("/bye", time.Minute)
	authorization := query(t, b.startAt("dev2", "/bye")).Get("state")
	flowCookie, before := b.cookies()[b.flows()[0]], cookieHeader(b.cookies())
	for what, r := range map[string]reply{
		"no state":                      b.get("/auth/signedOut"),
		"an empty one":                  get(""),
		"a forged one":                  get("x"),
		"one of ten minutes ago":        get(wayBack("/bye", 10*time.Minute)),
		"two of them":                   get(good, good),
		"one that is cut off":           get(good[:len(good)-2]),
		"the state of a sign-in":        get(authorization),
		"a flow's cookie":               get(flowCookie),
		"the session's cookie":          get(b.cookies()["aura-auth.session_token"]),
		"provider tokens":               get(b.cookies()["aura-auth.access_token.dev"]),
		"the same under the flows' key": get(seal("aura:flow", `{"v":1,"t":"/bye","c":`+strings.Repeat("9", 11)+`}`)),
		"another application's": get(func() string {
			x, _ := testRing(t, "another-secret-of-enough-length-0123456789").Box("aura:signed-out").Seal([]byte(`{"v":1,"t":"/bye","c":99999999999}`))
			return x
		}()),
		"off our origin, though sealed":  get(wayBack("https://evil.example/", 0)),
		"protocol-relative, sealed":      get(wayBack("//evil.example/", 0)),
		"one of our own routes, sealed":  get(wayBack("/auth/signIn/dev", 0)),
		"a script, sealed":               get(wayBack("javascript:alert(1)", 0)),
		"a header line, sealed":          get(wayBack("/x\r\nSet-Cookie: a=b", 0)),
		"redirectTo beside it, unsealed": b.get("/auth/signedOut?redirectTo=/elsewhere"),
	} {
		t.Run(what, func(t *testing.T) { wantBack(t, r, "/") })
	}
	wantBack(t, get(good), "/bye")
	wantBack(t, get(good), "/")
	wantBack(t, get(wayBack("https://trusted.example/bye", 0)), "https://trusted.example/bye")
	if cookieHeader(b.cookies()) != before || b.subject() != "demo-ada" {
		t.Error("coming back has changed cookies")
	}
	for _, method := range []string{"HEAD", "POST", "DELETE"} {
		if r := b.do(method, "/auth/signedOut?state="+wayBack("/bye", 0), ""); r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") != "GET, OPTIONS" {
			t.Errorf("%s: status %d, Allow %q", method, r.status, r.header.Get("Allow"))
		}
	}
	t.Run("there is no such route without AtProvider", func(t *testing.T) {
		if r := newRig(t, 1, nil).browser().get("/auth/signedOut"); r.status != http.StatusNotFound {
			t.Errorf("status %d", r.status)
		}
	})
}

func TestIDTokenHint(t *testing.T) {
	for _, discard := range []bool{false, true} {
		name := map[bool]string{false: "beside the tokens", true: "kept alone"}[discard]
		t.Run(name, func(t *testing.T) {
			change := func(_ string, c *aura.Config) {
				c.Providers[0].Logout = aura.LogoutConfig{AtProvider: true, SendIDTokenHint: true}
				c.ProviderTokens.Discard = discard
				c.Session.Expiration = aura.RollingExpiration
			}
			s := newRig(t, 2, change)
			b := s.browser()
			b.signIn("demo-ada")
			if b.subject() != "demo-ada" { // a renewal, which writes the cookie anew
				t.Fatal("not signed in")
			}
			if discard {
				for path, status := range map[string]int{"GET /auth/providers/dev": 200, "GET /auth/providers/dev/tokens": 401, "DELETE /auth/providers/dev": 401, "POST /auth/providers/dev/tokens/revoke": 401, "POST /auth/providers/dev/user/refresh": 401} {
					method, path, _ := strings.Cut(path, " ")
					r := b.do(method, path, "", "X-CSRF-Token", b.csrf())
					if r.status != status || r.json(t)["connected"] == true {
						t.Errorf("%s %s: status %d\n%s", method, path, r.status, r.body)
					}
				}
				s.clock.add(2 * time.Hour)
				held, _, err := testRing(t, testSecret).Box("aura:provider-tokens").Open(b.cookies()["aura-auth.access_token.dev"])
				if err != nil {
					t.Fatal(err)
				}
				for _, member := range []string{"accessToken", "refreshToken"} {
					if v, ok := claimsOf(t, held)[member].(string); ok && v != "" {
						t.Errorf("%s is kept: %s", member, held)
					}
				}
			}
			r := b.signOut("/bye")
			hint := wantAtProvider(t, s, r.header.Get("Location")).Get("id_token_hint")
			if strings.Count(hint, ".") != 2 || strings.Contains(s.log.String(), hint) {
				t.Fatalf("id_token_hint is %q, or has been logged", hint)
			}
			if len(b.cookies()) != 0 {
				t.Errorf("cookies are left: %v", b.cookies())
			}
			if back := b.get(r.header.Get("Location")); back.status >= 400 {
				t.Errorf("the provider refuses the hint: %d\n%s", back.status, back.body)
			}
			t.Run("of this session alone", func(t *testing.T) {
				ada, grace := s.browser(), s.browser()
				ada.signIn("demo-ada")
				grace.signIn("demo-grace")
				grace.plant("aura-auth.access_token.dev", ada.cookies()["aura-auth.access_token.dev"])
				if q := wantAtProvider(t, s, grace.signOut("/").header.Get("Location")); q.Has("id_token_hint") {
					t.Error("another session's ID token has been sent")
				}
			})
			t.Run("never of a linked account", func(t *testing.T) {
				s.deploy(func(url string, c *aura.Config) {
					change(url, c)
					c.Hooks.Link = (&linkBook{}).hook
				})
				b := s.browser()
				b.signIn("demo-ada")
				b.get(b.consent(b.startLink("dev"), "demo-grace"))
				r := b.signOut("/")
				q := wantAtProvider(t, s, r.header.Get("Location"))
				payload, err := base64.RawURLEncoding.DecodeString(strings.Split(q.Get("id_token_hint")+"..", ".")[1])
				if err != nil {
					t.Fatal(err)
				}
				if claims := claimsOf(t, payload); claims["sub"] != "demo-ada" {
					t.Errorf("the hint is of %v", claims["sub"])
				}
			})
		})
	}
	t.Run("discarded without a hint to send", func(t *testing.T) {
		s := newLogoutRig(t, func(c *aura.Config) { c.ProviderTokens.Discard = true })
		b := s.browser()
		b.signIn("demo-ada")
		if _, kept := b.cookies()["aura-auth.access_token.dev"]; kept {
			t.Error("tokens are kept")
		}
	})
}

// Whoever now has the provider's id in the configuration is not the one that
// signed the user in.
func TestSignOutAtAnotherIssuer(t *testing.T) {
	hint := func(_ string, c *aura.Config) {
		c.Providers[0].Logout = aura.LogoutConfig{AtProvider: true, SendIDTokenHint: true}
	}
	s := newRig(t, 2, hint)
	b := s.browser()
	b.signIn("demo-ada")
	s.deploy(func(url string, c *aura.Config) {
		hint(url, c)
		moved := provider.OIDC("dev", s.idps[1].Issuer())
		moved.ClientID, moved.ClientSecret, moved.Logout = s.idps[1].Client().ID, aura.Secret(s.idps[1].Client().Secret), c.Providers[0].Logout
		c.Providers = []aura.Provider{moved}
	})
	if r := b.signOut("/bye"); r.status != http.StatusSeeOther || r.header.Get("Location") != "/bye" || b.subject() != "" {
		t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
	}
}

// A provider that cannot be asked, or that has no such endpoint, keeps nobody
// signed in here.
func TestSignOutWithoutProvider(t *testing.T) {
	atProvider := func(_ string, c *aura.Config) { c.Providers[0].Logout.AtProvider = true }
	for what, test := range map[string]struct {
		fault  devidp.Fault
		logged string
	}{
		"unreachable":          {devidp.Fault{Name: "Down", Endpoint: devidp.Discovery, Hijack: func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }}, string(aura.CodeDiscoveryUnreachable)},
		"no such endpoint":     {devidp.Fault{Name: "NoEnd", Endpoint: devidp.Discovery, JSON: func(m map[string]any) { delete(m, "end_session_endpoint") }}, "endSessionUnsupported"},
		"an endpoint of files": {devidp.Fault{Name: "FileEnd", Endpoint: devidp.Discovery, JSON: func(m map[string]any) { m["end_session_endpoint"] = "file:///etc/passwd" }}, string(aura.CodeDiscoveryInvalid)},
	} {
		t.Run(what, func(t *testing.T) {
			s := newRig(t, 1, atProvider)
			b, script := s.browser(), s.browser()
			b.signIn("demo-ada")
			script.signIn("demo-ada")
			s.deploy(atProvider) // what was known about the provider is forgotten
			s.idp.Misbehave(test.fault)
			if r := b.signOut("/bye"); r.status != http.StatusSeeOther || r.header.Get("Location") != "/bye" || len(b.cookies()) != 0 {
				t.Errorf("by form: status %d, Location %q, cookies %v\n%s", r.status, r.header.Get("Location"), b.cookies(), r.body)
			}
			r := script.do("POST", "/auth/signOut?redirect=false&redirectTo=/bye", "", "X-CSRF-Token", script.csrf())
			if r.status != http.StatusAccepted || r.json(t)["redirectURL"] != "/bye" || len(script.cookies()) != 0 {
				t.Errorf("as JSON: status %d, cookies %v\n%s", r.status, script.cookies(), r.body)
			}
			if !strings.Contains(s.log.String(), test.logged) {
				t.Errorf("%s is not in the log:\n%s", test.logged, s.log)
			}
		})
	}
}

func TestEndSessionURL(t *testing.T) {
	s := newLogoutRig(t, nil)
	b := s.browser()
	b.signIn("demo-ada")
	request := func(b *browser) *http.Request {
		r, err := http.NewRequest(http.MethodPost, s.url+"/leave", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = strings.TrimPrefix(s.url, "http://")
		r.Header.Set("Cookie", cookieHeader(b.cookies()))
		r.Header.Set("X-CSRF-Token", b.csrf())
		return r
	}
	for what, r := range map[string]*http.Request{"bare": request(b), "behind Load": load(t, s.auth, request(b))} {
		address, err := s.auth.EndSessionURL(r, "/bye")
		if err != nil {
			t.Fatal(err)
		}
		state := wantAtProvider(t, s, address).Get("state")
		wantBack(t, b.get("/auth/signedOut?"+url.Values{"state": {state}}.Encode()), "/bye")
		if _, err := s.auth.SignOut(r); err != nil {
			t.Fatal(err)
		}
		if after, err := s.auth.EndSessionURL(r, "/bye"); what == "behind Load" && (err != nil || after != "") {
			t.Errorf("after SignOut: %q, %v", after, err)
		}
	}
	other := s.browser()
	other.get(other.consent(other.startAt("dev2", "/after"), "demo-ada"))
	for what, b := range map[string]*browser{"nobody": s.browser(), "not at this provider": other} {
		if address, err := s.auth.EndSessionURL(request(b), "/bye"); err != nil || address != "" {
			t.Errorf("%s: %q, %v", what, address, err)
		}
	}
}

func TestLogoutConfig(t *testing.T) {
	for field, change := range map[string]func(p *aura.Provider){
		"Logout.AtProvider": func(p *aura.Provider) { p.Logout.AtProvider = true },
		"Logout.SendIDTokenHint: only": func(p *aura.Provider) {
			p.Logout = aura.LogoutConfig{AtProvider: true, SendIDTokenHint: true}
			p.EndSessionEndpoint = "https://idp.example/logout"
		},
		"Logout.SendIDTokenHint: there": func(p *aura.Provider) { p.Logout.SendIDTokenHint = true },
	} {
		p := provider.GitHub()
		p.ClientID, p.ClientSecret = "id", "a-client-secret-of-github"
		change(&p)
		_, err := aura.New(aura.Config{Secrets: []aura.Secret{testSecret}, Salt: testSalt, Providers: []aura.Provider{p}})
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
