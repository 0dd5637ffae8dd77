package devidp_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/devidp"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutClient is a client's back-channel: it keeps what it is sent.
type logoutClient struct {
	*httptest.Server
	mu     sync.Mutex
	tokens []string
}

func newLogoutClient(t *testing.T, status int) *logoutClient {
	t.Helper()
	c := &logoutClient{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.tokens = append(c.tokens, r.PostFormValue("logout_token"))
		c.mu.Unlock()
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *logoutClient) received() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.tokens...)
}

func withLogout(c *logoutClient) devidp.Config {
	cfg := fast()
	cfg.Clients = []devidp.Client{{ID: "dev", Secret: "s", BackchannelLogoutURI: c.URL}, {ID: "quiet", Secret: "s"}}
	return cfg
}

func TestBackchannelLogout(t *testing.T) {
	for name, logout := range map[string]func(p *devidp.Provider, tokens answer) []devidp.Delivery{
		"session": func(p *devidp.Provider, tokens answer) []devidp.Delivery {
			return p.LogoutSession(t.Context(), str(decodePart(tokens.text("id_token"), 1), "sid"))
		},
		"subject": func(p *devidp.Provider, _ answer) []devidp.Delivery { return p.Logout(t.Context(), "demo-ada") },
		"end_session": func(p *devidp.Provider, tokens answer) []devidp.Delivery {
			get(t, base(p)+"/end_session?"+url.Values{"id_token_hint": {tokens.text("id_token")}}.Encode())
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := newLogoutClient(t, http.StatusOK)
			p := start(t, withLogout(client))
			tokens := newTokens(t, p)
			idToken := decodePart(tokens.text("id_token"), 1)
			deliveries := logout(p, tokens)
			received := client.received()
			if len(received) != 1 {
				t.Fatalf("%d logout tokens, want 1 (%+v)", len(received), deliveries)
			}
			if name != "end_session" && (len(deliveries) != 1 || deliveries[0].Status != 200 || deliveries[0].Err != nil || deliveries[0].Token != received[0] || deliveries[0].ClientID != "dev") {
				t.Errorf("deliveries %+v", deliveries)
			}
			header, claims := decodePart(received[0], 0), decodePart(received[0], 1)
			wantSID := idToken["sid"]
			if name == "subject" {
				wantSID = nil
			}
			if header["typ"] != "logout+jwt" || header["alg"] != "ES256" || claims["iss"] != p.Issuer() || claims["aud"] != "dev" ||
				claims["sub"] != "demo-ada" || claims["sid"] != wantSID || str(claims, "jti") == "" || claims["nonce"] != nil ||
				num(claims, "exp") != num(claims, "iat")+120 {
				t.Errorf("header %v, claims %v", header, claims)
			}
			if events, err := json.Marshal(claims["events"]); err != nil || string(events) != `{"`+logoutEvent+`":{}}` {
				t.Errorf("events %s", events)
			}
			if !verifiedBy(received[0], get(t, base(p)+"/jwks").object()) {
				t.Error("the signature does not hold")
			}
			if userInfo(t, p, tokens.text("access_token")).status != http.StatusUnauthorized {
				t.Error("the session's access token survived")
			}
			logout(p, tokens)
			if again := len(client.received()); again != 1 {
				t.Errorf("the end was told %d times", again)
			}
		})
	}
}

// A code that nobody redeemed is no session that anybody could be told about,
// and it must not become one afterwards.
func TestLogoutBeforeTheCodeIsRedeemed(t *testing.T) {
	client := newLogoutClient(t, http.StatusOK)
	p := start(t, withLogout(client))
	code := newCode(t, p)
	if d := p.Logout(t.Context(), "demo-ada"); len(d) != 0 {
		t.Errorf("deliveries %+v", d)
	}
	tokens := post(t, base(p)+"/token", tokenRequest(p, code))
	if tokens.status != http.StatusBadRequest || tokens.text("error") != "invalid_grant" {
		t.Errorf("the code of an ended session: %d %s", tokens.status, tokens.body)
	}
}

func TestBackchannelLogoutReportsTheAnswer(t *testing.T) {
	for _, status := range []int{http.StatusNoContent, http.StatusBadRequest, http.StatusTemporaryRedirect} {
		client := newLogoutClient(t, status)
		p := start(t, withLogout(client))
		newTokens(t, p)
		d := p.Logout(t.Context(), "demo-ada")
		if len(d) != 1 || d[0].Status != status || d[0].Err != nil || len(client.received()) != 1 {
			t.Errorf("%d: %+v, %d received", status, d, len(client.received()))
		}
	}
	client := newLogoutClient(t, http.StatusOK)
	p := start(t, withLogout(client))
	newTokens(t, p)
	client.Close()
	if d := p.Logout(t.Context(), "demo-ada"); len(d) != 1 || d[0].Status != 0 || d[0].Err == nil {
		t.Errorf("nobody listens: %+v", d)
	}
}

func TestBackchannelLogoutURIStaysOnLoopback(t *testing.T) {
	for _, uri := range []string{"https://app.example/logout", "http://169.254.169.254/", "http://10.0.0.1/", "ftp://localhost/", "http://localhost/#x", "logout"} {
		cfg := fast()
		cfg.Issuer, cfg.Clients = "http://127.0.0.1:1", []devidp.Client{{ID: "dev", Secret: "s", BackchannelLogoutURI: uri}}
		if _, err := devidp.New(cfg); err == nil || !strings.Contains(err.Error(), "Clients[0].BackchannelLogoutURI") {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestLogoutToken(t *testing.T) {
	p := start(t, fast())
	token, err := p.LogoutToken("dev", "", "the-sid")
	if claims := decodePart(token, 1); err != nil || claims["sid"] != "the-sid" || claims["sub"] != nil {
		t.Errorf("%v %v", claims, err)
	}
	if _, err := p.LogoutToken("nobody", "demo-ada", ""); err == nil {
		t.Error("a token for nobody")
	}
	if got := p.Counts().BackchannelLogout; got != 1 {
		t.Errorf("%d counted", got)
	}
}

// TestLogoutFaults checks each fault's effect on the token, and that an honest
// token does not show it. Where claims are wrong, the signature must hold.
func TestLogoutFaults(t *testing.T) {
	p := start(t, fast())
	claims := func(check func(c map[string]any) bool) func(string, bool) bool {
		return func(token string, signed bool) bool { return signed && check(decodePart(token, 1)) }
	}
	without := func(name string) func(string, bool) bool {
		return claims(func(c map[string]any) bool { _, has := c[name]; return c != nil && !has })
	}
	is := func(name, want string) func(string, bool) bool {
		return claims(func(c map[string]any) bool { b, err := json.Marshal(c[name]); return err == nil && string(b) == want })
	}
	forged := func(alg string) func(string, bool) bool {
		return func(token string, signed bool) bool { return !signed && decodePart(token, 0)["alg"] == alg }
	}
	typ := func(want any) func(string, bool) bool {
		return func(token string, signed bool) bool { return signed && decodePart(token, 0)["typ"] == want }
	}
	effects := map[string]func(token string, signed bool) bool{
		"LogoutAlgNone": func(token string, signed bool) bool {
			return forged("none")(token, signed) && strings.HasSuffix(token, ".")
		},
		"LogoutWrongAlg":        forged("HS256"),
		"LogoutBadSignature":    forged("ES256"),
		"LogoutOtherKey":        forged("ES256"),
		"LogoutWrongAudience":   is("aud", `"another-client"`),
		"LogoutMissingAudience": without("aud"),
		"LogoutWrongIssuer":     is("iss", `"https://attacker.example"`),
		"LogoutMissingIssuer":   without("iss"),
		"LogoutNoEvent":         without("events"),
		"LogoutWrongEvent":      is("events", `{"`+logoutEvent+`-not":{}}`),
		"LogoutEventText":       is("events", `"`+logoutEvent+`"`),
		"LogoutEventNumber":     is("events", `{"`+logoutEvent+`":1}`),
		"LogoutWithNonce":       is("nonce", `"a-nonce"`),
		"LogoutNobody": func(token string, signed bool) bool {
			return without("sub")(token, signed) && without("sid")(token, signed)
		},
		"LogoutExpired":         claims(func(c map[string]any) bool { return num(c, "exp") < float64(time.Now().Unix()) }),
		"LogoutMissingExpiry":   without("exp"),
		"LogoutMissingIssuedAt": without("iat"),
		"LogoutFutureIssuedAt":  claims(func(c map[string]any) bool { return num(c, "iat") > num(c, "exp") }),
		"LogoutMissingID":       without("jti"),
		"LogoutRepeatedID":      is("jti", `"the-same-jti-every-time"`),
		"LogoutTypeMissing":     typ(nil),
		"LogoutTypeAccessToken": typ("at+jwt"),
	}
	logoutToken := func() (string, bool) {
		t.Helper()
		token, err := p.LogoutToken("dev", "demo-ada", "the-sid")
		if err != nil {
			t.Fatal(err)
		}
		return token, verifiedBy(token, get(t, base(p)+"/jwks").object())
	}
	for _, f := range devidp.LogoutFaults() {
		t.Run(f.Name, func(t *testing.T) {
			p.Behave()
			if effects[f.Name] == nil || f.Endpoint != devidp.BackchannelLogout {
				t.Fatalf("no entry in effects, or struck elsewhere: %s", f.Endpoint)
			}
			if token, signed := logoutToken(); effects[f.Name](token, signed) {
				t.Error("the check passes on an honest token: it proves nothing")
			}
			p.Misbehave(f)
			if token, signed := logoutToken(); !effects[f.Name](token, signed) {
				t.Errorf("%s: not seen: header %v, claims %v, signed %v", f.About, decodePart(token, 0), decodePart(token, 1), signed)
			}
		})
	}
}
