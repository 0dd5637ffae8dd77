// Package redirect decides where a browser may be sent after a sign-in, a
// sign-out or a form post. There is one function, [Policy.Safe], and it is
// total: whatever it is given, what it returns can be written into a Location
// header as it stands. Nothing may clean or re-encode the value afterwards:
// path.Clean turns "/.//evil.example" into "/evil.example", and the next
// cleaner may turn something else into "//evil.example".
package redirect

import (
	"net/url"
	"strings"
)

// MaxLen is the longest target that is accepted, in bytes.
const MaxLen = 2048

// home is where a browser goes when there is no target, or none that is safe.
const home = "/"

// Policy is the parsed form of what a deployment allows. It is immutable and
// safe for concurrent use. The zero value allows every safe path and no other
// origin.
type Policy struct {
	base    []string // decoded segments of the base path; empty: none is reserved
	trusted Trusted
}

// NewPolicy returns the policy of a library that is mounted, as the browser
// sees it, at basePath ("/auth", "/prefix/auth"; a trailing slash makes no
// difference), with other origins that may be redirected to.
//
// A target under the base path is refused: it would sign the user out, start
// another sign-in or replay a callback. With an empty base path, or "/", there
// is nothing that sets those routes apart from the application's, and no path
// is refused for that reason.
func NewPolicy(basePath string, trusted Trusted) *Policy {
	if decoded, err := url.PathUnescape(basePath); err == nil {
		basePath = decoded
	}
	return &Policy{
		base:    strings.FieldsFunc(basePath, func(r rune) bool { return r == '/' }),
		trusted: append(Trusted(nil), trusted...),
	}
}

// Safe returns the target to redirect to, and whether it is the one that was
// asked for. It is "/" and false when target is absent (empty, or the text
// "undefined", which the published client sends for a missing option) or
// refused.
//
// origin is the public origin of this request ("https://app.example"). A target
// that begins byte-exactly with it and a slash is reduced to its path; there is
// no other way to name our own origin. An absolute target on a trusted origin
// is returned in full.
//
// Safe is idempotent: Safe(origin, t) of a value that it returned is that value.
func (p *Policy) Safe(origin, target string) (string, bool) {
	if target == "" || target == "undefined" {
		return home, false
	}
	if strings.HasPrefix(target, origin+"/") {
		target = target[len(origin):]
	}
	if len(target) > MaxLen || !printable(target) {
		return home, false
	}
	if target[0] == '/' {
		if !p.safePath(target) {
			return home, false
		}
		return target, true
	}
	if !p.safeAbsolute(origin, target) {
		return home, false
	}
	return target, true
}

// safePath judges a target that begins with a slash.
func (p *Policy) safePath(target string) bool {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return false
	}
	segments, ok := segments(pathOf(target))
	return ok && !p.reserved(segments)
}

// safeAbsolute judges a target that names an origin. The base path is not
// reserved on another origin: what is mounted there is not ours to know.
func (p *Policy) safeAbsolute(origin, target string) bool {
	if len(p.trusted) == 0 {
		return false
	}
	u, err := url.Parse(target)
	if err != nil || u.User != nil || u.Opaque != "" {
		return false
	}
	// url.Parse lower-cases the scheme and decodes percent-escapes in the host;
	// a browser may read the same bytes in another way. So the bytes themselves
	// must already be what was parsed.
	named := u.Scheme + "://" + u.Host
	if !strings.HasPrefix(target, named) {
		return false
	}
	rest := target[len(named):]
	if path := pathOf(rest); path != "" {
		if _, ok := segments(path); !ok {
			return false
		}
	}
	to, err := parseOrigin(named)
	if err != nil {
		return false
	}
	// Our own origin would escape the base path rule here, so an entry of
	// TrustedOrigins that covers it does not let it in; and when we cannot tell
	// which origin is our own, none is let in.
	own, err := parseOrigin(origin)
	if err != nil || to == own {
		return false
	}
	return p.trusted.match(to)
}
