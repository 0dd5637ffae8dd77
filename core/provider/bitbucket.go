package provider

import (
	"cmp"
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

// Bitbucket signs in with Bitbucket Cloud (OAuth 2.0). Credentials:
// BITBUCKET_CLIENT_ID and BITBUCKET_CLIENT_SECRET (the consumer's key and
// secret), with any of the prefixes or bare.
//
// The scopes are those of the consumer's registration: it needs account and
// email. The address is the account's primary one, if it is confirmed; profiles
// hold none, so it is fetched from the list of addresses.
func Bitbucket() aura.Provider {
	return aura.Provider{
		ID: "bitbucket", Name: "Bitbucket",
		Issuer:                "https://bitbucket.org",
		AuthorizationEndpoint: "https://bitbucket.org/site/oauth2/authorize",
		TokenEndpoint:         "https://bitbucket.org/site/oauth2/access_token",
		UserInfoEndpoint:      "https://api.bitbucket.org/2.0/user",
		AuthMethod:            "client_secret_basic",
		Scopes:                []string{"account", "email"},
		Profile:               bitbucketProfile,
	}
}

func bitbucketProfile(ctx context.Context, p *aura.Profile) (aura.User, error) {
	var b struct {
		UUID        string `json:"uuid"`
		DisplayName string `json:"display_name"`
		Nickname    string `json:"nickname"`
		Links       struct {
			Avatar struct {
				Href string `json:"href"`
			} `json:"avatar"`
		} `json:"links"`
	}
	if err := p.Decode(&b); err != nil {
		return aura.User{}, err
	}
	// Not account_id, which accounts without an Atlassian one lack: one user
	// must not come under two ids.
	u := aura.User{Subject: b.UUID, Name: cmp.Or(b.DisplayName, b.Nickname), Image: b.Links.Avatar.Href}
	var emails struct {
		Values []struct {
			Email     string `json:"email"`
			Primary   bool   `json:"is_primary"`
			Confirmed bool   `json:"is_confirmed"`
		} `json:"values"`
	}
	err := p.Fetch(ctx, "https://api.bitbucket.org/2.0/user/emails?pagelen=100", &emails)
	if err != nil && aura.CodeOf(err) != aura.CodeUserInfoRejected { // rejected: email was not granted
		return aura.User{}, err
	}
	for _, e := range emails.Values {
		if e.Primary && e.Confirmed {
			u.Email, u.EmailVerified = e.Email, true
		}
	}
	return u, nil
}
