package provider

import (
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

// Yandex signs in with Yandex ID (OAuth 2.0). Credentials: YANDEX_CLIENT_ID and
// YANDEX_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is the account's default one; Yandex does not say that it is
// verified. The picture is left out while the account has none of its own.
func Yandex() aura.Provider {
	return aura.Provider{
		ID: "yandex", Name: "Yandex",
		Issuer:                "https://oauth.yandex.ru",
		AuthorizationEndpoint: "https://oauth.yandex.ru/authorize",
		TokenEndpoint:         "https://oauth.yandex.ru/token",
		UserInfoEndpoint:      "https://login.yandex.ru/info?format=json",
		AuthMethod:            "client_secret_basic",
		Scopes:                []string{"login:info", "login:email", "login:avatar"},
		Profile:               yandexProfile,
	}
}

func yandexProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var y struct {
		ID              string `json:"id"`
		Login           string `json:"login"`
		DisplayName     string `json:"display_name"`
		RealName        string `json:"real_name"`
		DefaultEmail    string `json:"default_email"`
		DefaultAvatarID string `json:"default_avatar_id"`
		IsAvatarEmpty   bool   `json:"is_avatar_empty"`
	}
	if err := p.Decode(&y); err != nil {
		return aura.User{}, err
	}
	u := aura.User{Subject: y.ID, Name: y.DisplayName, Email: y.DefaultEmail}
	if u.Name == "" {
		u.Name = y.RealName
	}
	if u.Name == "" {
		u.Name = y.Login
	}
	if y.DefaultAvatarID != "" && !y.IsAvatarEmpty {
		u.Image = "https://avatars.yandex.net/get-yapic/" + y.DefaultAvatarID + "/islands-200"
	}
	return u, nil
}
