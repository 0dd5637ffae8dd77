package provider

import aura "github.com/aura-stack-go/auth/core"

// Google signs in with Google accounts (OpenID Connect). Credentials:
// GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, with any of the prefixes or bare.
func Google() aura.Provider {
	return aura.Provider{
		ID:            "google",
		Name:          "Google",
		OIDC:          true,
		Issuer:        "https://accounts.google.com",
		AllowedParams: []string{"login_hint", "hd"},
	}
}
