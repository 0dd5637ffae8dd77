package adaptertest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/ratelimit"
)

// withPasswords turns on sign-in by password for one user, and sign-up.
func withPasswords(cfg *aura.Config) {
	cfg.Credentials.Authorize = func(_ context.Context, c aura.Credentials) (aura.User, error) {
		if c.Username != "ada" || c.Password != "right" {
			return aura.User{}, aura.ErrInvalidCredentials
		}
		return aura.User{Subject: "ada"}, nil
	}
	cfg.SignUp.Create = func(_ context.Context, form aura.SignUpForm) (aura.User, error) {
		if form.Field("name") == "" {
			return aura.User{}, aura.FieldErrors{"name": "is missing"}
		}
		return aura.User{Subject: "new-" + form.Field("name")}, nil
	}
}

// Further routes of Auth: what they read and send must arrive as it is.
var routeRows = []row{
	{"credentials", "User name and password arrive from a form and from JSON, spaces, plus signs and letters beyond ASCII included, and nothing but the right ones signs in.", func(p *probe) {
		var seen sync.Map
		p.serve(func(cfg *aura.Config) {
			withPasswords(cfg)
			authorize := cfg.Credentials.Authorize
			cfg.Credentials.Authorize = func(ctx context.Context, c aura.Credentials) (aura.User, error) {
				seen.Store(string(c.Password), true)
				return authorize(ctx, c)
			}
		}, nil)
		odd := "p+w d&=%2Bé\u2028"
		path := p.auth.BasePath() + "/signIn/credentials"
		c := p.client()
		csrf := c.csrf()
		r := c.post(path, url.Values{"username": {"ada"}, "password": {odd}, "csrfToken": {csrf}, "redirectTo": {"/after"}})
		p.want("wrong, by form", r, 303, "")
		if got, want := r.header.Get("Location"), "/login?error="+string(aura.CodeInvalidCredentials)+"&redirectTo=%2Fafter"; got != want {
			p.errorf("wrong, by form: Location %q, want %q", got, want)
		}
		if _, ok := seen.Load(odd); !ok {
			p.errorf("the password did not arrive as it was typed")
		}
		json := func(password, token string) reply {
			return c.do("POST", path+"?redirect=false", fmt.Sprintf(`{"username":"ada","password":%q}`, password),
				"Content-Type", "text/plain;charset=UTF-8", "X-CSRF-Token", token)
		}
		p.want("wrong, by script", json("wrong", csrf), 401, string(aura.CodeInvalidCredentials))
		p.want("with another token", json("right", csrf+"x"), 403, string(aura.CodeCSRFMismatch))
		p.want("nobody yet", c.get("/public"), 200, "nobody")
		p.want("right, by script", json("right", csrf), 200, `"success":true`)
		p.want("afterwards", c.get("/private"), 200, "ada")
	}},
	{"sign-up", "What is wrong with the fields of a sign-up reaches the client as 422 with details, and a good one signs in.", func(p *probe) {
		p.serve(withPasswords, nil)
		c := p.client()
		path, csrf := p.auth.BasePath()+"/signUp", c.csrf()
		p.want("without a name", c.do("POST", path, `{}`, "Content-Type", "application/json", "X-CSRF-Token", csrf), 422, `"name":{"code":"invalid_value","message":"is missing"}`)
		r := c.post(path, url.Values{"name": {"bob"}, "csrfToken": {csrf}, "redirectTo": {"/welcome"}})
		p.want("with one", r, 303, "")
		if got := r.header.Get("Location"); got != "/welcome" {
			p.errorf("Location %q, want /welcome", got)
		}
		p.want("afterwards", c.get("/private"), 200, "new-bob")
	}},
	{"provider routes", "The provider's tokens are there after the sign-in, are given out for the CSRF token alone, and are gone after DELETE.", func(p *probe) {
		p.serve(nil, nil)
		c := p.client()
		c.signIn()
		path := p.auth.BasePath() + "/providers/dev"
		p.want("connected", c.get(path), 200, `"connected":true`)
		p.want("tokens without a token", c.get(path+"/tokens"), 403, string(aura.CodeCSRFMissing))
		p.want("tokens", c.get(path+"/tokens", "X-CSRF-Token", c.csrf()), 200, `"accessToken":"`)
		p.want("tokens, another site", c.get(path+"/tokens", "X-CSRF-Token", c.csrf(), "Sec-Fetch-Site", "cross-site"), 403, string(aura.CodeOriginRejected))
		p.want("refresh", c.do("POST", path+"/user/refresh", "", "X-CSRF-Token", c.csrf()), 200, `"sub":"demo-ada"`)
		p.want("disconnect", c.do("DELETE", path, "", "X-CSRF-Token", c.csrf()), 200, `"success":true`)
		p.want("disconnected", c.get(path), 200, `"connected":false`)
		p.want("still signed in", c.get("/private"), 200, "demo-ada")
	}},
	{"browser module", "client.js is sent as a script that caches may keep, whole and with its tag; a browser that has it gets 304 and no body.", func(p *probe) {
		p.serve(nil, nil)
		c := p.client()
		r := c.get(p.auth.BasePath() + "/client.js")
		p.want("client.js", r, 200, "export")
		if kind, cache := r.header.Get("Content-Type"), r.header.Get("Cache-Control"); kind != "text/javascript; charset=utf-8" || !strings.HasPrefix(cache, "public, ") {
			p.errorf("Content-Type %q and Cache-Control %q", kind, cache)
		}
		again := c.get(p.auth.BasePath()+"/client.js", "If-None-Match", r.header.Get("ETag"))
		if again.status != http.StatusNotModified || again.body != "" || again.header.Get("Content-Type") != "" {
			p.errorf("with its tag: status %d, Content-Type %q, body %q, want an empty 304", again.status, again.header.Get("Content-Type"), clip(again.body))
		}
	}},
	{"limits", "Exactly as many attempts pass as the limit says, however many come at once, and whatever address their headers claim; the refusal says when to come back.", func(p *probe) {
		at := time.Now()
		p.serve(func(cfg *aura.Config) {
			withPasswords(cfg)
			cfg.Now = func() time.Time { return at }
			cfg.Limits.Credentials = ratelimit.Rule{Limit: 5, Window: time.Minute}
		}, nil)
		c := p.client()
		csrf := c.csrf()
		var allowed, refused atomic.Int32
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				spoofed := fmt.Sprintf("203.0.113.%d", i)
				r := c.do("POST", p.auth.BasePath()+"/signIn/credentials?redirect=false", `{"username":"ada","password":"wrong"}`,
					"Content-Type", "application/json", "X-CSRF-Token", csrf, "X-Forwarded-For", spoofed, "X-Real-IP", spoofed, "Forwarded", "for="+spoofed)
				switch {
				case r.status == http.StatusUnauthorized:
					allowed.Add(1)
				case r.status == http.StatusTooManyRequests && r.header.Get("Retry-After") != "" && r.header.Get("X-Ratelimit-Limit") == "5" && strings.Contains(r.body, `"retryAfter":`):
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		if allowed.Load() != 5 || refused.Load() != 55 {
			p.errorf("%d attempts passed and %d were refused, want 5 and 55", allowed.Load(), refused.Load())
		}
	}},
}
