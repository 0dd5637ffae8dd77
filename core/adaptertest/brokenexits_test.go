package adaptertest

import (
	"net/http"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// What goes to providers and comes back from them.
var brokenExits = []breakage{
	{"form post", "refuses posts of other sites by itself", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			if r.Method == http.MethodPost && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
				http.Error(w, "Forbidden", http.StatusForbidden)
				return
			}
			h(w, r)
		}
	}},
	{"form post", "sends one of the cookies of an answer", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		b.send(w, func(dst, src http.Header) { set(w, src) })
	})},
	{"form post", "sends callbacks to the handler of GET", changed(func(r *http.Request) {
		if strings.Contains(r.URL.Path, "/callback/") {
			r.Method = http.MethodGet
		}
	})},
	{"form post read before", "makes a new request of one that has been read", changed(func(r *http.Request) { r.Form, r.PostForm = nil, nil })},
	{"link", "forwards a list of routes, which has no link", func(a *reference) {
		a.mount = func(g group) {
			for _, path := range []string{"/csrfToken", "/session", "/signIn/", "/callback/", "/signOut"} {
				g.mux.Handle(a.app.Auth.BasePath()+path, a.app.Auth)
			}
		}
	}},
	{"link", "hides the session from callbacks", changed(func(r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/callback/second") {
			r.Header.Set("Cookie", strings.ReplaceAll(r.Header.Get("Cookie"), "aura-auth.session_token=", "session="))
		}
	})},
	{"sign-out at the provider", "redirects within its own host alone", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		if target := b.header.Get("Location"); r.Method == http.MethodPost && strings.Contains(target, "://") {
			b.header.Set("Location", "/")
		}
		b.send(w, aura.Apply)
	})},
	{"sign-out at the provider", "cuts the query off redirects", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		if target, _, found := strings.Cut(b.header.Get("Location"), "?"); found && r.Method == http.MethodPost {
			b.header.Set("Location", target)
		}
		b.send(w, aura.Apply)
	})},
	{"signed out", "has one status for redirects", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		if b.status == http.StatusSeeOther && r.Method == http.MethodGet {
			b.status = http.StatusFound
		}
		b.send(w, aura.Apply)
	})},
	{"signed out", "answers HEAD as GET, for every route", changed(func(r *http.Request) {
		if r.Method == http.MethodHead {
			r.Method = http.MethodGet
		}
	})},
}
