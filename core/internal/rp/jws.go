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
)

const (
	maxSignedToken = 16 << 10
	maxKeyID       = 256
)

// A tokenKind is a kind of token that a provider signs for us. All kinds are
// signed by the same keys: what keeps one from passing for another are typ and
// the claims that each kind must and must not have (RFC 8725 §3.11, §3.12).
type tokenKind struct {
	name, code string
	ownType    string   // its explicit type, ending in +jwt, if it has one
	exact      []string // claims whose spellings in another case are refused
}

var (
	idTokens     = tokenKind{name: "ID token", code: CodeIDTokenInvalid, exact: protocolClaims}
	logoutTokens = tokenKind{name: "logout token", code: CodeLogoutTokenInvalid, ownType: "logout+jwt", exact: append([]string{"events"}, protocolClaims...)}
)

// typed accepts a header's typ. Explicit types, at+jwt and their like, are for
// other ends; so is anything else with that suffix.
func (k tokenKind) typed(typ string) bool {
	typ = strings.ToLower(typ)
	return !strings.HasSuffix(typ, "+jwt") || k.ownType != "" && typ == k.ownType
}

// An opened token is one that the provider has signed, and its claims.
type opened struct {
	issuer   string
	verified *oidc.IDToken
	claims   map[string]json.RawMessage
}

// open verifies what all kinds have in common: first form and header, before
// any key is looked up; then signature and issuer by go-oidc; then the payload
// to the letter. Audience, times and the rest are up to the kind.
func (p *Party) open(ctx context.Context, m *metadata, raw string, kind tokenKind, hide secrets) (*opened, error) {
	invalid := func(err error) error { return failure(kind.code, "%s: %w", kind.name, err) }
	header, err := p.parseHeader(raw, kind)
	if err != nil {
		return nil, invalid(err)
	}
	issuer, tenant, err := p.claimedIssuer(raw)
	if err != nil {
		return nil, invalid(err)
	}

	keys := &verification{keys: p.keys, address: m.JWKSURI, header: header, tenant: tenant}
	verified, err := oidc.NewVerifier(issuer, keys, &oidc.Config{
		SkipClientIDCheck:    true, // claims.go: several clients can be ours
		SupportedSigningAlgs: p.config.SigningAlgs,
		SkipExpiryCheck:      true, // claims.go: ours has a leeway, and requires the claims
		Now:                  p.config.Now,
	}).Verify(ctx, raw)
	if e := new(Error); errors.As(keys.err, &e) && e.Code == CodeIDTokenInvalid {
		return nil, invalid(e.Err)
	}
	if keys.err != nil {
		return nil, failed(kind.code, kind.name, keys.err)
	}
	if err != nil {
		return nil, failure(kind.code, "%s: %s", kind.name, brief(hide.redact(err.Error())))
	}

	claims, err := strictObject(keys.payload, kind.exact)
	if err != nil {
		return nil, failure(kind.code, "%s: payload: %w", kind.name, err)
	}
	// Again, because go-oidc lets "accounts.google.com" pass for Google's
	// issuer URL; one user must not come under two issuers.
	if iss, _, err := stringMember(claims, "iss"); err != nil || iss != issuer {
		return nil, invalid(errors.New("iss is not the configured issuer"))
	}
	return &opened{issuer: issuer, verified: verified, claims: claims}, nil
}

// A joseHeader is the part of a JWS header that we act on.
type joseHeader struct {
	algorithm algorithm
	kid       string
}

// parseHeader accepts the compact serialization of RFC 7515 §7.1 with three
// parts, nothing around them, and a header that asks for nothing unusual.
func (p *Party) parseHeader(raw string, kind tokenKind) (joseHeader, error) {
	if len(raw) > maxSignedToken {
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
	typ, _, err := stringMember(members, "typ")
	if err != nil || !kind.typed(typ) {
		return joseHeader{}, errors.New("header: typ says that this is another kind of token")
	}
	return joseHeader{algorithm: algorithms[alg], kid: kid}, nil
}
