package aura_test

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

const (
	tokensCookie = "aura-auth.access_token.dev"
	tokensPath   = "/auth/providers/dev/tokens"
)

// newTokenRig is newRig with one provider whose tokens live as long as the test
// wants.
func newTokenRig(t *testing.T, life devidp.Lifetimes, change func(*aura.Config)) *rig {
	t.Helper()
	r := &rig{stage: &stage{t: t, clock: &clock{}, log: &logBuffer{}}}
	idp, err := devidp.Start(devidp.Config{Now: r.clock.now, Logger: slog.New(slog.DiscardHandler), SigningAlg: "ES256", Lifetimes: life})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	r.idps, r.idp = []*devidp.Provider{idp}, idp
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.door.Load().ServeHTTP(w, req)
	}))
	r.url = "http://" + server.Listener.Addr().String()
	r.deploy(func(_ string, c *aura.Config) {
		if change != nil {
			change(c)
		}
	})
	server.Start()
	t.Cleanup(server.Close)
	return r
}

// member is a browser in which Ada has signed in.
func (r *rig) member() *browser {
	r.t.Helper()
	b := r.browser()
	b.signIn("demo-ada")
	return b
}

// act calls a protected route with the CSRF token, as a script of the page does.
func (b *browser) act(method, path string, header ...string) reply {
	b.t.Helper()
	return b.do(method, path, "", append([]string{"X-CSRF-Token", b.csrf()}, header...)...)
}

// tokens asks for the provider's tokens, and fails the test without them.
func (b *browser) tokens() map[string]any {
	b.t.Helper()
	r := b.act("GET", tokensPath)
	if r.status != http.StatusOK {
		b.t.Fatalf("tokens: status %d\n%s", r.status, r.body)
	}
	return r.tokens(b.t)
}

// accessToken is tokens for those who want that one.
func (b *browser) accessToken() string {
	b.t.Helper()
	token, _ := b.tokens()["accessToken"].(string)
	return token
}

func (r reply) tokens(t *testing.T) map[string]any {
	t.Helper()
	tokens, _ := r.json(t)["tokens"].(map[string]any)
	return tokens
}

// connected is what GET /providers/dev says.
func (b *browser) connected() bool {
	b.t.Helper()
	r := b.get("/auth/providers/dev")
	if r.status != http.StatusOK {
		b.t.Fatalf("connected: status %d\n%s", r.status, r.body)
	}
	is, _ := r.json(b.t)["connected"].(bool)
	return is
}

// held are the cookies of the browser that hold tokens of providers.
func (b *browser) held() []string {
	b.t.Helper()
	names := slices.Sorted(maps.Keys(b.cookies()))
	return slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(name, ".access_token.") })
}

// wantFailure checks status and code of a refused call, and whether it touches
// the cookie that holds the tokens.
func (r reply) wantFailure(t *testing.T, status int, code aura.Code, forgets bool) {
	t.Helper()
	if r.status != status || r.code(t) != string(code) || r.json(t)["success"] != false {
		t.Errorf("status %d, want %d with code %s\n%s", r.status, status, code, r.body)
	}
	touched := slices.ContainsFunc(r.written(), func(name string) bool { return strings.HasPrefix(name, tokensCookie) })
	if touched != forgets {
		t.Errorf("status %d: Set-Cookie for %q, want the tokens forgotten: %v", r.status, r.written(), forgets)
	}
	if wait := r.header.Get("Retry-After"); (wait != "") != (status == http.StatusServiceUnavailable) {
		t.Errorf("status %d with Retry-After %q", r.status, wait)
	}
}

func TestProviderConnected(t *testing.T) {
	s := newRig(t, 2, nil)
	b := s.browser()
	nobody := b.get("/auth/providers/dev")
	nobody.wantFailure(t, http.StatusUnauthorized, aura.CodeNoSession, false)
	if connected, said := nobody.json(t)["connected"]; connected != false || !said {
		t.Errorf("signed out: %s", nobody.body)
	}
	b.get("/auth/providers/nobody").wantFailure(t, http.StatusNotFound, aura.CodeUnknownProvider, false)
	b.signIn("demo-ada")
	if r := b.get("/auth/providers/dev"); r.body != `{"connected":true,"success":true}` || len(r.written()) != 0 {
		t.Errorf("connected: %s, Set-Cookie %q", r.body, r.written())
	}
	if r := b.get("/auth/providers/dev2"); r.body != `{"connected":false,"success":true}` {
		t.Errorf("another provider: %s", r.body)
	}
	for target, status := range map[string]int{
		"/auth/providers/dev": http.StatusOK, "/auth/providers/nobody": http.StatusNotFound, tokensPath: http.StatusMethodNotAllowed,
	} {
		if r := b.do("HEAD", target, ""); r.status != status || r.body != "" || len(r.written()) != 0 {
			t.Errorf("HEAD %s: status %d, want %d, body %q, Set-Cookie %q", target, r.status, status, r.body, r.written())
		}
	}
	if r := s.browser().do("HEAD", "/auth/providers/dev", ""); r.status != http.StatusUnauthorized {
		t.Errorf("HEAD signed out: status %d", r.status)
	}
	if c := s.idp.Counts(); c.Refresh+c.Revoke != 0 {
		t.Errorf("looking asked the provider: %+v", c)
	}
}

// The tokens are the page's to see only when it proves that it is ours, and
// nothing is asked of the provider before.
func TestTokensAreGuarded(t *testing.T) {
	s := newRig(t, 1, nil)
	b, other := s.member(), s.member()
	s.clock.add(2 * hour) // due: whoever gets through causes a refresh
	token, foreign := b.csrf(), other.csrf()
	rows := []struct {
		name   string
		from   *browser
		header []string
		status int
		code   aura.Code
	}{
		{"no CSRF token", b, nil, 403, aura.CodeCSRFMissing},
		{"the cookie alone", b, []string{"Origin", s.url, "Sec-Fetch-Site", "same-origin"}, 403, aura.CodeCSRFMissing},
		{"another session's", b, []string{"X-CSRF-Token", foreign}, 403, aura.CodeCSRFMismatch},
		{"a broken one", b, []string{"X-CSRF-Token", token + "x"}, 403, aura.CodeCSRFMismatch},
		{"another origin", b, []string{"X-CSRF-Token", token, "Origin", "https://evil.example"}, 403, aura.CodeOriginRejected},
		{"another scheme", b, []string{"X-CSRF-Token", token, "Origin", strings.Replace(s.url, "http", "https", 1)}, 403, aura.CodeOriginRejected},
		{"another site", b, []string{"X-CSRF-Token", token, "Sec-Fetch-Site", "cross-site"}, 403, aura.CodeOriginRejected},
		{"a sibling site", b, []string{"X-CSRF-Token", token, "Sec-Fetch-Site", "same-site"}, 403, aura.CodeOriginRejected},
		{"a hidden origin", b, []string{"X-CSRF-Token", token, "Origin", "null"}, 403, aura.CodeOriginRejected},
		{"nobody", s.browser(), []string{"X-CSRF-Token", token}, 401, aura.CodeNoSession},
	}
	for _, route := range []struct{ method, path string }{
		{"GET", tokensPath}, {"POST", tokensPath + "/revoke"}, {"DELETE", "/auth/providers/dev"}, {"POST", "/auth/providers/dev/user/refresh"},
	} {
		before := s.idp.Counts()
		for _, row := range rows {
			t.Run(route.method+" "+route.path+" "+row.name, func(t *testing.T) {
				row.from.do(route.method, route.path, "", row.header...).wantFailure(t, row.status, row.code, false)
			})
		}
		if after := s.idp.Counts(); after != before {
			t.Errorf("%s %s: refused calls asked the provider: %+v, before %+v", route.method, route.path, after, before)
		}
		if !b.connected() || b.subject() != "demo-ada" {
			t.Fatalf("%s %s: a refused call has changed something", route.method, route.path)
		}
	}
	if r := b.get(tokensPath, "X-CSRF-Token", token, "Origin", s.url, "Sec-Fetch-Site", "same-origin"); r.status != http.StatusOK {
		t.Errorf("our own page: status %d\n%s", r.status, r.body)
	}
}

func TestTokensExposeWhatIsConfigured(t *testing.T) {
	for name, config := range map[string]aura.ProviderTokensConfig{
		"nothing more": {}, "refresh token": {ExposeRefreshToken: true}, "ID token": {ExposeIDToken: true},
		"both": {ExposeRefreshToken: true, ExposeIDToken: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t, 1, func(_ string, c *aura.Config) { c.ProviderTokens = config })
			b := s.member()
			tokens := b.tokens()
			want := []string{"accessToken", "expiresAt", "issuedAt", "scopes", "tokenType"}
			if config.ExposeRefreshToken {
				want = append(want, "refreshToken")
			}
			if config.ExposeIDToken {
				want = append(want, "idToken")
			}
			slices.Sort(want)
			if got := slices.Sorted(maps.Keys(tokens)); !slices.Equal(got, want) {
				t.Fatalf("members %q, want %q", got, want)
			}
			issued, _ := tokens["issuedAt"].(float64)
			expires, _ := tokens["expiresAt"].(float64)
			now := float64(s.clock.now().Unix())
			if issued > now || issued < now-30 || expires-issued < 3599 || expires-issued > 3601 {
				t.Errorf("issuedAt %v, expiresAt %v at %v: want now, and an hour on, in seconds", issued, expires, now)
			}
			scopes, _ := tokens["scopes"].([]any)
			if tokens["tokenType"] != "Bearer" || !slices.Equal(scopes, []any{"openid", "profile", "email"}) {
				t.Errorf("tokenType %v, scopes %v", tokens["tokenType"], scopes)
			}
			if who := s.userInfo(b.accessToken()); who != http.StatusOK {
				t.Errorf("the provider answers %d to the access token", who)
			}
		})
	}
}

// A tokens cookie counts for the session and the provider that it was made for,
// and only as it was made.
func TestTokensOfSomebodyElse(t *testing.T) {
	s := newRig(t, 2, nil)
	ada, grace := s.member(), s.browser()
	grace.signIn("demo-grace")
	earlier := ada.cookies()
	ada.signIn("demo-ada") // the same user, in another session
	stranger := newRig(t, 1, func(_ string, c *aura.Config) {
		c.Secrets = []aura.Secret{"Qm4Zt8Xc2Vb6Nn0Ll5Kk9Jj3Hh7Gg1Ff-other"}
	}).member()
	own := ada.cookies()[tokensCookie]
	for name, planted := range map[string]string{
		"an earlier session's": earlier[tokensCookie],
		"another browser's":    grace.cookies()[tokensCookie],
		"another secret's":     stranger.cookies()[tokensCookie],
		"broken":               own[:len(own)-8] + "AAAAAAAA",
		"the session token":    ada.cookies()["aura-auth.session_token"],
		"empty":                "",
	} {
		t.Run(name, func(t *testing.T) {
			cookies := ada.cookies()
			cookies[tokensCookie] = planted
			s.wantNotConnected(t, "dev", cookies, ada.csrf())
		})
	}
	t.Run("another provider's", func(t *testing.T) {
		cookies := ada.cookies()
		cookies["aura-auth.access_token.dev2"] = own
		s.wantNotConnected(t, "dev2", cookies, ada.csrf())
	})
	t.Run("two different ones", func(t *testing.T) {
		cookies := cookieHeader(ada.cookies()) + "; " + tokensCookie + "=" + earlier[tokensCookie]
		if r := s.bare().get("/auth/providers/dev", "Cookie", cookies); r.body != `{"connected":false,"success":true}` {
			t.Errorf("got %s", r.body)
		}
	})
	if !ada.connected() || s.idp.Counts().Refresh != 0 {
		t.Error("the right cookie no longer counts, or a wrong one was used at the provider")
	}
}

// bare is a browser that keeps no cookies: the test writes the Cookie header.
func (r *rig) bare() *browser {
	b := newBrowser(r.t, r.url)
	b.http.Jar = nil
	return b
}

func (r *rig) wantNotConnected(t *testing.T, id string, cookies map[string]string, csrf string) {
	t.Helper()
	b, header := r.bare(), []string{"Cookie", cookieHeader(cookies), "X-CSRF-Token", csrf}
	if r := b.get("/auth/providers/"+id, header...); r.body != `{"connected":false,"success":true}` {
		t.Errorf("GET: status %d, %s", r.status, r.body)
	}
	for _, call := range [][2]string{{"GET", "/tokens"}, {"POST", "/tokens/revoke"}, {"DELETE", ""}} {
		b.do(call[0], "/auth/providers/"+id+call[1], "", header...).wantFailure(t, http.StatusUnauthorized, aura.CodeNotConnected, false)
	}
}

// A new sign-in and a sign-out delete the tokens of all providers, whole and
// split ones, whoever they belong to.
func TestTokensEndWithTheSession(t *testing.T) {
	ends := map[string]func(*browser){
		"sign-in with another provider": func(b *browser) { b.get(b.consent(b.startAt("dev2", "/after"), "demo-grace")) },
		"sign-out": func(b *browser) {
			if r := b.act("POST", "/auth/signOut"); r.status != http.StatusAccepted {
				b.t.Fatalf("sign-out: status %d", r.status)
			}
		},
	}
	for name, end := range ends {
		for _, split := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := newRig(t, 2, func(_ string, c *aura.Config) { roomy(c) })
				if split {
					s.idp.Misbehave(largeIDToken(3000))
				}
				b := s.member()
				if split != (len(b.held()) > 1) {
					t.Fatalf("split: %v, cookies %q", split, b.held())
				}
				b.plant("aura-auth.access_token.left-over", "x")
				b.plant("aura-auth.access_token.other.0", "x")
				end(b)
				left := slices.DeleteFunc(b.held(), func(name string) bool { return name == "aura-auth.access_token.dev2" })
				if len(left) != 0 {
					t.Errorf("left behind: %q", left)
				}
			})
		}
	}
}

func TestTokensDiscarded(t *testing.T) {
	discard := func(_ string, c *aura.Config) { c.ProviderTokens.Discard = true }
	t.Run("from the beginning", func(t *testing.T) {
		s := newRig(t, 1, discard)
		b := s.member()
		if len(b.held()) != 0 || b.connected() {
			t.Errorf("connected %v, cookies %q", b.connected(), b.held())
		}
		b.act("GET", tokensPath).wantFailure(t, http.StatusUnauthorized, aura.CodeNotConnected, false)
	})
	t.Run("from a deployment on", func(t *testing.T) {
		s := newRig(t, 1, nil)
		b := s.member()
		s.deploy(discard)
		if b.connected() {
			t.Error("the routes say that the provider is connected")
		}
		s.clock.add(2 * hour)
		if r := b.act("GET", tokensPath); r.status != http.StatusUnauthorized || s.idp.Counts().Refresh != 0 {
			t.Errorf("tokens: status %d after %d refreshes, want 401 and none", r.status, s.idp.Counts().Refresh)
		}
	})
}
