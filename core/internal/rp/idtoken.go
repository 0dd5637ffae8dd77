package rp

import (
	"context"
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
