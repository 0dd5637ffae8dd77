package origin

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseAuthority(t *testing.T) {
	tests := []struct{ in, want string }{ // want "": refused
		{"app.example", "app.example"},
		{"APP.Example:8443", "app.example:8443"},
		{"localhost:3000", "localhost:3000"},
		{"my_service:80", "my_service:80"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"127.0.0.1:1", "127.0.0.1:1"},
		{"1.2.3.4.example", "1.2.3.4.example"},
		{"[::1]", "[::1]"},
		{"[2001:DB8::0:1]:65535", "[2001:db8::1]:65535"},
		{"[::ffff:127.0.0.1]", "[::ffff:7f00:1]"},
		{strings.Repeat("a.", 126) + "b", strings.Repeat("a.", 126) + "b"},

		// HP-09
		{"", ""},
		{"good@evil", ""},
		{"good/evil", ""},
		{"good:80evil", ""},
		{"app.example.", ""},
		{"app.example.:443", ""},
		{"good evil", ""},
		{" good", ""},
		{"good\t", ""},
		{"good,evil", ""},
		{"good\\evil", ""},
		{"good?evil", ""},
		{"good#evil", ""},
		{"good%2eevil", ""},
		{"good\x00", ""},
		{"good\r\nX: y", ""},
		{"gööd", ""},
		{".good", ""},
		{"good..evil", ""},
		{":80", ""},
		{"good:", ""},
		{"good:0", ""},
		{"good:080", ""},
		{"good:65536", ""},
		{"good:99999999999999999999", ""},
		{"good:-1", ""},
		{"good:+80", ""},
		{"good:80:80", ""},
		{"::1", ""},
		{"[::1", ""},
		{"[::1]80", ""},
		{"[::1]:", ""},
		{"[::1%lo]", ""},
		{"[127.0.0.1]", ""},
		{"[evil.example]", ""},
		{"[]", ""},
		{"[::1]evil", ""},
		{"127.1", ""},
		{"2130706433", ""},
		{"0x7f.1", ""},
		{"127.0.0.0x1", ""},
		{"evil.0x", ""},
		{"0127.0.0.1", ""},
		{"256.1.1.1", ""},
		{"evil.example.1", ""},
		{strings.Repeat("a", 64) + ".example", ""},
		{strings.Repeat("a.", 127) + "b", ""},
	}
	for _, tt := range tests {
		got, ok := parseAuthority(tt.in)
		if ok != (tt.want != "") || got.String() != tt.want {
			t.Errorf("parseAuthority(%q) = %q, %v, want %q", tt.in, got, ok, tt.want)
		}
	}
}

func TestIsLoopbackHost(t *testing.T) {
	tests := map[string]bool{
		"localhost": true, "LOCALHOST:3000": true, "app.localhost": true, "a.b.localhost:1": true,
		"127.0.0.1": true, "127.255.0.9:80": true, "[::1]": true, "[::1]:3000": true, "::1": true, "0:0:0:0:0:0:0:1": true,
		"": false, "localhost.": false, "localhost.example": false, "notlocalhost": false, ".localhost": false,
		"127.evil.example": false, "127.0.0.1.example": false, "128.0.0.1": false, "0.0.0.0": false, "127.1": false,
		"::": false, "::1%lo": false, "[::ffff:127.0.0.1]": false, "::ffff:127.0.0.1": false,
		"localhost@evil.example": false, "localhost:3000evil": false, "10.0.0.1": false,
	}
	for host, want := range tests {
		if got := IsLoopbackHost(host); got != want {
			t.Errorf("IsLoopbackHost(%q) = %v", host, got)
		}
	}
}

func FuzzParseAuthority(f *testing.F) {
	for _, s := range []string{"app.example:443", "[::1]:1", "good@evil", "127.1", "a.0x7f", "[::ffff:1.2.3.4]", "x_y-z.localhost"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := parseAuthority(s)
		if !ok {
			if a != (authority{}) {
				t.Fatalf("refused %q, yet returned %q", s, a)
			}
			return
		}
		for i := range len(s) {
			if strings.IndexByte("@/\\?#% ,;\t\r\n\x00", s[i]) >= 0 || s[i] >= 0x80 {
				t.Fatalf("accepted %q", s)
			}
		}
		again, ok := parseAuthority(a.String())
		if !ok || again != a {
			t.Fatalf("%q is not stable: %q, then %q, %v", s, a, again, ok)
		}
		if a.loopback() && a.name != "localhost" && !strings.HasSuffix(a.name, ".localhost") {
			if addr, err := netip.ParseAddr(strings.Trim(a.name, "[]")); err != nil || !addr.IsLoopback() {
				t.Fatalf("%q passes for loopback", s)
			}
		}
	})
}
