package aura_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// FL-19, DO-17: sizes and counts.
func TestCallbackOversized(t *testing.T) {
	s := newRig(t, 1, nil)
	b := s.browser()
	state := query(t, b.start("/after")).Get("state")
	cookies := cookieHeader(b.cookies())
	for name, raw := range map[string]string{
		"FL-19 a code of 100 KiB":      "state=" + state + "&code=" + strings.Repeat("c", 100<<10),
		"FL-19 a code of 9 KiB":        "state=" + state + "&iss=" + url.QueryEscape(s.idp.Issuer()) + "&code=" + strings.Repeat("c", 9<<10),
		"FL-19 a state of 1 MiB":       "code=c&state=" + strings.Repeat("s", 1<<20),
		"FL-19 semicolons":             "state=" + state + ";code=c",
		"DO-17 10,001 parameters":      "state=" + state + "&code=c" + strings.Repeat("&a", 10001),
		"DO-17 10,001 empty ones":      "state=" + state + "&code=c" + strings.Repeat("&", 10001),
		"FL-19 a broken escape":        "state=" + state + "&code=%zz",
		"FL-19 a broken escape, twice": "state=%&code=%",
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := direct(s.auth, "/auth/callback/dev", func(req *http.Request) {
				req.URL.RawQuery = raw
				req.Header.Set("Cookie", cookies)
			})
			runtime.ReadMemStats(&after)
			if !slices.Contains([]int{400, 414, 431}, r.status) || r.code(t) == "" {
				t.Errorf("status %d\n%.300s", r.status, r.body)
			}
			r.wantNoSession(t)
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
				t.Errorf("%d bytes were allocated", used)
			}
		})
	}
	if s.tokenCalls() != 0 {
		t.Errorf("%d token calls", s.tokenCalls())
	}
}

// FL-21, FL-23: other methods and other names.
func TestCallbackRoute(t *testing.T) {
	s := newRig(t, 1, nil)
	t.Run("FL-21 other methods", func(t *testing.T) {
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		for _, method := range []string{"HEAD", "POST", "PUT", "DELETE", "PATCH"} {
			r := b.do(method, callback, "")
			if r.status != 405 || r.header.Get("Allow") != "GET, OPTIONS" || len(r.written()) != 0 {
				t.Errorf("%s: status %d, Allow %q, cookies %q", method, r.status, r.header.Get("Allow"), r.written())
			}
		}
		if r := b.do("OPTIONS", callback, ""); r.status != 204 || len(r.written()) != 0 {
			t.Errorf("OPTIONS: status %d", r.status)
		}
		if r := b.get(callback); r.status != 302 {
			t.Errorf("the state was consumed: status %d\n%s", r.status, r.body)
		}
	})
	t.Run("FL-23 unknown providers", func(t *testing.T) {
		for _, id := range []string{
			"nope", "__proto__", "constructor", "%2e%2e", "DEV", "dev%20", "%64ev", "dev%00", "dev/", "dev/x", "", "credentials", strings.Repeat("zz", 5<<10),
		} {
			for _, route := range []string{"signIn", "callback"} {
				r := rawExchange(t, s.url, "GET /auth/"+route+"/"+id+"?state=a&code=b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
				if r.status != 404 || r.code(t) == "" || len(r.written()) != 0 {
					t.Errorf("%s/%.20s: status %d", route, id, r.status)
				}
				if id != "" && strings.Contains(r.body, id) {
					t.Errorf("%s/%.20s: the answer repeats it", route, id)
				}
			}
		}
	})
}

// FL-28, FL-29: the token endpoint.
func TestCallbackToken(t *testing.T) {
	s := newRig(t, 1, nil)
	for _, f := range []devidp.Fault{
		devidp.NoAccessToken, devidp.EmptyAccessToken, devidp.TokenTypeMissing, devidp.TokenTypeMAC, devidp.NoIDToken,
	} {
		t.Run("FL-28 "+f.Name, func(t *testing.T) {
			s.idp.Misbehave(f)
			b := s.browser()
			r := b.get(b.consent(b.start("/after"), "demo-ada"))
			if r.status != 502 && r.status != 401 || r.code(t) == "" || b.subject() != "" {
				t.Errorf("status %d, signed in as %q\n%s", r.status, b.subject(), r.body)
			}
			r.wantNoSession(t)
		})
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run("FL-29 redirect "+http.StatusText(status), func(t *testing.T) {
			var visits atomic.Int32
			evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
			defer evil.Close()
			s.idp.Misbehave(devidp.Redirect(devidp.Token, status, evil.URL))
			b, calls := s.browser(), s.tokenCalls()
			b.get(b.consent(b.start("/after"), "demo-ada")).wantRefusal(t, 502, aura.CodeTokenRejected)
			if visits.Load() != 0 || s.tokenCalls()-calls != 1 {
				t.Errorf("%d visits at the other host, %d token calls", visits.Load(), s.tokenCalls()-calls)
			}
		})
	}
}
