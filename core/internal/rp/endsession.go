package rp

import (
	"context"
	"net/url"
)

// An EndSession asks the provider to sign its user out as well (OpenID Connect
// RP-Initiated Logout 1.0 §2). All members are optional.
type EndSession struct {
	IDTokenHint, PostLogoutRedirectURI, State, LogoutHint string
}

// EndSessionURL returns the address to send the browser to. client_id is always
// sent: without id_token_hint nothing else says whose redirect URI it is.
// ErrNotSupported: the provider has no end_session_endpoint. Every failure is
// an *Error.
func (p *Party) EndSessionURL(ctx context.Context, e EndSession) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	address, err := p.endSessionURL(ctx, e)
	if err != nil {
		return "", p.named(err)
	}
	return address, nil
}

func (p *Party) endSessionURL(ctx context.Context, e EndSession) (string, error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return "", err
	}
	if m.EndSessionEndpoint == "" {
		return "", failure(CodeEndSessionUnsupported, "end of session: %w: there is no end_session_endpoint", ErrNotSupported)
	}
	if m.EndSessionEndpoint != p.config.EndSessionEndpoint { // that one New has checked
		if err := p.checkEndSession(m.EndSessionEndpoint); err != nil {
			return "", failure(CodeDiscoveryInvalid, "discovery: %w", err)
		}
	}
	return withQuery(m.EndSessionEndpoint, map[string]string{
		"client_id": p.config.ClientID, "id_token_hint": e.IDTokenHint, "logout_hint": e.LogoutHint,
		"post_logout_redirect_uri": e.PostLogoutRedirectURI, "state": e.State,
	}), nil
}

// checkEndSession judges a discovered endpoint; its own query must not say
// twice what we say.
func (p *Party) checkEndSession(endpoint string) error {
	if err := p.rules.checkDiscovered("end_session_endpoint", endpoint); err != nil {
		return err
	}
	return checkEndSessionQuery("end_session_endpoint", endpoint)
}

func checkEndSessionQuery(field, raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return nil // reported by check
	}
	return refuseParams(field, u.RawQuery, func(name string) bool {
		switch name {
		case "client_id", "id_token_hint", "logout_hint", "post_logout_redirect_uri", "state":
			return true
		}
		return false
	})
}
