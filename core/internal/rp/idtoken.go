package rp

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// An idToken is an ID token that has passed every check.
type idToken struct {
	issuer, subject, sessionID string
	claims                     map[string]json.RawMessage
}

// A bond is what ties an ID token to the case at hand. Exactly one of nonce and
// subject is set.
type bond struct {
	nonce string // of the sign-in: OpenID Connect Core §3.1.3.7(11)
	// issuer and subject are the user's whose tokens are refreshed: §12.2. The
	// issuer is told apart only where a provider has many.
	issuer, subject string
	// native lets the token be one for another client of ours: VerifyIDToken.
	native bool
	hide   secrets
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

// verifyIDToken holds raw to OpenID Connect Core §3.1.3.7: open, then in
// claims.go what go-oidc leaves open. token came with it; nil if none did.
func (p *Party) verifyIDToken(ctx context.Context, m *metadata, raw string, token *oauth2.Token, b bond) (*idToken, error) {
	hide := append(slices.Clone(b.hide), raw)
	if token != nil {
		hide = append(hide, token.AccessToken, token.RefreshToken)
	}
	o, err := p.open(ctx, m, raw, idTokens, hide)
	if err != nil {
		return nil, err
	}
	if err := p.checkClaims(o.claims, b); err != nil {
		return nil, err
	}
	if token != nil {
		if err := checkAccessTokenHash(o.claims, o.verified, token.AccessToken); err != nil {
			return nil, failure(CodeIDTokenInvalid, "ID token: %w", err)
		}
	}
	sessionID, _, err := stringMember(o.claims, "sid")
	if err != nil || !identifier(sessionID, 0) {
		return nil, failure(CodeIDTokenInvalid, "ID token: sid is not a string of at most 255 bytes")
	}
	return &idToken{issuer: o.issuer, subject: o.verified.Subject, sessionID: sessionID, claims: o.claims}, nil
}

// checkAccessTokenHash compares at_hash, which the code flow may leave out
// (OpenID Connect Core §3.1.3.6).
func checkAccessTokenHash(claims map[string]json.RawMessage, verified *oidc.IDToken, accessToken string) error {
	if _, ok := claims["at_hash"]; !ok {
		return nil
	}
	if err := verified.VerifyAccessToken(accessToken); err != nil {
		return errors.New("at_hash does not match the access token")
	}
	return nil
}
