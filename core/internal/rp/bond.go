package rp

import (
	"crypto/subtle"
	"encoding/json"
)

// A bond is what ties an ID token to the case at hand. Exactly one of nonce and
// subject is set.
type bond struct {
	nonce   string // of the sign-in: OpenID Connect Core §3.1.3.7(11)
	subject string // of the user whose tokens are refreshed: §12.2
	issuer  string // beside subject: the sign-in's iss, §12.2 as well
	native  bool   // beside nonce: the token may be for another client of ours
	hide    secrets
}

// check compares the claims that only this case knows. A refreshed ID token
// should have no nonce, and §12.2 wants the first one's if it has; that one is
// forgotten when the flow ends, so it is compared in sign-ins only. It ties an
// answer to a browser, and no browser carries the answer to a refresh.
func (b bond) check(claims map[string]json.RawMessage) error {
	nonce, _, err := stringMember(claims, "nonce")
	if err != nil {
		return failure(CodeIDTokenInvalid, "ID token: %w", err)
	}
	if b.subject != "" {
		if sub, _, err := stringMember(claims, "sub"); err != nil || sub != b.subject {
			return failure(CodeIDTokenInvalid, "ID token: sub is another than the one who signed in")
		}
		if iss, _, err := stringMember(claims, "iss"); err != nil || b.issuer != "" && iss != b.issuer {
			return failure(CodeIDTokenInvalid, "ID token: iss is another than the one of the sign-in")
		}
		return nil
	}
	if b.nonce == "" || subtle.ConstantTimeCompare([]byte(nonce), []byte(b.nonce)) != 1 {
		return failure(CodeNonceMismatch, "ID token: nonce is not the one of this sign-in")
	}
	return nil
}
