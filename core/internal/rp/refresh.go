package rp

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/oauth2"
)

// Refresh asks for new tokens (RFC 6749 §6), once: a provider that rotates
// takes a second attempt for theft and revokes the family. It ends within ten
// seconds. issuer and subject are iss and sub of the ID token that came with the
// grant, and stay so (OpenID Connect Core §12.2); OAuth 2.0 has none. An empty
// issuer is not compared, but one must be given where Issuer holds {tenantid}.
//
// Grant.Token.RefreshToken is the one to keep: the new one, or refreshToken
// itself when the provider has not rotated it. A zero RefreshExpiry and nil
// Scopes say that the earlier ones hold on; an IDToken is there only if the
// answer brought one. Profile is nil.
//
// Every failure is an *Error, after which the old tokens are still the ones to
// keep, unless it says InvalidGrant. Refresh neither remembers nor joins calls:
// that one token is refreshed by one call at a time, on a context that outlives
// the browser's request, is the caller's duty.
func (p *Party) Refresh(ctx context.Context, refreshToken, issuer, subject string) (*Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	grant, err := p.refresh(ctx, refreshToken, issuer, subject)
	if err != nil {
		return nil, p.named(err)
	}
	return grant, nil
}

func (p *Party) refresh(ctx context.Context, refreshToken, issuer, subject string) (*Grant, error) {
	if refreshToken == "" {
		return nil, failure(CodeBadRequest, "refresh: the refresh token is missing")
	}
	if p.config.OIDC && subject == "" {
		return nil, failure(CodeBadRequest, "refresh: subject is missing")
	}
	if p.config.manyTenants() && issuer == "" {
		return nil, failure(CodeBadRequest, "refresh: issuer is missing")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	grant, err := p.requestToken(ctx, m, tokenRequest{
		ask: func(ctx context.Context, c *oauth2.Config) (*oauth2.Token, error) {
			return c.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
		},
		hide: secrets{refreshToken},
	})
	if err != nil {
		return nil, refreshFailure(err)
	}
	if !p.config.OIDC {
		return grant, nil
	}
	if err := p.renewIdentity(ctx, m, grant, bond{issuer: issuer, subject: subject, hide: secrets{refreshToken}}); err != nil {
		return nil, err
	}
	return grant, nil
}

// renewIdentity verifies the ID token of a refresh, which is optional (OpenID
// Connect Core §12.2). One that is not good fails the refresh. One that cannot
// be judged, because the keys cannot be had now, is left out as if it had not
// come, since whoever answers could have left it out too: with the failure a
// rotated refresh token would be lost, and with that the grant.
func (p *Party) renewIdentity(ctx context.Context, m *metadata, grant *Grant, b bond) error {
	raw := ""
	switch v := grant.Token.Extra("id_token").(type) {
	case nil:
	case string:
		raw = v
	default:
		return failure(CodeIDTokenInvalid, "the token answer's id_token is not a string")
	}
	if raw == "" {
		return nil
	}
	id, err := p.verifyIDToken(ctx, m, raw, grant.Token, b)
	var e *Error
	if errors.As(err, &e) && e.Code == CodeKeysInvalid {
		p.config.Logger.WarnContext(ctx, "aura: the ID token of a refresh cannot be verified now, going on without it",
			"provider", p.config.ID, "error", e.Error())
		return nil
	}
	if err != nil {
		return err
	}
	grant.identify(raw, id)
	return nil
}

// deadGrant are the error codes by which a refresh token is refused for good:
// RFC 6749 §5.2's, and GitHub's, which comes with status 200.
func deadGrant(code string) bool {
	return slices.Contains([]string{"invalid_grant", "bad_refresh_token"}, code)
}

// refreshFailure tells a dead token from an outage and from a registration
// that is not in order; only the first must cost the user the tokens. The
// status comes first: what a server says while it fails is not its last word.
func refreshFailure(err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		return err
	}
	e := failure(CodeTokenRejected, "token endpoint: %w", r)
	switch {
	case r.down:
		e.Code, e.unreachable = CodeTokenUnreachable, true
	case deadGrant(r.code):
		e.Code, e.invalidGrant = CodeRefreshRejected, true
	}
	return e
}
