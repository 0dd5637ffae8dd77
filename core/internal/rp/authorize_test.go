package rp

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// FL-09, and the order that the TypeScript library has.
func TestAuthorizationURL(t *testing.T) {
	f := newIDP(t)
	params := map[string]string{"prompt": "consent", "audience": "api", "access_type": "offline", "display": "page"}
	p := f.party(t, func(c *Config) { c.AuthParams = params })
	params["prompt"] = "changed later"
	got, err := p.AuthorizationURL(t.Context(), AuthorizationRequest{
		State: "st", Nonce: testNonce, CodeVerifier: testVerifier, RedirectURI: "https://app.example/cb",
		Extra: map[string]string{"login_hint": "a b@x", "prompt": "none", "empty": "", "aaa": "1"},
	})
	expect(t, err, "")
	want := f.URL + "/authorize?response_type=code&client_id=" + url.QueryEscape(testClient) +
		"&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=st&code_challenge=" + oauth2.S256ChallengeFromVerifier(testVerifier) +
		"&code_challenge_method=S256&scope=openid+profile+email&prompt=consent&login_hint=a+b%40x&nonce=" + testNonce +
		"&display=page&audience=api&aaa=1&access_type=offline"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if contains(got, testVerifier) || contains(got, url.QueryEscape(testSecret)) {
		t.Error("verifier or secret in the URL")
	}

	plain := f.party(t, f.plain, func(c *Config) { c.AuthorizationEndpoint += "?tenant=1" })
	got, err = start(plain, t.Context())
	expect(t, err, "")
	u := must(url.Parse(got))
	if !strings.HasPrefix(got, f.URL+"/authorize?tenant=1&response_type=code&") || u.Query().Has("nonce") || u.Query().Has("scope") {
		t.Error(got)
	}
	if u.Query().Get("code_challenge_method") != "S256" || len(u.Query().Get("code_challenge")) != 43 {
		t.Error("no PKCE for plain OAuth 2.0")
	}
}

// FL-09: a thousand verifiers give a thousand challenges.
func TestChallengesDiffer(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	seen := map[string]bool{}
	for range 1000 {
		got, err := p.AuthorizationURL(t.Context(), AuthorizationRequest{
			State: "s", Nonce: "n", CodeVerifier: oauth2.GenerateVerifier(), RedirectURI: "https://app.example/cb",
		})
		expect(t, err, "")
		q := must(url.Parse(got)).Query()
		if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 {
			t.Fatal(got)
		}
		seen[q.Get("code_challenge")] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d distinct challenges of 1,000", len(seen))
	}
}

func TestAuthorizationRequestIsChecked(t *testing.T) {
	f := newIDP(t)
	good := AuthorizationRequest{State: "s", Nonce: "n", CodeVerifier: testVerifier, RedirectURI: "https://app.example/cb"}
	for name, edit := range map[string]func(*AuthorizationRequest){
		"no state":        func(a *AuthorizationRequest) { a.State = "" },
		"no nonce":        func(a *AuthorizationRequest) { a.Nonce = "" },
		"no redirect_uri": func(a *AuthorizationRequest) { a.RedirectURI = "" },
		"no verifier":     func(a *AuthorizationRequest) { a.CodeVerifier = "" },
		"short verifier":  func(a *AuthorizationRequest) { a.CodeVerifier = testVerifier[:42] },
		"long verifier":   func(a *AuthorizationRequest) { a.CodeVerifier = strings.Repeat("a", 129) },
		"odd verifier":    func(a *AuthorizationRequest) { a.CodeVerifier = strings.Repeat("=", 43) },
		"reserved extra":  func(a *AuthorizationRequest) { a.Extra = map[string]string{"request_uri": "https://evil.example"} },
	} {
		a := good
		edit(&a)
		_, err := f.party(t).AuthorizationURL(t.Context(), a)
		t.Log(name)
		expect(t, err, CodeBadRequest)
	}
}

func TestReservedParam(t *testing.T) {
	for _, name := range []string{"response_type", "client_id", "redirect_uri", "state", "nonce", "code_challenge",
		"code_challenge_method", "scope", "response_mode", "request", "request_uri", "State", "REQUEST_URI", ""} {
		if !ReservedParam(name) {
			t.Errorf("%q can be set", name)
		}
	}
	for _, name := range []string{"login_hint", "prompt", "audience", "access_type", "hd", "owner", "resource", "ui_locales"} {
		if ReservedParam(name) {
			t.Errorf("%q cannot be set", name)
		}
	}
}
