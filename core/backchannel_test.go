package aura_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/memstore"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// newLogoutStage is a stage whose provider may order sessions to end.
func newLogoutStage(t *testing.T, change func(*aura.Config)) (*stage, *moodyStore) {
	t.Helper()
	store := &moodyStore{}
	s := newStage(t, func(c *aura.Config) {
		store.Store = memstore.New(c.Now)
		c.Store, c.Providers[0].Logout.Backchannel = store, true
		if change != nil {
			change(c)
		}
	})
	return s, store
}

// logoutToken has the provider sign a logout token for one of its sessions: an
// ID token of a sign-in of the same user whose claims are changed before they
// are signed, and spoilt as the test wants it.
func (s *stage) logoutToken(user, sid string, spoil func(claims, header map[string]any)) string {
	s.t.Helper()
	var signed string
	s.idp.Misbehave(devidp.Fault{Endpoint: devidp.Token,
		IDToken: func(claims, header map[string]any) {
			for _, name := range []string{"nonce", "at_hash", "auth_time", "azp"} {
				delete(claims, name)
			}
			header["typ"] = "logout+jwt"
			claims["sid"], claims["jti"], claims["exp"] = sid, rand.Text(), s.clock.now().Add(2*time.Minute).Unix()
			claims["events"] = map[string]any{logoutEvent: map[string]any{}}
			if spoil != nil {
				spoil(claims, header)
			}
		},
		JWS: func(compact string) string { signed = compact; return compact },
	})
	b := s.browser()
	b.get(b.consent(b.start("/"), user))
	s.idp.Behave()
	if signed == "" {
		s.t.Fatal("the provider has signed nothing")
	}
	return signed
}

// order posts a logout token as the provider's server does.
func (s *stage) order(token string) reply {
	return s.browser().post("/auth/backchannelLogout/dev", url.Values{"logout_token": {token}})
}

// providerSession is the ID token's sid of a browser's session.
func (s *stage) providerSession(b *browser) string {
	s.t.Helper()
	_, codec := keysOf(s.t, aura.Config{Secrets: []aura.Secret{testSecret}, Salt: testSalt, Session: aura.SessionConfig{Token: s.mode}})
	payload, _, err := codec.Open(b.cookies()["aura-auth.session_token"])
	var c struct {
		Aura struct {
			ID string `json:"osid"`
		} `json:"aura"`
	}
	if err == nil {
		err = json.Unmarshal(payload, &c)
	}
	if err != nil || c.Aura.ID == "" {
		s.t.Fatalf("no session at the provider in %s: %v", payload, err)
	}
	return c.Aura.ID
}

func base64url(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// The order of a provider ends the sessions that began with its own, on their
// next request, in each form of the token; nobody else's.
func TestBackchannelLogout(t *testing.T) {
	for _, mode := range []aura.TokenMode{aura.SealedToken, aura.SignedToken, aura.EncryptedToken} {
		t.Run(string(mode), func(t *testing.T) {
			s, _ := newLogoutStage(t, func(c *aura.Config) { c.Session.Token = mode })
			s.mode = mode
			ada, again, grace := s.browser(), s.browser(), s.browser()
			ada.signIn("demo-ada")
			again.signIn("demo-ada")
			grace.signIn("demo-grace")

			r := s.order(s.logoutToken("demo-ada", s.providerSession(ada), nil))
			if r.status != 200 || r.header.Get("Cache-Control") != "no-store" || len(r.header["Set-Cookie"]) != 0 {
				t.Fatalf("the order: %d %v %s", r.status, r.header, r.body)
			}
			if got := ada.subject(); got != "" {
				t.Errorf("still signed in as %q", got)
			}
			if again.subject() != "demo-ada" || grace.subject() != "demo-grace" {
				t.Errorf("others: %q, %q", again.subject(), grace.subject())
			}
			ada.signIn("demo-ada")
			if got := ada.subject(); got != "demo-ada" {
				t.Errorf("a new sign-in: %q", got)
			}

			// Without sid all of the user's sessions are meant.
			r = s.order(s.logoutToken("demo-ada", "", func(claims, _ map[string]any) { delete(claims, "sid") }))
			if r.status != 200 {
				t.Fatalf("the order: %d %s", r.status, r.body)
			}
			if ada.subject() != "" || again.subject() != "" || grace.subject() != "demo-grace" {
				t.Errorf("afterwards: %q, %q, %q", ada.subject(), again.subject(), grace.subject())
			}
			s.clock.add(time.Second)
			ada.signIn("demo-ada")
			if got := ada.subject(); got != "demo-ada" {
				t.Errorf("a new sign-in: %q", got)
			}
		})
	}
}

// ID-34: whatever is wrong with a logout token, it is 400 and ends nothing.
func TestBackchannelRefusals(t *testing.T) {
	s, _ := newLogoutStage(t, nil)
	b := s.browser()
	b.signIn("demo-ada")
	sid := s.providerSession(b)
	for why, spoil := range map[string]func(claims, header map[string]any){
		"another audience":      func(c, _ map[string]any) { c["aud"] = "another" },
		"another issuer":        func(c, _ map[string]any) { c["iss"] = "https://other.example" },
		"no event":              func(c, _ map[string]any) { delete(c, "events") },
		"another event":         func(c, _ map[string]any) { c["events"] = map[string]any{logoutEvent + "x": map[string]any{}} },
		"an event of text":      func(c, _ map[string]any) { c["events"] = map[string]any{logoutEvent: "yes"} },
		"with a nonce":          func(c, _ map[string]any) { c["nonce"] = "n" },
		"without jti":           func(c, _ map[string]any) { delete(c, "jti") },
		"neither sub nor sid":   func(c, _ map[string]any) { delete(c, "sub"); delete(c, "sid") },
		"expired":               func(c, _ map[string]any) { c["exp"] = s.clock.now().Add(-5 * time.Minute).Unix() },
		"without exp":           func(c, _ map[string]any) { delete(c, "exp") },
		"from the future":       func(c, _ map[string]any) { c["iat"] = s.clock.now().Add(5 * time.Minute).Unix() },
		"another kind of token": func(_, h map[string]any) { h["typ"] = "at+jwt" },
	} {
		t.Run(why, func(t *testing.T) {
			r := s.order(s.logoutToken("demo-ada", sid, spoil))
			if r.status != 400 || r.code(t) != string(aura.CodeLogoutTokenInvalid) {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	good := s.logoutToken("demo-ada", sid, nil)
	head, rest, _ := strings.Cut(good, ".")
	payload, _, _ := strings.Cut(rest, ".")
	for why, token := range map[string]string{
		"alg none":       base64url(`{"alg":"none","typ":"logout+jwt"}`) + "." + payload + ".",
		"no signature":   head + "." + payload + ".",
		"another's body": head + "." + base64url(`{"sub":"demo-grace"}`) + good[strings.LastIndexByte(good, '.'):],
		"nothing":        "",
		"not a token":    "a.b.c",
	} {
		if r := s.order(token); r.status != 400 || r.code(t) != string(aura.CodeLogoutTokenInvalid) {
			t.Errorf("%s: %d %s", why, r.status, r.body)
		}
	}
	for why, call := range map[string]struct {
		reply  reply
		status int
	}{
		"JSON":           {s.browser().do("POST", "/auth/backchannelLogout/dev", `{"logout_token":"`+good+`"}`, "Content-Type", jsonType), 415},
		"several tokens": {s.browser().post("/auth/backchannelLogout/dev", url.Values{"logout_token": {good, good}}), 400},
		"in the query":   {s.browser().post("/auth/backchannelLogout/dev?logout_token="+good, url.Values{}), 400},
		"GET":            {s.browser().get("/auth/backchannelLogout/dev?logout_token=" + good), 405},
		"nobody's":       {s.browser().post("/auth/backchannelLogout/nobody", url.Values{"logout_token": {good}}), 404},
	} {
		if call.reply.status != call.status {
			t.Errorf("%s: %d %s", why, call.reply.status, call.reply.body)
		}
	}
	if got := b.subject(); got != "demo-ada" {
		t.Errorf("a refused order has ended the session: %q", got)
	}
	if r := s.order(good); r.status != 200 || b.subject() != "" {
		t.Errorf("the good one: %d %s", r.status, r.body)
	}
}

// A logout token works once. One that could not be obeyed is not used up: the
// provider sends it again.
func TestBackchannelReplay(t *testing.T) {
	s, store := newLogoutStage(t, nil)
	b := s.browser()
	b.signIn("demo-ada")
	token := s.logoutToken("demo-ada", "", func(c, _ map[string]any) { delete(c, "sid") })

	for _, failing := range []int{1, 2, 3} { // which of the three calls fails
		calls := 0
		store.mood(nil)
		store.moodOf(func() error {
			if calls++; calls == failing {
				return errors.New("down")
			}
			return nil
		})
		if r := s.order(token); r.status != 503 || r.header.Get("Retry-After") == "" {
			t.Fatalf("call %d fails: %d %s", failing, r.status, r.body)
		}
	}
	store.mood(nil)
	if r := s.order(token); r.status != 200 {
		t.Fatalf("sent again: %d %s", r.status, r.body)
	}
	s.clock.add(time.Second)
	b.signIn("demo-ada")
	if r := s.order(token); r.status != 400 || r.code(t) != string(aura.CodeLogoutTokenInvalid) {
		t.Errorf("a replay: %d %s", r.status, r.body)
	}
	if got := b.subject(); got != "demo-ada" {
		t.Errorf("the replay has ended the session: %q", got)
	}
}

// Without a store, or with OAuth 2.0, back-channel logout is an error of New
// and, not asked for, not there.
func TestBackchannelConfig(t *testing.T) {
	oidc := aura.Provider{ID: "dev", OIDC: true, Issuer: "https://idp.example", ClientID: "c", ClientSecret: "s", Logout: aura.LogoutConfig{Backchannel: true}}
	plain := ghProvider()
	plain.Logout.Backchannel = true
	for why, c := range map[string]struct {
		provider aura.Provider
		store    aura.Store
		says     string
	}{
		"no store":  {oidc, nil, "Config.Store"},
		"OAuth 2.0": {plain, memstore.New(nil), "OAuth 2.0"},
	} {
		_, err := aura.New(aura.Config{Secrets: []aura.Secret{testSecret}, Salt: testSalt, Providers: []aura.Provider{c.provider}, Store: c.store})
		if err == nil || !strings.Contains(err.Error(), "Logout.Backchannel") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", why, err)
		}
	}
	s := newStage(t, nil)
	if r := s.order("x"); r.status != 404 {
		t.Errorf("not configured: %d %s", r.status, r.body)
	}
}
