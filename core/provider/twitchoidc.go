package provider

import (
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

// TwitchOIDC signs in with Twitch by OpenID Connect. Credentials:
// TWITCH_OIDC_CLIENT_ID and TWITCH_OIDC_CLIENT_SECRET, with any of the prefixes
// or bare.
//
// Twitch hands out claims by name alone (the claims parameter), and the scope
// for addresses is its own. The address is verified when Twitch says so
// (email_verified). The subject is the one that Twitch has, too.
func TwitchOIDC() aura.Provider {
	const claims = `{"email":null,"email_verified":null,"picture":null,"preferred_username":null}`
	return aura.Provider{
		ID: "twitch-oidc", Name: "Twitch", OIDC: true,
		Issuer:     twitchIssuer,
		AuthMethod: "client_secret_post",
		Scopes:     []string{"openid", "user:read:email"},
		AuthParams: map[string]string{"claims": `{"id_token":` + claims + `,"userinfo":` + claims + `}`},
		IDToken:    aura.IDTokenConfig{SigningAlgs: []string{"RS256"}},
		Profile:    preferredUsername,
	}
}

// preferredUsername is the default mapping for providers whose profiles have a
// preferred_username where others have a name.
func preferredUsername(ctx context.Context, p *aura.Profile) (aura.User, error) {
	u, err := aura.DefaultProfile(ctx, p)
	if err != nil || u.Name != "" {
		return u, err
	}
	var n struct {
		Username string `json:"preferred_username"`
	}
	if err := p.Decode(&n); err != nil {
		return aura.User{}, err
	}
	u.Name = n.Username
	return u, nil
}
