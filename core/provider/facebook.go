package provider

import (
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

// Facebook signs in with Facebook (OAuth 2.0). Credentials: FACEBOOK_CLIENT_ID
// and FACEBOOK_CLIENT_SECRET, with any of the prefixes or bare.
//
// User ids are those of the app: another app sees others. The version of the
// Graph API is part of the endpoints; change them to move on. The address is
// missing for accounts with a phone number only, and never verified: Facebook
// does not say whether it is.
func Facebook() aura.Provider {
	return aura.Provider{
		ID: "facebook", Name: "Facebook",
		Issuer:                "https://www.facebook.com",
		AuthorizationEndpoint: "https://www.facebook.com/v23.0/dialog/oauth",
		TokenEndpoint:         "https://graph.facebook.com/v23.0/oauth/access_token",
		UserInfoEndpoint:      "https://graph.facebook.com/v23.0/me?fields=id,name,email,picture.width(256).height(256)",
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"public_profile", "email"},
		Profile:               facebookProfile,
	}
}

func facebookProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var f struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Email   string `json:"email"`
		Picture struct {
			Data struct {
				URL          string `json:"url"`
				IsSilhouette bool   `json:"is_silhouette"`
			} `json:"data"`
		} `json:"picture"`
	}
	if err := p.Decode(&f); err != nil {
		return aura.User{}, err
	}
	u := aura.User{Subject: f.ID, Name: f.Name, Email: f.Email}
	if !f.Picture.Data.IsSilhouette {
		u.Image = f.Picture.Data.URL
	}
	return u, nil
}
