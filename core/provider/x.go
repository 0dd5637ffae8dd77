package provider

import (
	"cmp"
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

// X signs in with X, once Twitter (OAuth 2.0). Credentials: X_CLIENT_ID and
// X_CLIENT_SECRET, with any of the prefixes or bare; they are the app's OAuth 2.0
// ones, not its API key.
//
// X wants tweet.read beside users.read to show a profile, and issues a refresh
// token for offline.access. Profiles hold no address unless the app may see it:
// with the scope users.email and confirmed_email among the user.fields of
// UserInfoEndpoint it is the one that X has confirmed.
func X() aura.Provider {
	return aura.Provider{
		ID: "x", Name: "X",
		Issuer:                "https://x.com",
		AuthorizationEndpoint: "https://x.com/i/oauth2/authorize",
		TokenEndpoint:         "https://api.x.com/2/oauth2/token",
		UserInfoEndpoint:      "https://api.x.com/2/users/me?user.fields=profile_image_url",
		RevocationEndpoint:    "https://api.x.com/2/oauth2/revoke",
		AuthMethod:            "client_secret_basic",
		Scopes:                []string{"tweet.read", "users.read", "offline.access"},
		Profile:               xProfile,
	}
}

func xProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var x struct {
		Data struct {
			ID             string `json:"id"`
			Name           string `json:"name"`
			Username       string `json:"username"`
			Image          string `json:"profile_image_url"`
			ConfirmedEmail string `json:"confirmed_email"`
		} `json:"data"`
	}
	if err := p.Decode(&x); err != nil {
		return aura.User{}, err
	}
	d := x.Data
	return aura.User{
		Subject: d.ID, Name: cmp.Or(d.Name, d.Username), Image: d.Image,
		Email: d.ConfirmedEmail, EmailVerified: d.ConfirmedEmail != "",
	}, nil
}
