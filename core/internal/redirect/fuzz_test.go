package redirect

import (
	"strings"
	"testing"
)

// What Safe returns stays on the origin, or goes to one that is trusted, by the
// reading of browsers; it can be written into a header; and asking again changes
// nothing.
func FuzzSafe(f *testing.F) {
	for _, row := range corpus(f) {
		f.Add(row.Payload)
	}
	for _, seed := range []string{
		"https://x.other.example/a", `https://x.other.example\@evil.example`, "https://x.other.example:443",
		"https://%6f.other.example", "https://x.other.example@evil.example", "/%5c/evil.example", "undefined",
	} {
		f.Add(seed)
	}
	trusted := mustTrust(f, "https://*.other.example")
	policy := NewPolicy("/auth", trusted)
	f.Fuzz(func(t *testing.T, target string) {
		got, ok := policy.Safe(app, target)
		if !ok && got != "/" {
			t.Fatalf("refused, and yet %q", got)
		}
		checkTarget(t, trusted, got)
		if again, _ := policy.Safe(app, got); again != got {
			t.Fatalf("Safe(%q) = %q, not idempotent", got, again)
		}

		escaped := policy.Escape(app, target)
		checkTarget(t, nil, escaped)
		if again, ok := policy.Safe(app, escaped); again != escaped || !ok {
			t.Fatalf("Safe refuses Escape's %q", escaped)
		}
	})
}

func checkTarget(t *testing.T, trusted Trusted, got string) {
	t.Helper()
	for _, c := range []byte(got) {
		if c <= ' ' || c >= 0x7f {
			t.Fatalf("%q has a byte that does not belong into a Location header", got)
		}
	}
	to := resolve(app, got)
	if to != app && !(strings.HasPrefix(to, "https://") && trusted.MatchOrigin(to)) {
		t.Fatalf("%q takes a browser to %s", got, to)
	}
	if to == app && (len(got) == 0 || got[0] != '/') {
		t.Fatalf("%q is on our origin and not a path", got)
	}
	lower := strings.ToLower(got)
	if lower == "/auth" || strings.HasPrefix(lower, "/auth/") {
		t.Fatalf("%q is under the base path", got)
	}
}
