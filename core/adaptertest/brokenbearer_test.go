package adaptertest

import (
	"net/http"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// withoutBearer keeps the header from the core.
func withoutBearer(r *http.Request) { r.Header.Del("Authorization") }

var brokenBearers = []breakage{
	{"bearer", "passes a selection of headers", changed(withoutBearer)},
	{"bearer", "says what answers depend on by itself", func(a *reference) {
		a.apply = func(w http.ResponseWriter, lines http.Header) {
			lines = lines.Clone()
			if lines.Get("Vary") != "" {
				lines.Set("Vary", "Cookie")
			}
			aura.Apply(w.Header(), lines)
		}
	}},
	{"bearer: bogus", "drops what it takes for a bad Authorization", changed(func(r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), ".") {
			withoutBearer(r)
		}
	})},
	{"bearer: other origin", "takes bearer tokens for proof enough, and drops where the request is from", changed(func(r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			r.Header.Del("Origin")
			r.Header.Del("Sec-Fetch-Site")
		}
	})},
	{"bearer: repeated", "has one value per header", changed(func(r *http.Request) {
		if lines := r.Header["Authorization"]; len(lines) > 1 {
			r.Header["Authorization"] = lines[len(lines)-1:]
		}
	})},
	{"bearer: renewal", "lets no body through that holds a token", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			b := &buffered{header: http.Header{}}
			h(b, r)
			aura.Apply(w.Header(), b.header)
			w.Header().Del("Content-Length")
			w.WriteHeader(b.status)
			_, _ = w.Write([]byte(strings.ReplaceAll(b.body.String(), `"token":"`, `"secret":"`)))
		}
	}},
}
