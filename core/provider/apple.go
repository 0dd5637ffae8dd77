package provider

import (
	"regexp"

	aura "github.com/aura-stack-go/auth/core"
)

var appleIDForm = regexp.MustCompile(`^[A-Z0-9]{10}$`)

// Apple signs in with Apple (OpenID Connect). The client id is a Services ID:
// APPLE_CLIENT_ID, with any of the prefixes or bare. There is no fixed client
// secret: Apple wants a JWT in its place, which is signed anew for each request
// with the private key of the .p8 file. Its text is passed as it is, from a
// variable of your own, say (AURA_AUTH_APPLE_PRIVATE_KEY is another thing, the
// key for private_key_jwt, which Apple does not know):
//
//	provider.Apple("TEAM123456", "KEY1234567", aura.Secret(os.Getenv("APPLE_P8")))
//
// Apple posts its answer (form_post) because name and address are asked for, so
// the sign-in works over https only. There is no userinfo endpoint and no
// picture. The name comes with a user's first sign-in alone, and unsigned: store
// it then, and show it only. The address may be a relay of Apple's; it is
// verified when the ID token says so, as a boolean or as the text "true".
func Apple(teamID, keyID string, privateKey aura.Secret) aura.Provider {
	p := aura.Provider{
		ID: "apple", Name: "Apple", OIDC: true,
		Issuer:       "https://appleid.apple.com",
		AuthMethod:   "client_secret_post",
		Scopes:       []string{"openid", "name", "email"},
		ResponseMode: "form_post",
		IDToken:      aura.IDTokenConfig{SigningAlgs: []string{"RS256"}},
		Profile:      appleProfile,
	}
	key, err := parseAppleKey(privateKey)
	switch {
	case !appleIDForm.MatchString(teamID):
		return refused(p.ID, p.Name, "team id: pass the ten characters of Apple's developer account, Membership")
	case !appleIDForm.MatchString(keyID):
		return refused(p.ID, p.Name, "key id: pass the ten characters of the key's id at Apple")
	case err != nil:
		return refused(p.ID, p.Name, "private key: %w: pass the text of the .p8 file that Apple issued, BEGIN and END lines included", err)
	}
	p.MakeClientSecret = appleSecret(teamID, keyID, key)
	return p
}
