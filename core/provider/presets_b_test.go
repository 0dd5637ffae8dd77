package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

const guid = "abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6"

// A presetRow is what one preset does on the wire, whole: parameters that are
// not named are not sent.
type presetRow struct {
	preset    aura.Provider
	issuer    string            // of the user's account
	authorize string            // "" for the address that discovery names
	token     string            // the same
	userinfo  string            // the same
	params    map[string]string // beside those that every request has
	basic     bool              // how the client proves itself
	noPKCE    bool
	header    map[string]string // of the userinfo request
	profile   string            // the recorded profile, by default the preset's ID
	without   string            // the member that holds the id; by default sub
	want      map[string]any
}

// mona is the user of most recorded profiles.
func mona(sub string, more ...string) map[string]any {
	u := map[string]any{"sub": sub, "name": "Mona Lisa", "email": "mona@octo.example"}
	for i := 0; i < len(more); i += 2 {
		if u[more[i]] = more[i+1]; more[i+1] == "" {
			delete(u, more[i])
		}
	}
	return u
}

func verified(u map[string]any) map[string]any {
	u["email_verified"] = true
	return u
}

var oidcScope = map[string]string{"scope": "openid profile email"}

func presetsB() []presetRow {
	kakao := mona("1234567890", "name", "Mona", "image", "https://k.kakaocdn.net/dn/synthetic/img_640x640.jpg")
	return []presetRow{
		{preset: provider.MicrosoftEntraID(guid), issuer: "https://login.microsoftonline.com/" + guid + "/v2.0", params: oidcScope, basic: true,
			want: mona("AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ")},
		{preset: provider.Auth0("acme.eu.auth0.com"), issuer: "https://acme.eu.auth0.com/", params: oidcScope, basic: true,
			want: verified(mona("auth0|5f7c8ec7c33c6c004bbafe82", "image", "https://s.gravatar.com/avatar/0000?s=480"))},
		{preset: provider.Okta("acme.okta.com", "default"), issuer: "https://acme.okta.com/oauth2/default", params: oidcScope, basic: true,
			want: verified(mona("00uid4BxXw6I6TV4m0g3"))},
		{preset: provider.Okta("acme.okta.com", ""), issuer: "https://acme.okta.com", params: oidcScope, basic: true,
			want: verified(mona("00uid4BxXw6I6TV4m0g3"))},
		{preset: provider.Keycloak("https://sso.example.com/auth/", "octo"), issuer: "https://sso.example.com/auth/realms/octo", params: oidcScope, basic: true,
			want: verified(mona("f1b7a8c2-3d4e-4f50-9a6b-7c8d9e0f1a2b"))},
		{preset: provider.Cognito("eu-central-1", "eu-central-1_AbCdEfGhI"), issuer: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI",
			params: oidcScope, basic: true, want: verified(mona("248289761001-0000-4000-8000-abcdefabcdef"))},
		{preset: provider.Facebook(), issuer: "https://www.facebook.com", authorize: "https://www.facebook.com/v23.0/dialog/oauth",
			token: "https://graph.facebook.com/v23.0/oauth/access_token", userinfo: "https://graph.facebook.com/v23.0/me?fields=id,name,email,picture.width(256).height(256)",
			params: map[string]string{"scope": "public_profile email"}, without: "id",
			want: mona("10223456789012345", "image", "https://platform-lookaside.fbsbx.com/platform/profilepic/?asid=10223456789012345&height=256")},
		{preset: provider.LinkedIn(), issuer: "https://www.linkedin.com/oauth", authorize: "https://www.linkedin.com/oauth/v2/authorization",
			token: "https://www.linkedin.com/oauth/v2/accessToken", userinfo: "https://api.linkedin.com/v2/userinfo", params: oidcScope, noPKCE: true,
			want: verified(mona("782bbtaQ", "image", "https://media.licdn.com/dms/image/synthetic/profile-displayphoto-shrink_100_100/"))},
		{preset: provider.Slack(), issuer: "https://slack.com", params: oidcScope,
			want: verified(mona("U0R7MFMJM", "name", "mona", "image", "https://secure.gravatar.com/avatar/0000.png"))},
		{preset: provider.Zoom(), issuer: "https://zoom.us", authorize: "https://zoom.us/oauth/authorize", token: "https://zoom.us/oauth/token",
			userinfo: "https://api.zoom.us/v2/users/me", basic: true, without: "id",
			want: verified(mona("KDcuGIm1QgePTO8WbOqwIQ", "name", "Mona L.", "image", "https://us01web.zoom.us/p/v2/synthetic"))},
		{preset: provider.Salesforce(""), issuer: "https://login.salesforce.com", params: oidcScope, basic: true,
			want: verified(mona("https://login.salesforce.com/id/00Dx0000001T0zkEAC/005x0000001S2b9AAC", "image", "https://acme.file.force.com/profilephoto/005/F"))},
		{preset: provider.Salesforce("acme.my.salesforce.com"), issuer: "https://acme.my.salesforce.com", params: oidcScope, basic: true,
			want: verified(mona("https://login.salesforce.com/id/00Dx0000001T0zkEAC/005x0000001S2b9AAC", "image", "https://acme.file.force.com/profilephoto/005/F"))},
		{preset: provider.Reddit(), issuer: "https://www.reddit.com", authorize: "https://www.reddit.com/api/v1/authorize",
			token: "https://www.reddit.com/api/v1/access_token", userinfo: "https://oauth.reddit.com/api/v1/me", basic: true, without: "id",
			params: map[string]string{"scope": "identity", "duration": "permanent"}, header: map[string]string{"User-Agent": "web:aura-auth-go:v1 (sign-in)"},
			want: mona("3k2j1h", "name", "mona_lisa", "email", "", "image", "https://styles.redditmedia.com/t5_synthetic/styles/profileIcon.png?width=256&height=256&s=0000")},
		{preset: provider.Line(), issuer: "https://access.line.me", authorize: "https://access.line.me/oauth2/v2.1/authorize",
			token: "https://api.line.me/oauth2/v2.1/token", userinfo: "https://api.line.me/oauth2/v2.1/userinfo", params: map[string]string{"scope": "openid profile"},
			want: mona("U4af4980629aabbccddeeff0011223344", "email", "", "image", "https://profile.line-scdn.net/synthetic")},
		{preset: provider.Kakao(), issuer: "https://kauth.kakao.com", params: map[string]string{"scope": "openid profile_nickname profile_image"}, want: verified(kakao)},
		{preset: provider.Yandex(), issuer: "https://oauth.yandex.ru", authorize: "https://oauth.yandex.ru/authorize", token: "https://oauth.yandex.ru/token",
			userinfo: "https://login.yandex.ru/info?format=json", params: map[string]string{"scope": "login:info login:email login:avatar"}, basic: true, without: "id",
			want: mona("1000034426", "name", "Mona", "email", "mona@yandex.ru", "image", "https://avatars.yandex.net/get-yapic/131652443/islands-200")},
		{preset: provider.VK(), issuer: "https://oauth.vk.com", authorize: "https://oauth.vk.com/authorize", token: "https://oauth.vk.com/access_token",
			userinfo: "https://api.vk.com/method/users.get?fields=photo_200&v=5.199", without: "response",
			want: mona("743784474", "email", "", "image", "https://sun1-1.userapi.com/synthetic.jpg?size=200x200")},
		{preset: provider.Gitea("https://git.example.com/"), issuer: "https://git.example.com", authorize: "https://git.example.com/login/oauth/authorize",
			token: "https://git.example.com/login/oauth/access_token", userinfo: "https://git.example.com/login/oauth/userinfo", params: oidcScope, basic: true,
			want: mona("42", "image", "https://git.example.com/avatars/0000")},
		{preset: provider.Forgejo("https://codeberg.org"), issuer: "https://codeberg.org", authorize: "https://codeberg.org/login/oauth/authorize",
			token: "https://codeberg.org/login/oauth/access_token", userinfo: "https://codeberg.org/login/oauth/userinfo", params: oidcScope, basic: true,
			want: mona("42", "name", "mona", "image", "https://codeberg.org/avatars/0000")},
		{preset: provider.Zitadel("https://octo.zitadel.cloud", "170079991923474000"), issuer: "https://octo.zitadel.cloud", params: oidcScope, basic: true,
			want: verified(mona("170079991923474689"))},
		{preset: provider.WorkOS("org_01EHQMYV6MBK39QC5PZXHY59C3"), issuer: "https://api.workos.com", authorize: "https://api.workos.com/sso/authorize",
			token: "https://api.workos.com/sso/token", userinfo: "https://api.workos.com/sso/profile", without: "id",
			params: map[string]string{"organization": "org_01EHQMYV6MBK39QC5PZXHY59C3"}, want: mona("prof_01DMC79VCBZ0NY2099737PSVF1")},
		{preset: provider.OneLogin("octo"), issuer: "https://octo.onelogin.com/oidc/2", params: oidcScope, basic: true, want: mona("63123456")},
		{preset: provider.PingOne(strings.ToUpper(guid), "eu"), issuer: "https://auth.pingone.eu/" + guid + "/as", params: oidcScope, basic: true,
			want: mona("9b0d1a1e-1111-4222-8333-444455556666")},
		{preset: provider.PingFederate("https://sso.example.com:9031"), issuer: "https://sso.example.com:9031", params: oidcScope, basic: true, want: mona("mona")},
		{preset: provider.Dex("https://dex.example.com/dex"), issuer: "https://dex.example.com/dex", params: oidcScope, basic: true,
			want: verified(mona("Cg0wLTM4NS0yODA4OS0wEgRtb2Nr"))},
	}
}

func TestPresetsB(t *testing.T) {
	key := newKey(t)
	for _, row := range presetsB() {
		p := row.preset
		t.Run(p.ID+" "+row.issuer, func(t *testing.T) {
			if row.profile == "" {
				row.profile = p.ID + ".json"
			}
			if row.without == "" {
				row.without = "sub"
			}
			if p.OIDC {
				row.authorize, row.token, row.userinfo = "https://op.example/authorize", "https://op.example/token", "https://op.example/userinfo"
			}
			if p.Problem != nil || p.Issuer != row.issuer || p.Name == "" || p.ClientID != "" || p.ClientSecret != "" {
				t.Fatalf("issuer %q, problem %v", p.Issuer, p.Problem)
			}
			serve := func(t *testing.T, profile string, claims map[string]any) (*application, *internet, url.Values, *http.Response) {
				var net *internet
				var host *oidcHost
				if p.OIDC {
					host = newOIDCHost(t, key, p, row.issuer, row.want["sub"].(string), profile)
					net = host.internet
				} else {
					body := `{"access_token":"at-synthetic","expires_in":3600,"token_type":"Bearer"}`
					if p.OptionalTokenType {
						body = `{"access_token":"at-synthetic","expires_in":3600}`
					}
					net = &internet{hosts: map[string]http.HandlerFunc{
						place(t, row.token): answer(200, body), place(t, row.userinfo): answer(200, profile),
					}}
				}
				app := newApplication(t, p, net)
				endpoint, q := app.start("")
				if endpoint != row.authorize {
					t.Errorf("the browser is sent to %s, want %s", endpoint, row.authorize)
				}
				if host != nil {
					host.claims["nonce"] = q.Get("nonce")
					for name, value := range claims {
						if host.claims[name] = value; value == nil {
							delete(host.claims, name)
						}
					}
				}
				return app, net, q, app.back(q.Get("state"), "")
			}

			app, net, q, r := serve(t, recorded(t, row.profile), nil)
			if r.StatusCode != 302 {
				t.Fatalf("callback: status %d, code %s", r.StatusCode, code(t, r))
			}
			row.checkRequest(t, q)
			row.checkToken(t, net)
			asked := net.asked(row.userinfo)
			if len(asked) != 1 || asked[0].method != "GET" || asked[0].header.Get("Authorization") != "Bearer at-synthetic" {
				t.Fatalf("userinfo was asked %v", asked)
			}
			for name, value := range row.header {
				if asked[0].header.Get(name) != value {
					t.Errorf("userinfo request: %s %q, want %q", name, asked[0].header.Get(name), value)
				}
			}
			if got := app.user(); !reflect.DeepEqual(got, row.want) {
				t.Errorf("signed in as\n%v, want\n%v", got, row.want)
			}

			// ID-33: without the id nobody is signed in, and no other member stands for it.
			refuse := func(why string, status int, profile string, claims map[string]any) {
				app, _, _, r := serve(t, profile, claims)
				if c := code(t, r); r.StatusCode != status || c == "" || app.user() != nil {
					t.Errorf("%s: status %d, code %s, signed in as %v", why, r.StatusCode, c, app.user())
				}
			}
			refuse("id removed", 502, edited(t, row.profile, map[string]any{row.without: nil}), nil)
			refuse("id null", 502, nulled(t, row.profile, row.without), nil)
			refuse("id empty, others there", 502, edited(t, row.profile, map[string]any{row.without: "", "uid": "1", "user_id": "2", "account_id": "3"}), nil)
			if p.OIDC {
				refuse("ID token without sub", 401, edited(t, row.profile, map[string]any{"sub": nil}), map[string]any{"sub": nil})
				refuse("userinfo of another", 502, edited(t, row.profile, map[string]any{"sub": "somebody"}), nil)
				refuse("ID token of another issuer", 401, recorded(t, row.profile), map[string]any{"iss": row.issuer + "x"})
				refuse("another nonce", 400, recorded(t, row.profile), map[string]any{"nonce": "another"})
			}
		})
	}
}

// nulled is a recorded profile with null in place of one member.
func nulled(t *testing.T, name, member string) string {
	t.Helper()
	return edited(t, name, map[string]any{member: json.RawMessage("null")})
}

// checkRequest compares the authorization request, each parameter of it.
func (row presetRow) checkRequest(t *testing.T, q url.Values) {
	t.Helper()
	want := map[string]string{
		"response_type": "code", "client_id": "client-id", "redirect_uri": "https://app.example/auth/callback/" + row.preset.ID,
	}
	for name, value := range row.params {
		want[name] = value
	}
	random := []string{"state"}
	if row.preset.OIDC {
		random = append(random, "nonce")
	}
	if !row.noPKCE {
		random = append(random, "code_challenge")
		want["code_challenge_method"] = "S256"
	}
	for _, name := range random {
		if len(q.Get(name)) < 43 {
			t.Errorf("%s is %q", name, q.Get(name))
		}
		want[name] = q.Get(name)
	}
	got := map[string]string{}
	for name, values := range q {
		got[name] = strings.Join(values, " and ")
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("authorization request\n%v, want\n%v", got, want)
	}
}

// checkToken compares the token request, which is sent once.
func (row presetRow) checkToken(t *testing.T, net *internet) {
	t.Helper()
	asked := net.asked(row.token)
	if len(asked) != 1 {
		t.Fatalf("the token endpoint was asked %d times", len(asked))
	}
	want := url.Values{
		"grant_type": {"authorization_code"}, "code": {"the-code"}, "redirect_uri": {"https://app.example/auth/callback/" + row.preset.ID},
	}
	if !row.noPKCE {
		want["code_verifier"] = asked[0].form["code_verifier"]
		if len(asked[0].form.Get("code_verifier")) < 43 {
			t.Error("token request without code_verifier")
		}
	}
	id, secret, basic := (&http.Request{Header: asked[0].header}).BasicAuth()
	if basic != row.basic || basic && (id != "client-id" || secret != "s3cret%3A%25%2B+%2F%C3%BC") {
		t.Errorf("Basic is %v: %q %q", basic, id, secret)
	}
	if !row.basic {
		want["client_id"], want["client_secret"] = []string{"client-id"}, []string{"s3cret:%+ /ü"}
	}
	if asked[0].method != "POST" || asked[0].header.Get("Accept") != "application/json" || !reflect.DeepEqual(asked[0].form, want) {
		t.Errorf("token request %s\n%v, want\n%v", asked[0].method, asked[0].form, want)
	}
}
