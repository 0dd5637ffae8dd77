// Package origin answers one question: which scheme and host does the browser
// see? Everything that becomes an absolute URL, a cookie name or a comparison
// with the Origin header rests on that answer, so it is configured and never
// guessed: a request can only choose among origins that the operator has named,
// and a loopback host is the single one that needs no naming.
//
// Only *http.Request is read. Frameworks' own helpers (Hostname, Scheme,
// ClientIP, RealIP) believe forwarding headers of any peer by default.
package origin

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// Config says which origins exist and whose word about them counts. The zero
// value serves loopback hosts only and trusts no proxy.
type Config struct {
	// BaseURL is the public address, "https://app.example" or
	// "https://app.example/prefix"; a path is the public prefix, which a proxy
	// strips. When set, the request's Host is checked for its form and then
	// ignored. Empty: the request's host serves if it is loopback or trusted.
	BaseURL string
	// TrustedHosts are the hosts that may serve without BaseURL: "host" (the
	// default port of the request's scheme) or "host:port"; exact, no wildcards.
	TrustedHosts []string
	// TrustedProxies are the peers whose forwarding headers are read.
	TrustedProxies []netip.Prefix
	// Forwarded reads RFC 7239's Forwarded instead of X-Forwarded-*. Exactly one
	// of the two is read: most proxies write one and pass the other through as
	// the client sent it.
	Forwarded bool
	// AllowInsecureHTTP serves plain http on hosts that are not loopback.
	AllowInsecureHTTP bool
}

// Policy is a validated Config. It is immutable and safe for concurrent use.
type Policy struct {
	base      Public    // zero without BaseURL
	baseHost  authority // BaseURL's host, with its port made explicit
	prefix    string
	hosts     []authority
	proxies   []netip.Prefix
	forwarded bool
	insecure  bool
}

// New validates c and reports every problem at once, each naming its setting.
// Later changes to c's slices have no effect.
func New(c Config) (*Policy, error) {
	p := &Policy{forwarded: c.Forwarded, insecure: c.AllowInsecureHTTP}
	var problems []error
	if c.BaseURL != "" {
		if err := p.setBase(c.BaseURL); err != nil {
			problems = append(problems, fmt.Errorf("BaseURL: %w", err))
		}
	}
	for i, entry := range c.TrustedHosts {
		host, err := parseTrustedHost(entry)
		if err != nil {
			problems = append(problems, fmt.Errorf("TrustedHosts[%d] %w", i, err))
			continue
		}
		p.hosts = append(p.hosts, host)
	}
	for i, prefix := range c.TrustedProxies {
		if err := checkProxies(prefix); err != nil {
			problems = append(problems, fmt.Errorf("TrustedProxies[%d]: %w", i, err))
			continue
		}
		p.proxies = append(p.proxies, prefix)
	}
	if c.Forwarded && len(c.TrustedProxies) == 0 {
		problems = append(problems, errors.New("TrustedProxies: empty although the Forwarded header is chosen; list the proxies' addresses (CIDR) that may send it"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return p, nil
}

// Prefix is BaseURL's path without a trailing slash, "" if there is none.
func (p *Policy) Prefix() string { return p.prefix }

// Base is BaseURL's origin, or "" when none is configured.
func (p *Policy) Base() string { return p.base.Origin }

// setBase never quotes what it could not parse: a URL with userinfo holds a
// password, and configuration errors end up in logs.
func (p *Policy) setBase(raw string) error {
	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] >= 0x7f || raw[i] == '\\' {
			return errors.New("contains a space, a control byte, a backslash or a byte outside ASCII; write an international host in its xn-- form")
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("is not a URL; write it as https://app.example")
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("needs the scheme https:// (http:// for loopback hosts)")
	}
	if u.User != nil {
		return errors.New("contains a user name or password; remove what stands before the @")
	}
	if strings.ContainsAny(raw, "?#") {
		return errors.New("contains a query or a fragment; remove what follows the path")
	}
	host, ok := parseAuthority(u.Host)
	if !ok {
		return errors.New("has no valid host; write it as https://app.example or https://app.example:8443")
	}
	if u.Scheme == "http" && !host.loopback() && !p.insecure {
		return fmt.Errorf("%q sends sessions in the clear; use https, a loopback host during development, or DangerouslyAllowInsecureHTTP", u.Scheme+"://"+host.String())
	}
	prefix, err := parsePrefix(u)
	if err != nil {
		return err
	}
	p.base = publicOrigin(u.Scheme, host)
	p.baseHost = authority{host.name, host.portOn(u.Scheme)}
	p.prefix = prefix
	return nil
}

// parsePrefix takes only what every router, proxy and browser spells the same
// way; an encoded or relative segment would be two different prefixes to two of
// them.
func parsePrefix(u *url.URL) (string, error) {
	prefix := strings.TrimSuffix(u.Path, "/")
	if prefix == "" {
		return "", nil
	}
	if u.RawPath != "" || path.Clean(prefix) != prefix {
		return "", errors.New("has a path with an empty, relative or encoded segment; write it as /prefix")
	}
	for i := range len(prefix) {
		if !isAlphanumeric(prefix[i]) && strings.IndexByte("/-._~", prefix[i]) < 0 {
			return "", errors.New("has a path with bytes other than letters, digits, - . _ ~ and /")
		}
	}
	return prefix, nil
}

func parseTrustedHost(entry string) (authority, error) {
	switch {
	case strings.Contains(entry, "@"):
		// Not quoted: what stands before an @ may be a password.
		return authority{}, errors.New("contains an @; write host or host:port")
	case strings.Contains(entry, "*"):
		return authority{}, fmt.Errorf("%q: wildcards are not supported; list each host", entry)
	case strings.ContainsAny(entry, "/\\"):
		return authority{}, fmt.Errorf("%q: write host or host:port, without scheme and path", entry)
	}
	host, ok := parseAuthority(entry)
	if !ok {
		return authority{}, fmt.Errorf("%q: not a host; write host or host:port in ASCII, an IPv6 address in brackets, no trailing dot", entry)
	}
	return host, nil
}

func checkProxies(prefix netip.Prefix) error {
	switch {
	case !prefix.IsValid():
		return errors.New("not a CIDR; write 10.0.0.0/8 or 192.0.2.7/32")
	case prefix.Bits() == 0:
		return fmt.Errorf("%s trusts the forwarding headers of the whole internet; list your proxies' addresses", prefix)
	case prefix.Addr().Is4In6():
		return fmt.Errorf("%s would never match; write the IPv4 form", prefix)
	}
	return nil
}
