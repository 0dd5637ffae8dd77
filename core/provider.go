package aura

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// A Provider describes one identity provider. It is data: the presets in
// package provider are values of this type, and an application's own provider
// is one more. Zero fields have the defaults that their comments name.
type Provider struct {
	// ID is the provider's name in our URLs (/signIn/<ID>, /callback/<ID>) and
	// in the environment. It matches [A-Za-z0-9][A-Za-z0-9_-]{0,63}.
	ID string
	// Name is shown to people. Default: ID.
	Name string

	// OIDC says that the provider speaks OpenID Connect: endpoints come from
	// the discovery document below Issuer, and an ID token is required.
	OIDC bool
	// Issuer is, for OpenID Connect, the issuer identifier exactly as the
	// provider publishes it, a trailing slash included. For OAuth 2.0 it is the
	// constant URL under which the provider's user ids are unique. Default for
	// OAuth 2.0: the authorization endpoint's origin.
	Issuer string

	// The endpoints of an OAuth 2.0 provider. For OpenID Connect they override
	// what discovery says.
	AuthorizationEndpoint string
	TokenEndpoint         string
	UserInfoEndpoint      string
	RevocationEndpoint    string // RFC 7009; "" when there is none

	// ClientID and ClientSecret are what the provider issued to this
	// application. Default: the environment (AURA_AUTH_<ID>_CLIENT_ID and
	// _CLIENT_SECRET). Only a public client, AuthMethod none, has no secret.
	ClientID     string
	ClientSecret Secret
	// AuthMethod is how the client proves itself at the token endpoint:
	// client_secret_basic, client_secret_post or none. Default: what discovery
	// offers, client_secret_basic when nothing says otherwise. It is never
	// found out by trying.
	AuthMethod string

	// Scopes are asked for. Default for OpenID Connect: openid profile email.
	Scopes []string
	// AuthParams are added to each authorization request. Names that belong to
	// the protocol are refused by New.
	AuthParams map[string]string
	// AllowedParams names the query keys of /signIn/<ID> that are passed on to
	// the authorization request. Default: login_hint.
	AllowedParams []string

	// TokenHeader and UserInfoHeader are added to the requests to these endpoints.
	TokenHeader    http.Header
	UserInfoHeader http.Header
	// UserInfoMethod is GET or POST. Default: GET.
	UserInfoMethod string

	// Profile turns the provider's answer into a User. An empty Subject, or an
	// error, ends the sign-in without a session. Default: DefaultProfile.
	Profile func(context.Context, *Profile) (User, error)
}

// A Profile is what a provider answered about the user who signs in: the
// userinfo answer, for OpenID Connect laid over the claims of the verified ID
// token.
type Profile struct {
	// Subject is the ID token's sub; empty for OAuth 2.0.
	Subject string
	// Raw is a JSON object.
	Raw json.RawMessage

	fetch func(ctx context.Context, url string) (json.RawMessage, error)
}

// Decode reads the profile into v, as json.Unmarshal does.
func (p *Profile) Decode(v any) error {
	if err := json.Unmarshal(p.Raw, v); err != nil {
		return &Error{Code: CodeUserInfoMalformed, Err: fmt.Errorf("profile: %w", err)}
	}
	return nil
}

// Fetch gets one more JSON document of the provider with the user's access
// token, under the same bounds of time and size as every outbound call, and
// reads it into v. The URL must be https.
func (p *Profile) Fetch(ctx context.Context, url string, v any) error {
	raw, err := p.fetch(ctx, url)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return &Error{Code: CodeUserInfoMalformed, Err: fmt.Errorf("profile: %w", err)}
	}
	return nil
}

// DefaultProfile reads the member names that most providers use: the subject
// from sub (or, for OAuth 2.0, id, sub, uid, user_id, account_id: the first
// that is there), the name from name, username or nickname, the picture from
// image or picture, the address from email. EmailVerified is set by a boolean
// email_verified alone.
func DefaultProfile(_ context.Context, p *Profile) (User, error) {
	var m map[string]json.RawMessage
	if err := p.Decode(&m); err != nil {
		return User{}, err
	}
	u := User{
		Subject:       p.Subject,
		Name:          firstText(m, "name", "username", "nickname"),
		Email:         firstText(m, "email"),
		EmailVerified: string(m["email_verified"]) == "true",
		Image:         firstText(m, "image", "picture"),
	}
	if u.Subject == "" {
		u.Subject = firstText(m, "id", "sub", "uid", "user_id", "account_id")
	}
	return u, nil
}

// firstText returns the first of the members that is a non-empty string or a
// number. Numbers keep the digits that were sent: an id of 2^53 + 1 is exact.
func firstText(m map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		var s string
		if json.Unmarshal(m[name], &s) == nil && s != "" {
			return s
		}
		var n json.Number
		if json.Unmarshal(m[name], &n) == nil && n != "" {
			return n.String()
		}
	}
	return ""
}

// clone copies what the caller could change later.
func (p Provider) clone() Provider {
	p.Scopes = slices.Clone(p.Scopes)
	p.AuthParams = maps.Clone(p.AuthParams)
	p.AllowedParams = slices.Clone(p.AllowedParams)
	p.TokenHeader = p.TokenHeader.Clone()
	p.UserInfoHeader = p.UserInfoHeader.Clone()
	return p
}

// fetcher is how a Profile gets one more document of its provider.
func (a *Auth) fetcher(p *party, accessToken string) func(context.Context, string) (json.RawMessage, error) {
	return func(ctx context.Context, url string) (json.RawMessage, error) {
		raw, err := p.GetJSON(ctx, url, accessToken)
		if err != nil {
			return nil, providerError(err)
		}
		return raw, nil
	}
}
