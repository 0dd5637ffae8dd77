package adaptertest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// A reference is an adapter for net/http that keeps the whole contract. It is
// made of functions, so that a test can break one of them and leave the rest.
type reference struct {
	app App

	// translate makes the request that functions of aura.Auth get.
	translate func(*http.Request) *http.Request
	// answer lets a handler of the core answer.
	answer func(http.ResponseWriter, *http.Request, http.HandlerFunc)
	// What adapters export.
	mount   func(group)
	load    func(http.Handler) http.Handler
	require func(http.Handler) http.Handler
	protect func(http.Handler) http.Handler
	session func(*http.Request) (*aura.Session, bool)
	apply   func(http.ResponseWriter, http.Header)
	// around wraps everything, as a framework does.
	around func(http.Handler) http.Handler
	// server adjusts the server.
	server func(*http.Server)
}

type look func(*http.Request) (context.Context, http.Header, error)

func newReference(app App) *reference {
	auth := app.Auth
	a := &reference{app: app}
	a.translate = func(r *http.Request) *http.Request { return r }
	a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) { h(w, a.translate(r)) }
	a.mount = func(g group) {
		routes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, auth.ServeHTTP) })
		path := auth.MountPath(g.prefix)
		g.handle(path, routes)
		g.handle(path+"/", routes)
	}
	a.load = func(next http.Handler) http.Handler { return a.with(auth.Load, next) }
	a.require = func(next http.Handler) http.Handler { return a.with(auth.Require, next) }
	a.protect = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := auth.Verify(a.translate(r)); err != nil {
				a.deny(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	a.session = func(r *http.Request) (*aura.Session, bool) { return aura.SessionFrom(r.Context()) }
	a.apply = func(w http.ResponseWriter, lines http.Header) { aura.Apply(w.Header(), lines) }
	a.around = func(h http.Handler) http.Handler { return h }
	a.server = func(*http.Server) {}
	return a
}

// with makes middleware of a look at the session.
func (a *reference) with(look look, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, lines, err := look(a.translate(r))
		a.apply(w, lines)
		if err != nil {
			a.deny(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (a *reference) deny(w http.ResponseWriter, r *http.Request, err error) {
	a.answer(w, r, func(w http.ResponseWriter, r *http.Request) { a.app.Auth.Deny(w, r, err) })
}

// A group is how this framework has groups: handlers below a prefix.
type group struct {
	mux    *http.ServeMux
	prefix string
}

func (g group) handle(path string, h http.Handler) { g.mux.Handle(g.prefix+path, h) }

// serve is what the test of an adapter passes to Run as Adapter.Serve.
func (a *reference) serve() (stop func(), err error) {
	mux := http.NewServeMux()
	a.mount(group{mux, strings.TrimSuffix(a.app.Group, "/")})
	for _, route := range a.app.Routes {
		var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { route.Handle(&exchange{a, w, r}) })
		if route.Protect {
			h = a.protect(h)
		}
		if route.Require {
			h = a.require(h)
		}
		mux.Handle(route.Method+" "+route.Path, h)
	}
	var loaded http.Handler = mux
	if !a.app.WithoutLoad {
		loaded = a.load(mux)
	}
	server := &http.Server{
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // panics are part of the contract
		Handler: a.around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x := &exchange{a, w, r}
			if a.app.Before != nil {
				a.app.Before(x)
			}
			loaded.ServeHTTP(w, x.r)
		})),
	}
	a.server(server)
	go func() { _ = server.Serve(a.app.Listener) }()
	return func() { _ = server.Close() }, nil
}

type exchange struct {
	a *reference
	w http.ResponseWriter
	r *http.Request
}

func (x *exchange) Request() *http.Request         { return x.a.translate(x.r) }
func (x *exchange) Context() context.Context       { return x.r.Context() }
func (x *exchange) SetContext(ctx context.Context) { x.r = x.r.WithContext(ctx) }
func (x *exchange) Session() (*aura.Session, bool) { return x.a.session(x.r) }
func (x *exchange) Apply(lines http.Header)        { x.a.apply(x.w, lines) }
func (x *exchange) Form(name string) string        { return x.r.PostFormValue(name) }
func (x *exchange) Send(status int, body string) {
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, body)
}
