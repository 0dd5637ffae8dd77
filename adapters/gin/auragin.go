// Package auragin is Aura Auth for Gin.
package auragin

import (
	"context"
	"net/http"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/gin-gonic/gin"
)

// Router is what Mount needs of Gin: an engine, or a group of it.
type Router interface {
	gin.IRoutes
	BasePath() string
}

// Mount registers the routes of auth, everything below its base path. On a
// group, the group's middleware runs on them; its prefix must be the beginning
// of the base path, or Mount panics.
func Mount(r Router, auth *aura.Auth) {
	path := auth.MountPath(r.BasePath())
	r.Any(path, gin.WrapH(auth))
	r.Any(path+"/*aura", gin.WrapH(auth))
}

// Load returns middleware that puts the request's session, if there is one,
// into its context for Session, and sends renewals. Requests without a session
// pass.
func Load(auth *aura.Auth) gin.HandlerFunc { return with(auth, auth.Load) }

// Require returns middleware for routes that need a session. Without one, a
// page load is sent to the sign-in page and anything else gets 401 as JSON; the
// handlers behind it do not run. Methods that may change something must come
// from the application's own origin.
func Require(auth *aura.Auth) gin.HandlerFunc { return with(auth, auth.Require) }

// with makes middleware of a look at the session.
func with(auth *aura.Auth, look func(*http.Request) (context.Context, http.Header, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx, lines, err := look(c.Request)
		Apply(c, lines)
		if err != nil {
			Deny(c, auth, err)
			return
		}
		c.Request = c.Request.WithContext(ctx)
	}
}

// Protect returns middleware that demands a CSRF token, in the X-CSRF-Token
// header or the form field csrfToken, of every method that may change something.
func Protect(auth *aura.Auth) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := auth.Verify(c.Request); err != nil {
			Deny(c, auth, err)
		}
	}
}

// Deny answers a request that a function of auth has returned an error for, as
// Require and Protect do, and stops the chain.
func Deny(c *gin.Context, auth *aura.Auth, err error) {
	auth.Deny(c.Writer, c.Request, err)
	c.Abort()
}

// Session returns the session that Load or Require found for this request.
func Session(c *gin.Context) (*aura.Session, bool) { return aura.SessionFrom(c.Request.Context()) }

// Apply sends header lines that a function of [aura.Auth] returned. It must run
// before the first byte of the body.
func Apply(c *gin.Context, lines http.Header) { aura.Apply(c.Writer.Header(), lines) }
