package provider

import (
	"context"
	"net/http"

	aura "github.com/aura-stack-go/auth/core"
)

// Dropbox signs in with Dropbox (OAuth 2.0). Credentials: DROPBOX_CLIENT_ID and
// DROPBOX_CLIENT_SECRET (app key and app secret), with any of the prefixes or
// bare.
//
// The profile is asked for by a POST without a body, as Dropbox has all calls of
// its API. The address is verified when Dropbox says so (email_verified). For a
// refresh token set token_access_type to offline in AuthParams.
func Dropbox() aura.Provider {
	return aura.Provider{
		ID: "dropbox", Name: "Dropbox",
		Issuer:                "https://www.dropbox.com",
		AuthorizationEndpoint: "https://www.dropbox.com/oauth2/authorize",
		TokenEndpoint:         "https://api.dropboxapi.com/oauth2/token",
		UserInfoEndpoint:      "https://api.dropboxapi.com/2/users/get_current_account",
		UserInfoMethod:        http.MethodPost,
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"account_info.read"},
		Profile:               dropboxProfile,
	}
}

func dropboxProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var d struct {
		AccountID string `json:"account_id"`
		Name      struct {
			Display string `json:"display_name"`
		} `json:"name"`
		Email         string `json:"email"`
		EmailVerified bool   `json:"email_verified"`
		Photo         string `json:"profile_photo_url"`
	}
	if err := p.Decode(&d); err != nil {
		return aura.User{}, err
	}
	return aura.User{
		Subject: d.AccountID, Name: d.Name.Display,
		Email: d.Email, EmailVerified: d.EmailVerified && d.Email != "", Image: d.Photo,
	}, nil
}
