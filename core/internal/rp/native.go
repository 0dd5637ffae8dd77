package rp

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
)

// VerifyIDToken finds out who has signed in with an ID token that came without
// a code flow: from a native application or One Tap. nonce is the one that we
// gave the client for this; there is no sign-in without it, because an ID token
// alone could be anybody's who has seen it.
//
// The token is held to all that Exchange asks, but it must be for ClientID or
// one of IDTokenAudiences alone. There is no access token: at_hash has nothing
// to be compared with, Grant.Token is nil, and Profile are the token's claims.
// Every failure is an *Error.
func (p *Party) VerifyIDToken(ctx context.Context, raw, nonce string) (*Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	grant, err := p.verifyNative(ctx, raw, nonce)
	if err != nil {
		return nil, p.named(err)
	}
	return grant, nil
}

func (p *Party) verifyNative(ctx context.Context, raw, nonce string) (*Grant, error) {
	if !p.config.OIDC {
		return nil, failure(CodeBadRequest, "ID token: the provider speaks OAuth 2.0 only")
	}
	if nonce == "" {
		return nil, failure(CodeBadRequest, "ID token: nonce is missing")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	id, err := p.verifyIDToken(ctx, m, raw, nil, bond{nonce: nonce, native: true, hide: secrets{nonce}})
	if err != nil {
		return nil, err
	}
	grant := new(Grant)
	grant.identify(raw, id)
	if grant.Profile, err = json.Marshal(id.claims); err != nil {
		return nil, failure(CodeIDTokenInvalid, "ID token: its claims cannot be written: %w", err)
	}
	return grant, nil
}

// checkNativeAudience is checkAudience where several clients are ours: the one
// audience is one of them, and so is azp. Google's tokens for Android have the
// web client's id in aud and the Android client's in azp.
func (p *Party) checkNativeAudience(claims map[string]json.RawMessage) error {
	audience, err := audienceOf(claims["aud"])
	if err != nil {
		return err
	}
	if len(audience) != 1 || !p.oneOfOurs(audience[0]) {
		return errors.New("aud is not ClientID or one of IDTokenAudiences alone")
	}
	azp, present, err := stringMember(claims, "azp")
	if err != nil {
		return err
	}
	if present && !p.oneOfOurs(azp) {
		return errors.New("azp is neither ClientID nor one of IDTokenAudiences")
	}
	return nil
}

func (p *Party) oneOfOurs(client string) bool {
	return client == p.config.ClientID || slices.Contains(p.config.IDTokenAudiences, client)
}
