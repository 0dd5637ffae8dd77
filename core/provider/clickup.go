package provider

import (
	"context"
	"encoding/json"

	aura "github.com/aura-stack-go/auth/core"
)

// ClickUp signs in with ClickUp (OAuth 2.0). Credentials: CLICK_UP_CLIENT_ID and
// CLICK_UP_CLIENT_SECRET, or CLICKUP_CLIENT_ID and CLICKUP_CLIENT_SECRET, with
// any of the prefixes or bare.
//
// There are no scopes: users choose the workspaces that the app may see. The
// token answer may lack its token_type. ClickUp does not say that the address is
// verified.
func ClickUp() aura.Provider {
	return aura.Provider{
		ID: "click-up", Name: "ClickUp",
		Issuer:                "https://app.clickup.com",
		AuthorizationEndpoint: "https://app.clickup.com/api",
		TokenEndpoint:         "https://api.clickup.com/api/v2/oauth/token",
		UserInfoEndpoint:      "https://api.clickup.com/api/v2/user",
		AuthMethod:            "client_secret_post",
		OptionalTokenType:     true,
		Profile:               clickUpProfile,
	}
}

func clickUpProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var c struct {
		User struct {
			ID       json.Number `json:"id"`
			Username string      `json:"username"`
			Email    string      `json:"email"`
			Picture  string      `json:"profilePicture"`
		} `json:"user"`
	}
	if err := p.Decode(&c); err != nil {
		return aura.User{}, err
	}
	return aura.User{Subject: number(c.User.ID), Name: c.User.Username, Email: c.User.Email, Image: c.User.Picture}, nil
}
