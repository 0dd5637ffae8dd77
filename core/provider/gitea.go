package provider

import aura "github.com/aura-stack-go/auth/core"

// Gitea signs in with a Gitea server (OAuth 2.0) at its ROOT_URL, such as
// https://git.example.com. Credentials: GITEA_CLIENT_ID and GITEA_CLIENT_SECRET,
// with any of the prefixes or bare.
//
// The user is who the userinfo endpoint says the access token belongs to. Its ID
// tokens are not used: versions differ in how they write the issuer. The address
// is not verified, because the server does not say so.
func Gitea(address string) aura.Provider { return forge("gitea", "Gitea", address) }

// Forgejo signs in with a Forgejo server, such as https://codeberg.org, as Gitea
// does with a Gitea server. Credentials: FORGEJO_CLIENT_ID and
// FORGEJO_CLIENT_SECRET, with any of the prefixes or bare.
func Forgejo(address string) aura.Provider { return forge("forgejo", "Forgejo", address) }

func forge(id, name, address string) aura.Provider {
	root, err := base(address)
	if err != nil {
		return refused(id, name, "address: %w: pass the server's ROOT_URL, such as https://git.example.com", err)
	}
	return aura.Provider{
		ID: id, Name: name,
		Issuer:                root,
		AuthorizationEndpoint: root + "/login/oauth/authorize",
		TokenEndpoint:         root + "/login/oauth/access_token",
		UserInfoEndpoint:      root + "/login/oauth/userinfo",
		Scopes:                []string{"openid", "profile", "email"},
		Profile:               forgeProfile,
	}
}
