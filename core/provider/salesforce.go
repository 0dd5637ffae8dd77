package provider

import aura "github.com/aura-stack-go/auth/core"

// Salesforce signs in with Salesforce (OpenID Connect): at login.salesforce.com
// with "", else at the given domain: an organization's own (My Domain), such as
// acme.my.salesforce.com, or test.salesforce.com for sandboxes. Credentials:
// SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET, with any of the prefixes or
// bare.
//
// The subject is a URL that names organization and user. login.salesforce.com
// admits every organization; use My Domain for one. The address is verified when
// Salesforce says so (email_verified).
func Salesforce(myDomain string) aura.Provider {
	if myDomain == "" {
		myDomain = "login.salesforce.com"
	}
	if !domain(myDomain) {
		return refused("salesforce", "Salesforce", "domain: pass My Domain alone, such as acme.my.salesforce.com, or \"\" for login.salesforce.com")
	}
	return aura.Provider{
		ID: "salesforce", Name: "Salesforce", OIDC: true,
		Issuer:  "https://" + myDomain,
		IDToken: aura.IDTokenConfig{SigningAlgs: []string{"RS256"}},
	}
}
