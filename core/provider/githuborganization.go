package provider

import (
	"context"
	"errors"

	aura "github.com/aura-stack-go/auth/core"
)

// GitHubOrganization is a SignIn hook (aura.Hooks) that admits GitHub users who
// are members of one of these organizations, by their names in the address bar.
// With none, no GitHub user is admitted. Users of other providers pass: GitHub
// is known by its issuer, whatever id the provider has here.
//
// The membership is asked of GitHub with the user's access token, which needs
// one more scope:
//
//	github := provider.GitHub()
//	github.Scopes = append(github.Scopes, "read:org")
//
// An invitation that has not been accepted is not a membership. An organization
// that restricts OAuth apps must have approved this one: until then GitHub does
// not tell, and nobody is admitted. When GitHub cannot be reached the answer is
// 503, not 403. Other hooks run beside it by [aura.SignInHooks]; an application
// that links accounts calls it in Hooks.Link as well.
func GitHubOrganization(organizations ...string) func(context.Context, *aura.Attempt) error {
	var admitted []string
	for _, o := range organizations {
		if labelForm.MatchString(o) { // any other would lead to another address
			admitted = append(admitted, asciiLower(o))
		}
	}
	return func(ctx context.Context, attempt *aura.Attempt) error {
		if attempt.Issuer != githubIssuer {
			return nil
		}
		if attempt.Profile == nil {
			return errors.New("GitHub: there is no access token to ask for memberships with")
		}
		var outage error
		for _, o := range admitted {
			member, err := githubMember(ctx, attempt, o)
			if member {
				return nil
			}
			if err != nil {
				outage = err
			}
		}
		if outage != nil {
			return outage
		}
		return errors.New("GitHub: the user is not an active member of an organization that is admitted, " +
			"or GitHub does not tell: the scope read:org is needed, and the organization's approval of the app")
	}
}

// githubMember reports whether the user who signs in is an active member. An
// error says that GitHub could not be asked.
func githubMember(ctx context.Context, attempt *aura.Attempt, organization string) (bool, error) {
	var m struct {
		State        string `json:"state"`
		Organization struct {
			Login string `json:"login"`
		} `json:"organization"`
	}
	err := attempt.Profile.Fetch(ctx, "https://api.github.com/user/memberships/orgs/"+organization, &m)
	if aura.CodeOf(err) == aura.CodeUserInfoRejected {
		return false, nil // 404: not a member; 403: GitHub does not tell
	}
	if err != nil {
		return false, err
	}
	// The user is the token's. The organization must be the one that was asked
	// for: whoever takes a name that another has given up is not the other.
	return m.State == "active" && asciiLower(m.Organization.Login) == organization, nil
}
