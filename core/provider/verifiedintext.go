package provider

import (
	"context"
	"encoding/json"

	aura "github.com/aura-stack-go/auth/core"
)

// verifiedInText is the default mapping for providers that document
// email_verified as a boolean or as the text "true" (Apple, Cognito). It is not
// the default for all: a text from elsewhere may be anything.
func verifiedInText(ctx context.Context, p *aura.Profile) (aura.User, error) {
	u, err := aura.DefaultProfile(ctx, p)
	if err != nil {
		return u, err
	}
	var m map[string]json.RawMessage // by exact name, as DefaultProfile reads it
	if err := p.Decode(&m); err != nil {
		return aura.User{}, err
	}
	if u.Email != "" && string(m["email_verified"]) == `"true"` {
		u.EmailVerified = true
	}
	return u, nil
}
