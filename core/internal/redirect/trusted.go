package redirect

import (
	"errors"
	"fmt"
	"strings"
)

// Pattern is one entry of TrustedOrigins: an origin, or every origin whose host
// is one label in front of a given name. It matches scheme, host and effective
// port in full; it is never a prefix or a suffix test on a string.
type Pattern struct {
	origin   origin
	wildcard bool // the host stands for <one label>.<host>
}

// ParsePattern reads "https://app.example", "https://app.example:8443" or
// "https://*.app.example". Upper case is folded, since a person writes this;
// what a browser or an attacker writes is compared as it is.
//
// Whether an http entry makes sense beside an https public origin is for the
// caller to say: see [Pattern.Scheme].
func ParsePattern(s string) (Pattern, error) {
	if s == "*" {
		return Pattern{}, errors.New(`would trust every site; list the origins, or use "https://*.your.domain"`)
	}
	scheme, rest, ok := strings.Cut(strings.Map(lowerASCII, s), "://")
	if !ok {
		return Pattern{}, errNoScheme
	}
	rest, wildcard := strings.CutPrefix(rest, "*.")
	o, err := parseOrigin(scheme + "://" + rest)
	if err != nil {
		return Pattern{}, err
	}
	if !wildcard {
		return Pattern{origin: o}, nil
	}
	if strings.HasPrefix(o.host, "[") || isNumber(o.host[strings.LastIndexByte(o.host, '.')+1:]) {
		return Pattern{}, errors.New(`has a "*." in front of an IP address`)
	}
	// "*.com" is a slip of the pen that would trust everybody. Under localhost
	// every name is this machine (RFC 6761 §6.3).
	if !strings.Contains(o.host, ".") && o.host != "localhost" {
		return Pattern{}, errors.New(`would trust a whole top-level domain; write at least two labels after "*."`)
	}
	return Pattern{origin: o, wildcard: true}, nil
}

// lowerASCII leaves everything else alone: strings.ToLower makes an ASCII "k" of
// the Kelvin sign, and so a host out of one that was not written.
func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// Scheme is "https" or "http".
func (p Pattern) Scheme() string { return p.origin.scheme }

// String returns the entry in its canonical form.
func (p Pattern) String() string {
	if !p.wildcard {
		return p.origin.String()
	}
	o := p.origin
	o.host = "*." + o.host
	return o.String()
}

func (p Pattern) match(o origin) bool {
	if !p.wildcard {
		return p.origin == o
	}
	// parseOrigin lets no empty label through, so what is cut off here is one.
	_, parent, ok := strings.Cut(o.host, ".")
	o.host = parent
	return ok && p.origin == o
}

// Trusted is a parsed TrustedOrigins list. Nil trusts nobody.
type Trusted []Pattern

// ParseTrusted parses every entry and reports all the bad ones, joined; the
// list is nil then. Each error quotes its entry and says what to do.
func ParseTrusted(entries []string) (Trusted, error) {
	var trusted Trusted
	var errs []error
	for _, entry := range entries {
		pattern, err := ParsePattern(entry)
		if err != nil {
			errs = append(errs, fmt.Errorf("trusted origin %q %w", entry, err))
			continue
		}
		trusted = append(trusted, pattern)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return trusted, nil
}

// MatchOrigin reports whether a serialized origin, such as the value of an
// Origin header, is trusted. A value that is not written as RFC 6454 §6.2
// prescribes (in upper case, with a default port, "null", a path) comes from no
// browser and is not trusted.
func (t Trusted) MatchOrigin(serialized string) bool {
	o, err := parseOrigin(serialized)
	return err == nil && o.String() == serialized && t.match(o)
}

func (t Trusted) match(o origin) bool {
	for _, pattern := range t {
		if pattern.match(o) {
			return true
		}
	}
	return false
}
