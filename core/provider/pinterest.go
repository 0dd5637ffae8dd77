package provider

import (
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

// Pinterest signs in with Pinterest (OAuth 2.0, API v5). Credentials:
// PINTEREST_CLIENT_ID and PINTEREST_CLIENT_SECRET, with any of the prefixes or
// bare.
//
// Pinterest separates scopes by commas: write several as one entry of Scopes,
// "user_accounts:read,pins:read". Profiles hold no address.
func Pinterest() aura.Provider {
	return aura.Provider{
		ID: "pinterest", Name: "Pinterest",
		Issuer:                "https://www.pinterest.com",
		AuthorizationEndpoint: "https://www.pinterest.com/oauth/",
		TokenEndpoint:         "https://api.pinterest.com/v5/oauth/token",
		UserInfoEndpoint:      "https://api.pinterest.com/v5/user_account",
		AuthMethod:            "client_secret_basic",
		Scopes:                []string{"user_accounts:read"},
		Profile:               pinterestProfile,
	}
}

func pinterestProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var a struct {
		ID           string `json:"id"`
		Username     string `json:"username"`
		ProfileImage string `json:"profile_image"`
	}
	if err := p.Decode(&a); err != nil {
		return aura.User{}, err
	}
	return aura.User{Subject: a.ID, Name: a.Username, Image: a.ProfileImage}, nil
}
