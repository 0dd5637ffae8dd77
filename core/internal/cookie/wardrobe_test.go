package cookie

import (
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 500, time.FixedZone("CET", 3600))

func mustNew(t testing.TB, c Config) *Wardrobe {
	t.Helper()
	w, err := New(c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return w
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name string
		c    Config
		want string
	}{
		{"CK-09 prefix with =", Config{Prefix: "a=b"}, `Prefix "a=b": must be a token`},
		{"CK-09 prefix with ;", Config{Prefix: "a;b"}, "Prefix"},
		{"CK-09 prefix with space", Config{Prefix: "a b"}, "Prefix"},
		{"CK-09 prefix with CR LF", Config{Prefix: "a\r\nX: y"}, "Prefix"},
		{"CK-09 prefix outside ASCII", Config{Prefix: "ä"}, "Prefix"},
		{"prefix __Host-", Config{Prefix: "__Host-x"}, "Prefix"},
		{"prefix $Version", Config{Prefix: "$Version"}, "Prefix"},
		{"long prefix", Config{Prefix: strings.Repeat("a", 65)}, "Prefix"},
		{"CK-03 Domain *", Config{Domain: "*"}, `Domain "*": must be a plain domain`},
		{"CK-03 Domain *.app.example", Config{Domain: "*.app.example"}, "Domain"},
		{"CK-03 top-level domain", Config{Domain: "com"}, "Domain"},
		{"CK-03 top-level domain with dot", Config{Domain: ".com"}, "Domain"},
		{"CK-03 localhost", Config{Domain: "localhost"}, "Domain"},
		{"CK-03 public suffix", Config{Domain: "co.uk"}, `Domain "co.uk": is a public suffix`},
		{"CK-03 with port", Config{Domain: "app.example:443"}, "Domain"},
		{"CK-03 with scheme", Config{Domain: "https://app.example"}, "Domain"},
		{"CK-03 IP address", Config{Domain: "192.0.2.1"}, "must not be an IP address"},
		{"CK-03 trailing dot", Config{Domain: "app.example."}, "Domain"},
		{"CK-03 attribute injection", Config{Domain: "app.example; Path=/x"}, "Domain"},
		{"CK-03 two leading dots", Config{Domain: "..app.example"}, "Domain"},
		{"CK-03 Domain and __Host-", Config{Domain: "app.example", HostPrefix: true}, "HostPrefix: a __Host- cookie cannot have a Domain"},
		{"CK-04 SameSite None or other", Config{SessionSameSite: 2}, "SessionSameSite"},
		{"MaxBytes small", Config{MaxBytes: 4095}, "MaxBytes 4095"},
		{"MaxBytes negative", Config{MaxBytes: -1}, "MaxBytes -1"},
		{"MaxBytes large", Config{MaxBytes: 64<<10 + 1}, "MaxBytes 65537"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := New(tt.c)
			if err == nil || w != nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %v, %v, want an error with %q", w, err, tt.want)
			}
		})
	}
	_, err := New(Config{Prefix: "=", Domain: "*", MaxBytes: 1, SessionSameSite: 9})
	for _, want := range []string{"Prefix", "Domain", "MaxBytes", "SessionSameSite"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

func TestCovers(t *testing.T) {
	tests := []struct {
		domain, host string
		want         bool
	}{
		{"", "anything.example", true},
		{"app.example", "app.example", true},
		{".App.example", "WWW.app.example", true},
		{"app.example", "evilapp.example", false},
		{"app.example", "example", false},
		{"app.example", "app.example.evil", false},
	}
	for _, tt := range tests {
		if got := mustNew(t, Config{Domain: tt.domain}).Covers(tt.host); got != tt.want {
			t.Errorf("CK-03 Domain %q covers %q: %v", tt.domain, tt.host, got)
		}
	}
}

func TestName(t *testing.T) {
	tests := []struct {
		name        string
		c           Config
		k           Kind
		id          string
		http, https string
	}{
		{"session", Config{}, Session, "", "aura-auth.session_token", "__Secure-aura-auth.session_token"},
		{"CK-01 session __Host-", Config{HostPrefix: true}, Session, "", "aura-auth.session_token", "__Host-aura-auth.session_token"},
		{"CK-03 session with Domain", Config{Domain: "app.example"}, Session, "", "aura-auth.session_token", "__Secure-aura-auth.session_token"},
		{"csrf", Config{}, CSRF, "", "aura-auth.csrf_token", "__Host-aura-auth.csrf_token"},
		{"csrf with Domain", Config{Domain: "app.example"}, CSRF, "", "aura-auth.csrf_token", "__Host-aura-auth.csrf_token"},
		{"flow", Config{}, Flow, "abcdefghijkl_-12", "aura-auth.flow.abcdefghijkl_-12", "__Host-aura-auth.flow.abcdefghijkl_-12"},
		{"flow prefix", Config{}, Flow, "", "aura-auth.flow.", "__Host-aura-auth.flow."},
		{"provider tokens", Config{HostPrefix: true}, ProviderTokens, "github", "aura-auth.access_token.github", "__Secure-aura-auth.access_token.github"},
		{"prefix", Config{Prefix: "shop"}, Session, "", "shop.session_token", "__Secure-shop.session_token"},
	}
	for _, tt := range tests {
		w := mustNew(t, tt.c)
		if got := w.Name(tt.k, tt.id, false); got != tt.http {
			t.Errorf("%s: http %q", tt.name, got)
		}
		if got := w.Name(tt.k, tt.id, true); got != tt.https {
			t.Errorf("%s: https %q", tt.name, got)
		}
	}
}
