package rp

import (
	"context"
	"net/http"
	"net/url"
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
	if err := p.optionalEndpoint("revocation_endpoint", m.RevocationEndpoint, p.config.RevocationEndpoint); err != nil {
		return err
	}
	methods := m.RevocationAuthMethods
	if len(methods) == 0 {
		// RFC 8414 has this mean Basic; who names methods for one of the two
		// endpoints only takes the same ones at both.
		methods = m.AuthMethods
	}
	form := url.Values{"token": {token}} // RFC 7009 §2.1
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	a, hide, err := p.postForm(ctx, m, formRequest{
		what: "revocation endpoint", address: m.RevocationEndpoint, methods: methods, form: form,
		unreachable: CodeRevokeUnreachable, invalid: CodeRevokeRejected, hide: secrets{token},
	})
	if err != nil {
		return err
	}
	return revoked(a, hide)
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
