package rp

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"
)

// What DNS may not lead us to, asked where it counts: after it has been asked.
func TestDialGuard(t *testing.T) {
	for _, row := range []struct {
		address       string
		remote, local bool // allowed when the provider is elsewhere, or here
	}{
		{"8.8.8.8:443", true, true},
		{"[2001:4860:4860::8888]:443", true, true},
		{"10.0.0.5:443", true, true}, // a company's own provider
		{"192.168.1.1:443", true, true},
		{"[fd00::1]:443", true, true},
		{"[64:ff9b::808:808]:443", true, true},
		{"100.64.0.1:443", true, true},

		{"127.0.0.1:443", false, true},
		{"127.9.9.9:443", false, true},
		{"[::1]:443", false, true},
		{"[::ffff:127.0.0.1]:443", false, true},
		{"[64:ff9b::7f00:1]:443", false, true},
		{"0.0.0.0:443", false, true},
		{"0.1.2.3:443", false, true},
		{"[::]:443", false, true},
		{"[::ffff:0.0.0.0]:443", false, true},

		{"169.254.169.254:80", false, false},
		{"169.254.170.2:80", false, false},
		{"[::ffff:169.254.169.254]:80", false, false},
		{"[64:ff9b::a9fe:a9fe]:80", false, false},
		{"[fe80::1]:443", false, false},
		{"[fe80::1%eth0]:443", false, false},
		{"[fd00:ec2::254]:80", false, false},
		{"[fd20:ce::254]:80", false, false},
		{"100.100.100.200:80", false, false},
		{"[::ffff:100.100.100.200]:80", false, false},
		{"168.63.129.16:80", false, false},
		{"192.0.0.192:80", false, false},
		{"224.0.0.1:443", false, false},
		{"[ff02::1]:443", false, false},
		{"255.255.255.255:443", false, false},
		{"idp.example:443", false, false},
		{"", false, false},
	} {
		for loopback, want := range map[bool]bool{false: row.remote, true: row.local} {
			g := &dialGuard{loopback: loopback}
			if err := g.control("tcp", row.address, nil); (err == nil) != want {
				t.Errorf("%s, provider on loopback %v: %v", row.address, loopback, err)
			}
		}
	}
}

// And that our transport asks it: the party's provider is elsewhere, so this
// machine is out of bounds whatever the rules for URLs have let through.
func TestTransportIsGuarded(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, f.URL+"/jwks", nil))
	if a, err := p.out.send(req, nil); err != nil || !a.ok() {
		t.Fatalf("a provider on loopback: %v", err)
	}
	for _, lent := range []*http.Client{nil, {}} {
		remote := must(New(Config{ID: "x", OIDC: true, Issuer: "https://idp.example", ClientID: "c", HTTPClient: lent}))
		before := f.count("/jwks")
		_, err := remote.out.send(req, nil)
		var e *wireError
		if !errors.As(err, &e) || e.unreachable || !contains(e.Error(), "127.0.0.1", "this machine") {
			t.Errorf("%v: want a refusal that is not an outage", err)
		}
		if f.count("/jwks") != before {
			t.Error("the request went out")
		}
	}
}

// A refusal is not an outage: no Retry-After, and the code of a bad answer.
func TestRefusedAddressIsNoOutage(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	p.out = newOutbound(p.config, endpointRules{})
	_, err := start(p, t.Context())
	if e := expect(t, err, CodeDiscoveryInvalid); e.Unreachable() {
		t.Errorf("%v", e)
	}
}

// The proxy of the environment is the operator's choice, and dialled wherever
// it is; its address is out of bounds as a provider all the same.
func TestProxyIsDialled(t *testing.T) {
	f := newIDP(t)
	for raw, dialled := range map[string]string{
		"http://127.0.0.1":          "127.0.0.1:80",
		"https://proxy.example":     "proxy.example:443",
		"socks5://[::1]":            "[::1]:1080",
		"http://proxy.example:3128": "proxy.example:3128",
	} {
		g := new(dialGuard)
		if g.isProxy(dialled) {
			t.Errorf("%s is known before it is used", dialled)
		}
		if _, err := g.remember(url.Parse(raw)); err != nil || !g.isProxy(dialled) {
			t.Errorf("%s: %v", raw, err)
		}
	}

	seen := ""
	f.overrides["/proxied"] = func(w http.ResponseWriter, r *http.Request) {
		seen = r.RequestURI
		writeJSON(w, map[string]any{})
	}
	out := newOutbound(Config{Timeout: 20 * time.Second}, endpointRules{})
	transport, ok := out.client.Transport.(*http.Transport)
	if !ok || transport.Proxy == nil {
		t.Fatal("not our transport, or one that knows no proxy")
	}
	guard := new(dialGuard)
	transport.DialContext = guard.dial
	transport.Proxy = func(*http.Request) (*url.URL, error) { return guard.remember(url.Parse(f.URL)) }
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, "http://idp.example/proxied", nil))
	if _, err := out.send(req, nil); err != nil || seen != "http://idp.example/proxied" {
		t.Errorf("by way of a proxy on loopback: %q, %v", seen, err)
	}
	if reason := guard.refuses(netip.MustParseAddr("127.0.0.1")); reason == "" {
		t.Error("the proxy's machine is open as a provider")
	}
}
