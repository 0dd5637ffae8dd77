package provider

import (
	"context"
	"encoding/json"

	aura "github.com/aura-stack-go/auth/core"
)

// subjectOf is the default mapping with the one member that holds the user's id
// as a text. The default takes the first of several names, and a provider that
// left its own out must not have another member's value stand for the user.
func subjectOf(member string) func(context.Context, *aura.Profile) (aura.User, error) {
	return func(ctx context.Context, p *aura.Profile) (aura.User, error) {
		u, err := aura.DefaultProfile(ctx, p)
		if err != nil {
			return u, err
		}
		var m map[string]json.RawMessage
		if err := p.Decode(&m); err != nil {
			return aura.User{}, err
		}
		u.Subject = ""
		if m[member] == nil || json.Unmarshal(m[member], &u.Subject) != nil {
			u.Subject = ""
		}
		return u, nil
	}
}
