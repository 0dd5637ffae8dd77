package aura_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/ratelimit"
)

// peers is a server whose peers have the address that X-Peer says, as they have
// one on the network.
func peers(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer, ok := r.Header["X-Peer"]; ok {
			r.RemoteAddr = peer[0]
		}
		h.ServeHTTP(w, r)
	})
}

// spoofs are the headers in which an address can be claimed (HP-06).
func spoofs(i int) []string {
	ip := fmt.Sprintf("203.0.%d.%d", i/250, i%250)
	return []string{"X-Forwarded-For", ip, "X-Real-IP", ip, "CF-Connecting-IP", ip, "True-Client-IP", ip,
		"X-Client-IP", ip, "X-Cluster-Client-IP", ip, "Fly-Client-IP", ip, "Forwarded", "for=" + ip}
}

// CC-09, AC-09, HP-06: of attempts at once exactly as many pass as
// the rule says, whatever addresses they claim; the others are not even asked
// about.
func TestLimitsExact(t *testing.T) {
	credentials := func(name func(i int) string) func(i int) (string, string) {
		return func(i int) (string, string) {
			return "/auth/signIn/credentials", `{"username":"` + name(i) + `","password":"wrong"}`
		}
	}
	same := func(int) string { return "ada" }
	for _, test := range []struct {
		name   string
		tries  int
		limit  int // of the default rule
		passed int // the status of what passes
		send   func(i int) (target, body string)
		peer   func(i int) string
	}{
		{"account and address", 1000, 8, 401, credentials(same), nil},
		{"address", 300, 100, 401, credentials(func(i int) string { return "user-" + strconv.Itoa(i) }), nil},
		{"account, from anywhere", 300, 100, 401, credentials(same), func(i int) string { return fmt.Sprintf("198.51.%d.%d:1", i/250, i%250) }},
		{"IPv6 within one /64", 200, 8, 401, credentials(same), func(i int) string { return fmt.Sprintf("[2001:db8::%x]:1", i+1) }},
		{"sign-up", 200, 20, 500, func(int) (string, string) { return "/auth/signUp", `{}` }, nil},
		{"start of a sign-in", 500, 300, 302, func(int) (string, string) { return "/auth/signIn/gh", "" }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var created atomic.Int64
			s, table := newBank(t, func(c *aura.Config) {
				c.Logger = slog.New(slog.DiscardHandler)
				c.SignUp.Create = func(context.Context, aura.SignUpForm) (aura.User, error) {
					created.Add(1)
					return aura.User{}, errors.New("no")
				}
			})
			g := s.guest().on(s.serve(peers(s.auth)))
			token := g.csrf()
			cookies := g.header()
			transport := &http.Transport{MaxConnsPerHost: 100, MaxIdleConnsPerHost: 100}
			t.Cleanup(transport.CloseIdleConnections)
			client := &http.Client{Transport: transport, CheckRedirect: g.http.CheckRedirect, Timeout: 30 * time.Second}
			var statuses [600]atomic.Int64
			var wg sync.WaitGroup
			for i := range test.tries {
				wg.Go(func() {
					target, body := test.send(i)
					method := "POST"
					if body == "" {
						method = "GET"
					}
					req, err := http.NewRequest(method, g.url+target, strings.NewReader(body))
					if err != nil {
						t.Error(err)
						return
					}
					if body != "" {
						req.Header.Set("Content-Type", jsonType)
						req.Header.Set("X-CSRF-Token", token)
						req.Header.Set("Cookie", cookies)
					}
					for h := spoofs(i); len(h) > 0; h = h[2:] {
						req.Header.Set(h[0], h[1])
					}
					if test.peer != nil {
						req.Header.Set("X-Peer", test.peer(i))
					}
					resp, err := client.Do(req)
					if err != nil {
						t.Error(err)
						return
					}
					_ = resp.Body.Close()
					statuses[resp.StatusCode].Add(1)
				})
			}
			wg.Wait()
			if got := statuses[test.passed].Load(); got != int64(test.limit) {
				t.Errorf("%d passed, want %d", got, test.limit)
			}
			if got := statuses[429].Load(); got != int64(test.tries-test.limit) {
				t.Errorf("%d were refused, want %d", got, test.tries-test.limit)
			}
			if calls := table.calls() + int(created.Load()); test.passed != 302 && calls != test.limit {
				t.Errorf("the application was asked %d times", calls)
			}
		})
	}
}

// Who is counted as one, and who is not (HP-06, HP-07, HP-08): peers and what
// they claim, with and without a proxy that is trusted.
func TestLimitsAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, test := range []struct {
		name    string
		trusted []netip.Prefix
		a, b    []string // headers; X-Peer among them
		one     bool
	}{
		{"the same peer", nil, []string{"X-Peer", "192.0.2.1:1"}, []string{"X-Peer", "192.0.2.1:2"}, true},
		{"another peer", nil, []string{"X-Peer", "192.0.2.1:1"}, []string{"X-Peer", "192.0.2.2:1"}, false},
		{"a claim that nobody vouches for", nil, []string{"X-Peer", "192.0.2.1:1"}, append([]string{"X-Peer", "192.0.2.1:1"}, spoofs(7)...), true},
		{"no proxies are trusted unasked", nil, []string{"X-Peer", "127.0.0.1:1", "X-Forwarded-For", "192.0.2.1"}, []string{"X-Peer", "127.0.0.1:1", "X-Forwarded-For", "192.0.2.2"}, true},
		{"behind a proxy", proxies, []string{"X-Peer", "10.0.0.1:1", "X-Forwarded-For", "192.0.2.1"}, []string{"X-Peer", "10.0.0.1:1", "X-Forwarded-For", "192.0.2.2"}, false},
		{"behind two proxies", proxies, []string{"X-Peer", "10.0.0.1:1", "X-Forwarded-For", "192.0.2.1"}, []string{"X-Peer", "10.0.0.2:1", "X-Forwarded-For", "192.0.2.1, 10.0.0.3"}, true},
		{"what the client has put in front", proxies, []string{"X-Peer", "10.0.0.1:1", "X-Forwarded-For", "203.0.113.1, 192.0.2.1"}, []string{"X-Peer", "10.0.0.1:1", "X-Forwarded-For", "203.0.113.2, 192.0.2.1"}, true},
		{"other headers beside a proxy's", proxies, []string{"X-Peer", "10.0.0.1:1", "X-Forwarded-For", "192.0.2.1"}, []string{"X-Peer", "10.0.0.1:1", "X-Forwarded-For", "192.0.2.1", "X-Real-IP", "203.0.113.2", "CF-Connecting-IP", "203.0.113.2"}, true},
		{"one /64", nil, []string{"X-Peer", "[2001:db8::1]:1"}, []string{"X-Peer", "[2001:db8::ffff:0:0:2]:1"}, true},
		{"two /64", nil, []string{"X-Peer", "[2001:db8::1]:1"}, []string{"X-Peer", "[2001:db8:0:1::1]:1"}, false},
		{"spellings", nil, []string{"X-Peer", "[2001:db8::1]:1"}, []string{"X-Peer", "[2001:0DB8:0:0:0:0:0:0001]:1"}, true},
		{"a zone", nil, []string{"X-Peer", "[fe80::1%eth0]:1"}, []string{"X-Peer", "[fe80::1%eth1]:1"}, true},
		{"IPv4 in IPv6", nil, []string{"X-Peer", "192.0.2.1:1"}, []string{"X-Peer", "[::ffff:192.0.2.1]:1"}, true},
		{"two IPv4 in IPv6", nil, []string{"X-Peer", "[::ffff:192.0.2.2]:1"}, []string{"X-Peer", "[::ffff:192.0.2.1]:1"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := newBank(t, func(c *aura.Config) {
				c.TrustedProxies = test.trusted
				c.Limits.CredentialsSource = ratelimit.Rule{Limit: 1, Window: time.Hour}
			})
			g := s.guest().on(s.serve(peers(s.auth)))
			if r := g.password("user-1", "x", test.a...); r.status != 401 {
				t.Fatalf("the first: status %d\n%s", r.status, r.body)
			}
			want := 401
			if test.one {
				want = 429
			}
			if r := g.password("user-2", "x", test.b...); r.status != want {
				t.Errorf("the second: status %d, want %d", r.status, want)
			}
		})
	}
	// Peers without an address share a counter that is wide, and not endless.
	for _, peer := range []string{"@", "", "garbage", "/run/app.sock"} {
		s, _ := newBank(t, func(c *aura.Config) { c.Limits.CredentialsSource = ratelimit.Rule{Limit: 1, Window: time.Hour} })
		g := s.guest().on(s.serve(peers(s.auth)))
		token, refusedAt := g.csrf(), 0
		for i := 1; i <= 60 && refusedAt == 0; i++ {
			r := g.do("POST", "/auth/signIn/credentials", `{"username":"user-`+strconv.Itoa(i)+`","password":"x"}`, "Content-Type", jsonType, "X-CSRF-Token", token, "X-Peer", peer)
			if r.status == 429 {
				refusedAt = i
			}
		}
		if refusedAt != 51 {
			t.Errorf("peer %q: refused at attempt %d, want 51", peer, refusedAt)
		}
		if r := g.password("user-1", "x", "X-Peer", "192.0.2.1:1"); r.status != 401 {
			t.Errorf("peer %q: others pay for it: status %d", peer, r.status)
		}
	}
}

// AC-09: after too many wrong passwords the right one is refused too, from there
// and for that account; the answer says for how long, and then it is over.
func TestLimitsCredentials(t *testing.T) {
	s, table := newBank(t, nil)
	g := s.guest().on(s.serve(peers(s.auth)))
	for i := range 8 {
		if r := g.password("ada", "wrong"); r.status != 401 || r.header.Get("X-Ratelimit-Limit") != "" {
			t.Fatalf("attempt %d: status %d", i+1, r.status)
		}
		s.clock.add(time.Second)
	}
	at := s.clock.now()
	r := g.password("ada", "right")
	e, _ := r.json(t)["error"].(map[string]any)
	first := at.Add(15*time.Minute - 8*time.Second) // when the oldest attempt runs out
	if r.status != 429 || e["code"] != "RATE_LIMIT_EXCEEDED" || e["message"] == "" || e["id"] == "" || r.json(t)["success"] != false || r.json(t)["redirectURL"] != nil {
		t.Errorf("status %d\n%s", r.status, r.body)
	}
	wait, reset := first.Sub(at), at.Add(15*time.Minute-time.Second)
	if e["retryAfter"] != float64(wait.Milliseconds()) || e["resetAt"] != float64(reset.UnixMilli()) {
		t.Errorf("retryAfter %v, resetAt %v, want %d and %d", e["retryAfter"], e["resetAt"], wait.Milliseconds(), reset.UnixMilli())
	}
	for name, want := range map[string]string{
		"Retry-After": strconv.Itoa(int(wait.Seconds())), "X-Ratelimit-Limit": "8", "X-Ratelimit-Remaining": "0",
		"X-Ratelimit-Reset": strconv.FormatInt(reset.Unix(), 10), "Content-Type": "application/json",
	} {
		if r.header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, r.header.Get(name), want)
		}
	}
	if len(r.header["Set-Cookie"]) != 0 || table.calls() != 8 {
		t.Errorf("cookies %q, %d calls", r.written(), table.calls())
	}
	form := g.form("/auth/signIn/credentials", url.Values{"username": {"ada"}, "password": {"right"}, "redirectTo": {"/in"}, "csrfToken": {g.csrf()}})
	if want := "/login?error=RATE_LIMIT_EXCEEDED&redirectTo=%2Fin"; form.status != 303 || form.header.Get("Location") != want || form.header.Get("Retry-After") == "" {
		t.Errorf("form: status %d, Location %q, want %q", form.status, form.header.Get("Location"), want)
	}
	if r := g.password("bob", "x"); r.status != 401 {
		t.Errorf("another account: status %d", r.status)
	}
	if r := g.password("ada", "wrong", "X-Peer", "192.0.2.1:1"); r.status != 401 {
		t.Errorf("another address: status %d", r.status)
	}
	s.clock.add(wait - time.Second)
	if r := g.password("ada", "right"); r.status != 429 {
		t.Errorf("a second before its time: status %d", r.status)
	}
	s.clock.add(time.Second)
	if r := g.password("ada", "right"); r.status != 200 || g.subject() != "user-ada" {
		t.Errorf("as told: status %d\n%s", r.status, r.body)
	}
}

// A start of a sign-in counts; asking for its address does not (docs/wire.md).
func TestLimitsSignIn(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Limits.SignIn = ratelimit.Rule{Limit: 2, Window: time.Minute} })
	g := s.guest()
	for range 5 {
		if r := g.get("/auth/signIn/gh?redirect=false"); r.status != 200 {
			t.Fatalf("redirect=false: status %d", r.status)
		}
		r := httptest.NewRequest("GET", "http://127.0.0.1/x", nil)
		if _, _, err := s.auth.SignIn(r, "gh", aura.SignInOptions{}); err != nil {
			t.Fatal(err)
		}
		g.get("/auth/signIn/gh", "Sec-Purpose", "prefetch")
		g.get("/auth/signIn/nope")
		g.get("/auth/session")
	}
	for i, want := range []int{302, 302, 429} {
		if r := g.get("/auth/signIn/gh"); r.status != want {
			t.Errorf("start %d: status %d, want %d\n%s", i+1, r.status, want, r.body)
		}
	}
	page := g.get("/auth/signIn/gh", navigate...)
	if page.status != 429 || !strings.Contains(page.body, "Code RATE_LIMIT_EXCEEDED ") || page.header.Get("Retry-After") != "60" || len(page.header["Set-Cookie"]) != 0 {
		t.Errorf("a page: status %d, Retry-After %q\n%s", page.status, page.header.Get("Retry-After"), page.body)
	}
}

// A session has 200 updates at once and five a second after that; another
// session of the same user has its own.
func TestLimitsSession(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Session.UpdatableFields = []string{"name"} })
	g, other := s.member("u-1"), s.guest()
	other.cookies[other.names.session] = s.seal(s.claims("u-1").with("aura", map[string]any{"sid": "another", "at": 1}))
	token := g.csrf()
	patch := func() reply {
		return g.do("PATCH", "/auth/session", `{}`, "Content-Type", jsonType, "X-CSRF-Token", token)
	}
	for range 3 { // what is refused before is not counted
		g.do("PATCH", "/auth/session", `{}`, "Content-Type", jsonType, "X-CSRF-Token", "x")
	}
	passed := func() int {
		n := 0
		for patch().status == 200 {
			n++
		}
		return n
	}
	if n := passed(); n != 200 {
		t.Errorf("%d at once, want 200", n)
	}
	r := patch()
	if r.status != 429 || r.code(t) != "RATE_LIMIT_EXCEEDED" || r.header.Get("Retry-After") != "1" || len(r.header["Set-Cookie"]) != 0 {
		t.Errorf("status %d, Retry-After %q\n%s", r.status, r.header.Get("Retry-After"), r.body)
	}
	if r := other.patch(`{}`); r.status != 200 {
		t.Errorf("another session: status %d", r.status)
	}
	if got := g.subject(); got != "u-1" {
		t.Errorf("the session cannot be looked at: %q", got)
	}
	s.clock.add(time.Second)
	if n := passed(); n != 5 {
		t.Errorf("%d a second later, want 5", n)
	}
	if out := g.do("POST", "/auth/signOut", "", "X-CSRF-Token", token); out.status != 202 {
		t.Errorf("sign-out: status %d", out.status)
	}
}
