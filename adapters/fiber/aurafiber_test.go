package aurafiber_test

import (
	"context"
	"net/http"
	"testing"

	aurafiber "github.com/aura-stack-go/auth/adapters/fiber"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/adaptertest"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"
)

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, adaptertest.Adapter{Name: "aurafiber", Serve: serve, CannotSeeDisconnects: true})
}

// serve builds the suite's application as a user of Fiber would.
func serve(app adaptertest.App) (stop func(), err error) {
	f := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	f.Use(recover.New())
	if app.Before != nil {
		f.Use(func(c *fiber.Ctx) error {
			app.Before(exchange{c})
			return c.Next()
		})
	}
	if !app.WithoutLoad {
		f.Use(aurafiber.Load(app.Auth))
	}
	if app.Group == "" {
		aurafiber.Mount(f, app.Auth)
	} else {
		aurafiber.Mount(f.Group(app.Group), app.Auth)
	}
	for _, route := range app.Routes {
		var handlers []fiber.Handler
		if route.Require {
			handlers = append(handlers, aurafiber.Require(app.Auth))
		}
		if route.Protect {
			handlers = append(handlers, aurafiber.Protect(app.Auth))
		}
		f.Add(route.Method, route.Path, append(handlers, func(c *fiber.Ctx) error {
			route.Handle(exchange{c})
			return nil
		})...)
	}
	go func() { _ = f.Listener(app.Listener) }()
	return func() { _ = f.Shutdown() }, nil
}

type exchange struct{ c *fiber.Ctx }

func (x exchange) Request() *http.Request         { return aurafiber.Request(x.c) }
func (x exchange) Context() context.Context       { return x.c.UserContext() }
func (x exchange) SetContext(ctx context.Context) { x.c.SetUserContext(ctx) }
func (x exchange) Session() (*aura.Session, bool) { return aurafiber.Session(x.c) }
func (x exchange) Apply(lines http.Header)        { aurafiber.Apply(x.c, lines) }
func (x exchange) Form(name string) string        { return x.c.FormValue(name) }
func (x exchange) Send(status int, body string)   { _ = x.c.Status(status).SendString(body) }
