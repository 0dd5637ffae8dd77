package devidp

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Serialization of the ID token, and claims that a map cannot express. The
// payload is signed as it stands: the signature holds.
var (
	TokenFlattenedJSON = jwsFault("TokenFlattenedJSON", "The ID token is in the flattened JSON serialization.", flattened)
	TokenFiveParts     = jwsFault("TokenFiveParts", "The ID token has the five parts of a JWE.", func(s string) string { return s + ".AAAA.AAAA" })
	TokenJoined        = jwsFault("TokenJoined", "Two ID tokens are joined into one string.", func(s string) string { return s + s })
	TokenTrailingSpace = jwsFault("TokenTrailingSpace", "The ID token ends in a space.", func(s string) string { return s + " " })
	TokenTrailingLine  = jwsFault("TokenTrailingLine", "The ID token ends in a line break, which base64 decoders skip.", func(s string) string { return s + "\n" })
	TokenNested        = payloadFault("TokenNested", Refuse, "The ID token's payload is another token.", func(b []byte) []byte { return []byte("eyJhbGciOiJub25lIn0." + encodePart(b) + ".") })

	DuplicateClaims     = payloadFault("DuplicateClaims", Either, "The ID token's payload has sub twice, the second one of another user.", appendMembers(`"sub":"somebody-else"`))
	CaseVariantClaims   = payloadFault("CaseVariantClaims", Either, "The ID token's payload has Sub and ISS of another user beside sub and iss; they must not be read.", appendMembers(`"Sub":"somebody-else","ISS":"https://attacker.example"`))
	PayloadBOM          = payloadFault("PayloadBOM", Refuse, "The ID token's payload begins with a byte order mark.", func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) })
	PayloadInvalidUTF8  = payloadFault("PayloadInvalidUTF8", Either, "The ID token's payload has a string that is not UTF-8.", appendMembers("\"locale\":\"\xff\xfe\""))
	PayloadTrailingData = payloadFault("PayloadTrailingData", Refuse, "The ID token's payload is followed by a second JSON object.", func(b []byte) []byte { return append(b, "{}"...) })
	PayloadDeep         = payloadFault("PayloadDeep", Either, "The ID token has a claim nested 20,000 deep.", appendMembers(`"deep":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)))
	PayloadArray        = payloadFault("PayloadArray", Refuse, "The ID token's payload is an array that holds the claims.", func(b []byte) []byte { return append(append([]byte("["), b...), ']') })
)

func payloadFaults() []Fault {
	return []Fault{
		TokenFlattenedJSON, TokenFiveParts, TokenJoined, TokenTrailingSpace, TokenTrailingLine, TokenNested,
		DuplicateClaims, CaseVariantClaims, PayloadBOM, PayloadInvalidUTF8, PayloadTrailingData, PayloadDeep, PayloadArray,
	}
}

func jwsFault(name, about string, change func(string) string) Fault {
	return Fault{Name: name, About: about, Verdict: Refuse, Endpoint: Token, JWS: change}
}

func payloadFault(name string, v Verdict, about string, change func([]byte) []byte) Fault {
	return draftFault(name, v, about, func(_ *Provider, d *draft) error {
		d.payload = change
		return nil
	})
}

// appendMembers puts them last, where most parsers let them win.
func appendMembers(members string) func([]byte) []byte {
	return func(object []byte) []byte {
		return append(bytes.TrimSuffix(object, []byte("}")), ","+members+"}"...)
	}
}

// flattened is RFC 7515 §7.2.2.
func flattened(compact string) string {
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return compact
	}
	encoded, err := json.Marshal(map[string]string{"protected": parts[0], "payload": parts[1], "signature": parts[2]})
	if err != nil {
		return compact
	}
	return string(encoded)
}
