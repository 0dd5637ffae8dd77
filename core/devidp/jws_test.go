package devidp_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// decodePart is one part of a compact token, as an object.
func decodePart(token string, part int) map[string]any {
	parts := strings.Split(token, ".")
	if part >= len(parts) {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		return nil
	}
	var object map[string]any
	if json.Unmarshal(b, &object) != nil {
		return nil
	}
	return object
}

// verifiedBy reports whether a key of the set, tried one by one, verifies the
// token under an asymmetric algorithm.
func verifiedBy(token string, set map[string]any) bool {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.RS512, jose.PS256})
	if err != nil {
		return false
	}
	keys, _ := set["keys"].([]any)
	for _, key := range keys {
		encoded, err := json.Marshal(key)
		if err != nil {
			return false
		}
		var jwk jose.JSONWebKey
		if jwk.UnmarshalJSON(encoded) != nil {
			continue
		}
		if _, err := jws.Verify(jwk); err == nil {
			return true
		}
	}
	return false
}
