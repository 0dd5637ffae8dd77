// Package aurahttp is Aura Auth for net/http. Its middleware has the shape that
// chi, gorilla/mux and most routers take, func(http.Handler) http.Handler, and
// [aura.Auth] is itself an http.Handler for everything below its base path:
//
//	aurahttp.Mount(mux, auth)                                // *http.ServeMux
//	r.Handle(auth.BasePath()+"/*", auth)                     // chi
//	r.PathPrefix(auth.BasePath() + "/").Handler(auth)        // gorilla/mux
package aurahttp

import (
	"context"
	"net/http"

	aura "github.com/aura-stack-go/auth/core"
)

// Mount registers the routes of auth, everything below its base path.
func Mount(mux *http.ServeMux, auth *aura.Auth) { mux.Handle(auth.BasePath()+"/", auth) }

// Load returns middleware that puts the request's session, if there is one,
// into its context for Session, and sends renewals. Requests without a session
// pass.
func Load(auth *aura.Auth) func(http.Handler) http.Handler { return with(auth, auth.Load) }

// Require returns middleware for routes that need a session. Without one, a
// page load is sent to the sign-in page and anything else gets 401 as JSON.
// Methods that may change something must come from the application's own origin.
func Require(auth *aura.Auth) func(http.Handler) http.Handler { return with(auth, auth.Require) }

// with makes middleware of a look at the session.
func with(auth *aura.Auth, look func(*http.Request) (context.Context, http.Header, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, lines, err := look(r)
			Apply(w, lines)
			if err != nil {
				Deny(w, r, auth, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// Protect returns middleware that demands a CSRF token, in the X-CSRF-Token
// header or the form field csrfToken, of every method that may change something.
func Protect(auth *aura.Auth) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := auth.Verify(r); err != nil {
				Deny(w, r, auth, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Deny answers a request that a function of auth has returned an error for, as
// Require and Protect do.
func Deny(w http.ResponseWriter, r *http.Request, auth *aura.Auth, err error) { auth.Deny(w, r, err) }

// Session returns the session that Load or Require found for this request.
func Session(r *http.Request) (*aura.Session, bool) { return aura.SessionFrom(r.Context()) }

// Apply sends header lines that a function of [aura.Auth] returned. It must run
// before the first byte of the body.
func Apply(w http.ResponseWriter, lines http.Header) { aura.Apply(w.Header(), lines) }
