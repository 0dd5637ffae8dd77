package adaptertest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

var brokenRoutes = []breakage{
	{"credentials", "decodes a form before it hands it over", changed(func(r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			raw, _ := io.ReadAll(r.Body)
			decoded, _ := url.QueryUnescape(string(raw))
			r.Body = io.NopCloser(strings.NewReader(decoded))
		}
	})},
	{"sign-up", "answers failures in its own words", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			h(&failing{ResponseWriter: w, words: true}, r)
		}
	}},
	{"provider routes", "knows GET and POST alone", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			if r.Method == http.MethodDelete {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			h(w, r)
		}
	}},
	{"browser module", "forbids caching of everything", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) { h(&uncached{w}, r) }
	}},
	{"limits", "believes forwarding headers of anyone", changed(func(r *http.Request) {
		if spoofed := r.Header.Get("X-Forwarded-For"); spoofed != "" {
			r.RemoteAddr = spoofed + ":1"
		}
	})},
}

// uncached overrules what the core says about caching.
type uncached struct{ http.ResponseWriter }

func (w *uncached) WriteHeader(status int) {
	w.Header().Set("Cache-Control", "no-store")
	w.ResponseWriter.WriteHeader(status)
}
