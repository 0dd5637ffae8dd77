package provider_test

import (
	"strings"

	"github.com/aura-stack-go/auth/core/provider"
)

const guid = "abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6"

func presetsB() []presetRow {
	kakao := mona("1234567890", "name", "Mona", "image", "https://k.kakaocdn.net/dn/synthetic/img_640x640.jpg")
	return []presetRow{
		{preset: provider.MicrosoftEntraID(guid), issuer: "https://login.microsoftonline.com/" + guid + "/v2.0", params: oidcScope, basic: true,
			want: mona("AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ")},
		{preset: provider.Apple("TEAM123456", "KEY1234567", newP8()), issuer: "https://appleid.apple.com",
			want: verified(mona(appleSub)), elsewhere: "TestAppleOnTheWire"},
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
