package client

import (
	"context"
	"net/http"
	"strings"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// Tokens are what a provider has issued to the application for the user. They
// redact themselves when printed; string(t.AccessToken) is the value.
type Tokens struct {
	AccessToken aura.Secret
	ExpiresAt   time.Time // zero: the provider did not say
	// RefreshToken and IDToken are "" unless the server's Config exposes them.
	RefreshToken          aura.Secret
	RefreshTokenExpiresAt time.Time // zero: the provider did not say
	IDToken               aura.Secret
	TokenType             string // Bearer
	Scopes                []string
	IssuedAt              time.Time
}

// tokens is Tokens on the wire, with times in seconds since 1970.
type tokens struct {
	AccessToken           string   `json:"accessToken"`
	ExpiresAt             int64    `json:"expiresAt"`
	RefreshToken          string   `json:"refreshToken"`
	RefreshTokenExpiresAt int64    `json:"refreshTokenExpiresAt"`
	IDToken               string   `json:"idToken"`
	TokenType             string   `json:"tokenType"`
	Scopes                []string `json:"scopes"`
	IssuedAt              int64    `json:"issuedAt"`
}

func (t *tokens) value() *Tokens {
	return &Tokens{
		AccessToken: aura.Secret(t.AccessToken), ExpiresAt: moment(t.ExpiresAt),
		RefreshToken: aura.Secret(t.RefreshToken), RefreshTokenExpiresAt: moment(t.RefreshTokenExpiresAt),
		IDToken: aura.Secret(t.IDToken), TokenType: t.TokenType,
		// A TypeScript server writes all scopes into one string at first.
		Scopes: strings.Fields(strings.Join(t.Scopes, " ")), IssuedAt: moment(t.IssuedAt),
	}
}

func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// ProviderTokens returns the provider's tokens, refreshed by the server when
// they are near their end. A user who has not signed in with this provider, or
// has disconnected it, is an [*Error] with status 401 that is not ErrNoSession.
func (c *Client) ProviderTokens(ctx context.Context, provider string) (*Tokens, error) {
	s, err := c.ofProvider(ctx, http.MethodGet, provider, "/tokens", lacksTokens)
	if err != nil {
		return nil, err
	}
	return s.Tokens.value(), nil
}

// AccessToken returns the access token of ProviderTokens, for the provider's
// own API. Ask for it before each use: it changes.
func (c *Client) AccessToken(ctx context.Context, provider string) (string, error) {
	t, err := c.ProviderTokens(ctx, provider)
	if err != nil {
		return "", err
	}
	return string(t.AccessToken), nil
}

// RefreshUser has the server ask the provider for the user's present profile,
// and returns the session with it.
func (c *Client) RefreshUser(ctx context.Context, provider string) (*Session, error) {
	s, err := c.ofProvider(ctx, http.MethodPost, provider, "/user/refresh", lacksSession)
	return s.Session, err
}

// RevokeTokens has the server revoke its tokens at the provider and forget
// them. The session goes on.
func (c *Client) RevokeTokens(ctx context.Context, provider string) error {
	_, err := c.ofProvider(ctx, http.MethodPost, provider, "/tokens/revoke", nil)
	return err
}

// Disconnect has the server forget its tokens without telling the provider. The
// session goes on.
func (c *Client) Disconnect(ctx context.Context, provider string) error {
	_, err := c.ofProvider(ctx, http.MethodDelete, provider, "", nil)
	return err
}

// Connected reports whether the server holds tokens of the provider for this
// session. Without a session it returns ErrNoSession.
func (c *Client) Connected(ctx context.Context, provider string) (bool, error) {
	path, err := providerPath("/providers/", provider, "")
	if err != nil {
		return false, err
	}
	s, err := c.do(ctx, call{method: http.MethodGet, path: path})
	return s.Connected, err
}

// ofProvider makes a protected call to a route of a provider.
func (c *Client) ofProvider(ctx context.Context, method, provider, below string, lacks func(success) string) (success, error) {
	path, err := providerPath("/providers/", provider, below)
	if err != nil {
		return success{}, err
	}
	return c.do(ctx, call{method: method, path: path, protected: true, lacks: lacks})
}

func lacksTokens(s success) string {
	if s.Tokens == nil || s.Tokens.AccessToken == "" {
		return "tokens.accessToken"
	}
	return ""
}
