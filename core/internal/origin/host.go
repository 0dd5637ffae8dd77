package origin

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// authority is a validated host and port. Validation is byte by byte and by our
// own rules, because every parser in between has others: url.Parse makes
// "good@evil" the host "evil", and net/http lets "good:80evil" through.
type authority struct {
	name string // lower-case name, IPv4 address, or IPv6 address in brackets
	port string // decimal without leading zeros; "" when none was written
}

// parseAuthority accepts `host`, `host:port`, `[v6]` and `[v6]:port`. It refuses
// trailing dots: "app.example." and "app.example" are two origins to a browser
// and one host to DNS.
func parseAuthority(s string) (authority, bool) {
	if strings.HasPrefix(s, "[") {
		return parseBracketed(s)
	}
	name, port, found := strings.Cut(s, ":")
	if found && !validPort(port) {
		return authority{}, false
	}
	if !validName(name) {
		return authority{}, false
	}
	return authority{strings.ToLower(name), port}, true
}

func parseBracketed(s string) (authority, bool) {
	inner, rest, found := strings.Cut(s[1:], "]")
	if !found {
		return authority{}, false
	}
	addr, err := netip.ParseAddr(inner)
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return authority{}, false
	}
	name := "[" + addr.String() + "]"
	if addr.Is4In6() {
		// Browsers serialise these in hexadecimal (WHATWG URL, IPv6 serializer);
		// an origin spelt otherwise would equal no Origin header.
		b := addr.As16()
		name = fmt.Sprintf("[::ffff:%x:%x]", uint16(b[12])<<8|uint16(b[13]), uint16(b[14])<<8|uint16(b[15]))
	}
	if rest == "" {
		return authority{name, ""}, true
	}
	port, found := strings.CutPrefix(rest, ":")
	if !found || !validPort(port) {
		return authority{}, false
	}
	return authority{name, port}, true
}

// validName allows the underscore, which container networks use in host names.
func validName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			if !isAlphanumeric(label[i]) && label[i] != '-' && label[i] != '_' {
				return false
			}
		}
		last = label
	}
	if !numeric(last) {
		return true
	}
	// "127.1", "0x7f.1" and "2130706433" are addresses to browsers and
	// resolvers; only the canonical spelling is let in.
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Is4()
}

// numeric reports whether a last label makes the host an IPv4 address
// (WHATWG URL, "ends in a number").
func numeric(label string) bool {
	if isDigits(label) {
		return true
	}
	if len(label) < 2 || label[0] != '0' || label[1]|0x20 != 'x' {
		return false
	}
	for i := 2; i < len(label); i++ {
		if !isDigits(label[i:i+1]) && (label[i]|0x20 < 'a' || label[i]|0x20 > 'f') {
			return false
		}
	}
	return true
}

func validPort(port string) bool {
	if port == "" || port[0] == '0' || len(port) > 5 || !isDigits(port) {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n <= 65535
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'z'
}

// portOn is the port in effect under scheme.
func (a authority) portOn(scheme string) string {
	switch {
	case a.port != "":
		return a.port
	case scheme == "https":
		return "443"
	}
	return "80"
}

// on drops the port when it is scheme's default, as browsers do in Origin.
func (a authority) on(scheme string) authority {
	if a.portOn(scheme) == (authority{}).portOn(scheme) {
		return authority{a.name, ""}
	}
	return a
}

func (a authority) String() string {
	if a.port == "" {
		return a.name
	}
	return a.name + ":" + a.port
}

func (a authority) loopback() bool {
	if a.name == "localhost" || a.name == "[::1]" || strings.HasSuffix(a.name, ".localhost") {
		return true
	}
	if !strings.HasPrefix(a.name, "127.") {
		return false
	}
	// 127.evil.example is a name, not an address.
	addr, err := netip.ParseAddr(a.name)
	return err == nil && addr.IsLoopback()
}

// IsLoopbackHost reports whether host, with or without a port, is one that never
// leaves the machine: localhost, *.localhost (RFC 6761 §6.3), 127.0.0.0/8, ::1.
func IsLoopbackHost(host string) bool {
	if a, ok := parseAuthority(host); ok {
		return a.loopback()
	}
	// A bare IPv6 address, as net.SplitHostPort leaves it.
	addr, err := netip.ParseAddr(host)
	return err == nil && addr == netip.IPv6Loopback()
}
