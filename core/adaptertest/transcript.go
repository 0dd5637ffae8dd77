package adaptertest

import (
	_ "embed"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// golden is what the whole flow looks like, on every framework.
//
//go:embed testdata/transcript.txt
var golden string

var transcriptRows = []row{
	{"transcript", "The whole flow, status, headers, cookies and bodies, is the one that is recorded in testdata/transcript.txt: the same on every framework.", func(p *probe) {
		if got := p.transcript(); got != golden {
			p.errorf("the transcript differs:\n%s", difference(golden, got))
		}
	}},
}

// transcript drives the flow and writes down what was answered.
func (p *probe) transcript() string {
	p.serve(func(cfg *aura.Config) { cfg.Pages.Error = "/failed" }, nil)
	c := p.client()
	var b strings.Builder
	note := func(what string, r reply) reply {
		fmt.Fprintf(&b, "== %s\n%s\n", what, p.normal(r))
		return r
	}
	page, script := []string{"Accept", "text/html"}, []string{"Accept", "application/json"}
	note("GET /auth/session, anonymous", c.get("/auth/session", script...))
	note("GET /private, a script, anonymous", c.get("/private", script...))
	note("GET /private?tab=2, a page, anonymous", c.get("/private?tab=2", page...))
	note("GET /auth/signIn/dev?redirect=false", c.get("/auth/signIn/dev?redirect=false&redirectTo=%2Fafter", script...))
	start := note("GET /auth/signIn/dev", c.get("/auth/signIn/dev?redirectTo=%2Fafter", page...))
	callback, err := p.idp.Approve(start.header.Get("Location"), "demo-ada")
	p.must(err)
	note("GET /auth/callback/dev", c.get(callback, page...))
	note("GET /auth/callback/dev, a second time", c.get(callback, page...))
	note("GET /auth/session", c.get("/auth/session", script...))
	note("HEAD /auth/session", c.do("HEAD", "/auth/session", "", script...))
	note("OPTIONS /auth/session", c.do("OPTIONS", "/auth/session", ""))
	note("PUT /auth/session", c.do("PUT", "/auth/session", "", script...))
	note("GET /auth/nowhere", c.get("/auth/nowhere", script...))
	note("GET /private", c.get("/private", page...))
	csrf := c.csrf()
	note("PATCH /auth/session", c.do("PATCH", "/auth/session", `{"user":{"name":"Countess"}}`, "Content-Type", "application/json", "X-CSRF-Token", csrf))
	note("PATCH /auth/session, a field that may not be changed", c.do("PATCH", "/auth/session", `{"user":{"sub":"x"}}`, "Content-Type", "application/json", "X-CSRF-Token", csrf))
	note("POST /auth/signOut, a form without a token", c.post("/auth/signOut", url.Values{"redirectTo": {"/bye"}}, page...))
	note("POST /auth/signOut, a form", c.post("/auth/signOut", url.Values{"csrfToken": {csrf}, "redirectTo": {"/bye"}}, page...))
	note("POST /auth/signOut, a script, signed out", c.do("POST", "/auth/signOut?redirect=false", "", script...))
	return b.String()
}

// What differs from run to run is replaced by its name.
var (
	changing = []struct {
		form *regexp.Regexp
		name string
	}{
		{regexp.MustCompile(`127\.0\.0\.1(:|%3A)\d+`), "HOST"},
		{regexp.MustCompile(`"id":"[^"]+"`), `"id":"ID"`},
		{regexp.MustCompile(`"expires":"[^"]+"`), `"expires":"TIME"`},
		{regexp.MustCompile(`(state|nonce|code_challenge|code)=[A-Za-z0-9_-]{20,}`), "$1=RANDOM"},
		{regexp.MustCompile(`(aura-auth\.flow)\.[A-Za-z0-9_-]{16}=`), "$1.ID="},
		{regexp.MustCompile(`(?i)charset=utf-8`), "charset=utf-8"},
		{regexp.MustCompile(`=eyJ[A-Za-z0-9_.-]+`), "=TOKEN"},
		{regexp.MustCompile(`Max-Age=\d{3,}; Expires=[^;]+`), "Max-Age=SECONDS; Expires=TIME"},
	}
	// hop headers are the server's own, and lengths follow from the bodies.
	hop = []string{"Date", "Connection", "Content-Length", "Transfer-Encoding", "Keep-Alive"}
)

// normal writes a reply with sorted header lines.
func (p *probe) normal(r reply) string {
	var lines []string
	for name, values := range r.header {
		for _, value := range values {
			if !slices.Contains(hop, name) {
				lines = append(lines, name+": "+value)
			}
		}
	}
	slices.Sort(lines)
	text := fmt.Sprintf("%d\n%s\n\n%s\n", r.status, strings.Join(lines, "\n"), r.body)
	for _, c := range changing {
		text = c.form.ReplaceAllString(text, c.name)
	}
	return text
}

// difference shows the first lines that differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := at(w, i), at(g, i)
		if a != b {
			return fmt.Sprintf("line %d\nrecorded: %s\nanswered: %s", i+1, a, b)
		}
	}
	return ""
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}
