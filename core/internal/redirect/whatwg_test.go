package redirect

import (
	"net/netip"
	"strings"
)

// resolve says where a browser ends up that follows Location: target on a page
// of base (an origin): the origin, "opaque" for a scheme without one, or
// "invalid". It is written from the WHATWG URL standard's state machine and
// shares nothing with the code under test, which goes by net/url and RFC 3986.
// It leaves out IDNA: a host outside ASCII is returned as it stands.
func resolve(base, target string) string {
	baseScheme, _, _ := strings.Cut(base, ":")

	target = strings.TrimFunc(target, func(r rune) bool { return r <= ' ' })
	target = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(target)

	scheme, rest := baseScheme, target
	if s, r, ok := cutScheme(target); ok {
		scheme, rest = s, r
		if !special(scheme) {
			if scheme == "blob" || scheme == "file" {
				return scheme
			}
			return "opaque"
		}
		// "special relative or authority state": the same scheme and not two
		// forward slashes means relative to the base.
		if scheme != baseScheme || strings.HasPrefix(rest, "//") {
			return authority(scheme, strings.TrimLeft(rest, `/\`))
		}
	}
	// "relative state" and "relative slash state": two slashes of either kind
	// begin an authority, and all that follow them are ignored.
	if len(rest) >= 2 && slash(rest[0]) && slash(rest[1]) {
		return authority(scheme, strings.TrimLeft(rest, `/\`))
	}
	return base
}

func slash(c byte) bool { return c == '/' || c == '\\' }

func special(scheme string) bool {
	switch scheme {
	case "http", "https", "ftp", "ws", "wss":
		return true
	}
	return false
}

func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, ":")
	if !ok || scheme == "" {
		return "", "", false
	}
	scheme = strings.ToLower(scheme)
	for i, c := range scheme {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", c)) {
			return "", "", false
		}
	}
	return scheme, rest, true
}

// authority is the origin of what follows "scheme://".
func authority(scheme, s string) string {
	if end := strings.IndexAny(s, `/\?#`); end >= 0 {
		s = s[:end]
	}
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		s = s[at+1:]
	}
	host, port := s, ""
	if colon := strings.LastIndexByte(s, ':'); colon > strings.LastIndexByte(s, ']') {
		host, port = s[:colon], strings.TrimLeft(s[colon+1:], "0")
	}
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		port = ""
	}
	if host == "" || strings.ContainsAny(host, "% <>^|") {
		return "invalid"
	}
	if strings.HasPrefix(host, "[") {
		addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil || addr.Zone() != "" {
			return "invalid"
		}
	}
	host = strings.ToLower(host)
	if port != "" {
		host += ":" + port
	}
	return scheme + "://" + host
}
