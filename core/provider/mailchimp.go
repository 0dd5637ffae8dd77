package provider

import (
	"context"
	"encoding/json"

	aura "github.com/aura-stack-go/auth/core"
)

// Mailchimp signs in with Mailchimp (OAuth 2.0). Credentials:
// MAILCHIMP_CLIENT_ID and MAILCHIMP_CLIENT_SECRET, with any of the prefixes or
// bare.
//
// The user is the Mailchimp account (user_id): whoever of its managers signs in,
// Mailchimp hands out the account's one token and names its owner. So do not
// take this for the sign-in of a person. There are no scopes, tokens do not
// expire, and the token answer may lack its token_type. The profile comes from an
// endpoint that serves every data center. Mailchimp does not say that the e-mail
// address is verified.
func Mailchimp() aura.Provider {
	return aura.Provider{
		ID: "mailchimp", Name: "Mailchimp",
		Issuer:                "https://login.mailchimp.com",
		AuthorizationEndpoint: "https://login.mailchimp.com/oauth2/authorize",
		TokenEndpoint:         "https://login.mailchimp.com/oauth2/token",
		UserInfoEndpoint:      "https://login.mailchimp.com/oauth2/metadata",
		AuthMethod:            "client_secret_post",
		OptionalTokenType:     true,
		Profile:               mailchimpProfile,
	}
}

func mailchimpProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var m struct {
		UserID      json.Number `json:"user_id"`
		AccountName string      `json:"accountname"`
		Login       struct {
			Email  string `json:"email"`
			Avatar string `json:"avatar"`
		} `json:"login"`
	}
	if err := p.Decode(&m); err != nil {
		return aura.User{}, err
	}
	return aura.User{Subject: number(m.UserID), Name: m.AccountName, Email: m.Login.Email, Image: m.Login.Avatar}, nil
}
