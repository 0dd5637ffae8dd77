package adaptertest

import (
	"context"
	"net/http"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

var brokenStores = []breakage{
	{"store down", "takes an error of Load for no session", func(a *reference) {
		a.load = func(next http.Handler) http.Handler {
			return a.with(func(r *http.Request) (context.Context, http.Header, error) {
				ctx, lines, err := a.app.Auth.Load(r)
				if err != nil {
					return r.Context(), lines, nil
				}
				return ctx, lines, nil
			}, next)
		}
	}},
	{"store down", "takes every error of Require for no session", func(a *reference) {
		a.require = func(next http.Handler) http.Handler {
			return a.with(func(r *http.Request) (context.Context, http.Header, error) {
				ctx, lines, err := a.app.Auth.Require(r)
				if err != nil {
					err = aura.ErrNoSession
				}
				return ctx, lines, err
			}, next)
		}
		a.load = func(next http.Handler) http.Handler { return next }
	}},
	{"ended session", "remembers sessions by their cookie", func(a *reference) {
		seen := map[string]*aura.Session{}
		a.session = func(r *http.Request) (*aura.Session, bool) {
			if s, ok := aura.SessionFrom(r.Context()); ok {
				seen[r.Header.Get("Cookie")] = s
			}
			s, ok := seen[r.Header.Get("Cookie")]
			return s, ok
		}
	}},
	{"back-channel", "drops forms that come without cookies", func(a *reference) {
		a.around = func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "POST" && r.Header.Get("Cookie") == "" && strings.Contains(r.URL.Path, "/backchannelLogout/") {
					r.Body = http.NoBody
					r.Header.Del("Content-Type")
				}
				h.ServeHTTP(w, r)
			})
		}
	}},
}
