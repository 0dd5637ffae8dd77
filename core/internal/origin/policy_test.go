package origin

import (
	"net/netip"
	"strings"
	"testing"
)

func mustNew(t testing.TB, c Config) *Policy {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return p
}

func proxies(cidrs ...string) (list []netip.Prefix) {
	for _, c := range cidrs {
		list = append(list, netip.MustParsePrefix(c))
	}
	return list
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name string
		c    Config
		want string // part of the message
	}{
		{"CK-02 http on a public host", Config{BaseURL: "http://app.example"}, `BaseURL: "http://app.example" sends sessions in the clear`},
		{"no scheme", Config{BaseURL: "app.example"}, "BaseURL: needs the scheme"},
		{"host:port without scheme", Config{BaseURL: "localhost:3000"}, "BaseURL: needs the scheme"},
		{"scheme-relative", Config{BaseURL: "//app.example"}, "BaseURL: needs the scheme"},
		{"other scheme", Config{BaseURL: "ftp://app.example"}, "BaseURL: needs the scheme"},
		{"opaque", Config{BaseURL: "https:app.example"}, "BaseURL: has no valid host"},
		{"no host", Config{BaseURL: "https:///x"}, "BaseURL: has no valid host"},
		{"bad port", Config{BaseURL: "https://app.example:99999"}, "BaseURL: has no valid host"},
		{"empty port", Config{BaseURL: "https://app.example:"}, "BaseURL: has no valid host"},
		{"trailing dot", Config{BaseURL: "https://app.example./"}, "BaseURL: has no valid host"},
		{"userinfo", Config{BaseURL: "https://u:hunter2@app.example"}, "BaseURL: contains a user name or password"},
		{"query", Config{BaseURL: "https://app.example/?a=b"}, "BaseURL: contains a query"},
		{"empty query", Config{BaseURL: "https://app.example?"}, "BaseURL: contains a query"},
		{"fragment", Config{BaseURL: "https://app.example/#x"}, "BaseURL: contains a query or a fragment"},
		{"empty fragment", Config{BaseURL: "https://app.example#"}, "BaseURL: contains a query or a fragment"},
		{"space", Config{BaseURL: " https://app.example"}, "BaseURL: contains a space"},
		{"unicode", Config{BaseURL: "https://äpp.example"}, "BaseURL: contains a space, a control byte"},
		{"backslash", Config{BaseURL: `https://app.example\x`}, "BaseURL: contains a space, a control byte, a backslash"},
		{"dot segment", Config{BaseURL: "https://app.example/a/../b"}, "BaseURL: has a path"},
		{"double slash", Config{BaseURL: "https://app.example//a"}, "BaseURL: has a path"},
		{"encoded slash", Config{BaseURL: "https://app.example/a%2fb"}, "BaseURL: has a path"},
		{"semicolon", Config{BaseURL: "https://app.example/a;b"}, "BaseURL: has a path"},
		{"TrustedHosts scheme", Config{TrustedHosts: []string{"ok.example", "https://app.example"}}, `TrustedHosts[1] "https://app.example"`},
		{"TrustedHosts path", Config{TrustedHosts: []string{"app.example/x"}}, `TrustedHosts[0] "app.example/x"`},
		{"TrustedHosts wildcard", Config{TrustedHosts: []string{"*.app.example"}}, `TrustedHosts[0] "*.app.example": wildcards`},
		{"TrustedHosts empty", Config{TrustedHosts: []string{""}}, `TrustedHosts[0] "": not a host`},
		{"TrustedHosts trailing dot", Config{TrustedHosts: []string{"app.example."}}, `TrustedHosts[0] "app.example.": not a host`},
		{"TrustedHosts userinfo", Config{TrustedHosts: []string{"u:hunter2@app.example"}}, `TrustedHosts[0] contains an @`},
		{"HP-17 all of IPv4", Config{TrustedProxies: proxies("10.0.0.0/8", "0.0.0.0/0")}, "TrustedProxies[1]: 0.0.0.0/0 trusts"},
		{"HP-17 all of IPv6", Config{TrustedProxies: proxies("::/0")}, "TrustedProxies[0]: ::/0 trusts"},
		{"HP-17 invalid", Config{TrustedProxies: []netip.Prefix{{}}}, "TrustedProxies[0]: not a CIDR"},
		{"HP-17 v4-mapped", Config{TrustedProxies: proxies("::ffff:10.0.0.0/104")}, "TrustedProxies[0]: ::ffff:10.0.0.0/104 would never match"},
		{"Forwarded without proxies", Config{Forwarded: true}, "TrustedProxies: empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := New(tt.c)
			if err == nil || p != nil {
				t.Fatalf("New = %v, %v, want an error", p, err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not contain %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q shows the password", err)
			}
		})
	}
}

func TestNewReportsEverything(t *testing.T) {
	_, err := New(Config{
		BaseURL:        "http://app.example",
		TrustedHosts:   []string{"*", "fine.example", "a/b"},
		TrustedProxies: proxies("0.0.0.0/0"),
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"BaseURL", "TrustedHosts[0]", "TrustedHosts[2]", "TrustedProxies[0]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
	if strings.Contains(err.Error(), "TrustedHosts[1]") {
		t.Errorf("%q complains of a good entry", err)
	}
}

func TestNewAccepts(t *testing.T) {
	tests := []struct{ baseURL, base, prefix string }{
		{"", "", ""},
		{"https://app.example", "https://app.example", ""},
		{"https://app.example/", "https://app.example", ""},
		{"HTTPS://APP.Example:443", "https://app.example", ""},
		{"https://app.example:8443/", "https://app.example:8443", ""},
		{"https://app.example:80", "https://app.example:80", ""},
		{"https://app.example/shop", "https://app.example", "/shop"},
		{"https://app.example/shop/v1.2/", "https://app.example", "/shop/v1.2"},
		{"http://localhost:3000", "http://localhost:3000", ""},
		{"http://localhost:80/x", "http://localhost", "/x"},
		{"http://web.localhost", "http://web.localhost", ""},
		{"http://127.0.0.2:3000", "http://127.0.0.2:3000", ""},
		{"http://[::1]:3000", "http://[::1]:3000", ""},
		{"https://[2001:DB8:0::1]", "https://[2001:db8::1]", ""},
		{"https://[::ffff:1.2.3.4]", "https://[::ffff:102:304]", ""},
		{"https://xn--bcher-kva.example", "https://xn--bcher-kva.example", ""},
	}
	for _, tt := range tests {
		p := mustNew(t, Config{BaseURL: tt.baseURL})
		if p.Base() != tt.base || p.Prefix() != tt.prefix {
			t.Errorf("New(%q): Base %q, Prefix %q, want %q, %q", tt.baseURL, p.Base(), p.Prefix(), tt.base, tt.prefix)
		}
	}
	p := mustNew(t, Config{BaseURL: "http://app.example", AllowInsecureHTTP: true})
	if p.Base() != "http://app.example" {
		t.Errorf("AllowInsecureHTTP: Base = %q", p.Base())
	}
}

func TestNewCopiesItsConfig(t *testing.T) {
	c := Config{TrustedHosts: []string{"app.example"}, TrustedProxies: proxies("10.0.0.0/8")}
	p := mustNew(t, c)
	c.TrustedHosts[0] = "evil.example"
	c.TrustedProxies[0] = netip.MustParsePrefix("192.0.2.0/24")
	if _, err := p.Resolve(request("evil.example", "192.0.2.1:1", true)); err == nil {
		t.Error("a later change of TrustedHosts took effect")
	}
	if p.trustsProxy(netip.MustParseAddr("192.0.2.1")) {
		t.Error("a later change of TrustedProxies took effect")
	}
}
