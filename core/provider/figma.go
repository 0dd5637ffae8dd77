package provider

import (
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

// Figma signs in with Figma (OAuth 2.0). Credentials: FIGMA_CLIENT_ID and
// FIGMA_CLIENT_SECRET, with any of the prefixes or bare.
//
// Figma does not say that the address is verified. Its refresh tokens are
// redeemed at an address of their own, so access tokens (90 days) cannot be
// refreshed from here.
func Figma() aura.Provider {
	return aura.Provider{
		ID: "figma", Name: "Figma",
		Issuer:                "https://www.figma.com",
		AuthorizationEndpoint: "https://www.figma.com/oauth",
		TokenEndpoint:         "https://api.figma.com/v1/oauth/token",
		UserInfoEndpoint:      "https://api.figma.com/v1/me",
		AuthMethod:            "client_secret_basic",
		Scopes:                []string{"current_user:read"},
		Profile:               figmaProfile,
	}
}

func figmaProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var f struct {
		ID     string `json:"id"`
		Handle string `json:"handle"`
		Email  string `json:"email"`
		Image  string `json:"img_url"`
	}
	if err := p.Decode(&f); err != nil {
		return aura.User{}, err
	}
	return aura.User{Subject: f.ID, Name: f.Handle, Email: f.Email, Image: f.Image}, nil
}
