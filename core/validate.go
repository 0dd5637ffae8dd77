package aura

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aura-stack-go/auth/core/internal/redirect"
	"github.com/aura-stack-go/auth/core/internal/rp"
	"github.com/aura-stack-go/auth/core/internal/token"
)

const (
	defaultMaxAge = 15 * 24 * time.Hour
	maxSecrets    = 16
	makeSecret    = "make one with: openssl rand -base64 32"
)

var (
	providerID   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	basePathForm = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
)

// defaults fills what neither the caller nor the environment has set.
func (c *Config) defaults() {
	setDefault(&c.BasePath, "/auth")
	setDefault(&c.Session.Token, SealedToken)
	setDefault(&c.Session.MaxAge, defaultMaxAge)
	setDefault(&c.Session.Expiration, AbsoluteExpiration)
	setDefault(&c.Session.SlidingThreshold, 0.25)
	setDefault(&c.Cookies.MaxBytes, 7168)
	setDefault(&c.Pages.SignIn, "/login")
	setDefault(&c.ProviderTokens.RefreshWindow, 5*time.Minute)
	if c.Credentials.Canonical == nil {
		c.Credentials.Canonical = CanonicalUsername
	}
	c.Limits.defaults()
	for i := range c.Providers {
		p := &c.Providers[i]
		setDefault(&p.Name, p.ID)
		if p.Profile == nil {
			p.Profile = DefaultProfile
		}
		if p.AllowedParams == nil {
			p.AllowedParams = []string{"login_hint"}
		}
		if p.OIDC && len(p.Scopes) == 0 {
			p.Scopes = []string{"openid", "profile", "email"}
		}
		if u, err := url.Parse(p.AuthorizationEndpoint); !p.OIDC && p.Issuer == "" && err == nil {
			p.Issuer = u.Scheme + "://" + u.Host
		}
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// A problemList collects what is wrong with a Config; each entry names its field.
type problemList []error

func (p *problemList) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

// addAll adds err, or each of the errors that are joined in it, behind a field.
func (p *problemList) addAll(field string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			p.addAll(field, e)
		}
		return
	}
	if err != nil {
		p.add("%s%w", field, err)
	}
}

// validate judges what the rooms further down do not judge themselves.
func (c *Config) validate() error {
	var p problemList
	if !basePathForm.MatchString(c.BasePath) || strings.Contains(c.BasePath, "/.") {
		p.add("BasePath %q: must be a path such as /auth, without a slash at its end", c.BasePath)
	}
	c.validateSession(&p)
	c.Limits.validate(&p)
	if c.ProviderTokens.RefreshWindow < 0 {
		p.add("ProviderTokens.RefreshWindow %v: must not be negative", c.ProviderTokens.RefreshWindow)
	}
	c.validateProviders(&p)
	// Judged with an origin of no consequence: pages are paths on our own.
	policy := redirect.NewPolicy(c.BasePath, nil)
	for name, page := range map[string]string{"Pages.SignIn": c.Pages.SignIn, "Pages.Error": c.Pages.Error} {
		if _, ok := policy.Safe("https://app.example", page); page != "" && (!ok || !strings.HasPrefix(page, "/")) && !c.startsSignIn(page) {
			p.add("%s %q: must be a path outside of BasePath, such as /login", name, page)
		}
	}
	return errors.Join(p...)
}

// startsSignIn reports whether a page is where the sign-in with one of the
// providers starts.
func (c *Config) startsSignIn(page string) bool {
	return slices.ContainsFunc(c.Providers, func(p Provider) bool { return page == c.BasePath+"/signIn/"+p.ID })
}

func (c *Config) validateSecrets(p *problemList) {
	if len(c.Secrets) == 0 {
		p.add("Secrets: none is set: set AURA_AUTH_SECRET or Config.Secrets; %s", makeSecret)
	}
	if len(c.Secrets) > maxSecrets {
		p.add("Secrets: %d are set, at most %d are allowed: drop the oldest", len(c.Secrets), maxSecrets)
	}
	for i, s := range c.Secrets {
		if err := token.CheckQuality(string(s)); err != nil {
			p.add("Secrets[%d] (AURA_AUTH_SECRET): %w", i, err)
		}
		if s == c.Salt {
			p.add("Secrets[%d] (AURA_AUTH_SECRET): is the salt: the two must differ; %s", i, makeSecret)
		}
		for _, pr := range c.Providers {
			if s != "" && s == pr.ClientSecret {
				p.add("Secrets[%d] (AURA_AUTH_SECRET): is the client secret of provider %q, which the provider knows; %s", i, pr.ID, makeSecret)
			}
		}
	}
	if c.Salt == "" {
		p.add("Salt: none is set: set AURA_AUTH_SALT or Config.Salt; %s", makeSecret)
	} else if err := token.CheckQuality(string(c.Salt)); err != nil {
		p.add("Salt (AURA_AUTH_SALT): %w", err)
	}
}

func (c *Config) validateSession(p *problemList) {
	s := &c.Session
	if !slices.Contains([]TokenMode{SealedToken, SignedToken, EncryptedToken}, s.Token) {
		p.add("Session.Token %q: must be sealed, signed or encrypted", s.Token)
	}
	if !slices.Contains([]Expiration{AbsoluteExpiration, FixedExpiration, RollingExpiration, SlidingExpiration}, s.Expiration) {
		p.add("Session.Expiration %q: must be absolute, fixed, rolling or sliding", s.Expiration)
	}
	if s.MaxAge < time.Second {
		p.add("Session.MaxAge %v: must be a second or more", s.MaxAge)
	}
	if s.MaxDuration < 0 || s.MaxDuration > 0 && s.MaxDuration < time.Second {
		p.add("Session.MaxDuration %v: must be a second or more, or 0 for no bound", s.MaxDuration)
	}
	if t := s.SlidingThreshold; math.IsNaN(t) || t < 0 || t > 1 {
		p.add("Session.SlidingThreshold %v: must lie between 0 and 1", t)
	}
	for i, f := range s.UpdatableFields {
		if f == "" || reservedClaims[f] && f != "name" && f != "email" && f != "image" {
			p.add("Session.UpdatableFields[%d] %q: cannot be changed by a browser", i, f)
		}
	}
}

func (c *Config) validateProviders(p *problemList) {
	seen := make(map[string]bool)
	for i := range c.Providers {
		pr := &c.Providers[i]
		where := fmt.Sprintf("Providers[%d] %q", i, pr.ID)
		switch id := strings.ToLower(pr.ID); {
		case !providerID.MatchString(pr.ID):
			p.add("%s: ID must match %s", where, providerID)
		case id == "credentials", id == "signup":
			p.add("%s: this ID is reserved", where)
		case seen[pr.ID]:
			p.add("%s: ID is used twice: give one of them another ID", where)
		}
		seen[pr.ID] = true
		if pr.Problem != nil {
			p.add("%s: %w", where, pr.Problem)
			continue // the rest of it is empty
		}
		pr.validateClient(where, p)
		pr.validateNative(where, p)
		pr.Logout.validate(p, where, pr, c.Store)
		for _, name := range pr.AllowedParams {
			if rp.ReservedParam(name) {
				p.add("%s: AllowedParams: %q belongs to the protocol", where, name)
			}
		}
		for _, name := range sortedKeys(pr.AuthParams) {
			if rp.ReservedParam(name) {
				p.add("%s: AuthParams: %q belongs to the protocol", where, name)
			}
		}
	}
}

// validateClient judges what the client proves itself with.
func (p *Provider) validateClient(where string, problems *problemList) {
	if p.ClientID == "" {
		problems.add("%s: ClientID is not set: set AURA_AUTH_%s_CLIENT_ID or Provider.ClientID", where, providerVariable(p.ID))
	}
	switch {
	case p.ClientSecret != "" && p.MakeClientSecret != nil:
		problems.add("%s: ClientSecret and MakeClientSecret are both set: drop one of them", where)
	case p.AuthMethod == "private_key_jwt" && p.PrivateKey == "":
		problems.add("%s: PrivateKey is not set: set AURA_AUTH_%s_PRIVATE_KEY or Provider.PrivateKey", where, providerVariable(p.ID))
	case p.ClientSecret == "" && p.MakeClientSecret == nil && p.PrivateKey == "" && p.AuthMethod != "none":
		problems.add("%s: ClientSecret is not set: set AURA_AUTH_%s_CLIENT_SECRET or Provider.ClientSecret, or AuthMethod \"none\" for a public client", where, providerVariable(p.ID))
	case p.ClientSecret != "" && p.AuthMethod == "none":
		problems.add("%s: AuthMethod is \"none\", but ClientSecret is set: drop one of them", where)
	}
}
