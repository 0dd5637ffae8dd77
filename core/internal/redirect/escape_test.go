package redirect

import (
	"net/url"
	"testing"
)

func TestEscape(t *testing.T) {
	policy := NewPolicy("/auth", mustTrust(t, "https://other.example"))
	tests := []struct {
		why, uri, want string
	}{
		{"nothing to do", "/a/b?c=d", "/a/b?c=d"},
		{"escapes that are there stay", "/a%20b?c=%22", "/a%20b?c=%22"},
		{"UTF-8", "/café?q=né", "/caf%C3%A9?q=n%C3%A9"},
		{"what Safe refuses in a path", "/a\"<>^`{|}b", "/a%22%3C%3E%5E%60%7B%7C%7Db"},
		{"and in a query", `/a?filter={"x":[1|2]}&p=c:\d`, "/a?filter=%7B%22x%22:[1%7C2]%7D&p=c:%5Cd"},
		{"a fragment cannot be sent, so it is a byte", "/a#b?c#d", "/a%23b?c%23d"},
		{"a backslash in a path is one when decoded", `/a\b`, "/"},
		{"network path", "//evil.example", "/"},
		{"backslash for a slash", `/\evil.example`, "/"},
		{"an empty segment", "/a//b", "/"},
		{"a dot segment", "/a/../b", "/"},
		{"a broken escape", "/%zz", "/"},
		{"the base path", "/auth/session", "/"},
		{"control byte", "/a\tb", "/"},
		{"asterisk form", "*", "/"},
		{"absolute form, even of a trusted origin", "https://other.example/x", "/"},
		{"absolute form of our own", app + "/x", "/"},
		{"nothing", "", "/"},
		{"the word", "undefined", "/"},
		{"too long once it is encoded", "/" + string(make([]byte, MaxLen)), "/"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			got := policy.Escape(app, tt.uri)
			if got != tt.want {
				t.Fatalf("Escape(%.60q) = %q, want %q", tt.uri, got, tt.want)
			}
			if safe, ok := policy.Safe(app, got); safe != got || !ok {
				t.Errorf("Safe refuses Escape's own %q", got)
			}
		})
	}
}

// The handler behind the way back must see the path and the query it saw the
// first time.
func TestEscapeKeepsTheMeaning(t *testing.T) {
	policy := NewPolicy("/auth", nil)
	for _, uri := range []string{"/café", `/a"b`, "/a{b}", `/s?q=a"b&r={c|d}\e`, "/a%20b?x=%26"} {
		before, err := url.ParseRequestURI(uri)
		if err != nil {
			t.Fatal(err)
		}
		after, err := url.ParseRequestURI(policy.Escape(app, uri))
		if err != nil {
			t.Fatal(err)
		}
		if after.Path != before.Path || after.Query().Encode() != before.Query().Encode() {
			t.Errorf("%q became %q", uri, after)
		}
	}
}
