package provider

import aura "github.com/aura-stack-go/auth/core"

// Authentik signs in with an authentik server (OpenID Connect): its address,
// such as https://sso.example.com, and the slug of the application there.
// Credentials: AUTHENTIK_CLIENT_ID and AUTHENTIK_CLIENT_SECRET, with any of the
// prefixes or bare.
//
// The issuer ends in a slash, as authentik publishes it in its mode "each
// provider has a different issuer", which is the default. The provider needs a
// signing key there: without one it signs with the client secret (HS256), which
// is refused. The address is verified when authentik says so (email_verified).
func Authentik(address, applicationSlug string) aura.Provider {
	root, err := base(address)
	if err != nil {
		return refused("authentik", "authentik", "address: %w: pass the server's address, such as https://sso.example.com", err)
	}
	if !segment(applicationSlug) {
		return refused("authentik", "authentik", "application slug: pass the application's slug as authentik shows it, such as my-app")
	}
	return aura.Provider{
		ID: "authentik", Name: "authentik", OIDC: true,
		Issuer:  root + "/application/o/" + applicationSlug + "/",
		Profile: preferredUsername,
	}
}
