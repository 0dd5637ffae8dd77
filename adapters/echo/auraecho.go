// Package auraecho is Aura Auth for Echo (labstack/echo/v4).
package auraecho

import (
	"context"
	"net/http"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/labstack/echo/v4"
)

// Router is what Mount needs of Echo: an *echo.Echo, or an *echo.Group of it.
type Router interface {
	Any(path string, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) []*echo.Route
	Add(method, path string, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) *echo.Route
}

// probe is a route that no request reaches: a group tells its prefix only by the
// routes that are registered on it.
const probe = "/aura-mount-probe"

// Mount registers the routes of auth, everything below its base path. On a
// group, the group's middleware runs on them; its prefix must be the beginning
// of the base path, or Mount panics.
func Mount(r Router, auth *aura.Auth) {
	prefix := strings.TrimSuffix(r.Add("PROBE", probe, echo.NotFoundHandler).Path, probe)
	path, handler := auth.MountPath(prefix), echo.WrapHandler(auth)
	if strings.HasSuffix(prefix, "/") {
		path = path[1:] // Echo joins the two as they are
	}
	r.Any(path, handler)
	r.Any(path+"/*", handler)
}

// Load returns middleware that puts the request's session, if there is one,
// into its context for Session, and sends renewals. Requests without a session
// pass.
func Load(auth *aura.Auth) echo.MiddlewareFunc { return with(auth, auth.Load) }

// Require returns middleware for routes that need a session. Without one, a
// page load is sent to the sign-in page and anything else gets 401 as JSON; the
// handler does not run. Methods that may change something must come from the
// application's own origin.
func Require(auth *aura.Auth) echo.MiddlewareFunc { return with(auth, auth.Require) }

// with makes middleware of a look at the session.
func with(auth *aura.Auth, look func(*http.Request) (context.Context, http.Header, error)) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ctx, lines, err := look(c.Request())
			Apply(c, lines)
			if err != nil {
				return Deny(c, auth, err)
			}
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

// Protect returns middleware that demands a CSRF token, in the X-CSRF-Token
// header or the form field csrfToken, of every method that may change something.
func Protect(auth *aura.Auth) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := auth.Verify(c.Request()); err != nil {
				return Deny(c, auth, err)
			}
			return next(c)
		}
	}
}

// Deny answers a request that a function of auth has returned an error for, as
// Require and Protect do.
func Deny(c echo.Context, auth *aura.Auth, err error) error {
	auth.Deny(c.Response(), c.Request(), err)
	return nil
}

// Session returns the session that Load or Require found for this request.
func Session(c echo.Context) (*aura.Session, bool) { return aura.SessionFrom(c.Request().Context()) }

// Apply sends header lines that a function of [aura.Auth] returned. It must run
// before the first byte of the body.
func Apply(c echo.Context, lines http.Header) { aura.Apply(c.Response().Header(), lines) }
