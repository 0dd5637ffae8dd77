package provider

import aura "github.com/aura-stack-go/auth/core"

// Okta signs in with an Okta organization (OpenID Connect): its domain, such as
// acme.okta.com, and the id of an authorization server: "default", the id of
// another, or "" for the organization's own. Credentials: OKTA_CLIENT_ID and
// OKTA_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is verified when Okta says so (email_verified).
func Okta(orgDomain, authorizationServer string) aura.Provider {
	if !domain(orgDomain) {
		return refused("okta", "Okta", "domain: pass the organization's domain alone, such as acme.okta.com, without https:// and path")
	}
	issuer := "https://" + orgDomain
	switch {
	case authorizationServer == "":
	case segment(authorizationServer):
		issuer += "/oauth2/" + authorizationServer
	default:
		return refused("okta", "Okta", "authorization server: pass its id, such as default, or \"\" for the organization's own")
	}
	return aura.Provider{ID: "okta", Name: "Okta", OIDC: true, Issuer: issuer}
}
