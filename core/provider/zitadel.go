package provider

import aura "github.com/aura-stack-go/auth/core"

// Zitadel signs in with a ZITADEL instance (OpenID Connect) at its address, such
// as https://acme-abc123.zitadel.cloud. Credentials: ZITADEL_CLIENT_ID and
// ZITADEL_CLIENT_SECRET, with any of the prefixes or bare.
//
// ZITADEL names the project, and the project's other applications, in aud beside
// the client: pass their ids as trusted audiences, or its ID tokens are refused.
// The address is verified when the instance says so (email_verified).
func Zitadel(address string, trustedAudiences ...string) aura.Provider {
	root, err := base(address)
	if err != nil {
		return refused("zitadel", "ZITADEL", "address: %w: pass the instance's address, such as https://acme-abc123.zitadel.cloud", err)
	}
	return aura.Provider{
		ID: "zitadel", Name: "ZITADEL", OIDC: true, Issuer: root,
		IDToken: aura.IDTokenConfig{TrustedAudiences: trustedAudiences},
	}
}
