package rp

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// callbackTimeout bounds a whole Exchange (token, keys and userinfo together),
// Refresh, Revoke or UserInfo.
const callbackTimeout = 10 * time.Second

// Config describes one provider and our registration with it.
type Config struct {
	// ID names the provider in error texts, nowhere else.
	ID string
	// OIDC chooses OpenID Connect: endpoints come from discovery below
	// Issuer, and nonce and ID token are required.
	OIDC bool
	// Issuer is the provider's issuer identifier, byte for byte, with its
	// trailing slash if it has one. Unused for plain OAuth 2.0.
	Issuer string
	// DiscoveryURL replaces the address below Issuer.
	DiscoveryURL string
	// Tenants are the accepted tid claims where Issuer holds {tenantid}; nil
	// accepts every tenant.
	Tenants []string
	// The endpoints of a plain OAuth 2.0 provider; for OIDC each one that is
	// set replaces the discovered one. An OAuth 2.0 provider without
	// UserInfoEndpoint yields the profile {} and leaves the rest to GetJSON.
	AuthorizationEndpoint, TokenEndpoint, UserInfoEndpoint string
	// RevocationEndpoint speaks RFC 7009. Without one Revoke answers
	// ErrNotSupported; GitHub's own way of revoking is another protocol.
	RevocationEndpoint string
	// IntrospectionEndpoint (RFC 7662) yields the profile where an OAuth 2.0
	// provider has no UserInfoEndpoint.
	IntrospectionEndpoint string
	// PushedAuthorizationEndpoint (RFC 9126), EndSessionEndpoint (RP-Initiated
	// Logout) and DeviceAuthorizationEndpoint (RFC 8628) are optional.
	PushedAuthorizationEndpoint, EndSessionEndpoint, DeviceAuthorizationEndpoint string

	ClientID, ClientSecret string
	// PrivateKey, PEM, and KeyID sign assertions for private_key_jwt.
	PrivateKey, KeyID string
	// MakeClientSecret makes the secret for one request, in place of ClientSecret.
	MakeClientSecret func(clientID string, now time.Time) (string, error)
	// AuthMethod is how we authenticate at the token, revocation, pushed
	// authorization and device endpoints: "client_secret_basic",
	// "client_secret_post", "private_key_jwt" or "none". Empty: private_key_jwt
	// with a PrivateKey, else what discovery names, Basic when it names neither.
	// A client without a secret or key uses none. It is never tried out: a second
	// attempt would redeem the code twice.
	AuthMethod string
	// Scopes to ask for; nil with OIDC means openid, profile and email.
	Scopes []string
	// AuthParams are constant further parameters of the authorization
	// request. They win over AuthorizationRequest.Extra.
	AuthParams map[string]string
	// ResponseMode is sent as response_mode unless it is empty or query.
	ResponseMode string
	// PushedAuthorization pushes every authorization request (RFC 9126); else
	// only where metadata demands it.
	PushedAuthorization bool
	// WithoutPKCE sends neither code_challenge nor code_verifier, for providers
	// that refuse them.
	WithoutPKCE bool
	// TokenHeader is added to token and revocation requests; it cannot replace
	// what the protocol sets. UserInfoHeader is added to userinfo and GetJSON requests
	// and may replace Accept and User-Agent; {client_id} in a value of either
	// stands for ClientID.
	TokenHeader, UserInfoHeader http.Header
	// UserInfoMethod is GET, the default, or POST.
	UserInfoMethod string
	// OptionalTokenType accepts a token answer without token_type as Bearer,
	// for the few providers that leave it out against RFC 6749 §5.1.
	OptionalTokenType bool
	// SigningAlgs are the algorithms accepted on ID tokens; default RS256 and
	// ES256. Only asymmetric ones exist here, and discovery adds none.
	SigningAlgs []string
	// TrustedAudiences may stand in an ID token's aud beside ClientID, with
	// azp naming ClientID. Default none: OpenID Connect Core §3.1.3.7(3) has
	// tokens refused that other, untrusted parties are meant to accept too.
	TrustedAudiences []string
	// IDTokenAudiences are accepted by VerifyIDToken beside ClientID.
	IDTokenAudiences []string

	// HTTPClient lends its Transport, and its Timeout when that is shorter;
	// jar and redirect policy stay unused. Nil: a transport of our own.
	HTTPClient *http.Client
	// Now is the clock for caches and token times; default time.Now.
	Now    func() time.Time
	Logger *slog.Logger
	// Timeout bounds one request including its body; default 5 s.
	Timeout time.Duration
}

// A Party is our side towards one provider. It is safe for concurrent use.
type Party struct {
	config    Config
	rules     endpointRules
	out       *outbound
	discovery *discovery    // nil for plain OAuth 2.0
	keys      *keyCache     // nil for plain OAuth 2.0
	key       *assertionKey // nil without PrivateKey
	budget    time.Duration
}

// New validates c, reports every problem at once, and does no I/O: a provider
// that is down must not keep the application from starting.
func New(c Config) (*Party, error) {
	c = c.withDefaults()
	rules := newEndpointRules(c)
	if err := errors.Join(c.problems(rules)...); err != nil {
		return nil, fmt.Errorf("provider %q: %w", c.ID, err)
	}

	p := &Party{config: c, rules: rules, out: newOutbound(c, rules), budget: callbackTimeout}
	if c.PrivateKey != "" {
		key, err := newAssertionKey(c.PrivateKey, c.KeyID)
		if err != nil {
			return nil, fmt.Errorf("provider %q: %w", c.ID, err)
		}
		p.key = key
	}
	if c.OIDC {
		p.discovery = newDiscovery(c, p.fetchMetadata)
		p.keys = newKeyCache(c, p.fetchKeys)
	}
	return p, nil
}

func (c Config) withDefaults() Config {
	if c.OIDC && c.Scopes == nil {
		c.Scopes = []string{"openid", "profile", "email"}
	}
	if c.UserInfoMethod == "" {
		c.UserInfoMethod = http.MethodGet
	}
	if c.OIDC && len(c.SigningAlgs) == 0 {
		c.SigningAlgs = []string{"RS256", "ES256"}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	if c.HTTPClient != nil && c.HTTPClient.Timeout > 0 {
		c.Timeout = min(c.Timeout, c.HTTPClient.Timeout)
	}
	// Copies: a caller that edits its maps later must not change a running
	// provider, let alone race with it.
	c.Scopes, c.SigningAlgs = slices.Clone(c.Scopes), slices.Clone(c.SigningAlgs)
	c.TrustedAudiences, c.IDTokenAudiences = slices.Clone(c.TrustedAudiences), slices.Clone(c.IDTokenAudiences)
	c.Tenants = slices.Clone(c.Tenants)
	c.AuthParams = maps.Clone(c.AuthParams)
	c.TokenHeader, c.UserInfoHeader = canonical(c.TokenHeader, c.ClientID), canonical(c.UserInfoHeader, c.ClientID)
	return c
}

// problems lists everything that is wrong with c.
func (c Config) problems(rules endpointRules) []error {
	var errs []error
	add := func(err error) { errs = append(errs, err) }

	if c.OIDC {
		add(rules.checkIssuer(c.Issuer))
		if !slices.Contains(c.Scopes, "openid") {
			add(errors.New("Scopes: OpenID Connect needs the scope openid; add it, or set Scopes to nil"))
		}
		if c.DiscoveryURL != "" {
			add(rules.check("DiscoveryURL", c.DiscoveryURL))
		}
	} else if c.AuthorizationEndpoint == "" || c.TokenEndpoint == "" {
		add(errors.New("AuthorizationEndpoint and TokenEndpoint: both are required for OAuth 2.0"))
	}
	errs = append(errs, c.tenantProblems()...)
	errs = append(errs, c.trustProblems()...)
	errs = append(errs, c.endpointProblems(rules)...)
	if c.ClientID == "" {
		add(errors.New("ClientID: missing; copy it from the provider's registration of your application"))
	}
	add(c.authProblem())
	for _, s := range c.Scopes {
		if !scopeToken(s) {
			add(fmt.Errorf("Scopes: %q is not a scope (RFC 6749 §3.3); give one scope per entry", s))
		}
	}
	for name := range c.AuthParams {
		if ReservedParam(name) {
			add(fmt.Errorf("AuthParams: %q is set by the protocol and cannot be configured", name))
		}
	}
	errs = append(errs, c.paramProblems()...)
	if c.IntrospectionEndpoint != "" && (c.OIDC || c.UserInfoEndpoint != "") {
		add(errors.New("IntrospectionEndpoint: stands in for UserInfoEndpoint at providers of OAuth 2.0 that have none; unset it"))
	}
	if c.UserInfoMethod != http.MethodGet && c.UserInfoMethod != http.MethodPost {
		add(fmt.Errorf("UserInfoMethod: %q is neither GET nor POST", c.UserInfoMethod))
	}
	add(checkHeader("TokenHeader", c.TokenHeader))
	add(checkHeader("UserInfoHeader", c.UserInfoHeader))
	return errs
}

// endpointProblems judges the addresses that were configured.
func (c Config) endpointProblems(rules endpointRules) (errs []error) {
	for _, e := range []struct{ field, value string }{
		{"AuthorizationEndpoint", c.AuthorizationEndpoint},
		{"TokenEndpoint", c.TokenEndpoint},
		{"UserInfoEndpoint", c.UserInfoEndpoint},
		{"RevocationEndpoint", c.RevocationEndpoint},
		{"IntrospectionEndpoint", c.IntrospectionEndpoint},
		{"PushedAuthorizationEndpoint", c.PushedAuthorizationEndpoint},
		{"DeviceAuthorizationEndpoint", c.DeviceAuthorizationEndpoint},
		{"EndSessionEndpoint", c.EndSessionEndpoint},
	} {
		if e.value != "" {
			errs = append(errs, rules.check(e.field, e.value))
		}
	}
	if c.AuthorizationEndpoint != "" {
		errs = append(errs, checkQuery("AuthorizationEndpoint", c.AuthorizationEndpoint))
	}
	if c.EndSessionEndpoint != "" {
		errs = append(errs, checkEndSessionQuery("EndSessionEndpoint", c.EndSessionEndpoint))
	}
	return errs
}

// trustProblems judges what says which ID tokens are accepted.
func (c Config) trustProblems() (errs []error) {
	for _, alg := range c.SigningAlgs {
		if _, ok := algorithms[alg]; !ok {
			errs = append(errs, fmt.Errorf("SigningAlgs: %q is not an asymmetric signature algorithm of RFC 7518 or RFC 8037", alg))
		}
	}
	for _, list := range []struct {
		field   string
		clients []string
	}{{"TrustedAudiences", c.TrustedAudiences}, {"IDTokenAudiences", c.IDTokenAudiences}} {
		if slices.Contains(list.clients, "") || slices.Contains(list.clients, c.ClientID) {
			errs = append(errs, fmt.Errorf("%s: holds an empty client id, or ClientID itself, which needs no mention", list.field))
		}
	}
	if !c.OIDC && (len(c.SigningAlgs)+len(c.TrustedAudiences)+len(c.IDTokenAudiences) > 0 || c.DiscoveryURL != "") {
		errs = append(errs, errors.New("SigningAlgs, TrustedAudiences, IDTokenAudiences and DiscoveryURL: are for OpenID Connect only"))
	}
	return errs
}

// scopeToken is the grammar of RFC 6749 §3.3: printable ASCII without space,
// quote and backslash.
func scopeToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= 0x20 || r >= 0x7f || r == '"' || r == '\\'
	})
}

// checkHeader refuses names that would change what a request means or where it
// goes. Idempotency-Key is among them because net/http repeats a POST that
// carries one, and a code must be redeemed once.
func checkHeader(field string, h http.Header) error {
	for name, values := range h {
		switch name {
		case "Authorization", "Cookie", "Host", "Content-Type", "Content-Length", "Transfer-Encoding",
			"Connection", "Accept-Encoding", "Proxy-Authorization", "Idempotency-Key", "X-Idempotency-Key":
			return fmt.Errorf("%s: %s is set by the protocol and cannot be configured", field, name)
		}
		for _, v := range values {
			if strings.ContainsFunc(v, isControl) {
				return fmt.Errorf("%s: the value of %s holds a control character", field, name)
			}
		}
	}
	return nil
}

// canonical copies h with canonical names, as http.Header's methods and our
// own look-ups expect them; a map literal may hold any. A preset is written
// before the client id is known, so values may refer to it.
func canonical(h http.Header, clientID string) http.Header {
	c := make(http.Header, len(h))
	for name, values := range h {
		name = http.CanonicalHeaderKey(name)
		for _, v := range values {
			c[name] = append(c[name], strings.ReplaceAll(v, "{client_id}", clientID))
		}
	}
	return c
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
