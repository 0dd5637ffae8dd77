package provider

import (
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

// Zoom signs in with Zoom (OAuth 2.0). Scopes belong to the app's registration
// and are not asked for; it needs the one to read the user's own profile
// (user:read:user). Credentials: ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET, with any
// of the prefixes or bare.
//
// The address is verified when the profile says so (verified is 1).
func Zoom() aura.Provider {
	return aura.Provider{
		ID: "zoom", Name: "Zoom",
		Issuer:                "https://zoom.us",
		AuthorizationEndpoint: "https://zoom.us/oauth/authorize",
		TokenEndpoint:         "https://zoom.us/oauth/token",
		UserInfoEndpoint:      "https://api.zoom.us/v2/users/me",
		RevocationEndpoint:    "https://zoom.us/oauth/revoke",
		AuthMethod:            "client_secret_basic",
		Profile:               zoomProfile,
	}
}

func zoomProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var z struct {
		ID          string `json:"id"`
		DisplayName string `json:"display_name"`
		FirstName   string `json:"first_name"`
		LastName    string `json:"last_name"`
		Email       string `json:"email"`
		Verified    int    `json:"verified"`
		PicURL      string `json:"pic_url"`
	}
	if err := p.Decode(&z); err != nil {
		return aura.User{}, err
	}
	u := aura.User{Subject: z.ID, Name: z.DisplayName, Email: z.Email, EmailVerified: z.Verified == 1 && z.Email != "", Image: z.PicURL}
	if u.Name == "" {
		u.Name = fullName(z.FirstName, z.LastName)
	}
	return u, nil
}
