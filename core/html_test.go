package aura_test

import (
	"html/template"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

const formsPage = `<!doctype html><title>Login</title>
{{range auraProviders}}<section id="{{.ID}}">{{auraSignIn .ID $.Back}}</section>{{end}}
{{auraSignOut .Token .Back}}`

func renderForms(t *testing.T, auth *aura.Auth, text string, data any) string {
	t.Helper()
	page, err := template.New("page").Funcs(auth.FuncMap()).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := page.Execute(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The forms carry what they are given, escaped, and nothing that needs script.
func TestForms(t *testing.T) {
	s := newSite(t, func(c *aura.Config) {
		c.BaseURL, c.BasePath = "https://app.example/shop", "/api/auth"
		c.Providers[0].Name = `<b>"Git" & 'Hub'</b>`
		second := ghProvider()
		second.ID, second.Name = "my-idp_2", ""
		c.Providers = append(c.Providers, second)
	})
	evil := `/a"><script>alert(1)</script>&b='`
	got := renderForms(t, s.auth, formsPage, map[string]any{"Token": `t"><script>`, "Back": evil})
	for _, want := range []string{
		`<section id="gh"><form action="/shop/api/auth/signIn/gh" method="get" class="aura-sign-in">`,
		`<button type="submit">Sign in with &lt;b&gt;&#34;Git&#34; &amp; &#39;Hub&#39;&lt;/b&gt;</button></form></section>`,
		`<section id="my-idp_2"><form action="/shop/api/auth/signIn/my-idp_2" method="get"`, `Sign in with my-idp_2</button>`,
		`<form action="/shop/api/auth/signOut" method="post" class="aura-sign-out">`,
		`<input type="hidden" name="csrfToken" value="t&#34;&gt;&lt;script&gt;">`,
		`<input type="hidden" name="redirectTo" value="/a&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;b=&#39;">`,
		`<button type="submit">Sign out</button></form>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks\n%s\n%s", want, got)
		}
	}
	for _, bad := range []string{"<script", "javascript:", " onclick", " style=", "ZgotmplZ", "client_secret", "gh-client"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if strings.Index(got, `id="gh"`) > strings.Index(got, `id="my-idp_2"`) {
		t.Error("the providers are not in their order")
	}
	if without := renderForms(t, s.auth, `{{auraSignIn "gh" ""}}{{auraSignOut "t" ""}}`, nil); strings.Contains(without, "redirectTo") {
		t.Errorf("without a target: %s", without)
	}
	// In a page that html/template escapes by context, a credential of the
	// provider cannot even be named.
	if got := renderForms(t, s.auth, `{{range auraProviders}}{{.ClientID}}{{.ClientSecret}}{{.TokenEndpoint}}|{{end}}`, nil); strings.Trim(strings.ReplaceAll(got, "[redacted]", ""), "|") != "" {
		t.Errorf("auraProviders shows %q", got)
	}
	page, err := template.New("page").Funcs(s.auth.FuncMap()).Parse(`{{auraSignIn "nope" "/"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Execute(io.Discard, nil); aura.CodeOf(err) != aura.CodeUnknownProvider {
		t.Errorf("an unknown provider: %v", err)
	}
}

var (
	formTag  = regexp.MustCompile(`<form action="([^"]+)" method="(get|post)"`)
	inputTag = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
)

// A page with these forms works without JavaScript: sign in through one, sign
// out through the other.
func TestFormsWork(t *testing.T) {
	s := newSite(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/auth/", s.auth)
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		token, lines, err := s.auth.CSRFToken(r)
		if err != nil {
			s.auth.Deny(w, r, err)
			return
		}
		aura.Apply(w.Header(), lines)
		_, _ = io.WriteString(w, renderForms(t, s.auth, formsPage, map[string]any{"Token": token, "Back": `/x?a=1&b="2"`}))
	})
	g := s.guest().on(s.serve(mux))
	submit := func(page string, n int) reply {
		t.Helper()
		parts := strings.Split(page, "<form")
		if len(parts) <= n {
			t.Fatalf("the page has no form %d:\n%s", n, page)
		}
		part := "<form" + parts[n]
		form := formTag.FindStringSubmatch(part)
		if form == nil {
			t.Fatalf("no form in %s", part)
		}
		values := url.Values{}
		for _, in := range inputTag.FindAllStringSubmatch(part, -1) {
			values.Set(in[1], strings.NewReplacer("&amp;", "&", "&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&#43;", "+").Replace(in[2]))
		}
		from := []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html"}
		if form[2] == "get" {
			return g.get(form[1]+"?"+values.Encode(), from...)
		}
		return g.form(form[1], values, append(from, "Origin", g.url)...)
	}
	start := submit(g.get("/login").body, 1)
	if start.status != http.StatusFound {
		t.Fatalf("sign-in form: status %d\n%s", start.status, start.body)
	}
	// The target holds a quotation mark, which no browser's address does: it is
	// refused, not mended.
	if r := g.get(callback(t, start.header.Get("Location"))); r.status != http.StatusFound || r.header.Get("Location") != "/" || g.subject() != "u-1" {
		t.Fatalf("callback: status %d, Location %q", r.status, r.header.Get("Location"))
	}
	out := submit(g.get("/login").body, 2)
	if out.status != http.StatusSeeOther || out.header.Get("Location") != "/" || g.subject() != "" || len(g.cookies) != 0 {
		t.Errorf("sign-out form: status %d, Location %q, cookies %v", out.status, out.header.Get("Location"), g.cookies)
	}
}

// The error page: what it says, what it must not say, and that it works under
// its own policy.
func TestErrorPage(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest()
	start := g.get("/auth/signIn/gh?redirectTo=%2Fa%3Fb%3D%27c%27")
	state := callback(t, start.header.Get("Location"))
	state = state[strings.Index(state, "state="):]
	r := g.get("/auth/callback/gh?"+state+"&error=access_denied&error_description="+url.QueryEscape("<script>alert(1)</script>")+"&error_uri=javascript:alert(1)", "Accept", "text/html")
	if r.status != http.StatusForbidden || r.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("status %d, %s", r.status, r.header.Get("Content-Type"))
	}
	for _, want := range []string{string(aura.CodeAccessDenied), `href="` + s.url + `/auth/signIn/gh?redirectTo=%2Fa%3Fb%3D%27c%27"`, `href="/"`, "<!doctype html>", `lang="en"`} {
		if !strings.Contains(r.body, want) {
			t.Errorf("the page lacks %q:\n%s", want, r.body)
		}
	}
	if strings.Contains(r.body, "script") || strings.Contains(r.body, "alert") {
		t.Errorf("the page reflects the request:\n%s", r.body)
	}
	policy := r.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "style-src 'sha256-") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "form-action") {
		t.Errorf("policy %q", policy)
	}

	own := newSite(t, func(c *aura.Config) { c.Pages.Error = "/oops?from=auth" })
	r = own.guest().get("/auth/callback/gh?state=x", "Accept", "text/html")
	if r.status != http.StatusSeeOther || r.header.Get("Location") != "/oops?from=auth&error=AUTH_CALLBACK_STATE_INVALID" {
		t.Errorf("a page of the application's own: status %d, Location %q", r.status, r.header.Get("Location"))
	}
	if r := own.guest().get("/auth/callback/gh?state=x", "Accept", "*/*"); r.status != http.StatusBadRequest || r.code(t) == "" {
		t.Errorf("for a script: status %d", r.status)
	}
	if r := own.guest().get("/auth/session", "Accept", "text/html"); r.status != http.StatusUnauthorized || r.json(t)["error"] == nil {
		t.Errorf("on a route that is no page: status %d", r.status)
	}
}
