package redirect

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// origin is the triple of RFC 6454 §4: what the same-origin policy compares.
// The port is always explicit, so that two origins are the same exactly when
// the values are equal.
type origin struct {
	scheme, host, port string
}

var errNoScheme = errors.New(`needs a scheme, "https://" or (in development) "http://"`)

// parseOrigin reads scheme://host[:port] and nothing else. It takes one spelling
// of each origin, the one of RFC 6454 §6.2, but for a default port that may be
// written out. The errors are the end of a sentence that begins with the input.
func parseOrigin(s string) (origin, error) {
	scheme, authority, ok := strings.Cut(s, "://")
	if !ok {
		return origin{}, errNoScheme
	}
	var port string
	switch scheme {
	case "https":
		port = "443"
	case "http":
		port = "80"
	default:
		return origin{}, fmt.Errorf("has the scheme %q, which is neither https nor http", scheme)
	}
	if strings.Contains(authority, "@") {
		return origin{}, errors.New("contains user information; remove everything up to the @")
	}
	if strings.ContainsAny(authority, "/?#") {
		return origin{}, errors.New("has a path, a query or a fragment; write the origin alone, without a trailing slash")
	}
	host, rest := splitHost(authority)
	if rest != "" {
		n, err := strconv.ParseUint(rest[1:], 10, 16)
		// strconv accepts leading zeros, browsers drop them; one spelling is enough.
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != rest[1:] {
			return origin{}, errors.New("has a port that is not a number from 1 to 65535")
		}
		port = rest[1:]
	}
	if err := checkHost(host); err != nil {
		return origin{}, err
	}
	return origin{scheme: scheme, host: host, port: port}, nil
}

// splitHost cuts off a port with its colon. The colons of a bracketed IPv6
// address belong to the host.
func splitHost(authority string) (host, port string) {
	i := strings.LastIndexByte(authority, ':')
	if i < 0 || i < strings.LastIndexByte(authority, ']') {
		return authority, ""
	}
	return authority[:i], authority[i:]
}

// checkHost accepts exactly the hosts that every URL parser reads alike:
// lower-case DNS names, dotted-quad IPv4, canonical bracketed IPv6.
func checkHost(host string) error {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		// IPv4-mapped addresses and zones are spelled differently by browsers.
		if !ok || err != nil || !addr.Is6() || addr.Is4In6() || addr.Zone() != "" || addr.String() != inner {
			return errors.New("has an IPv6 address that is not in its canonical form")
		}
		return nil
	}
	if host == "" {
		return errors.New("has no host")
	}
	if len(host) > 253 {
		return errors.New("has a host of more than 253 bytes")
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return errors.New("has a host with an empty label or one of more than 63 bytes")
		}
		if !isLabel(label) {
			return errors.New(`has a host with a character other than a-z, 0-9, "-" and "_" (write an international name in its xn-- form; a "*" stands only for the whole first label)`)
		}
	}
	// Browsers read a host whose last label is a number as an IPv4 address, in
	// all of inet_aton's spellings: 0x7f.1 is 127.0.0.1 (WHATWG URL, host parsing).
	if !isNumber(labels[len(labels)-1]) {
		return nil
	}
	if addr, err := netip.ParseAddr(host); err != nil || addr.String() != host {
		return errors.New("has a host that ends in a number and is not an IPv4 address")
	}
	return nil
}

// isLabel reports whether s is one non-empty label of a lower-case host name.
func isLabel(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

func isNumber(label string) bool {
	return strings.HasPrefix(label, "0x") || strings.Trim(label, "0123456789") == ""
}

// String is the serialization of RFC 6454 §6.2: browsers send it as Origin.
func (o origin) String() string {
	host := o.host
	if o.scheme == "https" && o.port != "443" || o.scheme == "http" && o.port != "80" {
		host += ":" + o.port
	}
	return o.scheme + "://" + host
}
