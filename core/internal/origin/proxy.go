package origin

import (
	"net/http"
	"net/netip"
	"strings"
)

// statement is what a trusted proxy says about the browser's side of it. A zero
// field was not said.
type statement struct {
	proto string // "http" or "https"
	host  authority
}

// proxySays reads the chosen header of a trusted proxy. The other one is never a
// source; but when both can be read and contradict each other, one of them was
// not written by the proxy, and which one is a guess that we do not make.
func (p *Policy) proxySays(h http.Header) (statement, error) {
	if p.forwarded {
		said, err := p.forwardedSays(h["Forwarded"])
		if err != nil {
			return statement{}, err
		}
		if p.contradictedByX(h, said) {
			return statement{}, errDisagree()
		}
		return said, nil
	}
	proto, err := single(h["X-Forwarded-Proto"], parseProto, "X-Forwarded-Proto is malformed or has several values")
	if err != nil {
		return statement{}, err
	}
	host, err := single(h["X-Forwarded-Host"], parseAuthority, "X-Forwarded-Host is malformed or has several values")
	if err != nil {
		return statement{}, err
	}
	said := statement{proto, host}
	other, err := p.forwardedSays(h["Forwarded"])
	if err == nil && said.contradicts(other) {
		return statement{}, errDisagree()
	}
	return said, nil
}

func errDisagree() error {
	return badRequest("Forwarded and X-Forwarded-* disagree; let the proxy remove the one that it does not write")
}

func (s statement) contradicts(o statement) bool {
	if s.proto != "" && o.proto != "" && s.proto != o.proto {
		return true
	}
	if s.host == (authority{}) || o.host == (authority{}) {
		return false
	}
	scheme := s.proto
	if scheme == "" {
		scheme = o.proto
	}
	return s.host.on(scheme) != o.host.on(scheme)
}

func (p *Policy) contradictedByX(h http.Header, said statement) bool {
	for value := range listed(h["X-Forwarded-Proto"]) {
		if proto, ok := parseProto(value); ok && said.contradicts(statement{proto: proto}) {
			return true
		}
	}
	for value := range listed(h["X-Forwarded-Host"]) {
		if host, ok := parseAuthority(value); ok && said.contradicts(statement{host: host}) {
			return true
		}
	}
	return false
}

// single is the one value that all lines and list members agree on, the zero T
// when there are no lines. X-Forwarded-Host and -Proto have no defined order, so
// of two values neither is known to be the proxy's.
func single[T comparable](lines []string, parse func(string) (T, bool), problem string) (T, error) {
	var value, none T
	for member := range listed(lines) {
		v, ok := parse(member)
		if !ok || value != none && v != value {
			return none, badRequest(problem)
		}
		value = v
	}
	return value, nil
}

// listed yields the members of a comma-separated header, over all its lines, in
// order; empty members too, because what they mean is the caller's decision.
func listed(lines []string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for member := range strings.SplitSeq(line, ",") {
				if !yield(trim(member)) {
					return
				}
			}
		}
	}
}

func trim(s string) string { return strings.Trim(s, " \t") }

func parseProto(s string) (string, bool) {
	s = strings.ToLower(s)
	return s, s == "http" || s == "https"
}

// fromProxy reports whether the peer is a trusted proxy. A peer without an
// address (a Unix socket, a test) never is.
func (p *Policy) fromProxy(r *http.Request) bool {
	if len(p.proxies) == 0 {
		return false
	}
	peer, ok := peerAddr(r)
	return ok && p.trustsProxy(peer)
}

func (p *Policy) trustsProxy(addr netip.Addr) bool {
	for _, prefix := range p.proxies {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
