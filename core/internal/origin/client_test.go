package origin

import (
	"net/netip"
	"strings"
	"testing"
)

func TestClientAddr(t *testing.T) {
	xff := Config{TrustedProxies: proxies("10.0.0.0/8", "2001:db8:1::/48")}
	standard := xff
	standard.Forwarded = true
	tests := []struct {
		name  string
		c     Config
		peer  string
		lines []string
		want  string // "": unknown
	}{
		{"peer", xff, stranger, nil, "203.0.113.9"},
		{"HP-04 stranger's claim", xff, stranger, []string{"X-Forwarded-For: 6.6.6.6"}, "203.0.113.9"},
		{"HP-04 stranger's claim, Forwarded", standard, stranger, []string{"Forwarded: for=6.6.6.6"}, "203.0.113.9"},
		{"HP-04 no proxies at all", Config{}, proxy, []string{"X-Forwarded-For: 6.6.6.6"}, "10.0.0.1"},
		{"HP-06 other headers are never read", xff, proxy, []string{"X-Real-Ip: 6.6.6.6", "Cf-Connecting-Ip: 6.6.6.6", "True-Client-Ip: 6.6.6.6", "Forwarded: for=6.6.6.6"}, "10.0.0.1"},
		{"HP-06 Forwarded chosen, X-Forwarded-For is not read", standard, proxy, []string{"X-Forwarded-For: 6.6.6.6"}, "10.0.0.1"},
		{"HP-05 one line", xff, proxy, []string{"X-Forwarded-For: 6.6.6.6, 203.0.113.9"}, "203.0.113.9"},
		{"HP-05 two lines", xff, proxy, []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.9"}, "203.0.113.9"},
		{"two trusted hops", xff, proxy, []string{"X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"two trusted hops on two lines", xff, proxy, []string{"X-Forwarded-For: 6.6.6.6, 203.0.113.9", "X-Forwarded-For: 10.0.0.2"}, "203.0.113.9"},
		{"all hops trusted: the left-most", xff, proxy, []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"proxy without header", xff, proxy, nil, "10.0.0.1"},
		{"with port", xff, proxy, []string{"X-Forwarded-For: 203.0.113.9:80"}, "203.0.113.9"},
		{"IPv6 forms", xff, proxy, []string{"X-Forwarded-For: [2001:DB8:0:0::1]:80"}, "2001:db8::1"},
		{"IPv6 in brackets", xff, proxy, []string{"X-Forwarded-For: [2001:db8::1]"}, "2001:db8::1"},
		{"HP-07 expanded", xff, proxy, []string{"X-Forwarded-For: 2001:0db8:0000::0001"}, "2001:db8::1"},
		{"HP-07 v4-mapped", xff, proxy, []string{"X-Forwarded-For: ::ffff:203.0.113.9"}, "203.0.113.9"},
		{"HP-07 zone", xff, proxy, []string{"X-Forwarded-For: fe80::1%eth0"}, "fe80::1"},
		{"HP-07 v4-mapped peer", xff, "[::ffff:203.0.113.9]:1", nil, "203.0.113.9"},
		{"HP-07 zone of the peer", xff, "[fe80::1%eth0]:1", nil, "fe80::1"},
		{"HP-07 trusted IPv6 proxy with zone", xff, "[2001:db8:1::5%eth0]:1", []string{"X-Forwarded-For: 203.0.113.9"}, "203.0.113.9"},
		{"v4-mapped trusted hop", xff, proxy, []string{"X-Forwarded-For: 203.0.113.9, ::ffff:10.0.0.2"}, "203.0.113.9"},
		{"garbage stops the walk", xff, proxy, []string{"X-Forwarded-For: 6.6.6.6, unknown"}, ""},
		{"garbage behind a trusted hop", xff, proxy, []string{"X-Forwarded-For: 6.6.6.6, unix:, 10.0.0.2"}, ""},
		{"garbage that is not reached", xff, proxy, []string{"X-Forwarded-For: <script>, 203.0.113.9"}, "203.0.113.9"},
		{"empty member", xff, proxy, []string{"X-Forwarded-For: 6.6.6.6, "}, ""},
		{"empty first member", xff, proxy, []string{"X-Forwarded-For: ,10.0.0.2"}, ""},
		{"empty line", xff, proxy, []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: "}, ""},
		{"HP-08 no address", xff, "", nil, ""},
		{"HP-08 Unix socket", xff, "@", []string{"X-Forwarded-For: 6.6.6.6"}, ""},
		{"HP-08 garbage", xff, "10.0.0.1.evil:1", []string{"X-Forwarded-For: 6.6.6.6"}, ""},
		{"peer without port", xff, "203.0.113.9", nil, "203.0.113.9"},

		{"Forwarded", standard, proxy, []string{`Forwarded: for=203.0.113.9`}, "203.0.113.9"},
		{"HP-11 Forwarded, IPv6 with port", standard, proxy, []string{`Forwarded: For="[2001:db8::1]:47";host=evil;proto=https`}, "2001:db8::1"},
		{"HP-11 several elements", standard, proxy, []string{`Forwarded: for=6.6.6.6, for=203.0.113.9;by=_x , for=10.0.0.2`}, "203.0.113.9"},
		{"HP-11 several lines", standard, proxy, []string{`Forwarded: for=6.6.6.6`, `Forwarded: for=203.0.113.9`}, "203.0.113.9"},
		{"all trusted", standard, proxy, []string{`Forwarded: for=10.0.0.3, for=10.0.0.2`}, "10.0.0.3"},
		{"hidden", standard, proxy, []string{`Forwarded: for=6.6.6.6, for=_hidden`}, ""},
		{"unknown", standard, proxy, []string{`Forwarded: for=6.6.6.6, for=unknown`}, ""},
		{"not said", standard, proxy, []string{`Forwarded: for=6.6.6.6, proto=https`}, ""},
		{"comma in quotes", standard, proxy, []string{`Forwarded: x="a,for=6.6.6.6";for=203.0.113.9`}, "203.0.113.9"},
		{"escaped quote", standard, proxy, []string{`Forwarded: x="\",for=6.6.6.6";for="203.0.113.9"`}, "203.0.113.9"},
		{"client opens a quote on the proxy's line", standard, proxy, []string{`Forwarded: x=", for=203.0.113.9`}, ""},
		{"client opens a quote on its own line", standard, proxy, []string{`Forwarded: x="`, `Forwarded: for=203.0.113.9`}, "203.0.113.9"},
		{"client opens a quote that the proxy's quote closes", standard, proxy, []string{`Forwarded: for=6.6.6.6;x=", for="[2001:db8::9]"`}, ""},
		{"for twice", standard, proxy, []string{`Forwarded: for=203.0.113.9;for=6.6.6.6`}, ""},
		{"empty value", standard, proxy, []string{`Forwarded: for=`}, ""},
		{"space around =", standard, proxy, []string{`Forwarded: for = 203.0.113.9`}, ""},
		{"empty header", standard, proxy, []string{`Forwarded: `}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := mustNew(t, tt.c).ClientAddr(request("app.example", tt.peer, true, tt.lines...))
			text := ""
			if ok {
				text = got.String()
			}
			if text != tt.want || ok != got.IsValid() {
				t.Errorf("ClientAddr = %v, %v, want %q", got, ok, tt.want)
			}
		})
	}
}

func TestUntrustedForwarding(t *testing.T) {
	p := mustNew(t, Config{TrustedProxies: proxies("10.0.0.0/8")})
	for _, line := range []string{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: x", "X-Forwarded-Proto: https", "Forwarded: for=1.2.3.4", "X-Real-Ip: 1.2.3.4"} {
		if !p.UntrustedForwarding(request("x", stranger, true, line)) {
			t.Errorf("%q from a stranger passes unnoticed", line)
		}
		if !p.UntrustedForwarding(request("x", "@", true, line)) {
			t.Errorf("%q from a peer without address passes unnoticed", line)
		}
		if p.UntrustedForwarding(request("x", proxy, true, line)) {
			t.Errorf("%q from a trusted proxy is reported", line)
		}
	}
	if p.UntrustedForwarding(request("x", stranger, true, "Via: 1.1 x", "X-Forwarded_for: 1.2.3.4")) {
		t.Error("reported without a forwarding header")
	}
}

// The client controls what stands before the proxy's own words, whatever it is.
func FuzzClientAddr(f *testing.F) {
	for _, s := range []string{"6.6.6.6", `for=6.6.6.6;x="`, `for=6.6.6.6;x="\`, `, ,`, `for="[::1]";host="`, `for=6.6.6.6;x=",for=10.0.0.1;y="`} {
		f.Add(s, false)
		f.Add(s, true)
	}
	hosts := []string{"app.example"}
	x := mustNew(f, Config{TrustedHosts: hosts, TrustedProxies: proxies("10.0.0.0/8")})
	standard := mustNew(f, Config{TrustedHosts: hosts, TrustedProxies: proxies("10.0.0.0/8"), Forwarded: true})
	real := netip.MustParseAddr("203.0.113.9")
	real6 := netip.MustParseAddr("2001:db8::9")
	f.Fuzz(func(t *testing.T, claim string, split bool) {
		join := func(name, own string) []string {
			if split {
				return []string{name + ": " + claim, name + ": " + own}
			}
			return []string{name + ": " + claim + ", " + own}
		}
		for _, own := range []string{"203.0.113.9", "203.0.113.9, 10.0.0.7"} {
			r := request("app.example", proxy, true, join("X-Forwarded-For", own)...)
			if addr, ok := x.ClientAddr(r); !ok || addr != real {
				t.Fatalf("%q: %v, %v", r.Header, addr, ok)
			}
		}
		for _, own := range []string{
			"for=203.0.113.9;host=app.example;proto=https",
			`proto=https;for="[2001:db8::9]:47";host="app.example:443"`,
			"for=203.0.113.9;host=app.example;proto=https, for=10.0.0.7;host=internal;proto=http",
		} {
			r := request("app.example", proxy, true, join("Forwarded", own)...)
			addr, ok := standard.ClientAddr(r)
			if ok && addr != real && addr != real6 {
				t.Fatalf("%q: the client's claim %v", r.Header, addr)
			}
			if split && !ok {
				t.Fatalf("%q: the client's line hid the proxy's", r.Header)
			}
			public, err := standard.Resolve(r)
			if err == nil && public.Origin != "https://app.example" {
				t.Fatalf("%q: the client's claim %v", r.Header, public)
			}
		}
		// As the only element: any answer, no panic, and what is no address is none.
		r := request(claim, claim, true, "X-Forwarded-For: "+claim, "Forwarded: "+claim, "X-Forwarded-Host: "+claim, "X-Forwarded-Proto: "+claim)
		for _, p := range []*Policy{x, standard} {
			if addr, ok := p.ClientAddr(r); ok != addr.IsValid() || addr.Is4In6() || strings.Contains(addr.String(), "%") {
				t.Fatalf("%q: %v, %v", claim, addr, ok)
			}
			if public, err := p.Resolve(r); err == nil && public.Host != "app.example" && !IsLoopbackHost(public.Host) {
				t.Fatalf("%q: %v", claim, public)
			}
		}
	})
}
