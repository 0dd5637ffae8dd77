package rp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// A dialGuard decides which addresses our own transport connects to, after
// names have been resolved: endpointRules judge a URL's text, and whoever holds
// the DNS zone of a name in it can have it lead anywhere.
//
// Private networks stay open, because a company's own provider lives there.
// Behind a proxy of the environment (HTTPS_PROXY) it is the proxy that resolves
// and connects; the guard then sees the proxy's address only, which the
// operator has chosen and which may well be on loopback. What the proxy must
// not reach is then its own affair, as the text of URLs stays ours.
type dialGuard struct {
	loopback bool // the anchor is on this machine

	mu      sync.Mutex
	proxies map[string]bool // host:port, as the transport dials them
}

// dial is the transport's DialContext.
func (g *dialGuard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !g.isProxy(address) {
		d.Control = g.control
	}
	return d.DialContext(ctx, network, address)
}

// control runs between resolving and connecting, for each address tried.
func (g *dialGuard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return &refusedAddress{address, "it is not an IP address"}
	}
	if reason := g.refuses(to.Addr()); reason != "" {
		return &refusedAddress{to.Addr().String(), reason}
	}
	return nil
}

func (g *dialGuard) refuses(ip netip.Addr) string {
	ip = plainAddress(ip)
	if reason := neverDialled(ip); reason != "" {
		return reason
	}
	if (ip.IsLoopback() || thisHost(ip)) && !g.loopback {
		return "it is this machine, but the provider is not"
	}
	return ""
}

// proxy is the transport's Proxy: the environment's, and it remembers what the
// transport is about to dial.
func (g *dialGuard) proxy(req *http.Request) (*url.URL, error) {
	return g.remember(http.ProxyFromEnvironment(req))
}

func (g *dialGuard) remember(u *url.URL, err error) (*url.URL, error) {
	if err != nil || u == nil {
		return u, err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	if port == "" {
		port = "80"
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.proxies == nil {
		g.proxies = map[string]bool{}
	}
	g.proxies[net.JoinHostPort(u.Hostname(), port)] = true
	return u, nil
}

func (g *dialGuard) isProxy(address string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.proxies[address]
}

// neverDialled says why no provider is at ip, whoever has written it down; ""
// if one may be. Cloud machines get their credentials from such addresses.
func neverDialled(ip netip.Addr) string {
	switch ip = plainAddress(ip); {
	case ip.IsLinkLocalUnicast():
		return "it is a link-local address, where clouds keep credentials"
	case ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "it is an address of many"
	}
	switch ip.String() {
	case "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192":
		return "it is the metadata service of a cloud"
	}
	return ""
}

// thisHost is 0.0.0.0/8 and ::, which lead to this machine when dialled.
func thisHost(ip netip.Addr) bool {
	return ip.IsUnspecified() || ip.Is4() && ip.As4()[0] == 0
}

// plainAddress undoes the forms in which IPv6 carries an IPv4 address: mapped,
// and translated by the well-known prefix of RFC 6052.
func plainAddress(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if nat64 := netip.MustParsePrefix("64:ff9b::/96"); nat64.Contains(ip) {
		b := ip.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip
}

// A refusedAddress is an error of ours in the place of a connection.
type refusedAddress struct{ address, reason string }

func (e *refusedAddress) Error() string {
	return fmt.Sprintf("its name leads to %s, where we do not go: %s", e.address, e.reason)
}

// refusedDial finds the refusal in a transport's error.
func refusedDial(err error) *refusedAddress {
	var r *refusedAddress
	if errors.As(err, &r) {
		return r
	}
	return nil
}
