package provider

import (
	"context"

	aura "github.com/aura-stack-go/auth/core"
)

func forgeProfile(ctx context.Context, p *aura.Profile) (aura.User, error) {
	u, err := subjectOf("sub")(ctx, p)
	if err != nil {
		return u, err
	}
	u.EmailVerified = false
	var f struct {
		Username string `json:"preferred_username"`
	}
	if err := p.Decode(&f); err != nil {
		return aura.User{}, err
	}
	if u.Name == "" {
		u.Name = f.Username
	}
	return u, nil
}
