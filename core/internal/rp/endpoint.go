package rp

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// endpointRules decide which URLs we talk to. Everything is measured against
// the anchor, the one URL that the developer vouches for: the issuer, or for
// plain OAuth 2.0 the authorization endpoint. A stranger's metadata must not
// move the token endpoint to plain http, into our own machine or to a cloud's
// metadata address.
type endpointRules struct {
	anchorHost string
	loopback   bool // the anchor is on this machine: development
}

func newEndpointRules(c Config) endpointRules {
	anchor := c.AuthorizationEndpoint
	if c.OIDC {
		anchor = c.Issuer
	}
	u, err := url.Parse(anchor)
	if err != nil {
		return endpointRules{} // reported by check
	}
	return endpointRules{anchorHost: u.Hostname(), loopback: isLoopback(u.Hostname())}
}

// check accepts absolute https URLs without user information and fragment;
// http, and loopback hosts, only when the anchor itself is on loopback. http
// never leaves the machine.
func (r endpointRules) check(field, raw string) error {
	_, err := r.parse(field, raw)
	return err
}

func (r endpointRules) parse(field, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// Not wrapped: a url.Error quotes the URL, and GetJSON's may hold a token.
		return nil, fmt.Errorf("%s: not a URL", field)
	}
	host := u.Hostname()
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s: must be an absolute https URL", field)
	case host == "" || u.Opaque != "":
		return nil, fmt.Errorf("%s: has no host", field)
	case u.User != nil || u.Fragment != "" || strings.Contains(raw, "#"):
		return nil, fmt.Errorf("%s: must not hold user information or a fragment", field)
	case strings.ContainsFunc(raw, isControl):
		return nil, fmt.Errorf("%s: holds a control character", field)
	case strings.ContainsFunc(host, func(r rune) bool { return r >= 0x80 }):
		// net/http maps these, and a full-width "localhost" to the plain one.
		return nil, fmt.Errorf("%s: its host is not ASCII; write it in its xn-- form", field)
	case oddAddress(host):
		return nil, fmt.Errorf("%s: its host reads like a number but is not an IP address in the usual form", field)
	case literalNeverDialled(host) != "":
		return nil, fmt.Errorf("%s: %s", field, literalNeverDialled(host))
	case isLoopback(host) && !r.loopback:
		return nil, fmt.Errorf("%s: is on loopback, but the provider is not", field)
	case u.Scheme == "http" && !isLoopback(host):
		return nil, fmt.Errorf("%s: must be https; http serves development on loopback only", field)
	}
	return u, nil
}

// checkDiscovered is check for URLs out of metadata. In addition an address
// that is not public must be the anchor's own: nobody but the developer may
// send us into the private network.
func (r endpointRules) checkDiscovered(field, raw string) error {
	u, err := r.parse(field, raw)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil || r.loopback || u.Hostname() == r.anchorHost {
		return nil
	}
	if ip = ip.Unmap(); !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return fmt.Errorf("%s: is a private network address, but the provider is elsewhere", field)
	}
	return nil
}

// checkIssuer holds an issuer to OpenID Connect Discovery §3 (no query, no
// fragment) and to the rules for endpoints.
func (r endpointRules) checkIssuer(issuer string) error {
	if issuer == "" {
		return errors.New("Issuer: missing; give the provider's issuer URL exactly as its discovery document spells it")
	}
	if strings.ContainsAny(issuer, "?#") {
		return errors.New("Issuer: must not hold a query or fragment")
	}
	return r.check("Issuer", issuer)
}

// checkQuery refuses an authorization endpoint whose own query would set a
// protocol parameter twice.
func checkQuery(field, raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return nil // reported by check
	}
	return refuseParams(field, u.RawQuery, ReservedParam)
}

func refuseParams(field, rawQuery string, reserved func(string) bool) error {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return fmt.Errorf("%s: its query cannot be read", field)
	}
	for name := range query {
		if reserved(name) {
			return fmt.Errorf("%s: its query must not hold %q, which the protocol sets", field, name)
		}
	}
	return nil
}

// isLoopback reports whether host names this machine. localhost counts by name
// (RFC 6761 §6.3); other names are not resolved.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = plainAddress(ip)
	return ip.IsLoopback() || thisHost(ip)
}

// literalNeverDialled is neverDialled for a host that is an address.
func literalNeverDialled(host string) string {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	return neverDialled(ip)
}

// oddAddress reports hosts that a C resolver reads as an IP address and we do
// not: 127.1, 2130706433, 0x7f.0.0.1, 010.0.0.1. The rule is WHATWG URL's: a
// last label that is a number makes the host an IPv4 address.
func oddAddress(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return strings.Contains(host, "%") // a zone has no place in a URL
	}
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" {
		return true
	}
	if hex, ok := strings.CutPrefix(strings.ToLower(last), "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}
