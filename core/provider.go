package aura

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
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

	// DiscoveryURL is the address of the discovery document where it is not
	// below Issuer. Default: Issuer + "/.well-known/openid-configuration".
	DiscoveryURL string
	// Tenants are the tenant ids that are accepted where Issuer holds
	// {tenantid}, the form in which providers with many tenants publish it: the
	// iss of an ID token must then be Issuer with the token's own tid in that
	// place, and each tenant is an issuer of its own. Default: every tenant.
	Tenants []string

	// The endpoints of an OAuth 2.0 provider. For OpenID Connect they override
	// what discovery says.
	AuthorizationEndpoint       string
	TokenEndpoint               string
	UserInfoEndpoint            string
	IntrospectionEndpoint       string // RFC 7662: for OAuth 2.0 without UserInfoEndpoint, its answer is the profile
	RevocationEndpoint          string // RFC 7009; "" when there is none
	PushedAuthorizationEndpoint string // RFC 9126; "" when there is none
	EndSessionEndpoint          string // OpenID Connect RP-Initiated Logout; "" when there is none
	DeviceAuthorizationEndpoint string // RFC 8628; "" when there is none

	// ClientID and ClientSecret are what the provider issued to this
	// application. Default: the environment (AURA_AUTH_<ID>_CLIENT_ID and
	// _CLIENT_SECRET). Only a public client, AuthMethod none, has no secret.
	ClientID     string
	ClientSecret Secret
	// AuthMethod is how the client proves itself at the token endpoint:
	// client_secret_basic, client_secret_post, private_key_jwt or none. Default:
	// private_key_jwt where there is a PrivateKey, else what discovery offers,
	// client_secret_basic when nothing says otherwise. It is never found out by
	// trying.
	AuthMethod string
	// PrivateKey signs the client's assertions for private_key_jwt (RFC 7523
	// §2.2): a PEM block with an RSA (2048 bits or more), EC (P-256, P-384,
	// P-521) or Ed25519 key. KeyID is its kid at the provider. Default: the
	// environment (AURA_AUTH_<ID>_PRIVATE_KEY and _KEY_ID).
	PrivateKey Secret
	KeyID      string
	// MakeClientSecret makes the client secret anew for each request that needs
	// it, for providers that want a JWT in its place (Apple). ClientSecret must
	// then be empty. Default: nil.
	MakeClientSecret func(clientID string, now time.Time) (Secret, error)

	// Scopes are asked for. Default for OpenID Connect: openid profile email.
	Scopes []string
	// AuthParams are added to each authorization request: prompt, acr_values,
	// claims, access_type and the like. Names that belong to the protocol are
	// refused by New. With max_age, in seconds, the ID token must say when the
	// user last proved who they are (auth_time), no longer ago than that.
	AuthParams map[string]string
	// AllowedParams names the query keys of /signIn/<ID> that are passed on to
	// the authorization request. Default: login_hint.
	AllowedParams []string
	// ResponseMode is query or form_post (OAuth 2.0 Form Post Response Mode).
	// Default: query. With form_post the provider's answer is a cross-site POST:
	// the flow gets one more cookie with SameSite=None, which browsers take over
	// https only.
	ResponseMode string
	// PushedAuthorization sends the authorization request to the provider
	// directly, and through the browser only a reference to it (RFC 9126).
	// Default: only where the provider's metadata demands it.
	PushedAuthorization bool

	// OptionalTokenType accepts a token answer without token_type as Bearer, for
	// providers that leave it out against RFC 6749 §5.1.
	OptionalTokenType bool
	// IDToken says which ID tokens are accepted, and where. OpenID Connect only.
	IDToken IDTokenConfig
	// DeviceFlow turns on POST /device/<ID> (RFC 8628).
	DeviceFlow bool
	// Logout says what a sign-out here means at the provider, and the other way
	// round. OpenID Connect only.
	Logout LogoutConfig

	// TokenHeader and UserInfoHeader are added to the requests to these
	// endpoints. {client_id} in a value stands for ClientID.
	TokenHeader    http.Header
	UserInfoHeader http.Header
	// UserInfoMethod is GET or POST. Default: GET.
	UserInfoMethod string

	// Problem is what is wrong with the arguments that a preset was made with.
	// New reports it. Default: nil.
	Problem error
	// DangerouslyWithoutPKCE leaves PKCE (RFC 7636) out of the flow, for
	// providers that refuse it (LinkedIn). State and the flow's cookie remain; a
	// code that was stolen on its way is then not bound to our request, except by
	// the nonce of OpenID Connect. Default: false.
	DangerouslyWithoutPKCE bool

	// Profile turns the provider's answer into a User. An empty Subject, or an
	// error, ends the sign-in without a session. Default: DefaultProfile.
	Profile func(context.Context, *Profile) (User, error)
}

// IDTokenConfig says which ID tokens of a provider are accepted, and where.
type IDTokenConfig struct {
	// SigningAlgs are the accepted algorithms: asymmetric ones only. Default:
	// RS256 and ES256.
	SigningAlgs []string
	// TrustedAudiences may stand in aud beside ClientID, with azp naming
	// ClientID (OpenID Connect Core §3.1.3.7). Default: none.
	TrustedAudiences []string
	// SignIn turns on POST /signIn/<ID>/idToken, for native and One Tap clients
	// that get an ID token without a redirect. Default: false.
	SignIn bool
	// SignInAudiences are the client ids of such clients, beside ClientID.
	// Default: none.
	SignInAudiences []string
}

// LogoutConfig ties signing out here to signing out at the provider.
type LogoutConfig struct {
	// AtProvider sends a browser that signs out here on to the provider, to
	// sign out there as well (OpenID Connect RP-Initiated Logout). The provider
	// must know the public address of GET /signedOut as a post-logout redirect
	// URI. Default: false, the provider still knows the user.
	AtProvider bool
	// SendIDTokenHint sends the ID token along as id_token_hint; it is then kept
	// for that, sealed, with the provider's tokens, or alone with
	// ProviderTokens.Discard. It becomes part of an address, which browsers and
	// servers remember. Default: false.
	SendIDTokenHint bool
	// Backchannel turns on POST /backchannelLogout/<ID>, by which the provider
	// ends sessions (OpenID Connect Back-Channel Logout). It needs a
	// Config.Store. Default: false.
	Backchannel bool
}

// validate judges what a provider's sign-outs need.
func (l *LogoutConfig) validate(p *problemList, where string, pr *Provider, store Store) {
	if l.AtProvider && !pr.OIDC && pr.EndSessionEndpoint == "" {
		p.add("%s: Logout.AtProvider: the provider has no EndSessionEndpoint: set it, or leave AtProvider out", where)
	}
	if l.SendIDTokenHint && !l.AtProvider {
		p.add("%s: Logout.SendIDTokenHint: there is nothing to send it with: set Logout.AtProvider, too", where)
	}
	if l.SendIDTokenHint && !pr.OIDC {
		p.add("%s: Logout.SendIDTokenHint: only providers of OpenID Connect (OIDC) issue ID tokens: leave it out", where)
	}
	switch {
	case l.Backchannel && !pr.OIDC:
		p.add("%s: Logout.Backchannel: the provider speaks OAuth 2.0 only, which has no back-channel logout", where)
	case l.Backchannel && store == nil:
		p.add("%s: Logout.Backchannel: needs Config.Store, or a session could not be ended: set one, such as memstore.New(nil) for a single process", where)
	}
}

// A Profile is what a provider answered about the user who signs in: the
// userinfo answer, for OpenID Connect laid over the claims of the verified ID
// token.
type Profile struct {
	// Subject is the ID token's sub; empty for OAuth 2.0.
	Subject string
	// Raw is a JSON object.
	Raw json.RawMessage
	// Posted is what came beside the answer by form_post: Apple's user object,
	// with the name that Apple tells once and in no other place. Nobody has
	// signed it and the browser could have changed it: take a name to show from
	// it, and never an address or an identity. Nil when there is none.
	Posted json.RawMessage

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
	if p.fetch == nil {
		return &Error{Code: CodeUserInfoRejected, Err: errors.New("profile: there is no access token to fetch with")}
	}
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
	p.Tenants = slices.Clone(p.Tenants)
	p.IDToken.SigningAlgs = slices.Clone(p.IDToken.SigningAlgs)
	p.IDToken.TrustedAudiences = slices.Clone(p.IDToken.TrustedAudiences)
	p.IDToken.SignInAudiences = slices.Clone(p.IDToken.SignInAudiences)
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

// makeSecret is MakeClientSecret in the embassy's terms.
func (p Provider) makeSecret() func(string, time.Time) (string, error) {
	if p.MakeClientSecret == nil {
		return nil
	}
	return func(clientID string, now time.Time) (string, error) {
		s, err := p.MakeClientSecret(clientID, now)
		return string(s), err
	}
}
