package adaptertest

import (
	"net/http"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

var brokenHolds = []breakage{
	{"ten tabs", "keeps the first two flow cookies of a request", cookiesRead(func(pairs []string) []string {
		var kept []string
		for _, pair := range pairs {
			if !strings.HasPrefix(strings.TrimSpace(pair), "aura-auth.flow.") || len(kept) < 2 {
				kept = append(kept, pair)
			}
		}
		return kept
	})},
	{"rotation", "drops the header lines of Load", func(a *reference) {
		a.load = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, _, err := a.app.Auth.Load(a.translate(r))
				if err != nil {
					a.deny(w, r, err)
					return
				}
				next.ServeHTTP(w, r.WithContext(ctx))
			})
		}
	}},
	{"provider misbehaves", "signs the user out when a callback fails", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			b := &failing{ResponseWriter: w}
			h(b, r)
		}
	}},
	{"provider misbehaves", "answers failures in its own words", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			h(&failing{ResponseWriter: w, words: true}, r)
		}
	}},
}

// failing spoils answers from 400 on.
type failing struct {
	http.ResponseWriter
	words  bool
	failed bool
}

func (w *failing) WriteHeader(status int) {
	w.failed = status >= 400
	if w.failed && !w.words {
		aura.Apply(w.Header(), http.Header{"Set-Cookie": {"aura-auth.session_token=; Path=/; Max-Age=0; HttpOnly"}})
	}
	if w.failed && w.words {
		w.Header().Del("Content-Length")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *failing) Write(p []byte) (int, error) {
	if w.failed && w.words {
		_, err := w.ResponseWriter.Write([]byte("Something went wrong"))
		return len(p), err
	}
	return w.ResponseWriter.Write(p)
}
