package provider

import aura "github.com/aura-stack-go/auth/core"

const googleIssuer = "https://accounts.google.com"

// Google signs in with Google accounts (OpenID Connect). Credentials:
// GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is verified when Google says so (email_verified). To admit the
// accounts of an organization alone see [GoogleHostedDomain].
func Google() aura.Provider {
	return aura.Provider{
		ID:            "google",
		Name:          "Google",
		OIDC:          true,
		Issuer:        googleIssuer,
		AllowedParams: []string{"login_hint", "hd"},
	}
}
