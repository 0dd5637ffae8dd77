package provider

import aura "github.com/aura-stack-go/auth/core"

// Kakao signs in with Kakao (OpenID Connect, which must be switched on for the
// app at Kakao). Credentials: KAKAO_CLIENT_ID (the REST API key) and
// KAKAO_CLIENT_SECRET, with any of the prefixes or bare.
//
// Kakao refuses scopes that are not among the app's consent items. Nickname and
// picture are asked for; add account_email to Scopes where the app may have it.
// The address is verified when Kakao says so (email_verified).
func Kakao() aura.Provider {
	return aura.Provider{
		ID: "kakao", Name: "Kakao", OIDC: true,
		Issuer:     "https://kauth.kakao.com",
		AuthMethod: "client_secret_post",
		Scopes:     []string{"openid", "profile_nickname", "profile_image"},
		IDToken:    aura.IDTokenConfig{SigningAlgs: []string{"RS256"}},
	}
}
