package provider

import (
	"context"
	"encoding/json"

	aura "github.com/aura-stack-go/auth/core"
)

// VK signs in with VK by its older OAuth 2.0 endpoints (oauth.vk.com), for apps
// that are registered there. The newer VK ID (id.vk.com) is not supported: it
// sends a device_id to the callback and wants it back with the code, outside of
// any standard. Credentials: VK_CLIENT_ID and VK_CLIENT_SECRET, with any of the
// prefixes or bare.
//
// The token answer has no token_type, and its address is not used, because the
// profile holds none: no address is known.
func VK() aura.Provider {
	return aura.Provider{
		ID: "vk", Name: "VK",
		Issuer:                "https://oauth.vk.com",
		AuthorizationEndpoint: "https://oauth.vk.com/authorize",
		TokenEndpoint:         "https://oauth.vk.com/access_token",
		UserInfoEndpoint:      "https://api.vk.com/method/users.get?fields=photo_200&v=5.199",
		AuthMethod:            "client_secret_post",
		OptionalTokenType:     true,
		Profile:               vkProfile,
	}
}

func vkProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var v struct {
		Response []struct {
			ID        json.Number `json:"id"`
			FirstName string      `json:"first_name"`
			LastName  string      `json:"last_name"`
			Photo     string      `json:"photo_200"`
		} `json:"response"`
	}
	if err := p.Decode(&v); err != nil || len(v.Response) != 1 {
		return aura.User{}, err // an error of VK has status 200 and no response
	}
	r := v.Response[0]
	if r.ID == "0" {
		return aura.User{}, nil
	}
	return aura.User{Subject: r.ID.String(), Name: fullName(r.FirstName, r.LastName), Image: r.Photo}, nil
}
