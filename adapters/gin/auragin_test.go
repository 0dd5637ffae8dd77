package auragin_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	auragin "github.com/aura-stack-go/auth/adapters/gin"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/adaptertest"
	"github.com/gin-gonic/gin"
)

func TestAdapter(t *testing.T) {
	gin.SetMode(gin.TestMode)
	adaptertest.Run(t, adaptertest.Adapter{Name: "auragin", Serve: serve})
}

// serve builds the suite's application as a user of Gin would.
func serve(app adaptertest.App) (stop func(), err error) {
	r := gin.New()
	r.Use(gin.RecoveryWithWriter(io.Discard))
	if app.Before != nil {
		r.Use(func(c *gin.Context) { app.Before(exchange{c}) })
	}
	if !app.WithoutLoad {
		r.Use(auragin.Load(app.Auth))
	}
	if app.Group == "" {
		auragin.Mount(r, app.Auth)
	} else {
		auragin.Mount(r.Group(app.Group), app.Auth)
	}
	for _, route := range app.Routes {
		var handlers []gin.HandlerFunc
		if route.Require {
			handlers = append(handlers, auragin.Require(app.Auth))
		}
		if route.Protect {
			handlers = append(handlers, auragin.Protect(app.Auth))
		}
		r.Handle(route.Method, route.Path, append(handlers, func(c *gin.Context) { route.Handle(exchange{c}) })...)
	}
	server := &http.Server{Handler: r}
	go func() { _ = server.Serve(app.Listener) }()
	return func() { _ = server.Close() }, nil
}

type exchange struct{ c *gin.Context }

func (x exchange) Request() *http.Request         { return x.c.Request }
func (x exchange) Context() context.Context       { return x.c.Request.Context() }
func (x exchange) SetContext(ctx context.Context) { x.c.Request = x.c.Request.WithContext(ctx) }
func (x exchange) Session() (*aura.Session, bool) { return auragin.Session(x.c) }
func (x exchange) Apply(lines http.Header)        { auragin.Apply(x.c, lines) }
func (x exchange) Form(name string) string        { return x.c.PostForm(name) }
func (x exchange) Send(status int, body string)   { x.c.String(status, "%s", body) }
