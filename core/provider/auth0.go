package provider

import aura "github.com/aura-stack-go/auth/core"

// Auth0 signs in with an Auth0 tenant (OpenID Connect): its domain, or the
// custom domain that it is used by, such as acme.eu.auth0.com. Credentials:
// AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET, with any of the prefixes or bare.
//
// The issuer ends in a slash. The address is verified when the tenant says so
// (email_verified); a tenant's own database and connections decide that.
func Auth0(tenantDomain string) aura.Provider {
	if !domain(tenantDomain) {
		return refused("auth0", "Auth0", "domain: pass the tenant's domain alone, such as acme.eu.auth0.com, without https:// and path")
	}
	return aura.Provider{
		ID: "auth0", Name: "Auth0", OIDC: true,
		Issuer:        "https://" + tenantDomain + "/",
		AllowedParams: []string{"login_hint", "ui_locales"},
	}
}
