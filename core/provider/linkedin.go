package provider

import aura "github.com/aura-stack-go/auth/core"

// LinkedIn signs in with LinkedIn (OAuth 2.0; the product "Sign In with LinkedIn
// using OpenID Connect" must be added to the app). Credentials:
// LINKEDIN_CLIENT_ID and LINKEDIN_CLIENT_SECRET, with any of the prefixes or
// bare.
//
// LinkedIn's ID tokens leave the nonce out, so they prove nothing about this
// sign-in and are not used: the user is who the userinfo endpoint says the
// access token belongs to. LinkedIn also refuses a code_verifier from all but
// native apps, so this is a sign-in without PKCE: state and the flow's cookie
// protect it alone. The address is verified when LinkedIn says so
// (email_verified).
func LinkedIn() aura.Provider {
	return aura.Provider{
		ID: "linkedin", Name: "LinkedIn",
		Issuer:                 "https://www.linkedin.com/oauth",
		AuthorizationEndpoint:  "https://www.linkedin.com/oauth/v2/authorization",
		TokenEndpoint:          "https://www.linkedin.com/oauth/v2/accessToken",
		UserInfoEndpoint:       "https://api.linkedin.com/v2/userinfo",
		AuthMethod:             "client_secret_post",
		Scopes:                 []string{"openid", "profile", "email"},
		OptionalTokenType:      true,
		DangerouslyWithoutPKCE: true,
		Profile:                subjectOf("sub"),
	}
}
