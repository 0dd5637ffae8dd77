package provider

import (
	"cmp"
	"context"
	"net/http"

	aura "github.com/aura-stack-go/auth/core"
)

// twitchIssuer is the issuer of both presets: a user is the same by either way.
const twitchIssuer = "https://id.twitch.tv/oauth2"

// Twitch signs in with Twitch (OAuth 2.0), and asks the Helix API who that is,
// which wants the client id in a header. Credentials: TWITCH_CLIENT_ID and
// TWITCH_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is not marked as verified, because the answer does not say so;
// TwitchOIDC's does. The subjects are the same.
func Twitch() aura.Provider {
	return aura.Provider{
		ID: "twitch", Name: "Twitch",
		Issuer:                twitchIssuer,
		AuthorizationEndpoint: "https://id.twitch.tv/oauth2/authorize",
		TokenEndpoint:         "https://id.twitch.tv/oauth2/token",
		UserInfoEndpoint:      "https://api.twitch.tv/helix/users",
		RevocationEndpoint:    "https://id.twitch.tv/oauth2/revoke",
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"user:read:email"},
		UserInfoHeader:        http.Header{"Client-Id": {"{client_id}"}},
		Profile:               twitchProfile,
	}
}

func twitchProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var t struct {
		Data []struct {
			ID          string `json:"id"`
			Login       string `json:"login"`
			DisplayName string `json:"display_name"`
			Email       string `json:"email"`
			Image       string `json:"profile_image_url"`
		} `json:"data"`
	}
	// The endpoint takes several ids; without one it answers with the token's user.
	if err := p.Decode(&t); err != nil || len(t.Data) != 1 {
		return aura.User{}, err
	}
	d := t.Data[0]
	return aura.User{Subject: d.ID, Name: cmp.Or(d.DisplayName, d.Login), Email: d.Email, Image: d.Image}, nil
}
