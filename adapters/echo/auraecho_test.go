package auraecho_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	auraecho "github.com/aura-stack-go/auth/adapters/echo"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/adaptertest"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, adaptertest.Adapter{Name: "auraecho", Serve: serve})
}

// serve builds the suite's application as a user of Echo would.
func serve(app adaptertest.App) (stop func(), err error) {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(middleware.Recover())
	if app.Before != nil {
		e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				app.Before(exchange{c})
				return next(c)
			}
		})
	}
	if !app.WithoutLoad {
		e.Use(auraecho.Load(app.Auth))
	}
	if app.Group == "" {
		auraecho.Mount(e, app.Auth)
	} else {
		auraecho.Mount(e.Group(app.Group), app.Auth)
	}
	for _, route := range app.Routes {
		var guards []echo.MiddlewareFunc
		if route.Require {
			guards = append(guards, auraecho.Require(app.Auth))
		}
		if route.Protect {
			guards = append(guards, auraecho.Protect(app.Auth))
		}
		e.Add(route.Method, route.Path, func(c echo.Context) error {
			route.Handle(exchange{c})
			return nil
		}, guards...)
	}
	server := &http.Server{Handler: e}
	go func() { _ = server.Serve(app.Listener) }()
	return func() { _ = server.Close() }, nil
}

type exchange struct{ c echo.Context }

func (x exchange) Request() *http.Request         { return x.c.Request() }
func (x exchange) Context() context.Context       { return x.c.Request().Context() }
func (x exchange) SetContext(ctx context.Context) { x.c.SetRequest(x.c.Request().WithContext(ctx)) }
func (x exchange) Session() (*aura.Session, bool) { return auraecho.Session(x.c) }
func (x exchange) Apply(lines http.Header)        { auraecho.Apply(x.c, lines) }
func (x exchange) Form(name string) string        { return x.c.FormValue(name) }
func (x exchange) Send(status int, body string)   { _ = x.c.String(status, body) }
