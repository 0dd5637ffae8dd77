package provider_test

import (
	"crypto/rsa"
	"net/http"
	"reflect"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

// signInWith runs one sign-in with an OpenID preset and returns the callback's
// status and the user.
func signInWith(t *testing.T, key *rsa.PrivateKey, p aura.Provider, profile string, claims map[string]any) (int, map[string]any) {
	t.Helper()
	sub, _ := claims["sub"].(string)
	h := newOIDCHost(t, key, p, p.Issuer, sub, profile)
	app := newApplication(t, p, h)
	_, q := app.start("")
	h.claims["nonce"] = q.Get("nonce")
	for name, value := range claims {
		h.claims[name] = value
	}
	return app.back(q.Get("state"), "").StatusCode, app.user()
}

// Nothing but what a preset documents verifies an address (ID-31).
func TestVerifiedB(t *testing.T) {
	key := newKey(t)
	for _, c := range []struct {
		why    string
		p      aura.Provider
		file   string
		sub    string
		change map[string]any
		claims map[string]any
		want   bool
	}{
		{why: "cognito, text", p: provider.Cognito("eu-central-1", "eu-central-1_AbCdEfGhI"), file: "cognito", want: true},
		{why: "cognito, boolean", p: provider.Cognito("eu-central-1", "eu-central-1_AbCdEfGhI"), file: "cognito", change: map[string]any{"email_verified": true}, want: true},
		{why: "cognito, other text", p: provider.Cognito("eu-central-1", "eu-central-1_AbCdEfGhI"), file: "cognito", change: map[string]any{"email_verified": "TRUE"}},
		{why: "cognito, number", p: provider.Cognito("eu-central-1", "eu-central-1_AbCdEfGhI"), file: "cognito", change: map[string]any{"email_verified": 1}},
		{why: "cognito, verified without address", p: provider.Cognito("eu-central-1", "eu-central-1_AbCdEfGhI"), file: "cognito", change: map[string]any{"email": nil}},
		{why: "auth0, text", p: provider.Auth0("acme.eu.auth0.com"), file: "auth0", change: map[string]any{"email_verified": "true"}},
		{why: "auth0, no", p: provider.Auth0("acme.eu.auth0.com"), file: "auth0", change: map[string]any{"email_verified": false}},
		{why: "entra never: nOAuth", p: provider.MicrosoftEntraID(guid), file: "microsoft-entra-id", change: map[string]any{"email_verified": true}},
		{why: "entra never: xms_edov", p: provider.MicrosoftEntraID(guid), file: "microsoft-entra-id", claims: map[string]any{"xms_edov": true, "email": "mona@octo.example", "email_verified": true}},
	} {
		claims := map[string]any{"sub": "the-user"}
		for name, value := range c.claims {
			claims[name] = value
		}
		profile := map[string]any{"sub": "the-user"}
		for name, value := range c.change {
			profile[name] = value
		}
		status, user := signInWith(t, key, c.p, edited(t, c.file+".json", profile), claims)
		if got := user["email_verified"] == true; status != 302 || got != c.want {
			t.Errorf("%s: status %d, verified %v", c.why, status, got)
		}
	}
}

// The same for presets of OAuth 2.0, beside what else their mappings decide.
func TestMappingsB(t *testing.T) {
	for _, c := range []struct {
		why      string
		p        aura.Provider
		token    string
		userinfo string
		file     string
		change   map[string]any
		want     map[string]any
	}{
		{"zoom, not verified", provider.Zoom(), "zoom.us/oauth/token", "api.zoom.us/v2/users/me", "zoom", map[string]any{"verified": 0, "display_name": nil},
			mona("KDcuGIm1QgePTO8WbOqwIQ", "image", "https://us01web.zoom.us/p/v2/synthetic")},
		{"linkedin, verified in a text", provider.LinkedIn(), "www.linkedin.com/oauth/v2/accessToken", "api.linkedin.com/v2/userinfo", "linkedin",
			map[string]any{"email_verified": "true", "picture": nil, "id": "7"}, mona("782bbtaQ")},
		{"gitea says more than it knows", provider.Gitea("https://git.example.com"), "git.example.com/login/oauth/access_token", "git.example.com/login/oauth/userinfo",
			"gitea", map[string]any{"email_verified": true, "picture": nil}, mona("42")},
		{"facebook without picture and address", provider.Facebook(), "graph.facebook.com/v23.0/oauth/access_token", "graph.facebook.com/v23.0/me", "facebook",
			map[string]any{"email": nil, "picture": map[string]any{"data": map[string]any{"is_silhouette": true, "url": "https://facebook.example/none"}}},
			mona("10223456789012345", "email", "")},
		{"yandex without picture", provider.Yandex(), "oauth.yandex.ru/token", "login.yandex.ru/info", "yandex",
			map[string]any{"is_avatar_empty": true, "display_name": ""}, mona("1000034426", "email", "mona@yandex.ru")},
		{"vk, an error with status 200", provider.VK(), "oauth.vk.com/access_token", "api.vk.com/method/users.get", "vk",
			map[string]any{"response": nil, "error": map[string]any{"error_code": 5, "error_msg": "User authorization failed"}}, nil},
		{"vk, two users", provider.VK(), "oauth.vk.com/access_token", "api.vk.com/method/users.get", "vk",
			map[string]any{"response": []any{map[string]any{"id": 1}, map[string]any{"id": 2}}}, nil},
		{"vk, nobody", provider.VK(), "oauth.vk.com/access_token", "api.vk.com/method/users.get", "vk",
			map[string]any{"response": []any{map[string]any{"id": 0}}}, nil},
		{"line, another member for the id", provider.Line(), "api.line.me/oauth2/v2.1/token", "api.line.me/oauth2/v2.1/userinfo", "line",
			map[string]any{"sub": nil, "id": "U1", "user_id": "U1"}, nil},
		{"line, a number for the id", provider.Line(), "api.line.me/oauth2/v2.1/token", "api.line.me/oauth2/v2.1/userinfo", "line",
			map[string]any{"sub": 7}, nil},
	} {
		t.Run(c.why, func(t *testing.T) {
			net := &internet{hosts: map[string]http.HandlerFunc{
				c.token:    answer(200, `{"access_token":"at-synthetic","token_type":"bearer"}`),
				c.userinfo: answer(200, edited(t, c.file+".json", c.change)),
			}}
			app := newApplication(t, c.p, net)
			_, q := app.start("")
			r, want := app.back(q.Get("state"), ""), 302
			if c.want == nil {
				want = 502
			}
			if got := app.user(); r.StatusCode != want || want == 302 && !reflect.DeepEqual(got, c.want) || want != 302 && got != nil {
				t.Errorf("status %d, signed in as\n%v, want\n%v", r.StatusCode, got, c.want)
			}
		})
	}
}

// ZITADEL's aud names the project: whom the caller trusts, and nobody else.
func TestZitadelAudiences(t *testing.T) {
	key := newKey(t)
	for why, c := range map[string]struct {
		trusted []string
		claims  map[string]any
		want    int
	}{
		"the project is trusted":         {[]string{"project"}, map[string]any{"aud": []string{"client-id", "project"}, "azp": "client-id"}, 302},
		"the project is not trusted":     {nil, map[string]any{"aud": []string{"client-id", "project"}, "azp": "client-id"}, 401},
		"issued to another application":  {[]string{"project"}, map[string]any{"aud": []string{"client-id", "project"}, "azp": "project"}, 401},
		"not for us at all":              {[]string{"project"}, map[string]any{"aud": []string{"project"}}, 401},
		"several parties, azp left out":  {[]string{"project"}, map[string]any{"aud": []string{"client-id", "project"}}, 401},
		"one more that nobody has named": {[]string{"project"}, map[string]any{"aud": []string{"client-id", "project", "x"}, "azp": "client-id"}, 401},
	} {
		c.claims["sub"] = "170079991923474689"
		status, user := signInWith(t, key, provider.Zitadel("https://octo.zitadel.cloud", c.trusted...), recorded(t, "zitadel.json"), c.claims)
		if status != c.want || (user != nil) != (c.want == 302) {
			t.Errorf("%s: status %d, signed in as %v", why, status, user)
		}
	}
}
