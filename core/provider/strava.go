package provider

import (
	"context"
	"encoding/json"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// Strava signs in with Strava (OAuth 2.0). Credentials: STRAVA_CLIENT_ID and
// STRAVA_CLIENT_SECRET, with any of the prefixes or bare.
//
// Strava separates scopes by commas: write several as one entry of Scopes,
// "read,activity:read". Profiles hold no address.
func Strava() aura.Provider {
	return aura.Provider{
		ID: "strava", Name: "Strava",
		Issuer:                "https://www.strava.com",
		AuthorizationEndpoint: "https://www.strava.com/oauth/authorize",
		TokenEndpoint:         "https://www.strava.com/oauth/token",
		UserInfoEndpoint:      "https://www.strava.com/api/v3/athlete",
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"read"},
		Profile:               stravaProfile,
	}
}

func stravaProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var s struct {
		ID        json.Number `json:"id"`
		FirstName string      `json:"firstname"`
		LastName  string      `json:"lastname"`
		Profile   string      `json:"profile"`
	}
	if err := p.Decode(&s); err != nil {
		return aura.User{}, err
	}
	u := aura.User{Subject: number(s.ID), Name: fullName(s.FirstName, s.LastName)}
	// Who has no picture has the relative path of a placeholder.
	if strings.HasPrefix(s.Profile, "https://") {
		u.Image = s.Profile
	}
	return u, nil
}
