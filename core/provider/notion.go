package provider

import (
	"context"
	"net/http"

	aura "github.com/aura-stack-go/auth/core"
)

// Notion signs in with Notion (OAuth 2.0), by a public integration that may read
// users with their addresses. Credentials: NOTION_CLIENT_ID and
// NOTION_CLIENT_SECRET, with any of the prefixes or bare.
//
// Notion answers with the integration's bot; the user is its owner, whom
// owner=user asks for. A bot that a whole workspace owns signs nobody in. There
// are no scopes. Notion does not say that the address is verified.
func Notion() aura.Provider {
	version := http.Header{"Notion-Version": {"2022-06-28"}}
	return aura.Provider{
		ID: "notion", Name: "Notion",
		Issuer:                "https://api.notion.com",
		AuthorizationEndpoint: "https://api.notion.com/v1/oauth/authorize",
		TokenEndpoint:         "https://api.notion.com/v1/oauth/token",
		UserInfoEndpoint:      "https://api.notion.com/v1/users/me",
		AuthMethod:            "client_secret_basic",
		AuthParams:            map[string]string{"owner": "user"},
		TokenHeader:           version,
		UserInfoHeader:        version,
		Profile:               notionProfile,
	}
}

func notionProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var n struct {
		Bot struct {
			Owner struct {
				Type string `json:"type"`
				User struct {
					ID        string `json:"id"`
					Name      string `json:"name"`
					AvatarURL string `json:"avatar_url"`
					Person    struct {
						Email string `json:"email"`
					} `json:"person"`
				} `json:"user"`
			} `json:"owner"`
		} `json:"bot"`
	}
	if err := p.Decode(&n); err != nil || n.Bot.Owner.Type != "user" {
		return aura.User{}, err
	}
	u := n.Bot.Owner.User
	return aura.User{Subject: u.ID, Name: u.Name, Email: u.Person.Email, Image: u.AvatarURL}, nil
}
