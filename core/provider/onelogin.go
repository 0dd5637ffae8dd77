package provider

import aura "github.com/aura-stack-go/auth/core"

// OneLogin signs in with a OneLogin account (OpenID Connect): acme for
// acme.onelogin.com. Credentials: ONELOGIN_CLIENT_ID and
// ONELOGIN_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is verified only when OneLogin says so (email_verified), which it
// mostly does not.
func OneLogin(subdomain string) aura.Provider {
	if !labelForm.MatchString(subdomain) {
		return refused("onelogin", "OneLogin", "subdomain: pass the one label before .onelogin.com")
	}
	return aura.Provider{
		ID: "onelogin", Name: "OneLogin", OIDC: true,
		Issuer:  "https://" + subdomain + ".onelogin.com/oidc/2",
		IDToken: aura.IDTokenConfig{SigningAlgs: []string{"RS256"}},
	}
}
