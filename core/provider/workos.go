package provider

import (
	"context"
	"slices"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// WorkOS signs in with WorkOS Single Sign-On (OAuth 2.0). The selector says with
// whom: an organization (org_…), a connection (conn_…), or a provider that
// WorkOS has: AppleOAuth, GitHubOAuth, GoogleOAuth, MicrosoftOAuth.
// Credentials: WORKOS_CLIENT_ID and WORKOS_CLIENT_SECRET (the API key), with any
// of the prefixes or bare.
//
// The address is not verified: it is what the connected identity provider says,
// and WorkOS does not say that anybody has checked it.
func WorkOS(selector string) aura.Provider {
	name := ""
	switch {
	case !segment(selector):
	case strings.HasPrefix(selector, "org_"):
		name = "organization"
	case strings.HasPrefix(selector, "conn_"):
		name = "connection"
	case slices.Contains([]string{"AppleOAuth", "GitHubOAuth", "GoogleOAuth", "MicrosoftOAuth"}, selector):
		name = "provider"
	}
	if name == "" {
		return refused("workos", "WorkOS", "selector: pass an organization (org_…), a connection (conn_…), or AppleOAuth, GitHubOAuth, GoogleOAuth or MicrosoftOAuth")
	}
	return aura.Provider{
		ID: "workos", Name: "WorkOS",
		Issuer:                "https://api.workos.com",
		AuthorizationEndpoint: "https://api.workos.com/sso/authorize",
		TokenEndpoint:         "https://api.workos.com/sso/token",
		UserInfoEndpoint:      "https://api.workos.com/sso/profile",
		AuthMethod:            "client_secret_post",
		AuthParams:            map[string]string{name: selector},
		AllowedParams:         []string{"login_hint", "domain_hint"},
		OptionalTokenType:     true,
		Profile:               workosProfile,
	}
}

func workosProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var w struct {
		ID        string `json:"id"`
		Email     string `json:"email"`
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
	}
	if err := p.Decode(&w); err != nil {
		return aura.User{}, err
	}
	return aura.User{Subject: w.ID, Name: fullName(w.FirstName, w.LastName), Email: w.Email}, nil
}
