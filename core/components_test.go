package aura_test

import (
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// auraSession renders by session: who is there, or the other branch; behind
// Load and without it; and it never renews, for a template sends no headers.
func TestSessionComponent(t *testing.T) {
	const text = `{{with auraSession .}}in:{{.User.Name}}:{{.Provider}}{{else}}out{{end}}`
	s := newSite(t, func(c *aura.Config) { c.Session.Expiration = aura.RollingExpiration })
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, renderForms(t, s.auth, text, r))
	})
	forged := s.seal(s.claims("u-1").with("name", `<script>alert(1)</script>`))
	for name, h := range map[string]http.Handler{"alone": page, "behind Load": behindLoad(s.auth, page)} {
		g := s.guest().on(s.serve(h))
		for cookie, want := range map[string]string{
			"": "out", s.seal(s.claims("u-1")): "in:Ada:gh", forged: "in:&lt;script&gt;alert(1)&lt;/script&gt;:gh",
			"garbage": "out", s.seal(s.claims("u-1").with("exp", s.clock.now().Unix())): "out",
		} {
			r := g.get("/page", "-Cookie", g.names.session+"="+cookie)
			if r.body != want {
				t.Errorf("%s: %q, want %q", name, r.body, want)
			}
			if name == "alone" && len(r.header["Set-Cookie"]) != 0 {
				t.Errorf("a template has renewed: %q", r.header["Set-Cookie"])
			}
		}
	}
	// What an earlier function of the same request did is what the page shows.
	g := s.member("u-1")
	s.inOneRequest(t, g, true, signOut, func(t *testing.T, a *aura.Auth, r *http.Request, _ func(http.Header)) {
		if got := renderForms(t, a, text, r); got != "out" {
			t.Errorf("after a sign-out the page shows %q", got)
		}
	})
	s.inOneRequest(t, s.member("u-1"), true,
		func(t *testing.T, a *aura.Auth, r *http.Request, apply func(http.Header)) {
			_, lines, err := a.UpdateSession(r, func(u *aura.User) error { u.Name = "Countess"; return nil })
			if err != nil {
				t.Error(err)
			}
			apply(lines)
		},
		func(t *testing.T, a *aura.Auth, r *http.Request, _ func(http.Header)) {
			if got := renderForms(t, a, text, r); got != "in:Countess:gh" {
				t.Errorf("after an update the page shows %q", got)
			}
		})
}

// A page that is asked for at a host that is not ours shows nobody signed in,
// and works, as it does behind Load: health checks ask by address.
func TestSessionComponentAtAnotherHost(t *testing.T) {
	s := newSite(t, nil)
	page, err := template.New("page").Funcs(s.auth.FuncMap()).Parse(`{{with auraSession .}}in{{else}}out{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "http://10.1.2.3/page", nil)
	r.Header.Set("Cookie", plainNames.session+"="+s.seal(s.claims("u-1")))
	for name, r := range map[string]*http.Request{"behind Load": load(t, s.auth, r), "alone": r} {
		var b strings.Builder
		if err := page.Execute(&b, r); err != nil || b.String() != "out" {
			t.Errorf("%s: %q, %v", name, b.String(), err)
		}
	}
}

// One button for each provider, in their order; parameters reach the provider,
// and those that are not allowed are refused when the page is rendered.
func TestSignInComponents(t *testing.T) {
	s := newSite(t, func(c *aura.Config) {
		c.Providers[0].AllowedParams = []string{"login_hint", "prompt"}
		second := ghProvider()
		second.ID, second.Name = "zz", "Second"
		c.Providers = append(c.Providers, second)
		c.Limits.SignIn.Limit, c.Limits.SignIn.Window = 1000, time.Minute
	})
	all := renderForms(t, s.auth, `{{auraSignInAll "/after?a=1&b=2"}}`, nil)
	one, two := renderForms(t, s.auth, `{{auraSignIn "gh" "/after?a=1&b=2"}}`, nil), renderForms(t, s.auth, `{{auraSignIn "zz" "/after?a=1&b=2"}}`, nil)
	if all != one+two || strings.Count(all, "<form") != 2 || !strings.Contains(one, "Git &amp; Hub") || strings.Contains(all, "script") {
		t.Errorf("all:\n%s\neach:\n%s\n%s", all, one, two)
	}
	if got := renderForms(t, newSite(t, func(c *aura.Config) {
		c.Providers = nil
		c.Credentials.Authorize = (&accounts{}).authorize
	}).auth, `[{{auraSignInAll "/"}}]`, nil); got != "[]" {
		t.Errorf("without providers: %s", got)
	}

	hint := `a"b@example.com&prompt=none`
	form := renderForms(t, s.auth, `{{auraSignIn "gh" "/after" "login_hint" . "prompt" "login"}}`, hint)
	values := url.Values{}
	for _, in := range inputTag.FindAllStringSubmatch(form, -1) {
		values.Set(in[1], strings.NewReplacer("&amp;", "&", "&#34;", `"`).Replace(in[2]))
	}
	action := formTag.FindStringSubmatch(form)
	if action == nil {
		t.Fatalf("no form in %s", form)
	}
	start := s.guest().get(action[1] + "?" + values.Encode())
	if q := query(t, start.header.Get("Location")); start.status != 302 || q.Get("login_hint") != hint || len(q["prompt"]) != 1 || q.Get("prompt") != "login" {
		t.Errorf("status %d, Location %q", start.status, start.header.Get("Location"))
	}

	for text, code := range map[string]aura.Code{
		`{{auraSignIn "gh" "/" "acr_values" "x"}}`:                     aura.CodeMalformed,
		`{{auraSignIn "gh" "/" "state" "x"}}`:                          aura.CodeMalformed,
		`{{auraSignIn "gh" "/" "login_hint" "x" "redirect_uri" "x"}}`:  aura.CodeMalformed,
		`{{auraSignIn "gh" "/" "client_id" "x"}}`:                      aura.CodeMalformed,
		`{{auraSignIn "gh" "/" "code_challenge" "x"}}`:                 aura.CodeMalformed,
		`{{auraSignIn "gh" "/" "redirectTo" "https://evil.example/"}}`: aura.CodeMalformed,
		`{{auraSignIn "gh" "/" "redirect" "false"}}`:                   aura.CodeMalformed,
		`{{auraSignIn "gh" "/" "moved" "1"}}`:                          aura.CodeMalformed,
		`{{auraSignIn "gh" "/" "" "x"}}`:                               aura.CodeMalformed,
		`{{auraSignIn "gh" "/" "Login_Hint" "x"}}`:                     aura.CodeMalformed,
		`{{auraSignIn "gh" "/" "login_hint"}}`:                         aura.CodeMalformed,
		`{{auraSignIn "zz" "/" "prompt" "x"}}`:                         aura.CodeMalformed,
		`{{auraSignIn "credentials" "/"}}`:                             aura.CodeUnknownProvider,
		`{{auraSignIn "" "/"}}`:                                        aura.CodeUnknownProvider,
	} {
		page, err := template.New("page").Funcs(s.auth.FuncMap()).Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := page.Execute(io.Discard, nil); aura.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", text, err, code)
		}
	}
}

// None of the components needs a looser policy than default-src 'self': no
// inline script, style or handler, and one script of our own.
func TestComponentsPolicy(t *testing.T) {
	s := newSite(t, nil)
	page := renderForms(t, s.auth, `{{auraScript}}{{auraSignInAll "/"}}{{auraSignOut "t" "/"}}`, nil)
	if strings.Count(page, "<script") != 1 || !strings.Contains(page, `<script type="module" src="/auth/client.js?v=`) || !strings.Contains(page, `"></script>`) {
		t.Errorf("the script of\n%s", page)
	}
	for _, bad := range []string{" on", "style", "javascript:", "http:", "https:", "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q:\n%s", bad, page)
		}
	}
}
