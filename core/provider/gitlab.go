package provider

import (
	"cmp"
	"context"
	"encoding/json"

	aura "github.com/aura-stack-go/auth/core"
)

// GitLab signs in with gitlab.com (OAuth 2.0). Credentials: GITLAB_CLIENT_ID and
// GITLAB_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is the account's primary one; it is verified when GitLab says
// when it was confirmed (confirmed_at).
func GitLab() aura.Provider { return gitlab("https://gitlab.com") }

// GitLabSelfManaged signs in with a GitLab server of one's own, at its
// external_url, such as https://gitlab.example.com, as GitLab does with
// gitlab.com. Credentials: GITLAB_CLIENT_ID and GITLAB_CLIENT_SECRET, with any of
// the prefixes or bare.
//
// A server that does not have addresses confirmed marks each as confirmed when
// the account is made: EmailVerified is worth what that setting is.
func GitLabSelfManaged(address string) aura.Provider {
	root, err := base(address)
	if err != nil {
		return refused("gitlab", "GitLab", "address: %w: pass the server's external_url, such as https://gitlab.example.com", err)
	}
	return gitlab(root)
}

func gitlab(root string) aura.Provider {
	return aura.Provider{
		ID: "gitlab", Name: "GitLab",
		Issuer:                root,
		AuthorizationEndpoint: root + "/oauth/authorize",
		TokenEndpoint:         root + "/oauth/token",
		UserInfoEndpoint:      root + "/api/v4/user",
		RevocationEndpoint:    root + "/oauth/revoke",
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"read_user"},
		Profile:               gitlabProfile,
	}
}

func gitlabProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var g struct {
		ID          json.Number `json:"id"`
		Name        string      `json:"name"`
		Username    string      `json:"username"`
		Email       string      `json:"email"`
		ConfirmedAt string      `json:"confirmed_at"`
		AvatarURL   string      `json:"avatar_url"`
	}
	if err := p.Decode(&g); err != nil {
		return aura.User{}, err
	}
	return aura.User{
		Subject: number(g.ID), Name: cmp.Or(g.Name, g.Username),
		Email: g.Email, EmailVerified: g.Email != "" && g.ConfirmedAt != "", Image: g.AvatarURL,
	}, nil
}
