package aurahttp_test

import (
	"context"
	"net/http"
	"testing"

	aurahttp "github.com/aura-stack-go/auth/adapters/nethttp"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/adaptertest"
)

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, adaptertest.Adapter{Name: "aurahttp", Serve: serve})
}

// serve builds the suite's application as a user of net/http would.
func serve(app adaptertest.App) (stop func(), err error) {
	mux := http.NewServeMux()
	aurahttp.Mount(mux, app.Auth) // a group is a longer base path here
	for _, route := range app.Routes {
		var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { route.Handle(&exchange{w, r}) })
		if route.Protect {
			h = aurahttp.Protect(app.Auth)(h)
		}
		if route.Require {
			h = aurahttp.Require(app.Auth)(h)
		}
		mux.Handle(route.Method+" "+route.Path, h)
	}
	var loaded http.Handler = mux
	if !app.WithoutLoad {
		loaded = aurahttp.Load(app.Auth)(mux)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{w, r}
		if app.Before != nil {
			app.Before(x)
		}
		loaded.ServeHTTP(w, x.r)
	})}
	go func() { _ = server.Serve(app.Listener) }()
	return func() { _ = server.Close() }, nil
}

type exchange struct {
	w http.ResponseWriter
	r *http.Request
}

func (x *exchange) Request() *http.Request         { return x.r }
func (x *exchange) Context() context.Context       { return x.r.Context() }
func (x *exchange) SetContext(ctx context.Context) { x.r = x.r.WithContext(ctx) }
func (x *exchange) Session() (*aura.Session, bool) { return aurahttp.Session(x.r) }
func (x *exchange) Apply(lines http.Header)        { aurahttp.Apply(x.w, lines) }
func (x *exchange) Form(name string) string        { return x.r.PostFormValue(name) }
func (x *exchange) Send(status int, body string) {
	x.w.WriteHeader(status)
	_, _ = x.w.Write([]byte(body))
}
