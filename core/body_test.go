package aura_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// contentTypes is the table of docs/wire.md: what a body may be, on each route.
func contentTypes(t *testing.T, s *site) {
	const body = `{"user":{"name":"X"}}`
	for _, test := range []struct {
		name    string
		method  string
		path    string
		header  []string // without the token
		body    string
		token   string // "good", "wrong", or none
		status  int
		code    aura.Code
		chunked bool
	}{
		{"JSON", "PATCH", "/auth/session", []string{"Content-Type", "application/json"}, body, "good", 200, "", false},
		{"JSON with a charset", "PATCH", "/auth/session", []string{"Content-Type", "application/json; charset=utf-8"}, body, "good", 200, "", false},
		{"JSON in upper case", "PATCH", "/auth/session", []string{"Content-Type", "Application/JSON"}, body, "good", 200, "", false},
		{"text/plain with the token", "PATCH", "/auth/session", []string{"Content-Type", "text/plain;charset=UTF-8"}, body, "good", 200, "", false},
		{"text/plain without a token", "PATCH", "/auth/session", []string{"Content-Type", "text/plain"}, body, "", 415, aura.CodeUnsupportedMedia, false},
		{"text/plain with a wrong token", "PATCH", "/auth/session", []string{"Content-Type", "text/plain"}, body, "wrong", 403, aura.CodeCSRFMismatch, false},
		{"text/plain on signOut without a token", "POST", "/auth/signOut", []string{"Content-Type", "text/plain"}, `{}`, "", 415, aura.CodeUnsupportedMedia, false},
		{"no body, no type", "PATCH", "/auth/session", nil, "", "good", 200, "", false},
		{"no body, any type", "PATCH", "/auth/session", []string{"Content-Type", "image/png"}, "", "good", 200, "", false},
		{"no type", "PATCH", "/auth/session", nil, body, "good", 415, aura.CodeUnsupportedMedia, false},
		{"empty type", "PATCH", "/auth/session", []string{"Content-Type", ""}, body, "good", 415, aura.CodeUnsupportedMedia, false},
		{"two types", "PATCH", "/auth/session", []string{"Content-Type", "application/json", "Content-Type", "text/plain"}, body, "good", 415, aura.CodeUnsupportedMedia, false},
		{"a longer name", "PATCH", "/auth/session", []string{"Content-Type", "application/jsonx"}, body, "good", 415, aura.CodeUnsupportedMedia, false},
		{"another JSON", "PATCH", "/auth/session", []string{"Content-Type", "application/ld+json"}, body, "good", 415, aura.CodeUnsupportedMedia, false},
		{"JSON in a parameter", "PATCH", "/auth/session", []string{"Content-Type", "text/html; x=application/json"}, body, "good", 415, aura.CodeUnsupportedMedia, false},
		{"JSON after a comma", "PATCH", "/auth/session", []string{"Content-Type", "text/html, application/json"}, body, "good", 415, aura.CodeUnsupportedMedia, false},
		{"multipart", "PATCH", "/auth/session", []string{"Content-Type", "multipart/form-data; boundary=x"}, "--x--", "good", 415, aura.CodeUnsupportedMedia, false},
		{"multipart on the form route", "POST", "/auth/signOut", []string{"Content-Type", "multipart/form-data; boundary=x"}, "--x--", "good", 415, aura.CodeUnsupportedMedia, false},
		{"a form on another route", "PATCH", "/auth/session", []string{"Content-Type", formType}, "name=X", "good", 415, aura.CodeUnsupportedMedia, false},
		{"compressed", "PATCH", "/auth/session", []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, body, "good", 415, aura.CodeUnsupportedMedia, false},
		{"not compressed, said so", "PATCH", "/auth/session", []string{"Content-Type", "application/json", "Content-Encoding", "identity"}, body, "good", 200, "", false},

		{"malformed", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, `{"user":`, "good", 400, aura.CodeMalformed, false},
		{"trailing data", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, `{}{}`, "good", 400, aura.CodeMalformed, false},
		{"trailing garbage", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, `{} x`, "good", 400, aura.CodeMalformed, false},
		{"trailing space", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, "{}\r\n\t ", "good", 200, "", false},
		{"an array", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, `[{}]`, "good", 400, aura.CodeMalformed, false},
		{"null", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, `null`, "good", 400, aura.CodeMalformed, false},
		{"a text", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, `"x"`, "good", 400, aura.CodeMalformed, false},
		{"a number", "POST", "/auth/signOut", []string{"Content-Type", jsonType}, `7`, "good", 400, aura.CodeMalformed, false},
		{"nested too deep", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, `{"a":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + `}`, "good", 400, aura.CodeMalformed, false},
		{"a redirectTo that is no text", "POST", "/auth/signOut", []string{"Content-Type", jsonType}, `{"redirectTo":7}`, "good", 400, aura.CodeMalformed, false},
		{"a form that is none", "POST", "/auth/signOut", []string{"Content-Type", formType}, "a=%zz", "good", 400, aura.CodeMalformed, false},

		{"64 KiB", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, sized(64 << 10), "good", 200, "", false},
		{"64 KiB, chunked", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, sized(64 << 10), "good", 200, "", true},
		{"a byte more", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, sized(64<<10 + 1), "good", 413, aura.CodeBodyTooLarge, false},
		{"a byte more, chunked", "PATCH", "/auth/session", []string{"Content-Type", jsonType}, sized(64<<10 + 1), "good", 413, aura.CodeBodyTooLarge, true},
		{"a byte more, any type", "PATCH", "/auth/session", []string{"Content-Type", "image/png"}, sized(64<<10 + 1), "good", 413, aura.CodeBodyTooLarge, false},
		{"a form of a byte more", "POST", "/auth/signOut", []string{"Content-Type", formType}, "a=" + strings.Repeat("b", 64<<10-1), "good", 413, aura.CodeBodyTooLarge, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := s.member("u-1")
			header := test.header
			switch test.token {
			case "good":
				header = append([]string{"X-CSRF-Token", g.csrf()}, header...)
			case "wrong":
				header = append([]string{"X-CSRF-Token", s.signCSRF(s.csrfClaims(""))}, header...)
			}
			if test.chunked {
				header = append([]string{"-Chunked", ""}, header...)
			}
			before := maps.Clone(g.cookies)
			r := g.do(test.method, test.path, test.body, header...)
			if r.status != test.status {
				t.Fatalf("status %d, want %d\n%.300s", r.status, test.status, r.body)
			}
			if test.code == "" {
				return
			}
			if r.code(t) != string(test.code) || !maps.Equal(before, g.cookies) {
				t.Errorf("code %s, want %s; cookies changed: %v", r.code(t), test.code, !maps.Equal(before, g.cookies))
			}
		})
	}
}

// sized is a JSON object of exactly n bytes that changes nothing.
func sized(n int) string { return `{"pad":"` + strings.Repeat("x", n-10) + `"}` }

// Form posts of pages without JavaScript, and scripts, signing out.
func TestSignOut(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Pages.SignIn = "/login?from=app" })
	wrong := s.signCSRF(s.csrfClaims("another"))
	const redirected = http.StatusSeeOther
	form := []string{"Content-Type", formType}
	for _, test := range []struct {
		name     string
		signedIn bool
		target   string
		header   []string // TOKEN stands for the right token
		body     string
		status   int
		location string
		body2    map[string]any // members of the JSON answer
		out      bool           // nobody is signed in afterwards
	}{
		{"form", true, "", form, "csrfToken=TOKEN", redirected, "/", nil, true},
		{"form with a target", true, "", form, "csrfToken=TOKEN&redirectTo=/bye?a%3Db", redirected, "/bye?a=b", nil, true},
		{"form with a target in the query", true, "?redirectTo=/bye", form, "csrfToken=TOKEN", redirected, "/bye", nil, true},
		{"form with an evil target", true, "", form, "csrfToken=TOKEN&redirectTo=//evil.example", redirected, "/", nil, true},
		{"form with the header", true, "", append([]string{"X-CSRF-Token", "TOKEN"}, form...), "a=b", redirected, "/", nil, true},
		{"form without a token", true, "", form, "redirectTo=/bye", redirected, "/login?from=app&error=CSRF_TOKEN_MISSING&redirectTo=%2Fbye", nil, false},
		{"form with a wrong token", true, "", form, "redirectTo=/bye&csrfToken=" + wrong, redirected, "/login?from=app&error=CSRF_TOKEN_MISMATCH&redirectTo=%2Fbye", nil, false},
		{"form with a wrong token and an evil target", true, "", form, "redirectTo=//evil.example&csrfToken=" + wrong, redirected, "/login?from=app&error=CSRF_TOKEN_MISMATCH", nil, false},
		{"form with two tokens", true, "", form, "csrfToken=TOKEN&csrfToken=" + wrong, redirected, "/login?from=app&error=CSRF_TOKEN_MISMATCH", nil, false},
		{"form with a wrong token and redirect=false", true, "?redirect=false", form, "csrfToken=" + wrong, 403, "", map[string]any{"success": false, "redirect": false, "redirectURL": nil}, false},
		{"form with redirect=false", true, "?redirect=false", form, "csrfToken=TOKEN&redirectTo=/bye", 202, "", map[string]any{"success": true, "redirect": false, "redirectURL": "/bye"}, true},
		{"empty form", true, "", form, "", redirected, "/login?from=app&error=CSRF_TOKEN_MISSING", nil, false},
		{"form of nobody", false, "", form, "redirectTo=/bye", redirected, "/bye", nil, true},
		{"form of nobody with a wrong token", false, "", form, "csrfToken=" + wrong, redirected, "/", nil, true},
		{"form of nobody with redirect=false", false, "?redirect=false", form, "", 202, "", map[string]any{"success": true, "redirectURL": nil}, true},

		{"script", true, "", []string{"X-CSRF-Token", "TOKEN"}, "", 202, "", map[string]any{"success": true, "redirect": false, "redirectURL": nil}, true},
		{"script with a target", true, "?redirectTo=/bye", []string{"X-CSRF-Token", "TOKEN"}, "", 302, "/bye", map[string]any{"success": true, "redirect": true, "redirectURL": nil}, true},
		{"script with an evil target", true, "?redirectTo=//evil.example", []string{"X-CSRF-Token", "TOKEN"}, "", 302, "/", map[string]any{"redirect": true}, true},
		{"script with a target in JSON", true, "", []string{"X-CSRF-Token", "TOKEN", "Content-Type", jsonType}, `{"redirectTo":"/bye"}`, 302, "/bye", map[string]any{"redirect": true}, true},
		{"script with redirect=FALSE", true, "?redirect=FALSE&redirectTo=/bye", []string{"X-CSRF-Token", "TOKEN"}, "", 202, "", map[string]any{"redirect": false, "redirectURL": "/bye"}, true},
		{"script with redirect=false and an evil target", true, "?redirect=off&redirectTo=//evil.example", []string{"X-CSRF-Token", "TOKEN"}, "", 202, "", map[string]any{"redirect": false, "redirectURL": "/"}, true},
		{"script with redirect=perhaps", true, "?redirect=perhaps", []string{"X-CSRF-Token", "TOKEN"}, "", 422, "", map[string]any{"success": false, "code": "UNPROCESSABLE_ENTITY"}, false},
		{"script of nobody, without a token: 403 before 401", false, "", nil, "", 403, "", map[string]any{"success": false}, true},
		{"script of nobody, with a token", false, "", []string{"X-CSRF-Token", "TOKEN"}, "", 401, "", map[string]any{"success": false, "redirect": false, "redirectURL": nil}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := s.guest()
			if test.signedIn {
				g = s.member("u-1")
			}
			token := g.csrf()
			header := make([]string, len(test.header))
			for i, h := range test.header {
				header[i] = strings.ReplaceAll(h, "TOKEN", token)
			}
			r := g.do("POST", "/auth/signOut"+test.target, strings.ReplaceAll(test.body, "TOKEN", url.QueryEscape(token)), header...)
			if r.status != test.status || r.header.Get("Location") != test.location {
				t.Fatalf("status %d, Location %q; want %d, %q\n%s", r.status, r.header.Get("Location"), test.status, test.location, r.body)
			}
			if test.body2 != nil {
				body := r.json(t)
				for name, want := range test.body2 {
					if got, ok := body[name]; !ok || got != want {
						t.Errorf("%s is %v, want %v", name, got, want)
					}
				}
			}
			if out := g.subject() == ""; out != test.out {
				t.Errorf("signed out: %v, want %v", out, test.out)
			}
			if test.status < 400 && test.out && !strings.Contains(test.location, "error=") && len(g.cookies) != 0 {
				t.Errorf("cookies are left: %v", g.cookies)
			}
		})
	}
}

// OR-06: a target that is given twice is refused, whichever is first, and
// nothing changes.
func TestRedirectToRepeated(t *testing.T) {
	s := newSite(t, nil)
	for _, test := range []struct{ method, target, body, kind string }{
		{"GET", "/auth/signIn/gh?redirectTo=/ok&redirectTo=//evil.example", "", ""},
		{"GET", "/auth/signIn/gh?redirectTo=//evil.example&redirectTo=/ok", "", ""},
		{"GET", "/auth/signIn/gh?redirectTo=/ok&redirectTo=/ok&redirect=false", "", ""},
		{"POST", "/auth/signOut?redirectTo=/ok&redirectTo=/x", "", ""},
		{"POST", "/auth/signOut?redirectTo=/ok", `{"redirectTo":"//evil.example"}`, jsonType},
		{"POST", "/auth/signOut?redirectTo=/ok", "redirectTo=/x", formType},
		{"POST", "/auth/signOut", "redirectTo=/ok&redirectTo=/x", formType},
		{"PATCH", "/auth/session?redirectTo=/ok&redirectTo=/x", `{}`, jsonType},
		{"PATCH", "/auth/session?redirectTo=/ok", `{"redirectTo":"/x"}`, jsonType},
	} {
		g := s.member("u-1")
		header := []string{"X-CSRF-Token", g.csrf()}
		if test.kind != "" {
			header = append(header, "Content-Type", test.kind)
		}
		before := maps.Clone(g.cookies)
		r := g.do(test.method, test.target, test.body, header...)
		if r.status != http.StatusBadRequest || r.code(t) != string(aura.CodeRedirectRepeated) || r.header.Get("Location") != "" || !maps.Equal(before, g.cookies) {
			t.Errorf("%s %s %s: status %d, code %s", test.method, test.target, test.body, r.status, r.code(t))
		}
	}
}
