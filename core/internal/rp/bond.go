package rp

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"time"
)

// A bond is what ties an ID token to the case at hand. Exactly one of nonce,
// subject and device is set; with none, or with two, every token is refused, so
// that no case can slip into the rules of another by a field forgotten.
type bond struct {
	nonce string // of the sign-in: OpenID Connect Core §3.1.3.7(11)
	// issuer and subject are the user's whose tokens are refreshed: §12.2.
	issuer, subject string
	device          bool // a poll of RFC 8628, which knows no nonce: the device code ties it

	// native lets the token be one for another client of ours: VerifyIDToken.
	native bool
	tenant string // the issuer that the sign-in's response named (RFC 9207), where a provider has many
	maxAge string // of the sign-in: §3.1.3.7(13); empty when it was not asked for
	hide   secrets
}

// check compares the claims that only this case knows. A refreshed ID token
// should have no nonce, and §12.2 wants the first one's if it has; that one is
// forgotten when the flow ends, so it is compared in sign-ins only. It ties an
// answer to a browser, and no browser carries the answer to a refresh.
func (b bond) check(claims map[string]json.RawMessage, now time.Time) error {
	nonce, _, err := stringMember(claims, "nonce")
	if err != nil {
		return failure(CodeIDTokenInvalid, "ID token: %w", err)
	}
	switch {
	case b.nonce != "" && b.subject == "" && !b.device:
		err = b.checkSignIn(claims, nonce)
	case b.subject != "" && b.nonce == "" && !b.device:
		err = b.checkRefresh(claims)
	case b.device && b.nonce == "" && b.subject == "":
		// None was sent: a token that has one belongs to a browser's sign-in.
		if nonce != "" {
			err = failure(CodeNonceMismatch, "ID token: nonce is there, but none was sent")
		}
	default:
		err = failure(CodeNonceMismatch, "ID token: nothing ties it to this request")
	}
	if err != nil {
		return err
	}
	if err := b.checkAge(claims, now); err != nil {
		return failure(CodeIDTokenInvalid, "ID token: %w", err)
	}
	return nil
}

// checkSignIn ties the token to the browser that began the sign-in.
func (b bond) checkSignIn(claims map[string]json.RawMessage, nonce string) error {
	if subtle.ConstantTimeCompare([]byte(nonce), []byte(b.nonce)) != 1 {
		return failure(CodeNonceMismatch, "ID token: nonce is not the one of this sign-in")
	}
	if iss, _, err := stringMember(claims, "iss"); err != nil || b.tenant != "" && iss != b.tenant {
		return failure(CodeIssuerMismatch, "ID token: iss is another tenant's than the response named")
	}
	return nil
}

// checkRefresh ties it to the user who has signed in.
func (b bond) checkRefresh(claims map[string]json.RawMessage) error {
	if sub, _, err := stringMember(claims, "sub"); err != nil || sub != b.subject {
		return failure(CodeIDTokenInvalid, "ID token: sub is another than the one who signed in")
	}
	if iss, _, err := stringMember(claims, "iss"); err != nil || b.issuer != "" && iss != b.issuer {
		return failure(CodeIDTokenInvalid, "ID token: iss is another than the one of the sign-in")
	}
	return nil
}

// checkAge is OpenID Connect Core §3.1.3.7(13): the provider was asked to have
// the user prove themselves anew, and the browser could have dropped that from
// the request.
func (b bond) checkAge(claims map[string]json.RawMessage, now time.Time) error {
	if b.maxAge == "" {
		return nil
	}
	limit, err := parseMaxAge(b.maxAge)
	if err != nil {
		return errors.New("max_age of the request cannot be read")
	}
	at, err := numericDate(claims["auth_time"])
	if err != nil {
		return errors.New("auth_time is missing or not a time, although max_age was asked for")
	}
	if at.After(now.Add(leeway)) {
		return errors.New("auth_time lies in the future; compare this machine's clock with the provider's")
	}
	if now.Sub(at) > limit+leeway {
		return errors.New("auth_time is longer ago than the max_age that was asked for")
	}
	return nil
}
