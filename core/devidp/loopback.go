package devidp

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// outsider says why a request may not talk to a provider that asks for no
// password, or "" when it may. Host is looked at as well as the peer, because a
// page of another site can point its own name at 127.0.0.1 (DNS rebinding).
func outsider(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return "the peer is not on loopback: the development provider signs anybody in, so it answers this machine only"
	}
	if !isLoopback(hostname(r.Host)) {
		return "the Host is not localhost or a loopback address: open the development provider by its own URL"
	}
	for name := range r.Header {
		if isForwarding(name) {
			return fmt.Sprintf("the request carries %s: the development provider must not stand behind a proxy", name)
		}
	}
	return ""
}

func isForwarding(header string) bool {
	return strings.HasPrefix(header, "X-Forwarded-") ||
		slices.Contains([]string{"Forwarded", "Via", "X-Real-Ip"}, header)
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
}

// isLoopback takes the one name that every system resolves to loopback, and
// addresses. Names below .localhost are left out: resolvers differ on them.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// offLoopback says what is wrong with a redirect URI, or "" when it is an
// absolute http or https URL on loopback without fragment (RFC 6749 §3.1.2).
func offLoopback(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "has neither scheme http nor https"
	case u.User != nil:
		return "carries user information"
	case strings.Contains(uri, "#"):
		return "has a fragment"
	case !isLoopback(u.Hostname()):
		return "is not on loopback: use localhost, 127.0.0.1 or [::1]"
	}
	return ""
}

func parseIssuer(issuer string) (*url.URL, error) {
	if reason := offLoopback(issuer); reason != "" {
		return nil, fmt.Errorf("devidp: Issuer %q %s", issuer, reason)
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("devidp: Issuer: %w", err)
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, fmt.Errorf("devidp: Issuer %q has a query (OpenID Connect Discovery §3 forbids it)", issuer)
	}
	return u, nil
}
