package devidp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aura-stack-go/auth/core/devidp"
)

func openPage(t *testing.T, p *devidp.Provider, changes ...string) answer {
	t.Helper()
	a := get(t, base(p)+"/authorize?"+authRequest(p, changes...).Encode())
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("page: %d %s", a.status, a.body)
	}
	return a
}

func TestPage(t *testing.T) {
	p := start(t, fast())
	a := openPage(t, p)
	html := string(a.body)
	for _, want := range []string{
		"<title>Development sign-in: pick a user</title>", "<h1>Development sign-in: pick a user</h1>", `<html lang="en">`,
		`name="viewport"`, `method="post"`, "Ada Lovelace", "Grace Hopper", "alan@example.com (not verified)", "http://127.0.0.1:3000",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for piece, want := range map[string]int{"<form ": 1, `type="submit" name="user"`: 3, `name="cancel"`: 1, "<script": 0, "<img": 0, "style=": 0, "<h1": 1, "<main": 1} {
		if got := strings.Count(html, piece); got != want {
			t.Errorf("the page has %d of %q, want %d", got, piece, want)
		}
	}
	if handler := regexp.MustCompile(`<[^>]*\son\w+=`).FindString(html); handler != "" {
		t.Errorf("the page has an event handler: %s", handler)
	}
	policy := a.header.Get("Content-Security-Policy")
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(html)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy %q does not allow the page's style", policy)
	}
	if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "form-action") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("policy %q", policy)
	}
	if a.header.Get("Referrer-Policy") != "same-origin" || a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", a.header)
	}
	if strings.Contains(html, "the-nonce") || strings.Contains(html, "the-state") || strings.Contains(html, p.Client().Secret) {
		t.Error("the page shows what it need not")
	}
}

func TestPageOrdersByLoginHint(t *testing.T) {
	p := start(t, fast())
	for hint, first := range map[string]string{"": "demo-ada", "GRACE@example.com": "demo-grace", "demo-alan": "demo-alan", "alan turing": "demo-alan", "stranger": "demo-ada"} {
		a := openPage(t, p, "login_hint", hint)
		got := regexp.MustCompile(`name="user" value="([^"]+)"`).FindSubmatch(a.body)
		if got == nil || string(got[1]) != first {
			t.Errorf("login_hint %q: first is %q, want %s", hint, got, first)
		}
	}
}

func TestPageEscapes(t *testing.T) {
	p := start(t, devidp.Config{SigningAlg: "ES256", Users: []devidp.User{{Subject: `"><script>1</script>`, Name: "<script>2</script>"}}})
	if html := string(openPage(t, p).body); strings.Contains(html, "<script>") {
		t.Error("user names are not escaped")
	}
	refused := get(t, base(p)+"/authorize?"+authRequest(p, "client_id", "<script>3</script>").Encode())
	if strings.Contains(string(refused.body), "<script>") {
		t.Error("the client id is not escaped")
	}
}

func TestPick(t *testing.T) {
	p := start(t, fast())
	id := func() string { return string(requestID.FindSubmatch(openPage(t, p).body)[1]) }
	pick := func(form url.Values, header http.Header) answer {
		return do(t.Context(), "POST", base(p)+"/authorize/user", form, header)
	}
	used := id()
	if a := pick(url.Values{"request": {used}, "user": {"demo-grace"}}, http.Header{"Sec-Fetch-Site": {"same-origin"}}); a.status != http.StatusSeeOther || !strings.Contains(a.header.Get("Location"), "code=") {
		t.Errorf("pick: %d %s", a.status, a.body)
	}
	if a := pick(url.Values{"request": {used}, "user": {"demo-grace"}}, nil); a.status != http.StatusSeeOther {
		t.Errorf("a double click: %d", a.status)
	}
	a := pick(url.Values{"request": {id()}, "cancel": {"1"}}, nil)
	location, err := url.Parse(a.header.Get("Location"))
	if err != nil || location.Query().Get("error") != "access_denied" || location.Query().Get("state") != "the-state" || location.Query().Get("iss") != p.Issuer() {
		t.Errorf("cancel: %d %s", a.status, a.header.Get("Location"))
	}
	for name, form := range map[string]url.Values{
		"unknown request": {"request": {"x"}, "user": {"demo-ada"}},
		"no request":      {"user": {"demo-ada"}},
		"unknown user":    {"request": {id()}, "user": {"nobody"}},
		"no user":         {"request": {id()}},
	} {
		if a := pick(form, nil); a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
			t.Errorf("%s: %d %s, want a 400 page", name, a.status, a.header.Get("Location"))
		}
	}
	for _, header := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"http://attacker.example"}}} {
		if a := pick(url.Values{"request": {id()}, "user": {"demo-ada"}}, header); a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
			t.Errorf("%v: %d, want a 400 page", header, a.status)
		}
	}
}
