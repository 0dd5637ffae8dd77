package aura

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aura-stack-go/auth/core/internal/cookie"
	"github.com/aura-stack-go/auth/core/internal/flow"
	"github.com/aura-stack-go/auth/core/internal/origin"
	"github.com/aura-stack-go/auth/core/internal/redirect"
	"github.com/aura-stack-go/auth/core/internal/refresh"
	"github.com/aura-stack-go/auth/core/internal/rp"
	"github.com/aura-stack-go/auth/core/internal/token"
)

// retryAfter is what a client is told to wait when a provider or a store
// cannot be reached.
const retryAfter = 5 * time.Second

// Auth is the library, configured. Make one with New; it is safe for
// concurrent use, and starts a goroutine for nothing but the refresh of a
// provider's tokens, which ends with it.
type Auth struct {
	cfg        Config
	log        *slog.Logger
	publicPath string // BasePath as the browser sees it

	origins   *origin.Policy
	redirects *redirect.Policy
	trusted   redirect.Trusted
	wardrobe  *cookie.Wardrobe
	keys      *token.Ring
	codec     *token.Codec
	flows     *token.Box
	devices   *token.Box
	waysBack  *token.Box
	parties   map[string]*party

	tokenBox  *token.Box
	refreshes refresh.Group[refreshed]

	spent            flow.Spent
	spentDevices     flow.Spent
	warnedForwarding atomic.Bool
}

// New makes an Auth. It reads the environment for zero fields, validates
// everything, and returns all problems joined, each naming its field and what
// to do. It talks to no provider: one that is down does not keep an application
// from starting.
func New(cfg Config) (*Auth, error) {
	cfg = cfg.clone()
	problems := []error{cfg.fromEnvironment()}
	cfg.defaults()
	var secrets problemList
	cfg.validateSecrets(&secrets)
	problems = append(problems, errors.Join(secrets...), cfg.validate())

	a := &Auth{cfg: cfg, log: cfg.Logger, parties: make(map[string]*party)}
	problems = append(problems, a.build(len(secrets) > 0))
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("aura: the configuration cannot be used:\n%w", err)
	}
	return a, nil
}

// build opens the rooms further down; each judges its part of the Config.
// weak says that there is nothing to derive keys from.
func (a *Auth) build(weak bool) error {
	var problems problemList
	var err error
	note := func(field string) { problems.addAll(field, err) }
	cfg := &a.cfg
	a.origins, err = origin.New(origin.Config{
		BaseURL: cfg.BaseURL, TrustedHosts: cfg.TrustedHosts, TrustedProxies: cfg.TrustedProxies,
		Forwarded: cfg.ForwardedHeader, AllowInsecureHTTP: cfg.DangerouslyAllowInsecureHTTP,
	})
	note("")
	a.trusted, err = redirect.ParseTrusted(cfg.TrustedOrigins)
	note("TrustedOrigins: ")
	for i, pattern := range a.trusted {
		if a.origins != nil && strings.HasPrefix(a.origins.Base(), "https://") && pattern.Scheme() == "http" {
			problems.add("TrustedOrigins[%d] %q: is plain http beside an https BaseURL: anyone on the way could speak for it", i, pattern)
		}
	}
	a.wardrobe, err = cookie.New(cookie.Config{
		Prefix: cfg.Cookies.Prefix, Domain: cfg.Cookies.Domain,
		HostPrefix: cfg.Cookies.HostPrefix, MaxBytes: cfg.Cookies.MaxBytes,
	})
	note("Cookies.")
	if a.origins != nil {
		if base, err := url.Parse(a.origins.Base()); err == nil && base.Host != "" && a.wardrobe != nil && !a.wardrobe.Covers(base.Hostname()) {
			problems.add("Cookies.Domain %q: does not cover the host of BaseURL, %q, so browsers would drop the cookie", cfg.Cookies.Domain, base.Hostname())
		}
		a.publicPath = a.origins.Prefix() + cfg.BasePath
		a.redirects = redirect.NewPolicy(a.publicPath, a.trusted)
	}
	if !weak {
		problems = append(problems, a.openVault()...)
	}
	for i := range cfg.Providers {
		p := cfg.Providers[i]
		if p.Problem != nil {
			continue // validateProviders has said so
		}
		var r *rp.Party
		r, err = rp.New(rp.Config{
			ID: p.ID, OIDC: p.OIDC, Issuer: p.Issuer, DiscoveryURL: p.DiscoveryURL, Tenants: p.Tenants,
			AuthorizationEndpoint: p.AuthorizationEndpoint, TokenEndpoint: p.TokenEndpoint,
			UserInfoEndpoint: p.UserInfoEndpoint, IntrospectionEndpoint: p.IntrospectionEndpoint, RevocationEndpoint: p.RevocationEndpoint,
			PushedAuthorizationEndpoint: p.PushedAuthorizationEndpoint, EndSessionEndpoint: p.EndSessionEndpoint,
			DeviceAuthorizationEndpoint: p.DeviceAuthorizationEndpoint,
			ClientID:                    cmp.Or(p.ClientID, "unset"), // validateProviders has said so, once
			ClientSecret:                string(p.ClientSecret), AuthMethod: p.AuthMethod,
			PrivateKey: string(p.PrivateKey), KeyID: p.KeyID, MakeClientSecret: p.makeSecret(),
			Scopes: p.Scopes, AuthParams: p.AuthParams, ResponseMode: p.ResponseMode, PushedAuthorization: p.PushedAuthorization,
			OptionalTokenType: p.OptionalTokenType, SigningAlgs: p.IDToken.SigningAlgs,
			TrustedAudiences: p.IDToken.TrustedAudiences, IDTokenAudiences: p.IDToken.SignInAudiences,
			WithoutPKCE: p.DangerouslyWithoutPKCE,
			TokenHeader: p.TokenHeader, UserInfoHeader: p.UserInfoHeader, UserInfoMethod: p.UserInfoMethod,
			HTTPClient: cfg.HTTPClient, Now: cfg.Now, Logger: cfg.Logger,
		})
		note(fmt.Sprintf("Providers[%d] %q: ", i, p.ID))
		a.parties[p.ID] = &party{Provider: p, Party: r}
	}
	return errors.Join(problems...)
}

// openVault derives the keys from the secrets.
func (a *Auth) openVault() (p problemList) {
	secrets := make([][]byte, len(a.cfg.Secrets))
	for i, s := range a.cfg.Secrets {
		secrets[i] = []byte(s)
	}
	ring, err := token.NewRing(secrets, []byte(a.cfg.Salt))
	if err != nil {
		p.add("Secrets: %w", err)
		return p
	}
	mode, err := token.ParseMode(string(a.cfg.Session.Token))
	if err != nil {
		return p // validateSession has said so
	}
	a.keys, a.flows = ring, ring.Box(flowInfo)
	a.waysBack, a.devices = ring.Box(signedOutInfo), ring.Box(deviceInfo)
	a.spentDevices.Keep = maxDevice
	a.tokenBox = ring.Box(providerTokensInfo).Limit(a.maxTokenLen())
	if a.codec, err = ring.Codec(token.Options{Mode: mode, MaxLen: a.maxTokenLen()}); err != nil {
		p.add("Session.Token: %w", err)
	}
	return p
}

// maxTokenLen is the length above which a token is refused unread.
func (a *Auth) maxTokenLen() int { return max(a.cfg.Cookies.MaxBytes, token.DefaultMaxLen) }

// clone copies what the caller could change later.
func (c Config) clone() Config {
	c.Secrets = slices.Clone(c.Secrets)
	c.Providers = slices.Clone(c.Providers)
	for i := range c.Providers {
		c.Providers[i] = c.Providers[i].clone()
	}
	c.TrustedHosts = slices.Clone(c.TrustedHosts)
	c.TrustedOrigins = slices.Clone(c.TrustedOrigins)
	c.TrustedProxies = slices.Clone(c.TrustedProxies)
	c.Session.UpdatableFields = slices.Clone(c.Session.UpdatableFields)
	return c
}

// Format keeps what Auth holds out of every fmt verb.
func (a *Auth) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "aura.Auth(%s)", a.cfg.BasePath) }

// BasePath returns where the routes live, for an adapter to mount them.
func (a *Auth) BasePath() string { return a.cfg.BasePath }

// MountPath returns where the routes live below a router's group that begins
// with prefix. A prefix that is not the beginning of BasePath, whole segments of
// it, is a mistake in the program: MountPath panics, as routers do.
func (a *Auth) MountPath(prefix string) string {
	prefix = strings.TrimSuffix(prefix, "/")
	path, ok := strings.CutPrefix(a.cfg.BasePath, prefix)
	if !ok || !strings.HasPrefix(path, "/") {
		panic(fmt.Sprintf("aura: Mount: the group's prefix %q is not the beginning of BasePath %q, and shorter than it; set Config.BasePath to the whole path", prefix, a.cfg.BasePath)) //nolint:forbidigo // found at start-up, like a bad pattern
	}
	return path
}

// SafeRedirect returns target if a browser may be sent there after a sign-in or
// a form post, and "/" if not. It is total: whatever comes in, what it returns
// is a path on this host or, when BaseURL is set, an absolute URL within
// TrustedOrigins.
func (a *Auth) SafeRedirect(target string) string {
	safe, _ := a.redirects.Safe(a.origins.Base(), target)
	return safe
}

// succeeded logs a sign-in, a sign-out or an update.
func (a *Auth) succeeded(v *visit, event string, s *Session) {
	a.log.LogAttrs(v.ctx(), slog.LevelInfo, "aura: "+event,
		slog.String("event", event), slog.String("provider", s.Provider), slog.String("issuer", s.Issuer), slog.String("subject", s.User.Subject))
}

// panicked turns a recovered panic into an error. http.ErrAbortHandler is how
// net/http's own server is told to drop a connection: it goes on its way.
func (a *Auth) panicked(r *http.Request, p any) error {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p) //nolint:forbidigo // not ours: net/http means it
	}
	a.log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelError, "aura: panic", slog.String("event", "panic"), slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
	return fail(CodeServerError, "a panic, logged above")
}
