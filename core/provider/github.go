package provider

import (
	"context"
	"encoding/json"
	"net/http"

	aura "github.com/aura-stack-go/auth/core"
)

const githubIssuer = "https://github.com"

// GitHub signs in with github.com (OAuth 2.0). Credentials: GITHUB_CLIENT_ID
// and GITHUB_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is the account's primary one, if it is verified. It is fetched
// with the scope user:email, because most profiles hide it, and none says
// whether the address it shows is verified. To admit the members of an
// organization alone see [GitHubOrganization].
func GitHub() aura.Provider {
	return aura.Provider{
		ID:                    "github",
		Name:                  "GitHub",
		Issuer:                githubIssuer,
		AuthorizationEndpoint: "https://github.com/login/oauth/authorize",
		TokenEndpoint:         "https://github.com/login/oauth/access_token",
		UserInfoEndpoint:      "https://api.github.com/user",
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"read:user", "user:email"},
		UserInfoHeader:        http.Header{"X-Github-Api-Version": {"2022-11-28"}},
		Profile:               githubProfile("https://api.github.com/user/emails"),
	}
}

func githubProfile(emailsURL string) func(context.Context, *aura.Profile) (aura.User, error) {
	return func(ctx context.Context, p *aura.Profile) (aura.User, error) {
		var g struct {
			ID        json.Number `json:"id"`
			Login     string      `json:"login"`
			Name      string      `json:"name"`
			Email     string      `json:"email"`
			AvatarURL string      `json:"avatar_url"`
		}
		if err := p.Decode(&g); err != nil {
			return aura.User{}, err
		}
		u := aura.User{Subject: g.ID.String(), Name: g.Name, Image: g.AvatarURL}
		if u.Name == "" {
			u.Name = g.Login
		}
		// The profile's own address is whatever its owner made public, verified
		// or not; the list says which one is primary, and whether it is verified.
		var emails []struct {
			Email    string `json:"email"`
			Primary  bool   `json:"primary"`
			Verified bool   `json:"verified"`
		}
		switch err := p.Fetch(ctx, emailsURL, &emails); {
		case aura.CodeOf(err) == aura.CodeUserInfoRejected:
			u.Email = g.Email // the scope was not granted: an address nobody vouches for
		case err != nil:
			return aura.User{}, err
		}
		for _, e := range emails {
			if e.Primary && e.Verified {
				u.Email, u.EmailVerified = e.Email, true
			}
		}
		return u, nil
	}
}
