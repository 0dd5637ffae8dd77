package adaptertest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// How long things live, and whom they belong to.
var lifeRows = []row{
	{"panic in a hook", "A panic in a hook is one failed request, answered 500 without a session; the process and the next request are well.", func(p *probe) {
		explode := true
		p.serve(func(cfg *aura.Config) {
			cfg.Providers[0].Profile = func(ctx context.Context, pr *aura.Profile) (aura.User, error) {
				if explode {
					panic("a hook has failed")
				}
				return aura.DefaultProfile(ctx, pr)
			}
		}, nil)
		c := p.client()
		r := c.get(c.start("/after"))
		p.want("callback", r, 500, string(aura.CodeServerError))
		if len(cookies(r, "aura-auth.session_token")) > 0 {
			p.errorf("the failed sign-in set a session")
		}
		explode = false
		c.signIn()
		p.want("the next sign-in", c.get("/public"), 200, "demo-ada")
	}},
	{"panic in a handler", "A panic in a handler behind Require is the framework's to answer; no cookie goes out with a success, and the next request is well.", func(p *probe) {
		p.serve(func(cfg *aura.Config) { cfg.Session.Expiration = aura.RollingExpiration }, func(app *App) {
			app.Routes = append(app.Routes, Route{Method: "GET", Path: "/explode", Require: true, Handle: func(Exchange) { panic("a handler has failed") }})
		})
		c := p.client()
		c.signIn()
		r, _ := p.raw("GET /explode HTTP/1.1\r\nHost: HOST\r\nCookie: aura-auth.session_token=" + p.mint("demo-ada", "") + "\r\nConnection: close\r\n\r\n")
		if r.status != 0 && r.status < 500 { // 0: the connection was closed
			p.errorf("status %d, want 500", r.status)
		}
		p.want("the next request", c.get("/private"), 200, "demo-ada")
	}},
	{"context ends", "The request's context, as Auth passes it on, has ended when the request has been answered: nothing that was started for it goes on.", func(p *probe) {
		// What Auth passes to hooks at a callback ends by itself. What it logs
		// with is the context that the adapter made.
		seen := make(contexts, 10)
		p.serve(func(cfg *aura.Config) { cfg.Logger = slog.New(seen) }, nil)
		p.want("refused callback", p.client().get(p.auth.BasePath()+"/callback/dev?state=x"), 400, string(aura.CodeStateInvalid))
		select {
		case <-(<-seen).Done():
		case <-time.After(patience / 4):
			p.errorf("the context of an answered request has not ended")
		}
	}},
	{"client leaves", "When the client leaves, the context that hooks get ends; where the framework cannot tell, it ends by its deadline.", func(p *probe) {
		if p.adapter.CannotSeeDisconnects {
			p.deadline()
			return
		}
		entered, left := make(chan struct{}), make(chan error, 1)
		p.serve(func(cfg *aura.Config) {
			cfg.Providers[0].Profile = func(ctx context.Context, _ *aura.Profile) (aura.User, error) {
				close(entered)
				select {
				case <-ctx.Done():
					left <- nil
				case <-time.After(patience / 4):
					left <- fmt.Errorf("the context has not ended although the client has left")
				}
				return aura.User{}, ctx.Err()
			}
		}, nil)
		c := p.client()
		ctx, leave := context.WithCancel(context.Background())
		req, err := http.NewRequestWithContext(ctx, "GET", c.start("/after"), nil)
		p.must(err)
		go func() { <-entered; leave() }()
		if resp, err := c.http.Do(req); err == nil {
			_ = resp.Body.Close()
		}
		select {
		case err := <-left:
			p.must(err)
		case <-time.After(patience):
			p.errorf("the hook was not reached")
		}
	}},
	{"strings are kept", "What the application keeps of a request is still the same when later requests have used the connection.", func(p *probe) {
		type kept struct{ path, query, host, header, cookie, subject, uri string }
		var mu sync.Mutex
		var all []kept
		var requests []*http.Request
		keep := func(x Exchange) {
			r := x.Request()
			k := kept{path: r.URL.Path, query: r.URL.RawQuery, host: r.Host, header: r.Header.Get("X-Keep"), uri: r.RequestURI}
			if len(r.Header["Cookie"]) > 0 {
				k.cookie = r.Header["Cookie"][0]
			}
			if s, ok := x.Session(); ok {
				k.subject = s.User.Subject
			}
			mu.Lock()
			all, requests = append(all, k), append(requests, r)
			mu.Unlock()
			x.Send(200, "kept")
		}
		p.serve(nil, func(app *App) {
			app.Routes = append(app.Routes, Route{Method: "GET", Path: "/keep/aaaa", Handle: keep}, Route{Method: "GET", Path: "/keep/bbbb", Handle: keep})
		})
		request := func(letter string, subject string) string {
			s := letter + letter + letter + letter
			return "GET /keep/" + s + "?q=" + s + " HTTP/1.1\r\nHost: HOST\r\nX-Keep: " + s +
				"\r\nCookie: aura-auth.session_token=" + p.mint(subject, "") + "\r\n\r\n"
		}
		first := request("a", "aaaa")
		p.pipeline(first, request("b", "bbbb"), request("b", "bbbb"), request("b", "bbbb"), request("b", "bbbb"))
		runtime.GC()
		mu.Lock()
		defer mu.Unlock()
		if len(all) != 5 {
			p.fatalf("%d of 5 requests arrived", len(all))
		}
		k := all[0]
		want := kept{path: "/keep/aaaa", query: "q=aaaa", host: p.addr, header: "aaaa", subject: "aaaa", uri: "/keep/aaaa?q=aaaa", cookie: k.cookie}
		if k != want {
			p.errorf("kept strings have changed: %+v, want %+v", k, want)
		}
		if !contains(first, k.cookie) {
			p.errorf("the kept cookie has changed")
		}
		r := requests[0]
		if got := r.Method + " " + r.RequestURI + " " + r.URL.String() + " " + r.Header.Get("X-Keep"); got != "GET /keep/aaaa?q=aaaa /keep/aaaa?q=aaaa aaaa" {
			p.errorf("the kept request has changed: %q", got)
		}
		fresh := r.WithContext(context.Background()) // look at the cookie anew
		if s, _, err := p.auth.GetSession(fresh); err != nil || s.User.Subject != "aaaa" {
			p.errorf("the kept request is no longer the first user's (%v)", err)
		}
	}},
	{"users are not mixed up", "10,000 requests of alternating users over shared connections: each sees its own user, before and after giving way to others, and who is nobody stays nobody.", func(p *probe) {
		p.serve(nil, func(app *App) {
			app.Routes = append(app.Routes, Route{Method: "GET", Path: "/twice", Handle: func(x Exchange) {
				before, there := x.Session()
				runtime.Gosched()
				after, stillThere := x.Session()
				if there != stillThere || there && before.User.Subject != after.User.Subject {
					x.Send(500, "the user has changed under way")
					return
				}
				who(x)
			}})
		})
		const users, requests, workers = 100, 10_000, 8 // the last user is anonymous
		tokens := make([]string, users)
		for i := range users - 1 {
			tokens[i] = p.mint(fmt.Sprintf("user-%d", i), "")
		}
		transport := &http.Transport{MaxIdleConnsPerHost: workers}
		defer transport.CloseIdleConnections()
		shared := &client{p, &http.Client{Transport: transport, Timeout: patience}}
		var wg sync.WaitGroup
		wrong := make(chan string, workers)
		for w := range workers {
			wg.Go(func() {
				for i := w; i < requests; i += workers {
					want := fmt.Sprintf("user-%d", i%users)
					if tokens[i%users] == "" {
						want = "nobody"
					}
					if got, err := shared.subject(tokens[i%users]); err != nil || got != want {
						wrong <- fmt.Sprintf("request %d: %q (%v), want %s", i, clip(got), err, want)
						return
					}
				}
			})
		}
		wg.Wait()
		close(wrong)
		for w := range wrong {
			p.errorf("%s", w)
		}
	}},
}

// contexts is a slog.Handler that keeps the contexts that it is called with.
type contexts chan context.Context

func (c contexts) Enabled(context.Context, slog.Level) bool { return true }
func (c contexts) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c contexts) WithGroup(string) slog.Handler            { return c }
func (c contexts) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "aura: request refused" {
		c <- ctx
	}
	return nil
}

// deadline looks at the context of a hook: nobody will cancel it, so there must
// be a time at which it ends.
func (p *probe) deadline() {
	limited := make(chan bool, 1)
	p.serve(func(cfg *aura.Config) {
		cfg.Providers[0].Profile = func(ctx context.Context, pr *aura.Profile) (aura.User, error) {
			_, ok := ctx.Deadline()
			limited <- ok
			return aura.DefaultProfile(ctx, pr)
		}
	}, nil)
	p.client().signIn()
	if !<-limited {
		p.errorf("the context of the hook has no deadline")
	}
}

// subject asks /twice who is signed in; it may be called from any goroutine.
func (c *client) subject(sealed string) (string, error) {
	req, err := http.NewRequest("GET", c.p.url+"/twice", nil)
	if err != nil {
		return "", err
	}
	if sealed != "" {
		req.Header.Set("Cookie", "aura-auth.session_token="+sealed)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	return readAll(resp.Body)
}
