package provider

import aura "github.com/aura-stack-go/auth/core"

// Keycloak signs in with a realm of a Keycloak server (OpenID Connect). The
// address is where the server is reached by browsers, such as
// https://sso.example.com, with its path if it has one (/auth before version
// 17). Credentials: KEYCLOAK_CLIENT_ID and KEYCLOAK_CLIENT_SECRET, with any of
// the prefixes or bare.
//
// The address of a user is verified when the realm says so (email_verified).
func Keycloak(address, realm string) aura.Provider {
	root, err := base(address)
	if err != nil {
		return refused("keycloak", "Keycloak", "address: %w: pass where Keycloak is reached, such as https://sso.example.com", err)
	}
	if !segment(realm) {
		return refused("keycloak", "Keycloak", "realm: pass its name of letters, digits and -._~; use OIDC with the issuer's URL for any other")
	}
	return aura.Provider{ID: "keycloak", Name: "Keycloak", OIDC: true, Issuer: root + "/realms/" + realm}
}
