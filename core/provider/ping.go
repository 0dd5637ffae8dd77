package provider

import (
	"slices"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// PingOne signs in with an environment of PingOne (OpenID Connect): its id and
// its region's top-level domain: com, ca, eu, asia, sg or com.au. Credentials:
// PING_CLIENT_ID and PING_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is verified only when PingOne says so (email_verified).
func PingOne(environmentID, region string) aura.Provider {
	if !guidForm.MatchString(environmentID) {
		return refused("ping", "PingOne", "environment id: pass the GUID of the environment")
	}
	if !slices.Contains([]string{"com", "ca", "eu", "asia", "sg", "com.au"}, region) {
		return refused("ping", "PingOne", "region: pass com, ca, eu, asia, sg or com.au, as in auth.pingone.eu")
	}
	return aura.Provider{
		ID: "ping", Name: "PingOne", OIDC: true,
		Issuer: "https://auth.pingone." + region + "/" + strings.ToLower(environmentID) + "/as",
	}
}

// PingFederate signs in with a PingFederate server (OpenID Connect) at its base
// URL, such as https://sso.example.com:9031. Credentials:
// PINGFEDERATE_CLIENT_ID and PINGFEDERATE_CLIENT_SECRET, with any of the prefixes
// or bare. The address is verified only when the server says so (email_verified).
func PingFederate(address string) aura.Provider {
	root, err := base(address)
	if err != nil {
		return refused("pingfederate", "PingFederate", "address: %w: pass the server's base URL, such as https://sso.example.com:9031", err)
	}
	return aura.Provider{ID: "pingfederate", Name: "PingFederate", OIDC: true, Issuer: root}
}
