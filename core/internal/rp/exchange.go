package rp

import (
	"context"
	"encoding/json"
	"time"

	"golang.org/x/oauth2"
)

// maxCode bounds an authorization code; the longest in use are near 2 KiB.
const maxCode = 8 << 10

// A Response is the provider's answer to an authorization request, after state
// has been matched, with what the flow remembers of the request.
type Response struct {
	Code   string
	Iss    string // RFC 9207
	HasIss bool   // the response held the parameter iss, even if empty

	CodeVerifier, Nonce, RedirectURI string
	// MaxAge is what Party.MaxAge said when the sign-in began: the ID token must
	// then say when the user last proved who they are, no longer ago than that.
	MaxAge string
}

// A Grant is what a sign-in at the provider, or a Refresh, has brought.
type Grant struct {
	Token *oauth2.Token // Expiry by Config.Now; zero when the provider did not say
	// RefreshExpiry is when Token.RefreshToken ends, by Config.Now; zero when
	// the provider did not say. No standard has it, GitHub sends it.
	RefreshExpiry time.Time
	// Scopes are what has been granted, one per entry: what the provider says,
	// and what was asked for when it says nothing (RFC 6749 §5.1). Nil: not
	// known; after a Refresh, as before it.
	Scopes  []string
	IDToken string // empty for OAuth 2.0
	// Issuer, Subject and SessionID are the ID token's iss, sub and sid; empty
	// without one.
	Issuer, Subject, SessionID string
	// Profile is a JSON object: for OAuth 2.0 the userinfo answer, for OIDC the
	// ID token's claims with userinfo's laid over them. Nil after a Refresh.
	Profile json.RawMessage
}

// Exchange redeems the code, once, and finds out who has signed in. It ends
// within ten seconds. Every failure is an *Error.
func (p *Party) Exchange(ctx context.Context, r Response) (*Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	grant, err := p.exchange(ctx, r)
	if err != nil {
		return nil, p.named(err)
	}
	return grant, nil
}

func (p *Party) exchange(ctx context.Context, r Response) (*Grant, error) {
	if r.Code == "" || len(r.Code) > maxCode {
		return nil, failure(CodeCallbackIncomplete, "the response holds no code, or one of more than 8 KiB")
	}
	if p.config.OIDC && r.Nonce == "" {
		return nil, failure(CodeBadRequest, "exchange: Nonce is missing")
	}
	if !verifierForm(r.CodeVerifier) {
		return nil, failure(CodeBadRequest, "exchange: CodeVerifier is not 43 to 128 characters of RFC 7636 §4.1")
	}
	if _, err := parseMaxAge(r.MaxAge); r.MaxAge != "" && (err != nil || !p.config.OIDC) {
		return nil, failure(CodeBadRequest, "exchange: MaxAge is not a number of seconds, or the provider not one of OpenID Connect")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	// Before the token call: a code must never be shown to a server that did
	// not issue it (mix-up, RFC 9700 §4.4).
	if err := p.checkResponseIssuer(m, r); err != nil {
		return nil, err
	}
	grant, err := p.redeem(ctx, m, r)
	if err != nil {
		return nil, err
	}
	b := bond{nonce: r.Nonce, maxAge: r.MaxAge, hide: secrets{r.Nonce}}
	if p.config.manyTenants() && r.HasIss && r.Iss != p.config.Issuer {
		b.tenant = r.Iss
	}
	return p.identity(ctx, m, grant, b)
}

// identity finds out whose tokens a new grant holds.
func (p *Party) identity(ctx context.Context, m *metadata, grant *Grant, b bond) (*Grant, error) {
	if !p.config.OIDC {
		profile, err := p.plainProfile(ctx, m, grant.Token.AccessToken)
		if err != nil {
			return nil, err
		}
		grant.Profile = profile
		return grant, nil
	}
	raw, ok := grant.Token.Extra("id_token").(string)
	if !ok || raw == "" {
		return nil, failure(CodeIDTokenInvalid, "the token answer holds no ID token; is openid among the scopes that the provider grants?")
	}
	id, err := p.verifyIDToken(ctx, m, raw, grant.Token, b)
	if err != nil {
		return nil, err
	}
	grant.identify(raw, id)
	grant.Profile, err = p.oidcProfile(ctx, m, id, grant.Token.AccessToken)
	if err != nil {
		return nil, err
	}
	return grant, nil
}

func (g *Grant) identify(raw string, id *idToken) {
	g.IDToken, g.Issuer, g.Subject, g.SessionID = raw, id.issuer, id.subject, id.sessionID
}

// checkResponseIssuer is RFC 9207 §2.4. Plain OAuth 2.0 providers have no
// issuer configured here, so theirs is not compared; that each provider has a
// redirect_uri of its own protects them.
func (p *Party) checkResponseIssuer(m *metadata, r Response) error {
	if !p.config.OIDC {
		return nil
	}
	if r.HasIss && !p.mayAnswer(r.Iss) {
		return failure(CodeIssuerMismatch, "the response names another issuer than %q", p.config.Issuer)
	}
	if !r.HasIss && m.ResponseIssuer {
		return failure(CodeIssuerMismatch, "the response lacks iss, which the provider promises to send")
	}
	return nil
}

// redeem is the token request of RFC 6749 §4.1.3. It is sent once: a second
// attempt with the same code has the provider revoke what the first brought.
func (p *Party) redeem(ctx context.Context, m *metadata, r Response) (*Grant, error) {
	return p.requestToken(ctx, m, tokenRequest{
		ask: func(ctx context.Context, c *oauth2.Config) (*oauth2.Token, error) {
			c.RedirectURL = r.RedirectURI
			if p.config.WithoutPKCE {
				return c.Exchange(ctx, r.Code)
			}
			return c.Exchange(ctx, r.Code, oauth2.VerifierOption(r.CodeVerifier))
		},
		unsaid: p.config.Scopes,
		hide:   secrets{r.Code, r.CodeVerifier, r.Nonce},
	})
}
