package provider

import (
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

// Spotify signs in with Spotify (OAuth 2.0). Credentials: SPOTIFY_CLIENT_ID and
// SPOTIFY_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is never verified: Spotify says that it has not checked it.
func Spotify() aura.Provider {
	return aura.Provider{
		ID: "spotify", Name: "Spotify",
		Issuer:                "https://accounts.spotify.com",
		AuthorizationEndpoint: "https://accounts.spotify.com/authorize",
		TokenEndpoint:         "https://accounts.spotify.com/api/token",
		UserInfoEndpoint:      "https://api.spotify.com/v1/me",
		AuthMethod:            "client_secret_basic",
		Scopes:                []string{"user-read-private", "user-read-email"},
		Profile:               spotifyProfile,
	}
}

func spotifyProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var s struct {
		ID          string `json:"id"`
		DisplayName string `json:"display_name"`
		Email       string `json:"email"`
		Images      []struct {
			URL string `json:"url"`
		} `json:"images"`
	}
	if err := p.Decode(&s); err != nil {
		return aura.User{}, err
	}
	u := aura.User{Subject: s.ID, Name: s.DisplayName, Email: s.Email}
	if len(s.Images) > 0 {
		u.Image = s.Images[0].URL
	}
	return u, nil
}
