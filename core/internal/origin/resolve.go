package origin

import (
	"net/http"
	"strings"
)

// Public is the origin that the browser sees.
type Public struct {
	Origin string // scheme://host[:port], lower-case, without a default port
	Secure bool   // the scheme is https
	Host   string // host[:port] as in Origin
}

func publicOrigin(scheme string, host authority) Public {
	h := host.on(scheme).String()
	return Public{Origin: scheme + "://" + h, Secure: scheme == "https", Host: h}
}

// Error refuses a request because of its host.
type Error struct {
	Status int    // 400 malformed, 421 not a host of ours (RFC 9110 §15.5.20)
	Reason string // a constant sentence; never holds request bytes
	// Host is the well-formed but refused host of a 421, for the log, where an
	// operator needs it to complete TrustedHosts. It is never sent to a client.
	Host string
}

func (e *Error) Error() string { return "origin: " + e.Reason }

func badRequest(reason string) error {
	return &Error{Status: http.StatusBadRequest, Reason: reason}
}

func misdirected(reason string, host authority) error {
	return &Error{Status: http.StatusMisdirectedRequest, Reason: reason, Host: host.String()}
}

// Resolve is the public origin of r, or an *Error.
//
// With BaseURL it is BaseURL's; forwarding headers are not looked at. Without,
// it is what a trusted proxy says, else r.Host and r.TLS, and the host must be
// loopback or in TrustedHosts.
func (p *Policy) Resolve(r *http.Request) (Public, error) {
	host, ok := parseAuthority(r.Host)
	if !ok {
		return Public{}, badRequest("the Host header is missing or malformed")
	}
	if p.base.Origin != "" {
		return p.base, nil
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if p.fromProxy(r) {
		said, err := p.proxySays(r.Header)
		if err != nil {
			return Public{}, err
		}
		if said.proto != "" {
			scheme = said.proto
		}
		if said.host != (authority{}) {
			host = said.host
		}
	}
	switch {
	case !host.loopback() && !p.trustsHost(host, scheme):
		return Public{}, misdirected("the host is not in TrustedHosts, and no BaseURL is configured", host)
	case scheme == "http" && !host.loopback() && !p.insecure:
		return Public{}, misdirected("plain http is served on loopback hosts only; use https, or list the TLS proxy in TrustedProxies", host)
	}
	return publicOrigin(scheme, host), nil
}

// trustsHost takes an entry without a port for the scheme's default port only:
// another port on the same host is another origin, run by who knows whom.
func (p *Policy) trustsHost(host authority, scheme string) bool {
	for _, h := range p.hosts {
		if h.name == host.name && h.portOn(scheme) == host.portOn(scheme) {
			return true
		}
	}
	return false
}

// StrayLoopback reports that a developer came in by another loopback name than
// BaseURL's (127.0.0.1 instead of localhost, same port). Cookies set there would
// not be sent to the callback, so the sign-in is first sent to the public origin.
func (p *Policy) StrayLoopback(r *http.Request) bool {
	if p.base.Origin == "" || !p.baseHost.loopback() {
		return false
	}
	host, ok := parseAuthority(r.Host)
	if !ok || !host.loopback() || host.name == p.baseHost.name {
		return false
	}
	scheme, _, _ := strings.Cut(p.base.Origin, ":")
	return host.portOn(scheme) == p.baseHost.port
}
