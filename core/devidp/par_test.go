package devidp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/aura-stack-go/auth/core/devidp"
)

func pushRequest(p *devidp.Provider, changes ...string) url.Values {
	return authRequest(p, append([]string{"client_secret", p.Client().Secret}, changes...)...)
}

func reference(p *devidp.Provider, clientID, requestURI string) string {
	return base(p) + "/authorize?" + url.Values{"client_id": {clientID}, "request_uri": {requestURI}}.Encode()
}

func TestPushedAuthorization(t *testing.T) {
	at := &clock{at: time.Now()}
	p := start(t, devidp.Config{SigningAlg: "ES256", Now: at.now, RequirePushedAuthorization: true,
		Clients: []devidp.Client{{ID: "dev", Secret: "s"}, {ID: "other", Secret: "o"}}})
	push := func() string {
		a := post(t, base(p)+"/par", pushRequest(p))
		if a.status != http.StatusCreated || !strings.HasPrefix(a.text("request_uri"), "urn:ietf:params:oauth:request_uri:") || a.object()["expires_in"] != 60.0 || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return a.text("request_uri")
	}
	discovery := get(t, base(p)+"/.well-known/openid-configuration").object()
	if discovery["pushed_authorization_request_endpoint"] != base(p)+"/par" || discovery["require_pushed_authorization_requests"] != true {
		t.Errorf("discovery %v", discovery)
	}
	uri := push()
	to, err := p.Approve(reference(p, "dev", uri), "demo-ada")
	u, parseErr := url.Parse(to)
	if err != nil || parseErr != nil || u.Query().Get("code") == "" || u.Query().Get("state") != "the-state" {
		t.Fatalf("%s %v", to, err)
	}
	if a := post(t, base(p)+"/token", tokenRequest(p, u.Query().Get("code"))); a.status != http.StatusOK {
		t.Errorf("token: %d %s", a.status, a.body)
	}
	if to, err := p.Approve(reference(p, "dev", uri), "demo-ada"); err == nil {
		t.Errorf("a request_uri worked twice: %s", to)
	}
	if to, err := p.Approve(reference(p, "other", push()), "demo-ada"); err == nil {
		t.Errorf("another client's request_uri worked: %s", to)
	}
	late := push()
	at.at = at.at.Add(time.Minute)
	if to, err := p.Approve(reference(p, "dev", late), "demo-ada"); err == nil {
		t.Errorf("an expired request_uri worked: %s", to)
	}
	// What the URL says besides changes nothing: only the pushed values count.
	spoiled := reference(p, "dev", push()) + "&state=spoiled&redirect_uri=http%3A%2F%2F127.0.0.1%2Fother"
	if to, err := p.Approve(spoiled, "demo-ada"); err != nil || !strings.HasPrefix(to, callback+"?") || strings.Contains(to, "spoiled") {
		t.Errorf("%s %v", to, err)
	}
	if to, err := p.Approve(base(p)+"/authorize?"+authRequest(p).Encode(), "demo-ada"); err != nil || !strings.Contains(to, "error=invalid_request") {
		t.Errorf("a request that was not pushed: %s %v", to, err)
	}
	if got := p.Counts().PushedAuthorization; got != 4 {
		t.Errorf("%d pushes counted", got)
	}
}

func TestPushRefuses(t *testing.T) {
	p := start(t, fast())
	for name, tt := range map[string]struct {
		changes []string
		status  int
		code    string
	}{
		"wrong secret":              {[]string{"client_secret", "x"}, 401, "invalid_client"},
		"no secret":                 {[]string{"client_secret", ""}, 401, "invalid_client"},
		"request_uri":               {[]string{"request_uri", "urn:ietf:params:oauth:request_uri:x"}, 400, "invalid_request"},
		"redirect_uri off loopback": {[]string{"redirect_uri", "https://app.example/cb"}, 400, "invalid_request"},
		"no PKCE":                   {[]string{"code_challenge", ""}, 400, "invalid_request"},
		"no openid":                 {[]string{"scope", "profile"}, 400, "invalid_scope"},
	} {
		if a := post(t, base(p)+"/par", pushRequest(p, tt.changes...)); a.status != tt.status || a.text("error") != tt.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := get(t, base(p)+"/par"); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", a.status)
	}
}

// TestPushWithAssertion: RFC 9126 §2 lets the audience be the endpoint itself.
func TestPushWithAssertion(t *testing.T) {
	key := newClientKey(t)
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{{ID: "dev", PublicKeys: publicPEM(t, key)}}})
	proof := func(jti string) string {
		return assertion(t, key, jose.ES256, "", map[string]any{"iss": "dev", "sub": "dev", "aud": base(p) + "/par", "jti": jti, "exp": time.Now().Add(time.Minute).Unix()})
	}
	a := post(t, base(p)+"/par", pushRequest(p, "client_secret", "", "client_assertion_type", assertionType, "client_assertion", proof("1")))
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if to, err := p.Approve(reference(p, "dev", a.text("request_uri")), "demo-ada"); err != nil || !strings.Contains(to, "code=") {
		t.Errorf("%s %v", to, err)
	}
	form := tokenRequest(p, newCode(t, p), "client_secret", "", "client_assertion_type", assertionType, "client_assertion", proof("2"))
	if a := post(t, base(p)+"/token", form); a.text("error") != "invalid_client" {
		t.Errorf("an assertion for /par worked at /token: %d %s", a.status, a.body)
	}
}
