package rp

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

// Revoke ends a token at the provider (RFC 7009), with one request, within ten
// seconds. hint is "access_token", "refresh_token" or empty. A token that the
// provider no longer knows counts as revoked (§2.2). ErrNotSupported: the
// provider has no revocation endpoint, or not for this type of token. Every
// failure is an *Error; the token may be valid still.
//
// Many providers end the whole grant with its refresh token, and only the
// access token with an access token (§2.1): whoever disconnects revokes the
// refresh token.
func (p *Party) Revoke(ctx context.Context, token, hint string) error {
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	return p.named(p.revoke(ctx, token, hint))
}

func (p *Party) revoke(ctx context.Context, token, hint string) error {
	if token == "" {
		return failure(CodeBadRequest, "revocation: the token is missing")
	}
	if hint != "" && hint != "access_token" && hint != "refresh_token" {
		return failure(CodeBadRequest, "revocation: the hint is neither access_token nor refresh_token")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return err
	}
	if m.RevocationEndpoint == "" {
		return failure(CodeRevokeUnsupported, "revocation: %w: there is no revocation_endpoint", ErrNotSupported)
	}
	if m.RevocationEndpoint != p.config.RevocationEndpoint { // that one New has checked
		if err := p.rules.checkDiscovered("revocation_endpoint", m.RevocationEndpoint); err != nil {
			return failure(CodeDiscoveryInvalid, "discovery: %w", err)
		}
	}
	req, err := p.revocationRequest(ctx, m, token, hint)
	if err != nil {
		return err
	}
	hide := p.credentials(secrets{token})
	a, err := p.out.send(req, hide)
	if err != nil {
		return failed(wireCode(err, CodeRevokeUnreachable, CodeRevokeRejected), "revocation endpoint", err)
	}
	return revoked(a, hide)
}

// revocationRequest is RFC 7009 §2.1. x/oauth2 has no such request, so the
// client is authenticated here as it does it there.
func (p *Party) revocationRequest(ctx context.Context, m *metadata, token, hint string) (*http.Request, error) {
	methods := m.RevocationAuthMethods
	if len(methods) == 0 {
		// RFC 8414 has this mean Basic; who names methods for one of the two
		// endpoints only takes the same ones at both.
		methods = m.AuthMethods
	}
	basic := p.config.authStyle(methods) == oauth2.AuthStyleInHeader
	form := url.Values{"token": {token}}
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	if !basic {
		form.Set("client_id", p.config.ClientID)
	}
	if !basic && p.config.ClientSecret != "" {
		form.Set("client_secret", p.config.ClientSecret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.RevocationEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, failure(CodeBadRequest, "revocation endpoint: the address cannot be used")
	}
	maps.Copy(req.Header, p.config.TokenHeader)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	if basic {
		req.Header.Set("Authorization", "Basic "+basicCredentials(p.config))
	}
	return req, nil
}

// revoked judges the answer by its status alone, as RFC 7009 §2.2 asks; a body
// says only why something failed.
func revoked(a *answer, hide secrets) error {
	if a.status == http.StatusOK || a.status == http.StatusNoContent {
		return nil
	}
	r := newRefusal(a, hide)
	switch {
	case r.down:
		e := failure(CodeRevokeUnreachable, "revocation endpoint: %w", r)
		e.unreachable = true
		return e
	case r.status == http.StatusBadRequest && r.code == "invalid_token":
		return nil // Google's answer to a token that has expired
	case r.code == "unsupported_token_type": // RFC 7009 §2.2.1
		return failure(CodeRevokeUnsupported, "revocation endpoint: %w: %w", r, ErrNotSupported)
	}
	return failure(CodeRevokeRejected, "revocation endpoint: %w", r)
}
