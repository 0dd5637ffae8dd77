package provider_test

import "github.com/aura-stack-go/auth/core/provider"

func presetsA() []presetRow {
	return []presetRow{
		{preset: provider.OIDC("acme-oidc", "https://acme.example/"), issuer: "https://acme.example/", params: oidcScope, basic: true,
			profile: "google.json", want: verified(mona("109876543210987654321", "image", "https://lh3.googleusercontent.com/a/synthetic=s96-c"))},
		{preset: provider.OAuth2("acme", "https://acme.example/authorize", "https://acme.example/token", "https://api.acme.example/me", "profile", "mail"),
			authorize: "https://acme.example/authorize", token: "https://acme.example/token", userinfo: "https://api.acme.example/me",
			params: map[string]string{"scope": "profile mail"}, basic: true, without: "id",
			want: mona("9007199254740993", "name", "mona", "image", "https://acme.example/mona.png")},
		{preset: provider.GitHub(), issuer: "https://github.com", authorize: "https://github.com/login/oauth/authorize",
			token: "https://github.com/login/oauth/access_token", userinfo: "https://api.github.com/user",
			params: map[string]string{"scope": "read:user user:email"}, header: map[string]string{"X-GitHub-Api-Version": "2022-11-28"},
			documents: map[string]string{"https://api.github.com/user/emails": "github_emails.json"}, without: "id",
			want: verified(mona("70000001", "name", "Mona Lisa Octocat", "image", "https://avatars.githubusercontent.com/u/70000001?v=4"))},
		{preset: provider.Google(), issuer: "https://accounts.google.com", params: oidcScope, basic: true,
			want: verified(mona("109876543210987654321", "image", "https://lh3.googleusercontent.com/a/synthetic=s96-c"))},
	}
}
