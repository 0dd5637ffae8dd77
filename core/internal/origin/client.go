package origin

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddr is the address to count a request under: the peer's, or, when the
// peer is a trusted proxy, the right-most address in the chosen header that is
// not itself a trusted proxy. It is unmapped and has no zone, so that one client
// has one spelling. When every hop is trusted it is the left-most.
//
// ok is false when no trusted party names an address: a Unix socket, a hop that
// hides its peer, a malformed header. Such requests have no identity; a caller
// that limits by address must not lump them into one bucket that anyone can fill
// on purpose, nor let them pass unlimited.
func (p *Policy) ClientAddr(r *http.Request) (addr netip.Addr, ok bool) {
	peer, ok := peerAddr(r)
	if !ok || !p.trustsProxy(peer) {
		return peer, ok
	}
	if p.forwarded {
		lines := r.Header["Forwarded"]
		if len(lines) == 0 {
			return peer, true
		}
		_, client, ok := p.clientHop(lines)
		return client, ok && client.IsValid()
	}
	for _, line := range slices.Backward(r.Header["X-Forwarded-For"]) {
		// An empty member stops the walk like any other that is not an address:
		// a proxy wrote it, and what stands before it is the client's.
		for cut := len(line); cut >= 0; {
			line = line[:cut]
			cut = strings.LastIndexByte(line, ',')
			client, ok := parseNode(trim(line[cut+1:]))
			if !ok {
				return netip.Addr{}, false
			}
			if !p.trustsProxy(client) {
				return client, true
			}
			peer = client
		}
	}
	return peer, true
}

// UntrustedForwarding reports a forwarding header from a peer that is not a
// trusted proxy. Either somebody is probing or, far more often, TrustedProxies
// lacks an entry: worth one warning.
func (p *Policy) UntrustedForwarding(r *http.Request) bool {
	for _, name := range [...]string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-Ip"} {
		if len(r.Header[name]) > 0 {
			return !p.fromProxy(r)
		}
	}
	return false
}

func peerAddr(r *http.Request) (netip.Addr, bool) { return parseNode(r.RemoteAddr) }

// parseNode reads an address with or without a port; "unknown", obfuscated
// identifiers (RFC 7239 §6.3), "unix:" and "@" are not addresses.
func parseNode(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if !ok || err != nil || !addr.Is6() {
			return netip.Addr{}, false
		}
		return addr.Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(s)
	return addr.Unmap().WithZone(""), err == nil
}
