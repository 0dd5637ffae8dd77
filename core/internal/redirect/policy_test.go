package redirect

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const app = "https://app.example"

type corpusRow struct {
	Payload string `json:"payload"`
	Verdict string `json:"verdict"` // A: as it is; A=: its path; R: refused
	Browser string `json:"browser"` // where a WHATWG parser goes from app
}

func corpus(t testing.TB) []corpusRow {
	t.Helper()
	raw, err := os.ReadFile("testdata/redirect-corpus.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []corpusRow
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 90 {
		t.Fatalf("the corpus has only %d rows", len(rows))
	}
	return rows
}

func mustTrust(t testing.TB, entries ...string) Trusted {
	t.Helper()
	trusted, err := ParseTrusted(entries)
	if err != nil {
		t.Fatal(err)
	}
	return trusted
}

func TestCorpus(t *testing.T) {
	policies := map[string]*Policy{
		"alone":           NewPolicy("/auth", nil),
		"trailing slash":  NewPolicy("/auth/", nil),
		"trusting others": NewPolicy("/auth", mustTrust(t, "https://other.example", "https://*.other.example", "http://localhost:3000")),
		// Trusting our own origin must not open a second way to it.
		"trusting itself": NewPolicy("/auth", mustTrust(t, app)),
	}
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			for _, row := range corpus(t) {
				want, wantOK := "/", false
				switch row.Verdict {
				case "A":
					want, wantOK = row.Payload, true
				case "A=":
					want, wantOK = strings.TrimPrefix(row.Payload, app), true
				case "R":
				default:
					t.Fatalf("%q: unknown verdict %q", row.Payload, row.Verdict)
				}
				got, ok := policy.Safe(app, row.Payload)
				if got != want || ok != wantOK {
					t.Errorf("Safe(%.60q) = %.60q, %v; want %.60q, %v", row.Payload, got, ok, want, wantOK)
				}
				if to := resolve(app, got); to != app {
					t.Errorf("Safe(%.60q) = %.60q, which a browser takes to %s", row.Payload, got, to)
				}
			}
		})
	}
}

// The oracle of the other tests is only worth something if it agrees with the
// browsers' own parser, which filled the corpus's third column.
func TestResolverAgreesWithBrowsers(t *testing.T) {
	for _, row := range corpus(t) {
		got := resolve(app, row.Payload)
		switch row.Browser {
		case "same-origin":
			if got != app {
				t.Errorf("resolve(%.60q) = %s, a browser stays on %s", row.Payload, got, app)
			}
		case "opaque/script":
			if got != "opaque" {
				t.Errorf("resolve(%.60q) = %s, want opaque", row.Payload, got)
			}
		default:
			if got == app {
				t.Errorf("resolve(%.60q) stays, a browser goes to %s", row.Payload, row.Browser)
			}
		}
	}
}

func TestSafePath(t *testing.T) {
	long := "/" + strings.Repeat("a", MaxLen-1)
	tests := []struct {
		why    string
		target string
		want   string // "" stands for refused
	}{
		{"the text a missing option becomes", "undefined", ""},
		{"a path called undefined is a path", "/undefined", "/undefined"},
		{"2048 bytes", long, long},
		{"2049 bytes", long + "a", ""},
		{"2048 bytes after the origin", app + long, long},
		{"2049 bytes after the origin", app + long + "a", ""},
		{"64 KiB", "/" + strings.Repeat("a", 64<<10), ""},
		{"not a URL", "http://[", ""},
		{"broken escape in the path", "/%zz", ""},
		{"broken escape alone", "%zz", ""},
		{"truncated escape", "/a%4", ""},
		{"broken escape in the fragment", "/a#%zz", ""},
		{"invalid UTF-8", "/\xff\xfe", ""},
		{"NUL", "/a\x00b", ""},
		{"encoded NUL", "/a%00b", ""},
		{"encoded backslash", "/a%5cb", ""},
		{"encoded DEL", "/a%7f", ""},
		{"encoded slash in lower and upper case", "/a%2Fb", ""},
		{"dot segment at the end", "/a/..", ""},
		{"single dot at the end", "/a/.", ""},
		{"encoded dot segment", "/a/%2E%2e/b", ""},
		{"half encoded dot segment", "/a/.%2e/b", ""},
		{"dots in a name are a name", "/a/...b/.well-known", "/a/...b/.well-known"},
		{"double encoding is decoded once, and is a name", "/a/%252e%252e/b", "/a/%252e%252e/b"},
		{"trailing slash", "/a/b/", "/a/b/"},
		{"double slash at the end", "/a//", ""},
		{"the origin without a slash", app, ""},
		{"the origin and a query", app + "?a=b", ""},
		{"the origin twice", app + "/" + app + "/x", ""},
		{"the base path itself", "/auth", ""},
		{"with a slash", "/auth/", ""},
		{"with a query", "/auth?x=1", ""},
		{"with a fragment", "/auth#x", ""},
		{"in full", app + "/auth/signOut", ""},
		{"in capitals", "/AuTh/signOut", ""},
		{"encoded", "/%61uth/signOut", ""},
		{"encoded twice is another path", "/%2561uth/signOut", "/%2561uth/signOut"},
		{"only its beginning", "/authors", "/authors"},
		{"further down", "/x/auth/signOut", "/x/auth/signOut"},
		{"in the query", "/x?next=/auth/signOut", "/x?next=/auth/signOut"},
	}
	policy := NewPolicy("/auth", nil)
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			got, ok := policy.Safe(app, tt.target)
			want, wantOK := tt.want, tt.want != ""
			if !wantOK {
				want = "/"
			}
			if got != want || ok != wantOK {
				t.Errorf("Safe(%.60q) = %.60q, %v; want %.60q, %v", tt.target, got, ok, want, wantOK)
			}
		})
	}
}

func TestSafeBasePath(t *testing.T) {
	tests := []struct {
		base, target string
		want         bool
	}{
		{"", "/auth/signOut", true}, // nothing sets our routes apart
		{"", "//evil.example", false},
		{"/", "/auth/signOut", true},
		{"/", "/", true},
		{"/prefix/auth", "/prefix/auth/signOut", false},
		{"/prefix/auth", "/PREFIX/auth", false},
		{"/prefix/auth", "/prefix", true},
		{"/prefix/auth", "/prefix/authors", true},
		{"/prefix/auth", "/auth/signOut", true},
		{"/caf%C3%A9", "/caf%c3%a9/session", false}, // compared decoded, in either spelling
		{"/caf%C3%A9", "/CAF%C3%89/session", false}, // and without case beyond ASCII
		{"/kauth", "/%E2%84%AAauth/session", false}, // the Kelvin sign folds to k in some routers
	}
	for _, tt := range tests {
		if _, ok := NewPolicy(tt.base, nil).Safe(app, tt.target); ok != tt.want {
			t.Errorf("base %q: Safe(%q) accepts: %v, want %v", tt.base, tt.target, ok, tt.want)
		}
	}
}

func TestSafeWithoutOrigin(t *testing.T) {
	policy := NewPolicy("/auth", mustTrust(t, "https://other.example"))
	for target, want := range map[string]string{
		"/a":                      "/a",
		"//evil.example":          "/",
		"https://other.example/a": "/", // our own origin is unknown: no absolute target
	} {
		if got, _ := policy.Safe("", target); got != want {
			t.Errorf("Safe(%q, %q) = %q, want %q", "", target, got, want)
		}
	}
	var zero Policy
	if got, ok := zero.Safe(app, "/a"); got != "/a" || !ok {
		t.Errorf("the zero Policy refuses /a: %q, %v", got, ok)
	}
}

// A caller that reuses its slice must not change a policy that is in use.
func TestNewPolicyCopies(t *testing.T) {
	trusted := mustTrust(t, "https://other.example")
	policy := NewPolicy("/auth", trusted)
	trusted[0] = mustTrust(t, "https://evil.example")[0]
	if _, ok := policy.Safe(app, "https://evil.example/"); ok {
		t.Error("the policy follows changes of the slice that it was made from")
	}
}
