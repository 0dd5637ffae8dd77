// Package aurafiber is Aura Auth for Fiber (gofiber/fiber/v2). Fiber does not
// speak net/http; bridge.go translates, and README.md says what the application
// has to set.
package aurafiber

import (
	"context"
	"net/http"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/gofiber/fiber/v2"
)

// Mount registers the routes of auth, everything below its base path. On a
// group, the group's middleware runs on them; its prefix must be the beginning
// of the base path, or Mount panics. Mount on the application itself, not on one
// that is then mounted into another: that has a prefix which only Fiber knows.
func Mount(r fiber.Router, auth *aura.Auth) {
	path := auth.BasePath()
	if group, ok := r.(*fiber.Group); ok {
		path = auth.MountPath(group.Prefix)
	}
	serve := func(c *fiber.Ctx) error { return answer(c, auth.ServeHTTP) }
	r.All(path, serve)
	r.All(path+"/*", serve)
}

// Load returns middleware that puts the request's session, if there is one,
// into its user context for Session, and sends renewals. Requests without a
// session pass.
func Load(auth *aura.Auth) fiber.Handler { return with(auth, auth.Load) }

// Require returns middleware for routes that need a session. Without one, a
// page load is sent to the sign-in page and anything else gets 401 as JSON; the
// handlers behind it do not run. Methods that may change something must come
// from the application's own origin.
func Require(auth *aura.Auth) fiber.Handler { return with(auth, auth.Require) }

// with makes middleware of a look at the session.
func with(auth *aura.Auth, look func(*http.Request) (context.Context, http.Header, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx, lines, err := look(Request(c))
		Apply(c, lines)
		if err != nil {
			return Deny(c, auth, err)
		}
		c.SetUserContext(ctx)
		return c.Next()
	}
}

// Protect returns middleware that demands a CSRF token, in the X-CSRF-Token
// header or the form field csrfToken, of every method that may change something.
func Protect(auth *aura.Auth) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if err := auth.Verify(Request(c)); err != nil {
			return Deny(c, auth, err)
		}
		return c.Next()
	}
}

// Deny answers a request that a function of auth has returned an error for, as
// Require and Protect do.
func Deny(c *fiber.Ctx, auth *aura.Auth, err error) error {
	return answer(c, func(w http.ResponseWriter, r *http.Request) { auth.Deny(w, r, err) })
}

// Session returns the session that Load or Require found for this request.
func Session(c *fiber.Ctx) (*aura.Session, bool) { return aura.SessionFrom(c.UserContext()) }

// Apply sends header lines that a function of [aura.Auth] returned.
func Apply(c *fiber.Ctx, lines http.Header) {
	if len(lines) > 0 {
		header := responseHeader(c, lines)
		aura.Apply(header, lines)
		setResponseHeader(c, header)
	}
}
