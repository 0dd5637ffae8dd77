package provider

import (
	"context"
	"encoding/json"

	aura "github.com/aura-stack-go/auth/core"
)

// appleProfile takes the name from what Apple has posted beside its answer: the
// first time that a user signs in to the application, and never again. Nobody
// has signed that, so nothing else is taken from it, not the address either;
// one that cannot be read is none.
func appleProfile(ctx context.Context, p *aura.Profile) (aura.User, error) {
	u, err := verifiedInText(ctx, p)
	if err != nil {
		return u, err
	}
	var posted struct {
		Name struct {
			First string `json:"firstName"`
			Last  string `json:"lastName"`
		} `json:"name"`
	}
	if json.Unmarshal(p.Posted, &posted) == nil {
		u.Name = fullName(posted.Name.First, posted.Name.Last)
	}
	return u, nil
}
