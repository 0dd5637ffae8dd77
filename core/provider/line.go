package provider

import aura "github.com/aura-stack-go/auth/core"

// Line signs in with LINE (OAuth 2.0). Credentials: LINE_CLIENT_ID (the channel
// id) and LINE_CLIENT_SECRET, with any of the prefixes or bare.
//
// For web sign-in LINE signs ID tokens with the channel secret (HS256), which is
// not accepted here; so the user is who the userinfo endpoint says the access
// token belongs to. The address stands in the ID token alone and is therefore
// not known. User ids are those of the channel's provider at LINE.
func Line() aura.Provider {
	return aura.Provider{
		ID: "line", Name: "LINE",
		Issuer:                "https://access.line.me",
		AuthorizationEndpoint: "https://access.line.me/oauth2/v2.1/authorize",
		TokenEndpoint:         "https://api.line.me/oauth2/v2.1/token",
		UserInfoEndpoint:      "https://api.line.me/oauth2/v2.1/userinfo",
		RevocationEndpoint:    "https://api.line.me/oauth2/v2.1/revoke",
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"openid", "profile"},
		Profile:               subjectOf("sub"),
	}
}
