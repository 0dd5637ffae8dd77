package devidp_test

import (
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

// An ear is a client's endpoint for logout tokens. It answers 200 unless a test
// says otherwise.
type ear struct {
	url string

	mu     sync.Mutex
	answer http.HandlerFunc
	heard  []string
	odd    string // what was wrong with a request
}

func listen(t *testing.T) *ear {
	t.Helper()
	e := &ear{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer := e.hear(r); answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	e.url = server.URL + "/backchannel"
	return e
}

func (e *ear) hear(r *http.Request) (answer http.HandlerFunc) {
	err := r.ParseForm()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil || r.Method != http.MethodPost || r.URL.RequestURI() != "/backchannel" || len(r.PostForm) != 1 || len(r.PostForm["logout_token"]) != 1 ||
		r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.Header.Get("Authorization")+r.Header.Get("Cookie") != "" {
		e.odd = r.Method + " " + r.URL.RequestURI() + " " + r.PostForm.Encode()
	}
	e.heard = append(e.heard, r.PostForm.Get("logout_token"))
	return e.answer
}

// say changes the answer from the next request on.
func (e *ear) say(answer http.HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = answer
}

// take returns what was heard since the last time.
func (e *ear) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	return heard
}

func (e *ear) client(id string) devidp.Client {
	return devidp.Client{ID: id, Secret: "the-secret-of-" + id, BackchannelLogoutURI: e.url}
}

// logoutEffects: how each fault shows in the logout token, under a valid
// signature unless the signature is the fault.
func logoutEffects() map[string]effect {
	signed := func(w *wire) bool {
		return w.logout != nil && verifiedBy(w.logouts[len(w.logouts)-1], w.keysAfter.object())
	}
	claims := func(check func(map[string]any) bool) effect {
		return func(w *wire) bool { return signed(w) && len(w.logouts) == 1 && check(w.logout) }
	}
	without := func(names ...string) effect {
		return claims(func(c map[string]any) bool {
			for _, name := range names {
				if _, ok := c[name]; ok {
					return false
				}
			}
			return true
		})
	}
	last := func(w *wire) string { return append([]string{""}, w.logouts...)[len(w.logouts)] }
	return map[string]effect{
		"LogoutAlgNone": func(w *wire) bool { return str(w.logoutHeader, "alg") == "none" && strings.HasSuffix(last(w), ".") },
		"LogoutHS256":   func(w *wire) bool { return hs256(last(w), []byte(w.client.Secret)) },
		"LogoutBadSignature": func(w *wire) bool {
			return w.logout != nil && !signed(w) && str(w.logoutHeader, "alg") == str(w.header, "alg") && !strings.HasSuffix(last(w), ".")
		},
		"LogoutWrongAudience": claims(func(c map[string]any) bool { return c["aud"] == "another-client" }),
		"LogoutWrongIssuer":   claims(func(c map[string]any) bool { return c["iss"] == "https://attacker.example" }),
		"LogoutNoEvent":       without("events"),
		"LogoutWrongEvent": claims(func(c map[string]any) bool {
			events, _ := c["events"].(map[string]any)
			_, right := events["http://schemas.openid.net/event/backchannel-logout"]
			return len(events) == 1 && !right
		}),
		"LogoutWithNonce": claims(func(c map[string]any) bool { return str(c, "nonce") != "" }),
		"LogoutNoSubject": without("sub", "sid"),
		"LogoutNoID":      without("jti"),
		"LogoutExpired": claims(func(c map[string]any) bool {
			return num(c, "exp") == num(c, "iat")+120 && num(c, "exp") < float64(time.Now().Unix()-120)
		}),
		"LogoutOtherKey": func(w *wire) bool {
			return w.logout != nil && !signed(w) && str(w.logoutHeader, "kid") == str(w.header, "kid") && !strings.HasSuffix(last(w), ".")
		},
		"LogoutMissingAudience": without("aud"),
		"LogoutMissingIssuer":   without("iss"),
		"LogoutEventText":       claims(func(c map[string]any) bool { return c["events"] == logoutEvent }),
		"LogoutEventNumber": claims(func(c map[string]any) bool {
			events, _ := c["events"].(map[string]any)
			return len(events) == 1 && events[logoutEvent] == 1.0
		}),
		"LogoutMissingExpiry":    without("exp"),
		"LogoutMissingIssuedAt":  without("iat"),
		"LogoutFutureIssuedAt":   claims(func(c map[string]any) bool { return num(c, "iat") > num(c, "exp") }),
		"LogoutAccessTokenTyped": func(w *wire) bool { return signed(w) && str(w.logoutHeader, "typ") == "at+jwt" },
		"LogoutReplayed":         func(w *wire) bool { return signed(w) && len(w.logouts) == 2 && w.logouts[0] == w.logouts[1] },
	}
}

func TestBackchannelLogout(t *testing.T) {
	mine, theirs := listen(t), listen(t)
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{mine.client("dev"), theirs.client("other"), {ID: "deaf", Secret: "s"}}})
	discovery := get(t, base(p)+"/.well-known/openid-configuration").object()
	if discovery["backchannel_logout_supported"] != true || discovery["backchannel_logout_session_supported"] != true {
		t.Errorf("discovery %v", discovery)
	}
	session := func(clientID, secret string) (access, idToken, sid string) {
		t.Helper()
		code := newCode(t, p, "client_id", clientID)
		a := post(t, base(p)+"/token", tokenRequest(p, code, "client_id", clientID, "client_secret", secret))
		return a.text("access_token"), a.text("id_token"), str(decodePart(a.text("id_token"), 1), "sid")
	}
	access, idToken, sid := session("dev", "the-secret-of-dev")
	kept, _, _ := session("dev", "the-secret-of-dev")
	session("other", "the-secret-of-other")
	session("deaf", "s")
	newCode(t, p) // never exchanged: no client knows of that session

	before := time.Now().Unix()
	notices, err := p.EndSession(t.Context(), sid)
	if err != nil || len(notices) != 1 || notices[0].ClientID != "dev" || notices[0].Status != http.StatusOK || notices[0].Err != nil {
		t.Fatalf("%+v %v", notices, err)
	}
	heard := mine.take()
	if len(heard) != 1 || heard[0] != notices[0].Token || len(theirs.take()) != 0 || mine.odd != "" {
		t.Fatalf("heard %v; %s", heard, mine.odd)
	}
	if !verifiedBy(heard[0], get(t, base(p)+"/jwks").object()) || decodePart(heard[0], 0)["typ"] != "logout+jwt" {
		t.Errorf("header %v", decodePart(heard[0], 0))
	}
	c := decodePart(heard[0], 1)
	events, _ := c["events"].(map[string]any)
	event, isObject := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	if c["iss"] != p.Issuer() || c["aud"] != "dev" || c["sub"] != "demo-ada" || c["sid"] != sid || len(str(c, "jti")) < 22 || len(events) != 1 || len(event) != 0 || !isObject ||
		num(c, "iat") < float64(before) || num(c, "exp") != num(c, "iat")+120 || len(c) != 8 {
		t.Errorf("claims %v", c)
	}
	if a, b := userInfo(t, p, access), userInfo(t, p, kept); a.status != http.StatusUnauthorized || b.status != http.StatusOK {
		t.Errorf("the ended session's token: %d, the other's: %d", a.status, b.status)
	}

	// By subject: one for each client that has an endpoint, and no sid.
	notices, err = p.EndSessions(t.Context(), "demo-ada")
	if err != nil || len(notices) != 2 || notices[0].ClientID != "dev" || notices[1].ClientID != "other" {
		t.Fatalf("%+v %v", notices, err)
	}
	c = decodePart(notices[1].Token, 1)
	if _, has := c["sid"]; has || c["aud"] != "other" || c["sub"] != "demo-ada" || len(theirs.take()) != 1 || len(mine.take()) != 1 {
		t.Errorf("claims %v", c)
	}
	if userInfo(t, p, kept).status != http.StatusUnauthorized {
		t.Error("a token of an ended session works")
	}

	// By the browser; the way back comes after the client was told.
	mine.say(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	a := get(t, base(p)+"/end_session?"+url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {"http://127.0.0.1:3000/"}}.Encode())
	if heard := mine.take(); a.status != http.StatusSeeOther || len(heard) != 1 || decodePart(heard[0], 1)["sid"] != sid {
		t.Errorf("end_session: %d, heard %v", a.status, heard)
	}
	if n := p.Counts().BackchannelLogout; n != 4 {
		t.Errorf("%d logout tokens, want 4", n)
	}
}

// A client that redeemed its code after the logout would have a session that the
// provider has ended, and that nobody will tell it about.
func TestCodeDiesWithItsSession(t *testing.T) {
	p := start(t, fast())
	code := newCode(t, p)
	newTokens(t, p)
	if _, err := p.EndSessions(t.Context(), "demo-ada"); err != nil {
		t.Fatal(err)
	}
	if a := post(t, base(p)+"/token", tokenRequest(p, code)); a.status != http.StatusBadRequest || a.text("error") != "invalid_grant" {
		t.Errorf("the code of an ended session: %d %s", a.status, a.body)
	}
}

// What a client answers is handed back, whatever it is; nothing is followed, and
// nobody waits for ever.
func TestBackchannelLogoutAnswers(t *testing.T) {
	ear := listen(t)
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{ear.client("dev")}})
	sid := str(decodePart(newTokens(t, p).text("id_token"), 1), "sid")
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		status int
		body   int
	}{
		"refused":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) }, 400, 3},
		"redirected": {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Location", ear.url); w.WriteHeader(307) }, 307, 0},
		"endless":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }, 200, 64 << 10},
		"hung up":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ear.say(test.answer)
			notices, err := p.EndSession(t.Context(), sid)
			if err != nil || len(notices) != 1 || notices[0].Status != test.status || len(notices[0].Body) != test.body || (notices[0].Err == nil) != (test.status != 0) {
				t.Errorf("%v %v", notices[0].Status, err)
			}
			if n := len(ear.take()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
	t.Run("silent", func(t *testing.T) {
		ear.say(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		done := make(chan error, 1)
		go func() {
			notices, _ := p.EndSession(t.Context(), sid)
			done <- notices[0].Err
		}()
		for len(ear.take()) == 0 { // it is being asked
			time.Sleep(time.Millisecond)
		}
		if err := p.Close(); err != nil { // does not wait for the client
			t.Error(err)
		}
		if err := <-done; err == nil {
			t.Error("no error although there was no answer")
		}
		if _, err := p.EndSession(t.Context(), sid); err == nil {
			t.Error("a closed provider has sent something")
		}
	})
}

func TestBackchannelLogoutMistakes(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example/logout":   "is not on loopback",
		"http://127.0.0.1:3000/x#frag": "has a fragment",
		"ftp://127.0.0.1/x":            "neither scheme http nor https",
	} {
		_, err := devidp.New(devidp.Config{Issuer: "http://127.0.0.1:1", Clients: []devidp.Client{{ID: "dev", BackchannelLogoutURI: uri}}})
		if err == nil || !strings.Contains(err.Error(), "Clients[0].BackchannelLogoutURI") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", uri, err)
		}
	}
	p := start(t, fast())
	if _, err := p.EndSessions(t.Context(), "nobody"); err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("an unknown user: %v", err)
	}
	newCode(t, p)
	if _, err := p.EndSessions(t.Context(), "demo-ada"); err == nil || !strings.Contains(err.Error(), "sign somebody in first") {
		t.Errorf("no session: %v", err)
	}
	if _, err := p.EndSession(t.Context(), "unknown"); err == nil {
		t.Error("an unknown sid ended something")
	}
	newTokens(t, p)
	if notices, err := p.EndSessions(t.Context(), "demo-ada"); err != nil || len(notices) != 0 {
		t.Errorf("a client without an endpoint: %v %v", notices, err)
	}
}
