package provider

import (
	"cmp"
	"context"
	"encoding/json"

	aura "github.com/aura-stack-go/auth/core"
)

// Dribbble signs in with Dribbble (OAuth 2.0). Credentials: DRIBBBLE_CLIENT_ID
// and DRIBBBLE_CLIENT_SECRET, with any of the prefixes or bare.
//
// Dribbble does not say that the address is verified, and may leave it out.
func Dribbble() aura.Provider {
	return aura.Provider{
		ID: "dribbble", Name: "Dribbble",
		Issuer:                "https://dribbble.com",
		AuthorizationEndpoint: "https://dribbble.com/oauth/authorize",
		TokenEndpoint:         "https://dribbble.com/oauth/token",
		UserInfoEndpoint:      "https://api.dribbble.com/v2/user",
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"public"},
		Profile:               dribbbleProfile,
	}
}

func dribbbleProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var d struct {
		ID        json.Number `json:"id"`
		Login     string      `json:"login"`
		Name      string      `json:"name"`
		Email     string      `json:"email"`
		AvatarURL string      `json:"avatar_url"`
	}
	if err := p.Decode(&d); err != nil {
		return aura.User{}, err
	}
	return aura.User{Subject: number(d.ID), Name: cmp.Or(d.Name, d.Login), Email: d.Email, Image: d.AvatarURL}, nil
}
