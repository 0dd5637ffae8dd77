package provider

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// Discord signs in with Discord (OAuth 2.0). Credentials: DISCORD_CLIENT_ID and
// DISCORD_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is verified when Discord says so (verified); accounts made with a
// phone number alone have none.
func Discord() aura.Provider {
	return aura.Provider{
		ID: "discord", Name: "Discord",
		Issuer:                "https://discord.com",
		AuthorizationEndpoint: "https://discord.com/oauth2/authorize",
		TokenEndpoint:         "https://discord.com/api/oauth2/token",
		UserInfoEndpoint:      "https://discord.com/api/users/@me",
		RevocationEndpoint:    "https://discord.com/api/oauth2/token/revoke",
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"identify", "email"},
		Profile:               discordProfile,
	}
}

type discordUser struct {
	ID            string `json:"id"`
	Username      string `json:"username"`
	GlobalName    string `json:"global_name"`
	Discriminator string `json:"discriminator"`
	Avatar        string `json:"avatar"`
	Email         string `json:"email"`
	Verified      bool   `json:"verified"`
}

func discordProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var d discordUser
	if err := p.Decode(&d); err != nil {
		return aura.User{}, err
	}
	return aura.User{
		Subject: d.ID, Name: cmp.Or(d.GlobalName, d.Username),
		Email: d.Email, EmailVerified: d.Verified && d.Email != "", Image: d.image(),
	}, nil
}

// image follows Discord's rules for its CDN: hashes of animated pictures begin
// with a_, and who has none gets one of the default pictures, by id or, on
// accounts of the old kind, by the four digits after the name.
func (d discordUser) image() string {
	const cdn = "https://cdn.discordapp.com/"
	switch {
	case d.ID == "" || !segment(d.ID) || d.Avatar != "" && !segment(d.Avatar):
		return ""
	case strings.HasPrefix(d.Avatar, "a_"):
		return cdn + "avatars/" + d.ID + "/" + d.Avatar + ".gif"
	case d.Avatar != "":
		return cdn + "avatars/" + d.ID + "/" + d.Avatar + ".png"
	}
	if old, err := strconv.ParseUint(d.Discriminator, 10, 16); err == nil && old != 0 {
		return cdn + "embed/avatars/" + strconv.FormatUint(old%5, 10) + ".png"
	}
	id, err := strconv.ParseUint(d.ID, 10, 64)
	if err != nil {
		return ""
	}
	return cdn + "embed/avatars/" + strconv.FormatUint((id>>22)%6, 10) + ".png"
}
