package provider

import (
	"context"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// personalTenant is the tenant of all personal Microsoft accounts, which
// "consumers" stands for.
const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// MicrosoftEntraID signs in with Microsoft Entra ID, once Azure AD (OpenID
// Connect). The tenant is the GUID of one directory, "organizations" for every
// directory, "consumers" for personal accounts or "common" for both. With
// "organizations" and "common", set Provider.Tenants to the GUIDs of the
// directories that may sign in, unless anyone with any directory may.
// Credentials: MICROSOFT_ENTRA_ID_CLIENT_ID and MICROSOFT_ENTRA_ID_CLIENT_SECRET,
// with any of the prefixes or bare.
//
// A directory's domain name is not taken: Microsoft answers for it with the
// issuer of its GUID, and whoever owns the domain next would be the tenant.
//
// Each tenant is an issuer of its own. The address is never verified: in Entra
// it is what the directory's administrator has typed, of anybody ("nOAuth").
// The optional claim xms_edov does not change that here: it speaks of the
// address in the ID token, and userinfo may bring another one. There is no
// picture: the one in userinfo cannot be loaded without an access token.
func MicrosoftEntraID(tenant string) aura.Provider {
	p := aura.Provider{
		ID: "microsoft-entra-id", Name: "Microsoft", OIDC: true,
		IDToken:       aura.IDTokenConfig{SigningAlgs: []string{"RS256"}},
		AllowedParams: []string{"login_hint", "domain_hint"},
		Profile:       entraProfile,
	}
	const host = "https://login.microsoftonline.com/"
	switch {
	case tenant == "consumers":
		p.Issuer = host + personalTenant + "/v2.0"
	case tenant == "common" || tenant == "organizations":
		p.Issuer = host + "{tenantid}/v2.0"
		p.DiscoveryURL = host + tenant + "/v2.0/.well-known/openid-configuration"
	case guidForm.MatchString(tenant):
		p.Issuer = host + strings.ToLower(tenant) + "/v2.0"
	default:
		return refused(p.ID, p.Name, "tenant: pass the directory's GUID (Entra admin center: Overview, Tenant ID), common, organizations or consumers")
	}
	return p
}

func entraProfile(ctx context.Context, p *aura.Profile) (aura.User, error) {
	u, err := aura.DefaultProfile(ctx, p)
	u.EmailVerified, u.Image = false, ""
	return u, err
}
