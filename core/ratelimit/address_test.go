package ratelimit_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

func TestAddress(t *testing.T) {
	tests := []struct{ in, want, why string }{
		{"192.0.2.7", "192.0.2.7", "IPv4 whole"},
		{"192.0.2.8", "192.0.2.8", "the neighbour is somebody else"},
		{"::ffff:192.0.2.7", "192.0.2.7", "IPv4 in IPv6 is IPv4"},
		{"::ffff:c000:207", "192.0.2.7", "however it is written"},
		{"0:0:0:0:0:FFFF:C000:0207", "192.0.2.7", "however it is written"},
		{"::ffff:192.0.2.7%eth0", "192.0.2.7", "zone dropped"},
		{"2001:db8:1:2::", "2001:db8:1:2::/64", "first of a /64"},
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64", "last of a /64"},
		{"2001:DB8:1:2::ABCD", "2001:db8:1:2::/64", "upper case"},
		{"2001:0db8:0001:0002:0000:0000:0000:0001", "2001:db8:1:2::/64", "expanded"},
		{"2001:db8:1:2::1%eth0", "2001:db8:1:2::/64", "zone dropped"},
		{"2001:db8:1:3::1", "2001:db8:1:3::/64", "the next /64 is somebody else"},
		{"fe80::1%eth1", "fe80::/64", "zone dropped"},
		{"::1", "::/64", "loopback"},
		{"::192.0.2.7", "::/64", "IPv4-compatible addresses are obsolete (RFC 4291 §2.5.5.1): anyone could claim one"},
		{"64:ff9b::192.0.2.7", "192.0.2.7", "a NAT64 translator"},
		{"64:ff9b::1:c000:207", "64:ff9b::/64", "outside of the translator's /96"},
		{"64:ff9b:1::192.0.2.7", "64:ff9b:1::/64", "local-use prefixes (RFC 8215) have no fixed length"},
	}
	for _, tt := range tests {
		if got := ratelimit.Address(netip.MustParseAddr(tt.in)); got != tt.want {
			t.Errorf("%s: %q, want %q: %s", tt.in, got, tt.want, tt.why)
		}
	}
	if got := ratelimit.Address(netip.Addr{}); got != "" {
		t.Errorf("no address: %q", got)
	}
}

func TestOneSlash64IsOneClient(t *testing.T) {
	m, passed := ratelimit.NewMemory(0), 0
	for i := range 1000 {
		addr := netip.MustParseAddr(fmt.Sprintf("2001:db8::%x:%x", i, i*7))
		passed += pass(t, m, epoch, 1, ratelimit.Charge{"signIn:" + ratelimit.Address(addr), eight})
	}
	if passed != eight.Limit {
		t.Errorf("%d addresses of one /64 passed, not %d", passed, eight.Limit)
	}
}
