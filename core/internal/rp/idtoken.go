package rp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	maxIDToken = 16 << 10
	maxKeyID   = 256
)

// An idToken is an ID token that has passed every check.
type idToken struct {
	issuer, subject, sessionID string
	claims                     map[string]json.RawMessage
}

// verifyIDToken holds raw to OpenID Connect Core §3.1.3.7: first its form and
// header, before any key is looked up; then signature, issuer and audience by
// go-oidc; then in claims.go what go-oidc leaves open.
func (p *Party) verifyIDToken(ctx context.Context, m *metadata, raw string, token *oauth2.Token, b bond) (*idToken, error) {
	header, err := p.parseHeader(raw)
	if err != nil {
		return nil, failure(CodeIDTokenInvalid, "ID token: %w", err)
	}

	keys := &verification{keys: p.keys, address: m.JWKSURI, header: header}
	verified, err := oidc.NewVerifier(p.config.Issuer, keys, &oidc.Config{
		ClientID:             p.config.ClientID,
		SupportedSigningAlgs: p.config.SigningAlgs,
		SkipExpiryCheck:      true, // claims.go: ours has a leeway, and requires the claims
		Now:                  p.config.Now,
	}).Verify(ctx, raw)
	if keys.err != nil {
		return nil, failed(CodeIDTokenInvalid, "ID token", keys.err)
	}
	if err != nil {
		hide := append(slices.Clone(b.hide), raw, token.AccessToken, token.RefreshToken)
		return nil, failure(CodeIDTokenInvalid, "ID token: %s", brief(hide.redact(err.Error())))
	}

	claims, err := strictObject(keys.payload, protocolClaims)
	if err != nil {
		return nil, failure(CodeIDTokenInvalid, "ID token: payload: %w", err)
	}
	if err := p.checkClaims(claims, b); err != nil {
		return nil, err
	}
	if err := checkAccessTokenHash(claims, verified, token.AccessToken); err != nil {
		return nil, failure(CodeIDTokenInvalid, "ID token: %w", err)
	}
	sessionID, _, err := stringMember(claims, "sid")
	if err != nil || !identifier(sessionID, 0) {
		return nil, failure(CodeIDTokenInvalid, "ID token: sid is not a string of at most 255 bytes")
	}
	return &idToken{issuer: verified.Issuer, subject: verified.Subject, sessionID: sessionID, claims: claims}, nil
}

// A joseHeader is the part of a JWS header that we act on.
type joseHeader struct {
	algorithm algorithm
	kid       string
}

// parseHeader accepts the compact serialization of RFC 7515 §7.1 with three
// parts, nothing around them, and a header that asks for nothing unusual.
func (p *Party) parseHeader(raw string) (joseHeader, error) {
	if len(raw) > maxIDToken {
		return joseHeader{}, errors.New("longer than 16 KiB")
	}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return joseHeader{}, errors.New("not a compact JWS of three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		// The decoder skips CR and LF, and lets unused bits vary unless strict.
		b, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || len(b) == 0 || strings.ContainsAny(part, "\r\n") {
			return joseHeader{}, errors.New("not a compact JWS: a part is not base64url")
		}
		decoded[i] = b
	}

	members, err := strictObject(decoded[0], []string{"alg", "kid", "typ", "jwk", "jku", "x5u", "x5c", "crit", "b64"})
	if err != nil {
		return joseHeader{}, fmt.Errorf("header: %w", err)
	}
	alg, _, err := stringMember(members, "alg")
	if err != nil || !slices.Contains(p.config.SigningAlgs, alg) {
		return joseHeader{}, fmt.Errorf("its algorithm is not among the accepted ones, %s", strings.Join(p.config.SigningAlgs, ", "))
	}
	// Keys come from jwks_uri alone, and we implement no extension
	// (RFC 7515 §4.1.2 to §4.1.6, §4.1.11; RFC 7797).
	for _, name := range []string{"jwk", "jku", "x5u", "x5c", "crit", "b64"} {
		if _, ok := members[name]; ok {
			return joseHeader{}, fmt.Errorf("header: the member %s is not accepted", name)
		}
	}
	kid, _, err := stringMember(members, "kid")
	if err != nil || len(kid) > maxKeyID || strings.ContainsFunc(kid, isControl) {
		return joseHeader{}, errors.New("header: kid is not a string of at most 256 bytes without control characters")
	}
	// Explicit typing (RFC 8725 §3.11): at+jwt, logout+jwt and their like are
	// signed by the same keys for other ends.
	typ, _, err := stringMember(members, "typ")
	if err != nil || strings.HasSuffix(strings.ToLower(typ), "+jwt") {
		return joseHeader{}, errors.New("header: typ says that this is another kind of token")
	}
	return joseHeader{algorithm: algorithms[alg], kid: kid}, nil
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
