package provider

import aura "github.com/aura-stack-go/auth/core"

// Dex signs in with a Dex server (OpenID Connect) by its issuer, exactly as its
// configuration has it, such as https://dex.example.com/dex. Credentials:
// DEX_CLIENT_ID and DEX_CLIENT_SECRET, with any of the prefixes or bare.
//
// Dex passes on what its connectors say: the address is verified when it says so
// (email_verified), and that is worth what the connector's word is worth.
func Dex(issuer string) aura.Provider {
	if _, err := base(issuer); err != nil {
		return refused("dex", "Dex", "issuer: %w: pass the issuer of Dex's configuration, such as https://dex.example.com/dex", err)
	}
	return aura.Provider{ID: "dex", Name: "Dex", OIDC: true, Issuer: issuer}
}
