package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	aura "github.com/aura-stack-go/auth/core"
)

// GoogleHostedDomain is a SignIn hook (aura.Hooks) that admits Google accounts
// of these Google Workspace organizations alone. The domains are the
// organizations' primary ones; with none, no Google account is admitted. Users
// of other providers pass: Google is known by its issuer, whatever id the
// provider has here.
//
// What counts is hd in the signed ID token. The domain of an address says
// nothing, because anybody can make a Google account with an address of
// another's domain; nor does the parameter hd of the authorization request, which
// the user can take out. Other hooks run beside it by [aura.SignInHooks]; an
// application that links accounts calls it in Hooks.Link as well.
func GoogleHostedDomain(domains ...string) func(context.Context, *aura.Attempt) error {
	admitted := make(map[string]bool)
	for _, d := range domains {
		admitted[asciiLower(d)] = true
	}
	return func(_ context.Context, attempt *aura.Attempt) error {
		if attempt.Issuer != googleIssuer {
			return nil
		}
		// Without the subject of an ID token the profile is userinfo's, unsigned.
		if attempt.Profile == nil || attempt.Profile.Subject == "" {
			return errors.New("Google: there is no ID token that could name a hosted domain; use the preset Google")
		}
		var members map[string]json.RawMessage // by exact name
		if err := attempt.Profile.Decode(&members); err != nil {
			return err
		}
		var hd string
		if members["hd"] == nil || json.Unmarshal(members["hd"], &hd) != nil || hd == "" {
			return errors.New("Google: the account belongs to no Google Workspace organization (hd is missing)")
		}
		if !admitted[asciiLower(hd)] {
			return fmt.Errorf("Google: the hosted domain %.64q is not among those that are admitted", hd)
		}
		return nil
	}
}
