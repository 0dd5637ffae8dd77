package redirect

import (
	"strings"
	"testing"
)

func TestParseTrusted(t *testing.T) {
	good := map[string]string{
		"https://app.example":            "https://app.example",
		"https://App.Example":            "https://app.example",
		"HTTPS://app.example:443":        "https://app.example",
		"https://app.example:8443":       "https://app.example:8443",
		"https://*.app.example":          "https://*.app.example",
		"https://*.app.example:8443":     "https://*.app.example:8443",
		"http://localhost:3000":          "http://localhost:3000",
		"http://*.localhost:3000":        "http://*.localhost:3000",
		"http://127.0.0.1:80":            "http://127.0.0.1",
		"http://[::1]:3000":              "http://[::1]:3000",
		"https://xn--bcher-kva.example":  "https://xn--bcher-kva.example",
		"https://under_score.app.test":   "https://under_score.app.test",
		"https://3com.example":           "https://3com.example",
		"https://a.b.c.d.e.f.example:65": "https://a.b.c.d.e.f.example:65",
	}
	for entry, want := range good {
		trusted, err := ParseTrusted([]string{entry})
		if err != nil {
			t.Errorf("ParseTrusted(%q): %v", entry, err)
			continue
		}
		if got := trusted[0].String(); got != want {
			t.Errorf("ParseTrusted(%q) = %s, want %s", entry, got, want)
		}
		if scheme, _, _ := strings.Cut(want, ":"); trusted[0].Scheme() != scheme {
			t.Errorf("ParseTrusted(%q).Scheme() = %s", entry, trusted[0].Scheme())
		}
	}

	bad := []string{
		"", "*", "app.example", "//app.example", "*.app.example", "https:app.example",
		"https://", "https://*", "https://*.", "https://*.com", "https://*:443", "https://.app.example",
		"https://app.example/", "https://app.example/path", "https://app.example?x", "https://app.example#x",
		"https://user@app.example", "https://user:pw@app.example",
		"https://a.*.example", "https://*app.example", "https://*.*.app.example", "https://app.*",
		"https://app.example:", "https://app.example:*", "https://app.example:0", "https://app.example:0443",
		"https://app.example:65536", "https://app.example:+443", "https://app.example:443:443",
		"https://app.example.", "https://app..example", "https://bücher.example", "https://\u212aelvin.example",
		"https://0x7f.1", "https://127.1", "https://256.1.1.1", "https://1.2.3.0x4", "https://*.0.0.1",
		"https://[::1", "https://::1", "https://[fe80::1%25eth0]", "https://[::ffff:127.0.0.1]", "https://[0:0::1]",
		"https://*.[::1]", "https://[127.0.0.1]",
		"ftp://app.example", "myapp://callback", "javascript://app.example", "null",
		" https://app.example", "https://app.example ", "https://app.exa mple", "https://app.example\\",
		"https://" + strings.Repeat("a", 64) + ".example", "https://" + strings.Repeat("a.", 127) + "example",
	}
	for _, entry := range bad {
		if trusted, err := ParseTrusted([]string{entry}); err == nil {
			t.Errorf("ParseTrusted(%q) = %v, want an error", entry, trusted)
		}
	}

	trusted, err := ParseTrusted(append([]string{"https://fine.example"}, bad...))
	if err == nil || trusted != nil {
		t.Fatalf("one good entry among bad ones: %v, %v", trusted, err)
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != len(bad) {
		t.Errorf("%d problems reported at once, want all %d:\n%v", got, len(bad), err)
	}
	if trusted, err := ParseTrusted(nil); err != nil || len(trusted) != 0 {
		t.Errorf("ParseTrusted(nil) = %v, %v", trusted, err)
	}
}

// Catalogue OR-07.
func TestSafeTrustedOrigins(t *testing.T) {
	policy := NewPolicy("/auth", mustTrust(t, "https://*.app.example", "https://partner.example:8443", "http://[::1]:3000"))
	tests := []struct {
		target string
		want   bool
	}{
		{"https://x.app.example", true},
		{"https://x.app.example/", true},
		{"https://x.app.example/a/b?c=d#e", true},
		{"https://x.app.example?c=d", true},
		{"https://x.app.example#e", true},
		{"https://x.app.example:443/", true},
		{"https://x.app.example/auth/session", true}, // the base path is ours, not theirs
		{"https://partner.example:8443/x", true},
		{"http://[::1]:3000/x", true},

		{"https://evil-app.example", false},
		{"https://evilapp.example", false},
		{"https://app.example.evil.example", false},
		{"http://x.app.example", false},
		{"https://x.app.example:8443", false},
		{"https://x.app.example:0443/", false},
		{"https://x.app.example:/", false},
		{"https://x.app.example@evil.example", false},
		{"https://user@x.app.example/", false},
		{"https://@x.app.example/", false},
		{"https://evil.example#.app.example", false},
		{"https://evil.example?.app.example", false},
		{"https://evil.example/.app.example", false},
		{`https://x.app.example\.evil.example`, false},
		{`https://evil.example\.app.example`, false},
		{"https://a.b.app.example", false}, // exactly one label
		{"https://app.example", false},     // no label, and our own origin
		{"https://.app.example", false},
		{"https://*.app.example", false},
		{"https://%78.app.example/", false}, // decoded by net/url, which a browser does too late
		{"https://x%2eapp.example/", false},
		{"https://X.app.example/", false},
		{"HTTPS://x.app.example/", false},
		{"https:x.app.example/", false},
		{"https:/x.app.example/", false},
		{"https:///x.app.example/", false},
		{"//x.app.example/", false},
		{"https://x.app.example./", false},
		{"https://x.app.example//evil.example", false},
		{"https://x.app.example/../x", false},
		{"https://x.app.example/a b", false},
		{"https://x.app.example/%0d%0aX:y", false},
		{"https://partner.example/x", false},
		{"https://x.app.example/" + strings.Repeat("a", MaxLen), false},
	}
	for _, tt := range tests {
		got, ok := policy.Safe("https://www.test", tt.target)
		if ok != tt.want {
			t.Errorf("Safe(%.60q) accepts: %v, want %v", tt.target, ok, tt.want)
		}
		if want := tt.target; ok && got != want || !ok && got != "/" {
			t.Errorf("Safe(%.60q) = %q", tt.target, got)
		}
	}
}

// Our own origin is reached by its byte-exact prefix alone, however widely the
// trusted origins are drawn.
func TestOwnOriginIsNeverTrusted(t *testing.T) {
	policy := NewPolicy("/auth", mustTrust(t, "https://*.example.test", "https://me.example.test"))
	const own = "https://me.example.test"
	for target, want := range map[string]string{
		own + "/x":                            "/x",
		own + "/auth/signOut":                 "/",
		own + ":443/auth/signOut":             "/",
		own + ":443/x":                        "/",
		own:                                   "/",
		own + "?x":                            "/",
		"https://you.example.test/x":          "https://you.example.test/x",
		"https://you.example.test/auth/x?a=b": "https://you.example.test/auth/x?a=b",
	} {
		if got, _ := policy.Safe(own, target); got != want {
			t.Errorf("Safe(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestMatchOrigin(t *testing.T) {
	trusted := mustTrust(t, "https://*.app.example", "https://partner.example:8443", "http://localhost:3000")
	for origin, want := range map[string]bool{
		"https://x.app.example":                              true,
		"https://partner.example:8443":                       true,
		"http://localhost:3000":                              true,
		"":                                                   false,
		"null":                                               false,
		"https://app.example":                                false,
		"https://a.b.app.example":                            false,
		"https://x.app.example:443":                          false, // no browser serializes a default port
		"https://x.app.example:8443":                         false,
		"https://x.app.example/":                             false,
		"https://X.app.example":                              false,
		"HTTPS://x.app.example":                              false,
		"http://x.app.example":                               false,
		"//x.app.example":                                    false,
		"x.app.example":                                      false,
		"https://*.app.example":                              false,
		"https://partner.example":                            false,
		"https://x.app.example@evil.example":                 false,
		"https://x.app.example.evil.example":                 false,
		"https://evil.example\x00.app.example":               false,
		"https://x.app.example https://x.app.example":        false,
		"https://x.app.example, https://partner.example":     false,
		"https://" + strings.Repeat("x.", 9) + "app.example": false,
	} {
		if got := trusted.MatchOrigin(origin); got != want {
			t.Errorf("MatchOrigin(%q) = %v, want %v", origin, got, want)
		}
	}
	if Trusted(nil).MatchOrigin("https://x.app.example") {
		t.Error("a nil list trusts somebody")
	}
	var zero Pattern
	if (Trusted{zero}).MatchOrigin("://:") || (Trusted{zero}).MatchOrigin("") {
		t.Error("the zero Pattern matches something")
	}
}
