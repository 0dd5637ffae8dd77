package devidp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// posted reads what a browser would post from a form_post page.
func posted(t *testing.T, a answer) url.Values {
	t.Helper()
	if a.status != http.StatusOK || !strings.Contains(string(a.body), `<form method="post" action="`+callback+`">`) {
		t.Fatalf("%d %s, want a form to %s", a.status, a.body, callback)
	}
	fields := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(string(a.body), -1) {
		fields.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return fields
}

func TestFormPost(t *testing.T) {
	p := start(t, fast())
	page := get(t, base(p)+"/authorize?"+authRequest(p, "response_mode", "form_post", "state", `"><script>`).Encode())
	id := requestID.FindSubmatch(page.body)
	if id == nil {
		t.Fatalf("%d %s", page.status, page.body)
	}
	choice := func(name, value string) answer {
		return post(t, base(p)+"/authorize/user", url.Values{"request": {string(id[1])}, name: {value}})
	}
	a := choice("user", "demo-ada")
	fields := posted(t, a)
	if fields.Get("state") != `"><script>` || fields.Get("iss") != p.Issuer() || len(fields) != 3 {
		t.Errorf("fields %v", fields)
	}
	if tokens := post(t, base(p)+"/token", tokenRequest(p, fields.Get("code"))); tokens.status != http.StatusOK {
		t.Errorf("token: %d %s", tokens.status, tokens.body)
	}
	if !regexp.MustCompile(`(?s)<noscript>.*<button type="submit">.*</noscript>`).Match(a.body) {
		t.Error("there is no button for browsers without scripts")
	}
	script := regexp.MustCompile(`<script>(.*)</script>`).FindSubmatch(a.body)
	sum := sha256.Sum256(script[1])
	if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", a.header)
	}
	if fields := posted(t, choice("cancel", "1")); fields.Get("error") != "access_denied" || fields.Has("code") {
		t.Errorf("cancel: %v", fields)
	}
	refused := posted(t, get(t, base(p)+"/authorize?"+authRequest(p, "response_mode", "form_post", "scope", "profile").Encode()))
	if refused.Get("error") != "invalid_scope" || refused.Get("state") != "the-state" {
		t.Errorf("an error came back as %v", refused)
	}
}

func TestApprovePost(t *testing.T) {
	p := start(t, fast())
	formPost := base(p) + "/authorize?" + authRequest(p, "response_mode", "form_post").Encode()
	query := base(p) + "/authorize?" + authRequest(p).Encode()
	to, form, err := p.ApprovePost(formPost, "demo-ada")
	if err != nil || to != callback || form.Get("code") == "" || form.Get("state") != "the-state" {
		t.Errorf("%s %v %v", to, form, err)
	}
	if _, err := p.Approve(formPost, "demo-ada"); err == nil {
		t.Error("Approve answered a request for form_post")
	}
	if _, _, err := p.ApprovePost(query, "demo-ada"); err == nil {
		t.Error("ApprovePost answered a request for query")
	}
	if _, _, err := p.ApprovePost(formPost, "nobody"); err == nil {
		t.Error("ApprovePost signed nobody in")
	}
}
