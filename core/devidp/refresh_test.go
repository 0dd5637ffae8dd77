package devidp_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aura-stack-go/auth/core/devidp"
)

func TestRefreshRotates(t *testing.T) {
	p := start(t, fast())
	first := newTokens(t, p)
	second := post(t, base(p)+"/token", refreshRequest(p, first.text("refresh_token")))
	before, after := decodePart(first.text("id_token"), 1), decodePart(second.text("id_token"), 1)
	if second.status != 200 || second.text("refresh_token") == first.text("refresh_token") || second.text("access_token") == first.text("access_token") {
		t.Fatalf("refresh: %d %s", second.status, second.body)
	}
	for _, name := range []string{"iss", "sub", "aud", "auth_time", "sid", "email"} {
		if before[name] == nil || before[name] != after[name] {
			t.Errorf("%s changed from %v to %v", name, before[name], after[name])
		}
	}
	if _, has := after["nonce"]; has || after["at_hash"] != atHash(second.text("access_token")) {
		t.Errorf("refreshed claims %v", after)
	}
	for _, access := range []string{first.text("access_token"), second.text("access_token")} {
		if a := userInfo(t, p, access); a.status != 200 {
			t.Errorf("userinfo: %d", a.status)
		}
	}
	if c := p.Counts(); c.Refresh != 1 || c.Token != 2 || c.UserInfo != 2 {
		t.Errorf("counts %+v", c)
	}
}

func TestRefreshReuseRevokesTheFamily(t *testing.T) {
	p := start(t, fast())
	first, unrelated := newTokens(t, p), newTokens(t, p)
	second := post(t, base(p)+"/token", refreshRequest(p, first.text("refresh_token")))
	if a := post(t, base(p)+"/token", refreshRequest(p, first.text("refresh_token"))); a.status != 400 || a.text("error") != "invalid_grant" {
		t.Errorf("reuse: %d %s", a.status, a.body)
	}
	if a := post(t, base(p)+"/token", refreshRequest(p, second.text("refresh_token"))); a.text("error") != "invalid_grant" {
		t.Errorf("the newest refresh token survived the reuse: %d", a.status)
	}
	for _, access := range []string{first.text("access_token"), second.text("access_token")} {
		if a := userInfo(t, p, access); a.status != 401 {
			t.Errorf("an access token of the family survived: %d", a.status)
		}
	}
	if a := post(t, base(p)+"/token", refreshRequest(p, unrelated.text("refresh_token"))); a.status != 200 {
		t.Errorf("another family was revoked too: %d", a.status)
	}
}

func TestRefreshOfAnotherClient(t *testing.T) {
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{{ID: "dev", Secret: "s"}, {ID: "other", Secret: "o"}}})
	token := newTokens(t, p).text("refresh_token")
	if a := post(t, base(p)+"/token", refreshRequest(p, token, "client_id", "other", "client_secret", "o")); a.text("error") != "invalid_grant" {
		t.Errorf("another client: %d %s", a.status, a.body)
	}
	if a := post(t, base(p)+"/token", refreshRequest(p, token)); a.status != 200 {
		t.Errorf("the owner after that: %d", a.status)
	}
}

func TestRequireOfflineAccess(t *testing.T) {
	p := start(t, devidp.Config{SigningAlg: "ES256", RequireOfflineAccess: true})
	if token := newTokens(t, p).text("refresh_token"); token != "" {
		t.Error("a refresh token without offline_access")
	}
	if token := newTokens(t, p, "scope", "openid offline_access").text("refresh_token"); token == "" {
		t.Error("no refresh token with offline_access")
	}
}

func TestRevoke(t *testing.T) {
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{{ID: "dev", Secret: "s"}, {ID: "other", Secret: "o"}}})
	revoke := func(token string, changes ...string) answer {
		v := url.Values{"token": {token}, "client_id": {"dev"}, "client_secret": {"s"}, "token_type_hint": {"access_token"}}
		return post(t, base(p)+"/revoke", change(v, changes...))
	}
	tokens := newTokens(t, p)
	access, refresh := tokens.text("access_token"), tokens.text("refresh_token")
	for name, a := range map[string]answer{
		"another client's": revoke(access, "client_id", "other", "client_secret", "o"),
		"wrong secret":     revoke(access, "client_secret", "x"),
		"no token":         revoke(""),
	} {
		if a.status < 400 || a.text("error") == "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := userInfo(t, p, access); a.status != 200 {
		t.Fatalf("a refused revocation revoked: %d", a.status)
	}
	if a := revoke("unknown"); a.status != 200 {
		t.Errorf("unknown token: %d, want 200 (RFC 7009 §2.2)", a.status)
	}
	if a := revoke(access); a.status != 200 || userInfo(t, p, access).status != 401 {
		t.Errorf("access token: %d", a.status)
	}
	second := post(t, base(p)+"/token", refreshRequest(p, refresh))
	if second.status != 200 {
		t.Fatalf("revoking an access token ended the refresh token: %d", second.status)
	}
	if a := revoke(second.text("refresh_token")); a.status != 200 || userInfo(t, p, second.text("access_token")).status != 401 {
		t.Errorf("refresh token: %d; its access token lives on", a.status)
	}
	if p.Counts().Revoke != 6 {
		t.Errorf("Revoke counted %d, want 6", p.Counts().Revoke)
	}
}

func TestEndSession(t *testing.T) {
	const home = "http://localhost:3000/bye"
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{
		{ID: "dev", Secret: "s"}, {ID: "strict", Secret: "s", PostLogoutRedirectURIs: []string{home}}}})
	end := func(q url.Values) answer { return get(t, base(p)+"/end_session?"+q.Encode()) }

	tokens := newTokens(t, p)
	hint := tokens.text("id_token")
	for name, q := range map[string]url.Values{
		"no hint, no client":  {"post_logout_redirect_uri": {home}},
		"off loopback":        {"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://attacker.example/"}},
		"not registered":      {"client_id": {"strict"}, "post_logout_redirect_uri": {home + "2"}},
		"foreign hint":        {"id_token_hint": {hint[:len(hint)-20] + strings.Repeat("A", 20)}},
		"client differs":      {"id_token_hint": {hint}, "client_id": {"strict"}},
		"parameter twice":     {"id_token_hint": {hint, hint}},
		"hint is not a token": {"id_token_hint": {"x"}},
	} {
		if a := end(q); a.status != 400 || a.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", name, a.status, a.header.Get("Location"))
		}
	}
	if a := userInfo(t, p, tokens.text("access_token")); a.status != 200 {
		t.Fatalf("a refused logout revoked: %d", a.status)
	}
	if err := p.RotateKeys(); err != nil { // a hint may be older than the keys
		t.Fatal(err)
	}
	p.DropOldKeys()
	a := post(t, base(p)+"/end_session", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {home}, "state": {"x y"}})
	if a.status != 303 || a.header.Get("Location") != home+"?state=x+y" {
		t.Errorf("logout: %d %s", a.status, a.header.Get("Location"))
	}
	if userInfo(t, p, tokens.text("access_token")).status != 401 || post(t, base(p)+"/token", refreshRequest(p, tokens.text("refresh_token"))).status != 400 {
		t.Error("the session's tokens survived the logout")
	}
	if a := end(url.Values{"client_id": {"strict"}, "post_logout_redirect_uri": {home}}); a.status != 303 || a.header.Get("Location") != home {
		t.Errorf("registered: %d %s", a.status, a.header.Get("Location"))
	}
	if a := end(nil); a.status != 200 || !strings.Contains(string(a.body), "signed out") {
		t.Errorf("nothing given: %d", a.status)
	}
}

func TestUserInfoRefuses(t *testing.T) {
	p := start(t, fast())
	access := newTokens(t, p).text("access_token")
	for name, header := range map[string][]string{
		"no token":      nil,
		"unknown token": {"Bearer x"},
		"wrong scheme":  {"Basic " + access},
		"twice":         {"Bearer " + access, "Bearer " + access},
	} {
		a := do(t.Context(), "GET", base(p)+"/userinfo", nil, map[string][]string{"Authorization": header})
		if a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") || len(a.body) != 0 {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
	a := do(t.Context(), "POST", base(p)+"/userinfo", url.Values{}, map[string][]string{"Authorization": {"bearer " + access}})
	if a.status != 200 || a.text("sub") != "demo-ada" {
		t.Errorf("POST: %d %s", a.status, a.body)
	}
}
