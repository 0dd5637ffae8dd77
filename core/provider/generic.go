package provider

import aura "github.com/aura-stack-go/auth/core"

// OIDC signs in with any OpenID Connect provider. The issuer is written exactly
// as the provider publishes it in its discovery document, a trailing slash
// included. Credentials: <ID>_CLIENT_ID and <ID>_CLIENT_SECRET, with any of the
// prefixes or bare.
func OIDC(id, issuer string) aura.Provider {
	return aura.Provider{ID: id, OIDC: true, Issuer: issuer}
}

// OAuth2 signs in with any OAuth 2.0 provider that has an endpoint for the
// user's profile. [aura.DefaultProfile] reads common member names; set Profile
// where the provider uses others, and Issuer to the constant URL under which
// its user ids are unique. Credentials as with OIDC.
func OAuth2(id, authorizationEndpoint, tokenEndpoint, userInfoEndpoint string, scopes ...string) aura.Provider {
	return aura.Provider{
		ID:                    id,
		AuthorizationEndpoint: authorizationEndpoint,
		TokenEndpoint:         tokenEndpoint,
		UserInfoEndpoint:      userInfoEndpoint,
		Scopes:                scopes,
	}
}
