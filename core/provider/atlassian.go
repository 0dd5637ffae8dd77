package provider

import (
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

// Atlassian signs in with Atlassian accounts (OAuth 2.0, "3LO"). Credentials:
// ATLASSIAN_CLIENT_ID and ATLASSIAN_CLIENT_SECRET, with any of the prefixes or
// bare.
//
// Atlassian wants audience=api.atlassian.com and prompt=consent in each request,
// and the User identity API among the app's permissions. For a refresh token add
// the scope offline_access. The address is verified when the profile says so
// (email_verified).
func Atlassian() aura.Provider {
	return aura.Provider{
		ID: "atlassian", Name: "Atlassian",
		Issuer:                "https://auth.atlassian.com",
		AuthorizationEndpoint: "https://auth.atlassian.com/authorize",
		TokenEndpoint:         "https://auth.atlassian.com/oauth/token",
		UserInfoEndpoint:      "https://api.atlassian.com/me",
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"read:me", "read:account"},
		AuthParams:            map[string]string{"audience": "api.atlassian.com", "prompt": "consent"},
		Profile:               atlassianProfile,
	}
}

func atlassianProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var a struct {
		AccountID     string `json:"account_id"`
		Name          string `json:"name"`
		Email         string `json:"email"`
		EmailVerified bool   `json:"email_verified"`
		Picture       string `json:"picture"`
	}
	if err := p.Decode(&a); err != nil {
		return aura.User{}, err
	}
	return aura.User{
		Subject: a.AccountID, Name: a.Name,
		Email: a.Email, EmailVerified: a.EmailVerified && a.Email != "", Image: a.Picture,
	}, nil
}
