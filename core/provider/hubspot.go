package provider

import (
	"context"
	"encoding/json"

	aura "github.com/aura-stack-go/auth/core"
)

// HubSpot signs in with HubSpot (OAuth 2.0). Credentials: HUBSPOT_CLIENT_ID and
// HUBSPOT_CLIENT_SECRET, with any of the prefixes or bare.
//
// HubSpot has no userinfo endpoint. Who has signed in is asked by
// introspection (RFC 7662), with the token in the body: its older API took the
// token in the path of the URL, where it ends up in logs, and ends in February
// 2027. The name is the user's address, which HubSpot does not say is verified.
func HubSpot() aura.Provider {
	return aura.Provider{
		ID: "hubspot", Name: "HubSpot",
		Issuer:                "https://app.hubspot.com",
		AuthorizationEndpoint: "https://app.hubspot.com/oauth/authorize",
		TokenEndpoint:         "https://api.hubapi.com/oauth/2026-03/token",
		IntrospectionEndpoint: "https://api.hubapi.com/oauth/2026-03/token/introspect",
		AuthMethod:            "client_secret_post",
		Scopes:                []string{"oauth"},
		Profile:               hubspotProfile,
	}
}

func hubspotProfile(_ context.Context, p *aura.Profile) (aura.User, error) {
	var h struct {
		UserID json.Number `json:"user_id"`
		User   string      `json:"user"`
	}
	if err := p.Decode(&h); err != nil {
		return aura.User{}, err
	}
	return aura.User{Subject: number(h.UserID), Name: h.User, Email: h.User}, nil
}
