package redirect

import (
	"net/url"
	"strings"
)

// printable reports whether every byte is printable ASCII and none of those
// that URL parsers disagree about. The backslash is a slash to browsers (WHATWG
// URL) and not to net/url; tab, CR and LF vanish in browsers and split headers
// in servers; the others are not allowed in a URI at all (RFC 3986 §2) and are
// escaped by some writers and passed on by others.
func printable(s string) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

func allowed(c byte) bool {
	if c < 0x21 || c > 0x7e {
		return false
	}
	switch c {
	case '\\', '"', '<', '>', '^', '{', '|', '}', '`':
		return false
	}
	return true
}

// pathOf returns what stands before the query and the fragment. Those two are
// not judged further: nothing in them can change where a browser goes.
func pathOf(target string) string {
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		return target[:i]
	}
	return target
}

// segments splits an absolute path into its decoded segments, or reports that
// it is not one that every server and every browser reads alike. The path is
// decoded once, as the handler behind it sees it.
func segments(path string) ([]string, bool) {
	// An encoded slash is a slash to some routers and a byte to others.
	if path == "" || path[0] != '/' || containsFold(path, "%2f") {
		return nil, false
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return nil, false
	}
	for i := range len(decoded) {
		if c := decoded[i]; c < 0x20 || c == 0x7f || c == '\\' {
			return nil, false
		}
	}
	parts := strings.Split(decoded[1:], "/")
	for i, part := range parts {
		// Dot segments and empty segments are what path cleaners and
		// trailing-slash redirects act upon; only the last segment may be empty.
		if part == "." || part == ".." || part == "" && i < len(parts)-1 {
			return nil, false
		}
	}
	return parts, true
}

// containsFold reports whether s contains lower, which is in lower case, in any
// case.
func containsFold(s, lower string) bool {
	return strings.Contains(strings.ToLower(s), lower)
}

// reserved reports whether the path is the base path or lies under it. Letters
// are compared without case because Fiber routes that way by default.
func (p *Policy) reserved(segments []string) bool {
	if len(p.base) == 0 || len(segments) < len(p.base) {
		return false
	}
	for i, want := range p.base {
		if !strings.EqualFold(segments[i], want) {
			return false
		}
	}
	return true
}
