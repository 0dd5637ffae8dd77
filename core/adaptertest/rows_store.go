package adaptertest

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/memstore"
)

// With a store: sessions that have ended, and a store that does not answer.
var storeRows = []row{
	{"store down", "When it cannot be told whether there is a session, Load and Require answer 503 with Retry-After, the handler does not run and no cookie is cleared; when the store is back, everything is as it was.", func(p *probe) {
		var ran atomic.Int32
		store := &failingStore{Store: memstore.New(nil)}
		p.serve(func(cfg *aura.Config) { cfg.Store = store }, func(app *App) {
			count(app, "GET", "/public", &ran)
			count(app, "GET", "/private", &ran)
		})
		c := p.client()
		c.signIn()
		csrf := c.csrf()
		store.down.Store(true)
		for what, call := range map[string]func() reply{
			"GET /public":  func() reply { return c.get("/public") },
			"GET /private": func() reply { return c.get("/private") },
			"a page":       func() reply { return c.get("/private", "Accept", "text/html") },
			"POST /change": func() reply { return c.post("/change", url.Values{"csrfToken": {csrf}}) },
			"sign-out":     func() reply { return c.do("POST", p.auth.BasePath()+"/signOut", "", "X-CSRF-Token", csrf) },
			"session":      func() reply { return c.get(p.auth.BasePath() + "/session") },
		} {
			r := call()
			p.want(what, r, 503, string(aura.CodeUnavailable))
			if r.header.Get("Retry-After") == "" || len(r.header["Set-Cookie"]) != 0 {
				p.errorf("%s: Retry-After %q, Set-Cookie %q", what, r.header.Get("Retry-After"), r.header["Set-Cookie"])
			}
		}
		if n := ran.Load(); n != 0 {
			p.errorf("handlers have run %d times", n)
		}
		store.down.Store(false)
		p.want("the store is back", c.get("/private"), 200, "demo-ada")
	}},
	{"ended session", "A session that has been ended elsewhere is none from the next request on, for Load, Require and the routes of Auth; others go on.", func(p *probe) {
		p.serve(func(cfg *aura.Config) { cfg.Store = memstore.New(nil) }, func(app *App) {
			auth := app.Auth
			app.Routes = append(app.Routes, Route{Method: "POST", Path: "/end", Require: true, Handle: func(x Exchange) {
				s, ok := x.Session()
				if !ok {
					x.Send(500, "no session behind Require")
					return
				}
				if err := auth.RevokeSession(x.Context(), s.ID); err != nil {
					x.Send(500, err.Error())
					return
				}
				x.Send(200, "ended")
			}})
		})
		c, other := p.client(), p.client()
		c.signIn()
		other.signIn()
		p.want("ending it", c.post("/end", nil), 200, "ended")
		p.want("GET /public", c.get("/public"), 200, "nobody")
		p.want("GET /private", c.get("/private"), 401, string(aura.CodeNoSession))
		p.want("session", c.get(p.auth.BasePath()+"/session"), 401, string(aura.CodeNoSession))
		p.want("another session", other.get("/private"), 200, "demo-ada")
	}},
	{"back-channel", "A provider's server posts a form without cookies, Origin or CSRF token, and it reaches the desk with its body: the user's sessions end with the next request; what is no logout token is 400 and ends nothing.", func(p *probe) {
		p.serve(func(cfg *aura.Config) {
			cfg.Store = memstore.New(nil)
			cfg.Providers[0].Logout.Backchannel = true
		}, nil)
		path := p.auth.BasePath() + "/backchannelLogout/dev"
		c := p.client()
		c.signIn()
		p.want("a bad token", p.client().post(path, url.Values{"logout_token": {"a.b.c"}}), 400, string(aura.CodeLogoutTokenInvalid))
		p.want("no form", p.client().do("POST", path, `{}`, "Content-Type", "application/json"), 415, string(aura.CodeUnsupportedMedia))
		p.want("GET", p.client().get(path), 405, string(aura.CodeMethodNotAllowed))
		p.want("after what was refused", c.get("/private"), 200, "demo-ada")
		notices, err := p.idp.EndSessions(context.Background(), "demo-ada")
		p.must(err)
		if len(notices) != 1 || notices[0].Status != 200 {
			p.errorf("the order of the provider: %+v, want one that is answered 200", notices)
		}
		p.want("GET /private", c.get("/private"), 401, string(aura.CodeNoSession))
		p.want("GET /public", c.get("/public"), 200, "nobody")
	}},
}

// A failingStore is down on command.
type failingStore struct {
	aura.Store
	down atomic.Bool
}

func (s *failingStore) Get(ctx context.Context, keys ...string) ([]aura.Record, error) {
	if s.down.Load() {
		return nil, errors.New("down")
	}
	return s.Store.Get(ctx, keys...)
}

func (s *failingStore) Put(ctx context.Context, r aura.Record) error {
	if s.down.Load() {
		return errors.New("down")
	}
	return s.Store.Put(ctx, r)
}
