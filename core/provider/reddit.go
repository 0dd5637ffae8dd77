package provider

import (
	"context"
	"html"
	"net/http"

	aura "github.com/aura-stack-go/auth/core"
)

// Reddit signs in with Reddit (OAuth 2.0). Credentials: REDDIT_CLIENT_ID and
// REDDIT_CLIENT_SECRET, with any of the prefixes or bare.
//
// duration=permanent has Reddit issue a refresh token. Reddit wants a User-Agent
// that names the application; set UserInfoHeader to yours if it limits the one
// that is sent. Profiles hold no address.
func Reddit() aura.Provider {
	return aura.Provider{
		ID: "reddit", Name: "Reddit",
		Issuer:                "https://www.reddit.com",
		AuthorizationEndpoint: "https://www.reddit.com/api/v1/authorize",
		TokenEndpoint:         "https://www.reddit.com/api/v1/access_token",
		UserInfoEndpoint:      "https://oauth.reddit.com/api/v1/me",
		RevocationEndpoint:    "https://www.reddit.com/api/v1/revoke_token",
		AuthMethod:            "client_secret_basic",
		Scopes:                []string{"identity"},
		AuthParams:            map[string]string{"duration": "permanent"},
		UserInfoHeader:        http.Header{"User-Agent": {"web:aura-auth-go:v1 (sign-in)"}},
		Profile:               redditProfile,
	}
}

func redditProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var r struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		IconImg string `json:"icon_img"`
	}
	if err := p.Decode(&r); err != nil {
		return aura.User{}, err
	}
	// Reddit writes its JSON for HTML: & in addresses arrives as &amp;.
	return aura.User{Subject: r.ID, Name: r.Name, Image: html.UnescapeString(r.IconImg)}, nil
}
