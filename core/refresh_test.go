package aura_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

const hour = time.Hour

// userInfo is what the provider answers to an access token.
func (r *rig) userInfo(accessToken string) int {
	r.t.Helper()
	return r.bare().get(strings.TrimSuffix(r.idp.Issuer(), "/")+"/userinfo", "Authorization", "Bearer "+accessToken).status
}

// exposed has the test see refresh tokens.
func exposed(c *aura.Config) {
	c.ProviderTokens.ExposeRefreshToken, c.ProviderTokens.ExposeIDToken = true, true
}

// crowd sends n requests for the tokens at once, all with the same cookies.
func (r *rig) crowd(n int, cookies, csrf string) []reply {
	r.t.Helper()
	b := r.bare()
	transport := &http.Transport{MaxIdleConnsPerHost: n}
	r.t.Cleanup(transport.CloseIdleConnections)
	b.http.Transport = transport
	replies := make([]reply, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			req, err := http.NewRequest("GET", r.url+tokensPath, nil)
			if err != nil {
				r.t.Error(err)
				return
			}
			req.Header.Set("Cookie", cookies)
			req.Header.Set("X-CSRF-Token", csrf)
			resp, err := b.http.Do(req)
			if err != nil {
				r.t.Error(err)
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				r.t.Error(err)
			}
			replies[i] = reply{resp.StatusCode, resp.Header, string(body)}
		})
	}
	close(start)
	wg.Wait()
	if r.t.Failed() {
		r.t.FailNow()
	}
	return replies
}

// receives puts the cookies of a response into the browser.
func (b *browser) receives(r reply) {
	b.t.Helper()
	origin, err := url.Parse(b.origin + "/")
	if err != nil {
		b.t.Fatal(err)
	}
	b.http.Jar.SetCookies(origin, setCookies(b.t, r.header))
}

// CC-03: a hundred requests with an expired access token, at a provider that
// revokes the family when a refresh token is used twice.
func TestHundredRequestsOneRefresh(t *testing.T) {
	for _, latency := range []time.Duration{0, 2 * time.Millisecond, 30 * time.Millisecond} {
		t.Run(latency.String(), func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{}, nil)
			b := s.member()
			old := b.accessToken()
			s.clock.add(hour + time.Second)
			s.idp.Misbehave(devidp.Delay(devidp.Refresh, latency))
			replies := s.crowd(100, cookieHeader(b.cookies()), b.csrf())
			fresh, _ := replies[0].tokens(t)["accessToken"].(string)
			if fresh == "" || fresh == old {
				t.Fatalf("no new token: status %d\n%s", replies[0].status, replies[0].body)
			}
			for i, r := range replies {
				if r.status != http.StatusOK || r.body != replies[0].body || !slices.Equal(r.written(), []string{tokensCookie}) {
					t.Errorf("request %d: status %d, the first one's answer: %v, Set-Cookie %q", i, r.status, r.body == replies[0].body, r.written())
				}
			}
			if n := s.idp.Counts().Refresh; n != 1 {
				t.Errorf("%d refreshes, want 1", n)
			}
			// Any of the cookies will do, now and for the next refresh.
			b.receives(replies[99])
			if b.accessToken() != fresh || s.userInfo(fresh) != http.StatusOK || b.subject() != "demo-ada" {
				t.Error("the new token does not serve, or the session has ended")
			}
			s.clock.add(hour)
			if next := b.accessToken(); next == fresh || s.userInfo(next) != http.StatusOK || s.idp.Counts().Refresh != 2 {
				t.Errorf("the next refresh: %d calls, the provider answers %d", s.idp.Counts().Refresh, s.userInfo(next))
			}
		})
	}
}

// A request that was under way with the cookie of before the refresh gets the
// same answer for ten minutes. After that, in a process that knows nothing of
// it any more, the provider is asked with a refresh token that is spent: it
// takes that for theft and ends the family. Nobody is logged out by it.
func TestLateRequests(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, nil)
	b := s.member()
	late := cookieHeader(b.cookies())
	s.clock.add(hour)
	csrf := b.csrf()
	first := b.act("GET", tokensPath)
	s.clock.add(9*time.Minute + 59*time.Second)
	again := s.crowd(1, late, csrf)[0]
	if again.status != http.StatusOK || again.body != first.body || !slices.Equal(again.written(), []string{tokensCookie}) || s.idp.Counts().Refresh != 1 {
		t.Fatalf("within ten minutes: status %d, Set-Cookie %q, %d refreshes\n%s", again.status, again.written(), s.idp.Counts().Refresh, again.body)
	}
	other := s.browser()
	other.receives(again)
	for name, value := range b.cookies() {
		if name != tokensCookie {
			other.plant(name, value)
		}
	}
	if other.accessToken() != first.tokens(t)["accessToken"] {
		t.Error("the late cookie does not hold the tokens")
	}
	s.clock.add(2 * time.Second)
	s.crowd(1, late, csrf)[0].wantFailure(t, http.StatusUnauthorized, aura.CodeRefreshRejected, true)
	if s.idp.Counts().Refresh != 2 || b.subject() != "demo-ada" {
		t.Errorf("after ten minutes: %d refreshes, signed in as %q", s.idp.Counts().Refresh, b.subject())
	}
	s.clock.add(hour)
	b.act("GET", tokensPath).wantFailure(t, http.StatusUnauthorized, aura.CodeRefreshRejected, true)
}

// gate is a provider that answers refreshes when it is let.
func gate() (f devidp.Fault, arrived, release chan struct{}) {
	arrived, release = make(chan struct{}, 200), make(chan struct{})
	return devidp.Fault{Endpoint: devidp.Refresh, Hijack: func(http.ResponseWriter, *http.Request) bool {
		arrived <- struct{}{}
		<-release
		return false
	}}, arrived, release
}

// CC-04: the client whose request leads goes away; the refresh goes on, for
// those who wait and for those who come after it.
func TestLeaderLeaves(t *testing.T) {
	for _, followers := range []int{0, 10} {
		t.Run(fmt.Sprint(followers, " followers"), func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{}, nil)
			b := s.member()
			s.clock.add(hour + time.Second)
			cookies, csrf := cookieHeader(b.cookies()), b.csrf()
			fault, arrived, release := gate()
			s.idp.Misbehave(fault)
			ctx, leave := context.WithCancel(t.Context())
			left := make(chan error, 1)
			go func() {
				req, err := http.NewRequestWithContext(ctx, "GET", s.url+tokensPath, nil)
				if err != nil {
					left <- nil
					return
				}
				req.Header.Set("Cookie", cookies)
				req.Header.Set("X-CSRF-Token", csrf)
				resp, err := http.DefaultClient.Do(req)
				if err == nil {
					_ = resp.Body.Close()
				}
				left <- err
			}()
			<-arrived
			leave()
			if err := <-left; err == nil {
				t.Fatal("the leader was answered")
			}
			go func() { // while they wait, or come: both are to work
				time.Sleep(20 * time.Millisecond)
				close(release)
			}()
			for i, r := range s.crowd(max(followers, 1), cookies, csrf) {
				if r.status != http.StatusOK || !slices.Equal(r.written(), []string{tokensCookie}) {
					t.Errorf("follower %d: status %d\n%s", i, r.status, r.body)
				}
			}
			if n := s.idp.Counts().Refresh; n != 1 {
				t.Errorf("%d refreshes, want 1", n)
			}
		})
	}
}

// FA-06: an outage costs nothing while the access token is valid, and nobody's
// tokens afterwards.
func TestRefreshOutage(t *testing.T) {
	for _, fault := range []devidp.Fault{
		devidp.Status(devidp.Refresh, 500), devidp.Status(devidp.Refresh, 429), devidp.RefreshUnavailable,
		devidp.Reset(devidp.Refresh), devidp.Stall(devidp.Refresh),
	} {
		t.Run(fault.Name, func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{}, func(c *aura.Config) {
				if fault.Slow {
					c.HTTPClient = &http.Client{Timeout: 300 * time.Millisecond}
				}
			})
			b := s.member()
			old := b.accessToken()
			if !fault.Slow {
				s.idp.Misbehave(fault)
			} else {
				s.idp.Misbehave(devidp.Fault{Endpoint: devidp.Refresh, Hijack: func(_ http.ResponseWriter, r *http.Request) bool {
					<-r.Context().Done()
					return true
				}})
			}
			s.clock.add(hour - time.Minute)
			r := b.act("GET", tokensPath)
			if r.status != http.StatusOK || r.tokens(t)["accessToken"] != old || slices.Contains(r.written(), tokensCookie) {
				t.Errorf("still valid: status %d, Set-Cookie %q\n%s", r.status, r.written(), r.body)
			}
			if !strings.Contains(s.log.String(), "UNKNOWN_OAUTH_ACCESS_TOKEN_ERROR") {
				t.Error("the outage is not logged")
			}
			s.clock.add(2 * time.Minute)
			r = b.act("GET", tokensPath)
			r.wantFailure(t, http.StatusServiceUnavailable, aura.CodeTokenUnreachable, false)
			if tokens, said := r.json(t)["tokens"]; tokens != nil || !said {
				t.Errorf("the route's failure fields: %s", r.body)
			}
			if !b.connected() || b.subject() != "demo-ada" {
				t.Error("the outage ended the connection, or the session")
			}
			s.idp.Behave()
			if fresh := b.accessToken(); fresh == old || s.userInfo(fresh) != http.StatusOK {
				t.Error("after the outage there is no new token")
			}
		})
	}
}

// A dead refresh token ends the connection, and not the session.
func TestRefreshRejected(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, roomy)
	s.idp.Misbehave(largeIDToken(3000)) // split: every part is to go
	b := s.member()
	if len(b.held()) < 2 {
		t.Fatalf("cookies %q, want them split", b.held())
	}
	s.idp.Misbehave(devidp.RefreshInvalidGrant)
	s.clock.add(hour + time.Second)
	cookies := cookieHeader(b.cookies())
	for _, r := range s.crowd(20, cookies, b.csrf()) {
		r.wantFailure(t, http.StatusUnauthorized, aura.CodeRefreshRejected, true)
	}
	b.act("GET", tokensPath).wantFailure(t, http.StatusUnauthorized, aura.CodeRefreshRejected, true)
	if n := s.idp.Counts().Refresh; n != 1 {
		t.Errorf("%d refreshes with a dead token, want 1", n)
	}
	if len(b.held()) != 0 || b.connected() || b.subject() != "demo-ada" {
		t.Errorf("left: cookies %q, connected %v, signed in as %q", b.held(), b.connected(), b.subject())
	}
	b.act("GET", tokensPath).wantFailure(t, http.StatusUnauthorized, aura.CodeNotConnected, false)
}

// ID-29: a refreshed ID token that speaks of somebody else is refused with all
// that came with it; the tokens of before stay.
func TestRefreshedIdentity(t *testing.T) {
	for _, fault := range []devidp.Fault{devidp.RefreshWrongIssuer, devidp.RefreshWrongSubject, devidp.RefreshWrongAudience} {
		for _, expired := range []bool{false, true} {
			t.Run(fmt.Sprint(fault.Name, " expired ", expired), func(t *testing.T) {
				s := newTokenRig(t, devidp.Lifetimes{}, nil)
				b := s.member()
				old := b.accessToken()
				s.idp.Misbehave(fault)
				s.clock.add(hour - time.Minute)
				if expired {
					s.clock.add(2 * time.Minute)
				}
				r := b.act("GET", tokensPath)
				if expired {
					r.wantFailure(t, http.StatusUnauthorized, aura.CodeIDTokenInvalid, false)
				} else if r.status != http.StatusOK || r.tokens(t)["accessToken"] != old || slices.Contains(r.written(), tokensCookie) {
					t.Errorf("still valid: status %d, Set-Cookie %q", r.status, r.written())
				}
				if !b.connected() || b.subject() != "demo-ada" || s.idp.Counts().Refresh != 1 {
					t.Errorf("connected %v, signed in as %q, %d refreshes", b.connected(), b.subject(), s.idp.Counts().Refresh)
				}
			})
		}
	}
}

// A provider that does not rotate: the refresh token stays, and serves again,
// also when its access tokens live for less than an answer is remembered.
func TestRefreshTokenNotRotated(t *testing.T) {
	for _, life := range []time.Duration{time.Hour, 2 * time.Minute} {
		t.Run(life.String(), func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{AccessToken: life}, exposed)
			b := s.member()
			last := b.tokens()
			s.idp.Misbehave(devidp.RefreshNotRotated)
			for range 3 {
				s.clock.add(life)
				next := b.tokens()
				access, _ := next["accessToken"].(string)
				if next["refreshToken"] != last["refreshToken"] || access == last["accessToken"] || s.userInfo(access) != http.StatusOK {
					t.Fatalf("the refresh token is the same: %v, a new access token: %v, the provider answers %d",
						next["refreshToken"] == last["refreshToken"], access != last["accessToken"], s.userInfo(access))
				}
				last = next
			}
			if n := s.idp.Counts().Refresh; n != 3 {
				t.Errorf("%d refreshes, want 3", n)
			}
		})
	}
}

// Of a rotating provider every token is followed, however short they live.
func TestRefreshAgainAndAgain(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{AccessToken: 2 * time.Minute}, exposed)
	b := s.member()
	first := cookieHeader(b.cookies())
	csrf := b.csrf()
	seen := map[any]bool{b.tokens()["refreshToken"]: true}
	for range 4 {
		s.clock.add(2 * time.Minute)
		seen[b.tokens()["refreshToken"]] = true
	}
	if n := s.idp.Counts().Refresh; n != 4 || len(seen) != 5 {
		t.Errorf("%d refreshes and %d refresh tokens, want 4 and 5", n, len(seen))
	}
	late := s.crowd(1, first, csrf)[0]
	if late.status != http.StatusOK || late.tokens(t)["accessToken"] != b.accessToken() || s.idp.Counts().Refresh != 4 {
		t.Errorf("a late request: status %d, %d refreshes, want the newest token without one", late.status, s.idp.Counts().Refresh)
	}
}

// When it is time: within the window before the end, but never before the last
// quarter of a token's life, or short-lived ones would be refreshed at each look.
func TestWhenToRefresh(t *testing.T) {
	for name, row := range map[string]struct {
		life, window time.Duration // window 0: the default
		not, due     time.Duration // after the sign-in
	}{
		"an hour":                  {hour, 0, 54*time.Minute + 50*time.Second, 55*time.Minute + time.Second},
		"a minute":                 {time.Minute, 0, 40 * time.Second, 46 * time.Second},
		"a window of ten minutes":  {hour, 10 * time.Minute, 49*time.Minute + 50*time.Second, 50*time.Minute + time.Second},
		"a window beyond the life": {hour, 2 * hour, 44*time.Minute + 50*time.Second, 45*time.Minute + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{AccessToken: row.life}, func(c *aura.Config) { c.ProviderTokens.RefreshWindow = row.window })
			b := s.member()
			old := b.accessToken()
			s.clock.add(row.not)
			for range 5 {
				if b.accessToken() != old {
					t.Fatal("refreshed too early")
				}
			}
			s.clock.add(row.due - row.not)
			fresh := b.accessToken()
			for range 5 {
				if fresh == old || b.accessToken() != fresh {
					t.Fatal("not refreshed, or at each look")
				}
			}
			if n := s.idp.Counts().Refresh; n != 1 {
				t.Errorf("%d refreshes, want 1", n)
			}
		})
	}
}
