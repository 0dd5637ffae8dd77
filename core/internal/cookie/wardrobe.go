// Package cookie is the only place that knows what our cookies are called and
// which attributes they carry. Values come in as opaque bytes and leave as
// Set-Cookie lines; what a value means is the vault's business.
//
// Cookies are read and written by hand. net/http gives up on a request with more
// than 3,000 cookies, matches quoted values, and on writing drops a cookie or
// bytes of it without a word; each of these has been an attack or an outage.
package cookie

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Config is the part of the configuration that concerns cookies. The zero value
// is the contract's default.
type Config struct {
	// Prefix begins every name; default "aura-auth". Change it when two
	// applications share a host.
	Prefix string
	// Domain shares the session cookie with the subdomains of this domain, which
	// lets each of them read and overwrite it. Default: the host alone.
	Domain string
	// HostPrefix names the session cookie __Host- instead of __Secure-, so
	// that no subdomain can set it. The TypeScript library then cannot read it.
	HostPrefix bool
	// SessionSameSite is Lax unless set to Strict.
	SessionSameSite SameSite
	// MaxBytes is what all our cookies together may take in a request's Cookie
	// header; default 7168, because nginx refuses a header line over 8 KiB.
	MaxBytes int
}

// SameSite has no None: a cookie that other sites' requests carry is a decision
// that no configuration value of ours takes. PostedFlow alone is one.
type SameSite uint8

// The two values: Lax goes along with page loads from other sites, Strict does not.
const (
	Lax SameSite = iota
	Strict
)

// Kind is what a cookie is for.
type Kind uint8

// The kinds.
const (
	Session        Kind = iota + 1 // one, may be chunked
	CSRF                           // one
	Flow                           // one per sign-in under way; its id is 16 characters
	ProviderTokens                 // one per provider, may be chunked; its id is the provider's
	PostedFlow                     // one per sign-in whose answer will be posted; its id is that of a flow
)

const (
	defaultPrefix   = "aura-auth"
	defaultMaxBytes = 7168
	minMaxBytes     = 4096
	maxMaxBytes     = 64 << 10
)

// Wardrobe is a validated Config: immutable, safe for concurrent use.
type Wardrobe struct {
	prefix   string
	domain   string
	hostOnly bool // __Host- for the session
	strict   bool
	maxBytes int
}

// New validates c and reports every problem at once, each naming its field.
func New(c Config) (*Wardrobe, error) {
	w := &Wardrobe{prefix: c.Prefix, hostOnly: c.HostPrefix, strict: c.SessionSameSite == Strict, maxBytes: c.MaxBytes}
	var problems []error
	if w.prefix == "" {
		w.prefix = defaultPrefix
	}
	if err := checkPrefix(w.prefix); err != nil {
		problems = append(problems, fmt.Errorf("Prefix %q: %w", c.Prefix, err))
	}
	if c.Domain != "" {
		// RFC 6265 §5.2.3 ignores a leading dot; so do we.
		w.domain = strings.ToLower(strings.TrimPrefix(c.Domain, "."))
		if err := checkDomain(w.domain); err != nil {
			problems = append(problems, fmt.Errorf("Domain %q: %w", c.Domain, err))
		}
		if c.HostPrefix {
			problems = append(problems, errors.New("HostPrefix: a __Host- cookie cannot have a Domain; remove one of the two"))
		}
	}
	if c.SessionSameSite > Strict {
		problems = append(problems, errors.New("SessionSameSite: must be Lax or Strict"))
	}
	if w.maxBytes == 0 {
		w.maxBytes = defaultMaxBytes
	}
	if w.maxBytes < minMaxBytes || w.maxBytes > maxMaxBytes {
		problems = append(problems, fmt.Errorf("MaxBytes %d: must lie between %d and %d", c.MaxBytes, minMaxBytes, maxMaxBytes))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return w, nil
}

func checkPrefix(prefix string) error {
	switch {
	case !isToken(prefix):
		return errors.New("must be a token (RFC 6265 §4.1.1): letters, digits, - . _ and the like, no space, '=' or ';'")
	case strings.HasPrefix(prefix, "__"):
		return errors.New("must not begin with __; the __Host- and __Secure- prefixes are added on https")
	case prefix[0] == '$':
		return errors.New("must not begin with $, which RFC 2109 parsers take for an attribute")
	case len(prefix) > 64:
		return errors.New("must not be longer than 64 bytes")
	}
	return nil
}

func checkDomain(domain string) error {
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return errors.New("must be a plain domain such as app.example: no scheme, port, wildcard or trailing dot")
		}
	}
	if _, err := netip.ParseAddr(domain); err == nil {
		return errors.New("must not be an IP address; leave it empty")
	}
	if len(domain) > 253 || len(labels) == 1 {
		return errors.New("must have at least two labels; browsers refuse cookies for a whole top-level domain")
	}
	if len(labels) == 2 && len(labels[1]) == 2 && isRegistry(labels[0]) {
		return errors.New("is a public suffix; browsers refuse cookies for it")
	}
	return nil
}

// isRegistry names the second level under which country registries sell names
// (co.uk, com.au). The whole list of public suffixes is the browser's to enforce;
// this catches the usual slip, a domain cut one label too short.
func isRegistry(label string) bool {
	switch label {
	case "ac", "co", "com", "edu", "gov", "net", "org":
		return true
	}
	return false
}

// Covers reports whether cookies set by host (without port) can carry the
// configured Domain: without Domain always, else for it and its subdomains.
func (w *Wardrobe) Covers(host string) bool {
	host = strings.ToLower(host)
	return w.domain == "" || host == w.domain || strings.HasSuffix(host, "."+w.domain)
}

// MaxBytes is the configured limit for all our cookies together.
func (w *Wardrobe) MaxBytes() int { return w.maxBytes }
