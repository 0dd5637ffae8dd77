package devidp_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/devidp"
)

// deadline cuts slow faults short. An honest answer takes a few milliseconds, and
// has far longer.
const deadline = 300 * time.Millisecond

func TestTransportFaults(t *testing.T) {
	p := start(t, fast())
	ask := map[devidp.Endpoint]func(ctx context.Context) answer{
		devidp.Discovery: func(ctx context.Context) answer {
			return do(ctx, "GET", base(p)+"/.well-known/openid-configuration", nil, nil)
		},
		devidp.JWKS: func(ctx context.Context) answer { return do(ctx, "GET", base(p)+"/jwks", nil, nil) },
		devidp.Token: func(ctx context.Context) answer {
			return do(ctx, "POST", base(p)+"/token", tokenRequest(p, newCode(t, p)), nil)
		},
	}
	access := newTokens(t, p).text("access_token")
	ask[devidp.UserInfo] = func(ctx context.Context) answer {
		return do(ctx, "GET", base(p)+"/userinfo", nil, http.Header{"Authorization": {"Bearer " + access}})
	}
	for _, f := range devidp.Faults() {
		_, way, ok := strings.Cut(f.Name, "/")
		if !ok {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			effect, ok := transportEffects()[way]
			if !ok {
				t.Fatal("the fault has no entry in transportEffects")
			}
			honest := ask[f.Endpoint](t.Context())
			if honest.status != 200 || honest.object() == nil || effect(honest) {
				t.Errorf("honest: %d %v; the check proves nothing", honest.status, honest.err)
			}
			p.Misbehave(f)
			defer p.Behave()
			ctx := t.Context()
			if f.Slow {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, deadline)
				defer cancel()
			}
			if a := ask[f.Endpoint](ctx); !effect(a) {
				t.Errorf("%s\nnot seen: %d %v %v %.200s", f.About, a.status, a.header, a.err, a.body)
			}
			for other, request := range ask {
				if other == f.Endpoint {
					continue
				}
				if a := request(t.Context()); a.status != 200 || a.object() == nil {
					t.Errorf("the fault at %s struck %s too: %d %v", f.Endpoint, other, a.status, a.err)
				}
			}
		})
	}
}

func transportEffects() map[string]func(answer) bool {
	timedOut := func(a answer) bool { return errors.Is(a.err, context.DeadlineExceeded) }
	return map[string]func(answer) bool{
		"status-500":     func(a answer) bool { return a.status == 500 },
		"status-429":     func(a answer) bool { return a.status == 429 && a.header.Get("Retry-After") != "" },
		"status-400":     func(a answer) bool { return a.status == 400 && a.text("error") != "" },
		"html":           func(a answer) bool { return a.status == 200 && strings.Contains(string(a.body), "<html>") },
		"invalid-json":   func(a answer) bool { return a.status == 200 && len(a.body) > 0 && a.object() == nil },
		"truncated-json": func(a answer) bool { return a.status == 200 && a.err == nil && len(a.body) > 0 && a.object() == nil },
		"empty":          func(a answer) bool { return a.status == 200 && a.err == nil && len(a.body) == 0 },
		"wrong-type": func(a answer) bool {
			return a.object() != nil && strings.HasPrefix(a.header.Get("Content-Type"), "text/plain")
		},
		"redirect-307": func(a answer) bool {
			return a.status == 307 && strings.Contains(a.header.Get("Location"), "trap/")
		},
		"reset":     func(a answer) bool { return a.err != nil && a.status == 0 && !timedOut(a) },
		"delay":     func(a answer) bool { return a.status == 0 && timedOut(a) },
		"stall":     func(a answer) bool { return a.status == 200 && len(a.body) == 0 && timedOut(a) },
		"drip":      func(a answer) bool { return a.status == 200 && len(a.body) == 1 && timedOut(a) },
		"huge":      func(a answer) bool { return a.status == 200 && len(a.body) == readLimit },
		"gzip-bomb": func(a answer) bool { return a.status == 200 && len(a.body) == readLimit },
	}
}

// Whoever reads all of a padded answer gets the honest one: only a limit protects.
func TestPaddedAnswersAreHonest(t *testing.T) {
	p := start(t, fast())
	for _, f := range []devidp.Fault{devidp.Huge(devidp.Token, 1<<20), devidp.GzipBomb(devidp.Token, 1<<20), devidp.Delay(devidp.Token, time.Millisecond), devidp.Drip(devidp.Token, time.Microsecond)} {
		p.Misbehave(f)
		a := newTokens(t, p)
		if a.text("access_token") == "" || a.err != nil {
			t.Errorf("%s: %.100s %v", f.Name, a.body, a.err)
		}
	}
}

// A client that follows a redirect gets what it wanted, and is seen.
func TestTrap(t *testing.T) {
	p := start(t, devidp.Config{SigningAlg: "ES256", Issuer: "http://127.0.0.1:0/tenant/"})
	access := newTokens(t, p).text("access_token")
	tests := []struct {
		endpoint devidp.Endpoint
		request  func() (*http.Response, error)
	}{
		{devidp.Discovery, func() (*http.Response, error) { return http.Get(base(p) + "/.well-known/openid-configuration") }},
		{devidp.JWKS, func() (*http.Response, error) { return http.Get(base(p) + "/jwks") }},
		{devidp.Token, func() (*http.Response, error) {
			return http.PostForm(base(p)+"/token", tokenRequest(p, newCode(t, p)))
		}},
		{devidp.UserInfo, func() (*http.Response, error) {
			r, err := http.NewRequestWithContext(t.Context(), "GET", base(p)+"/userinfo", nil)
			if err != nil {
				return nil, err
			}
			r.Header.Set("Authorization", "Bearer "+access)
			return http.DefaultClient.Do(r)
		}},
	}
	defer http.DefaultClient.CloseIdleConnections()
	for i, tt := range tests {
		p.Misbehave(devidp.Redirect(tt.endpoint, http.StatusTemporaryRedirect, ""))
		w, err := tt.request()
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Body.Close()
		if w.StatusCode != 200 || p.Counts().Trap != i+1 {
			t.Errorf("%s: %d, trap counted %d, want 200 and %d", tt.endpoint, w.StatusCode, p.Counts().Trap, i+1)
		}
	}
	p.Misbehave(devidp.Redirect(devidp.Token, 302, "http://127.0.0.1:9/elsewhere"))
	if a := post(t, base(p)+"/token", tokenRequest(p, "x")); a.status != 302 || a.header.Get("Location") != "http://127.0.0.1:9/elsewhere" {
		t.Errorf("redirect to a given URL: %d %s", a.status, a.header.Get("Location"))
	}
}
