package aura

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Config is what New needs. A field that is set always wins; most zero fields
// fall back to the environment (docs/configuration.md has the table), then to
// the default that the field's comment names. New copies it: later changes
// have no effect.
type Config struct {
	// BasePath is where the routes live. Default: /auth.
	BasePath string
	// BaseURL is the public address of the application, such as
	// https://app.example; a path in it is a prefix that a proxy strips.
	// Environment: AURA_AUTH_BASE_URL. Without it, requests are served on
	// loopback hosts and on TrustedHosts only.
	BaseURL string
	// Secrets seal and sign everything, newest first: the first seals, all of
	// them open, so that a new one in front logs nobody out. At least 32 bytes
	// each, at most 16 of them. Make one with: openssl rand -base64 32.
	// Environment: AURA_AUTH_SECRET, several separated by commas.
	Secrets []Secret
	// Salt goes into every key beside the secret. It is not rotated. The same
	// quality is asked of it. Environment: AURA_AUTH_SALT.
	Salt Secret

	// Providers are the ways to sign in. See package provider for presets.
	Providers []Provider

	// Credentials and SignUp turn on sign-in by password, and sign-up.
	Credentials CredentialsConfig
	SignUp      SignUpConfig
	// ProviderTokens says what becomes of the tokens that providers issue.
	ProviderTokens ProviderTokensConfig

	Session SessionConfig
	Cookies CookieConfig

	// Store remembers what must be known to every process at once: sessions that
	// have ended before their time. With one, a sign-out ends every copy of the
	// session's token; when it cannot be reached, whoever needs a session is
	// answered 503, and nothing is lost. Default: nil, no store.
	Store Store
	// Bearer accepts a session token in Authorization: Bearer, in place of the
	// cookies, and hands it out in the answers to sign-ins that come without a
	// browser: for APIs and command-line clients. Default: false.
	Bearer bool
	Pages  Pages
	Hooks  Hooks
	Limits LimitsConfig

	// TrustedHosts are the hosts, with a port unless it is the scheme's own,
	// that are served when there is no BaseURL. Loopback hosts always are.
	// Environment: AURA_AUTH_TRUSTED_HOSTS, separated by commas.
	TrustedHosts []string
	// TrustedProxies are the addresses of proxies whose X-Forwarded-Host,
	// X-Forwarded-Proto and X-Forwarded-For are believed. Default: none.
	// Environment: AURA_AUTH_TRUSTED_PROXIES, CIDRs separated by commas.
	TrustedProxies []netip.Prefix
	// ForwardedHeader reads RFC 7239 Forwarded of these proxies instead.
	ForwardedHeader bool
	// TrustedOrigins are other origins (scheme://host[:port], "*." standing for
	// one label) that may call the state-changing routes and be redirected to.
	// Our own origin is always trusted. Environment: AURA_AUTH_TRUSTED_ORIGINS.
	TrustedOrigins []string

	// Logger gets one record for each sign-in, sign-out and failure; never a
	// secret. Default: slog.Default(), or a text log on standard error at the
	// level that AURA_AUTH_LOG_LEVEL or AURA_AUTH_DEBUG=1 asks for.
	Logger *slog.Logger
	// HTTPClient carries the calls to providers; its Transport is used under
	// limits of our own for time, size and redirects; it alone decides which
	// addresses it connects to. Default: a transport that refuses link-local and
	// metadata addresses, and this machine unless the provider is on it.
	HTTPClient *http.Client
	// Now is the clock. Default: time.Now.
	Now func() time.Time

	// DangerouslyAllowInsecureHTTP serves plain http on hosts that are not
	// loopback. Anyone on the way can then take over sessions.
	DangerouslyAllowInsecureHTTP bool
}

// SessionConfig says what a session is and how long it lives.
type SessionConfig struct {
	// Token is the form of the session cookie. Default: SealedToken.
	Token TokenMode
	// MaxAge is how long a session lives without being renewed. Default: 15 days.
	MaxAge time.Duration
	// MaxDuration bounds the whole life of a session, however often it is
	// renewed. Default: 0, no bound. It holds for sessions that exist already.
	MaxDuration time.Duration
	// Expiration says when a session is renewed. Default: AbsoluteExpiration.
	Expiration Expiration
	// SlidingThreshold is the share of MaxAge that must be left for
	// SlidingExpiration not to renew, between 0 and 1. Default: 0.25.
	SlidingThreshold float64
	// Issuer and Audience are written as iss and aud and demanded when read.
	// Default: neither.
	Issuer   string
	Audience string
	// UpdatableFields names the user's fields that PATCH /session may change:
	// name, email, image, or an extra claim. Default: none. Whatever is listed
	// here, the browser may set at will; email then loses EmailVerified.
	UpdatableFields []string
}

// A TokenMode is a form of the session token.
type TokenMode string

// The token modes.
const (
	SealedToken    TokenMode = "sealed"    // signed, then encrypted (the default)
	SignedToken    TokenMode = "signed"    // signed: whoever holds the cookie can read it
	EncryptedToken TokenMode = "encrypted" // encrypted with authentication
)

// Expiration is a policy of renewing sessions.
type Expiration string

// The expiration policies.
const (
	AbsoluteExpiration Expiration = "absolute" // ends MaxAge after sign-in (the default)
	FixedExpiration    Expiration = "fixed"    // the same; updates date iat anew
	RollingExpiration  Expiration = "rolling"  // each look renews it
	SlidingExpiration  Expiration = "sliding"  // renewed when less than the threshold is left
)

// CookieConfig names the cookies. Attributes are not configurable beyond this:
// HttpOnly, Path=/, SameSite=Lax (Strict for the CSRF cookie), and Secure with
// a name prefix whenever the public origin is https.
type CookieConfig struct {
	// Prefix begins every name. Default: aura-auth.
	Prefix string
	// Domain shares the session with subdomains. Any of them can then read and
	// replace it. Default: none, the host alone.
	Domain string
	// HostPrefix names the session cookie __Host- instead of __Secure-, which
	// keeps sibling hosts from planting one. Other servers that share the
	// session then do not find it. Default: false.
	HostPrefix bool
	// MaxBytes is how much of a request's Cookie header all our cookies
	// together may take, 4096 to 65536. Default: 7168; nginx refuses a header
	// line over 8 KiB.
	MaxBytes int
}

// Pages are the application's own pages, as its router knows them: a path in
// BaseURL is put in front.
type Pages struct {
	// SignIn is where a page load without a session is sent, with redirectTo,
	// and a failed form post, with error. Default: /login. To go straight to the
	// only provider, name where its sign-in starts: BasePath + "/signIn/<id>".
	SignIn string
	// Error is where a browser is sent when a sign-in fails, with error=CODE.
	// Default: a plain page of our own.
	Error string
}
