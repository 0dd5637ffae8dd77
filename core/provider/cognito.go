package provider

import (
	"regexp"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

var (
	regionForm = regexp.MustCompile(`^[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)
	poolForm   = regexp.MustCompile(`^[a-z0-9-]+_[A-Za-z0-9]{1,55}$`)
)

// Cognito signs in with an Amazon Cognito user pool (OpenID Connect): its region
// and its id, such as eu-central-1 and eu-central-1_AbCdEfGhI. The hosted domain
// comes from discovery; the pool must have one. Credentials: COGNITO_CLIENT_ID
// and COGNITO_CLIENT_SECRET, with any of the prefixes or bare.
//
// The address is verified when the pool says so; Cognito writes email_verified
// as a boolean in ID tokens and as the text "true" in userinfo, and both count.
// Cognito's /logout takes client_id and logout_uri, which is not OpenID Connect
// RP-Initiated Logout: leave Logout.AtProvider off.
func Cognito(region, userPoolID string) aura.Provider {
	if !regionForm.MatchString(region) || strings.HasPrefix(region, "cn-") {
		return refused("cognito", "Amazon Cognito", "region: pass an AWS region such as eu-central-1; use OIDC with the issuer's URL for one of another partition")
	}
	if !poolForm.MatchString(userPoolID) || !strings.HasPrefix(userPoolID, region+"_") {
		return refused("cognito", "Amazon Cognito", "user pool id: pass the id of a pool in that region, such as eu-central-1_AbCdEfGhI")
	}
	return aura.Provider{
		ID: "cognito", Name: "Amazon Cognito", OIDC: true,
		Issuer:  "https://cognito-idp." + region + ".amazonaws.com/" + userPoolID,
		Profile: verifiedInText,
	}
}
