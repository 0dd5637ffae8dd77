package origin

import (
	"net/netip"
	"strings"
)

// element is one hop of a Forwarded header (RFC 7239 §4): what one proxy says
// about the peer that it answered. "" means not said.
type element struct {
	node  string // "for"
	host  string
	proto string
}

const forwardedMalformed = "the Forwarded header is malformed (RFC 7239: a value with : or [ must be quoted)"

// forwardedSays takes scheme and host from the element about the client.
func (p *Policy) forwardedSays(lines []string) (statement, error) {
	if len(lines) == 0 {
		return statement{}, nil
	}
	hop, _, ok := p.clientHop(lines)
	if !ok {
		return statement{}, badRequest(forwardedMalformed)
	}
	var said statement
	if hop.proto != "" {
		if said.proto, ok = parseProto(hop.proto); !ok {
			return statement{}, badRequest("the Forwarded header's proto is neither http nor https")
		}
	}
	if hop.host != "" {
		if said.host, ok = parseAuthority(hop.host); !ok {
			return statement{}, badRequest("the Forwarded header's host is malformed")
		}
	}
	return said, nil
}

// clientHop is the element that the outermost trusted proxy wrote, and the
// address in it (invalid when it is hidden or unreadable). Each proxy appends
// the address of its own peer, so the walk goes from the right for as long as
// that peer is a trusted proxy too; what lies further left is anybody's claim.
// ok is false when a line that the walk needs is malformed.
func (p *Policy) clientHop(lines []string) (hop element, client netip.Addr, ok bool) {
	for i := len(lines) - 1; i >= 0; i-- {
		// Line by line, not joined: a quote left open by the client in its own
		// line must not swallow the line that the proxy added.
		elements, ok := parseForwarded(lines[i])
		if !ok {
			return element{}, netip.Addr{}, false
		}
		for j := len(elements) - 1; j >= 0; j-- {
			hop = elements[j]
			client, ok = parseNode(hop.node)
			if !ok || !p.trustsProxy(client) {
				return hop, client, true
			}
		}
	}
	return hop, client, true
}

// parseForwarded reads one line whole or not at all.
func parseForwarded(line string) ([]element, bool) {
	var elements []element
	var current element
	rest := trim(line)
	for {
		name, value, tail, ok := parsePair(rest)
		if !ok || !current.set(name, value) {
			return nil, false
		}
		rest = trim(tail)
		if rest == "" {
			return append(elements, current), true
		}
		switch rest[0] {
		case ',':
			elements = append(elements, current)
			current = element{}
		case ';':
		default:
			return nil, false
		}
		rest = trim(rest[1:])
	}
}

// set refuses a second value for the same parameter and an empty one: in both
// cases two readers could take different values.
func (e *element) set(name, value string) bool {
	var field *string
	switch strings.ToLower(name) {
	case "for":
		field = &e.node
	case "host":
		field = &e.host
	case "proto":
		field = &e.proto
	default:
		return true
	}
	if *field != "" || value == "" {
		return false
	}
	*field = value
	return true
}

// parsePair reads `token "=" ( token / quoted-string )` (RFC 7239 §4).
func parsePair(s string) (name, value, tail string, ok bool) {
	n := tokenLen(s)
	if n == 0 || n == len(s) || s[n] != '=' {
		return "", "", "", false
	}
	name, s = s[:n], s[n+1:]
	if strings.HasPrefix(s, `"`) {
		value, tail, ok = parseQuoted(s[1:])
		return name, value, tail, ok
	}
	n = tokenLen(s)
	return name, s[:n], s[n:], n > 0
}

// parseQuoted reads up to the closing quote (RFC 9110 §5.6.4).
func parseQuoted(s string) (value, tail string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\':
			i++
			if i == len(s) {
				return "", "", false
			}
		}
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return "", "", false
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

func tokenLen(s string) int {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) < 0 {
			return i
		}
	}
	return len(s)
}
