package provider

import aura "github.com/aura-stack-go/auth/core"

// Slack signs in with Slack (OpenID Connect). Credentials: SLACK_CLIENT_ID and
// SLACK_CLIENT_SECRET, with any of the prefixes or bare.
//
// Failures come with status 200 and an error in the body, and count as
// failures. A person has a user id in each workspace, and so is another user in
// each. To admit one workspace alone, set AuthParams to {"team": "T…"} and
// compare https://slack.com/team_id in a Profile of your own: the parameter is a
// wish that browsers can change. The address is verified when Slack says so
// (email_verified).
func Slack() aura.Provider {
	return aura.Provider{
		ID: "slack", Name: "Slack", OIDC: true,
		Issuer:     "https://slack.com",
		AuthMethod: "client_secret_post",
		IDToken:    aura.IDTokenConfig{SigningAlgs: []string{"RS256"}},
	}
}
