package cookie

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The one cookie with SameSite=None: on https only, whatever is configured, and
// never under a Domain.
func TestPostedFlowLine(t *testing.T) {
	tests := []struct {
		name   string
		c      Config
		secure bool
		want   string
	}{
		{"https", Config{}, true, "__Host-aura-auth.flow_post.abc=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=None"},
		{"http: browsers take None with Secure only", Config{}, false, "aura-auth.flow_post.abc=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; SameSite=Lax"},
		{"a Domain is the session's alone", Config{Domain: "app.example"}, true, "__Host-aura-auth.flow_post.abc=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=None"},
		{"Strict is the session's alone", Config{SessionSameSite: Strict}, true, "__Host-aura-auth.flow_post.abc=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=None"},
		{"a prefix of one's own", Config{Prefix: "shop"}, true, "__Host-shop.flow_post.abc=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=None"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := mustNew(t, tt.c)
			var l Lines
			if err := w.Set(&l, PostedFlow, "abc", tt.secure, "v", time.Hour, now); err != nil {
				t.Fatal(err)
			}
			if got := l.Header()["Set-Cookie"]; !slices.Equal(got, []string{tt.want}) {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
			w.Expire(&l, PostedFlow, "abc", tt.secure)
			want := strings.NewReplacer("=v;", "=;", "Max-Age=3600", "Max-Age=0", "Sun, 01 Mar 2026 12:00:00", "Thu, 01 Jan 1970 00:00:00").Replace(tt.want)
			if got := l.Header()["Set-Cookie"]; !slices.Equal(got, []string{want}) {
				t.Errorf("deletion\n got %q\nwant %q", got, want)
			}
		})
	}
}

// No other kind has SameSite=None, under any configuration.
func TestNoneIsOfPostedFlowsAlone(t *testing.T) {
	for _, c := range []Config{{}, {SessionSameSite: Strict}, {HostPrefix: true}, {Domain: "app.example"}} {
		for k, id := range map[Kind]string{Session: "", CSRF: "", Flow: "abc", ProviderTokens: "gh"} {
			for _, secure := range []bool{true, false} {
				w := mustNew(t, c)
				var l Lines
				if err := w.Set(&l, k, id, secure, "v", time.Hour, now); err != nil {
					t.Fatal(err)
				}
				if line := l.Header().Get("Set-Cookie"); strings.Contains(line, "None") {
					t.Errorf("kind %d under %+v: %q", k, c, line)
				}
			}
		}
	}
}

// Flows of one kind are never taken for those of the other, nor for chunks.
func TestPostedFlowsStandApart(t *testing.T) {
	w := mustNew(t, Config{})
	for _, secure := range []bool{true, false} {
		prefix := map[bool]string{true: "__Host-", false: ""}[secure]
		j := jarOf(prefix + "aura-auth.flow.one=1; " + prefix + "aura-auth.flow_post.two=2; " + prefix + "aura-auth.flow_post.two.0=3; aura-auth.flow_postx=4; __Secure-aura-auth.flow_post.planted=5")
		for k, want := range map[Kind][]string{Flow: {"one"}, PostedFlow: {"two"}} {
			if got := w.IDs(j, k, secure); !slices.Equal(got, want) {
				t.Errorf("kind %d, secure %t: %q, want %q", k, secure, got, want)
			}
		}
		if value, ok, _ := j.Value(w.Name(PostedFlow, "one", secure)); ok {
			t.Errorf("the flow's cookie is read as a posted one: %q", value)
		}
		if value, ok, _ := j.Value(w.Name(Flow, "two", secure)); ok {
			t.Errorf("the posted flow's cookie is read as a flow's: %q", value)
		}
	}
	// Over https nothing is read that a page over http can plant.
	if got := w.IDs(jarOf("aura-auth.flow_post.two=2; __Secure-aura-auth.flow_post.three=3"), PostedFlow, true); len(got) != 0 {
		t.Errorf("planted ones are read: %q", got)
	}
}

func TestPostedFlowRefuses(t *testing.T) {
	w := mustNew(t, Config{})
	for what, id := range map[string]string{"no id": "", "a dot": "a.0", "CR LF": "a\r\n", "=": "a=b", "65 bytes": strings.Repeat("a", 65)} {
		var l Lines
		if err := w.Set(&l, PostedFlow, id, true, "v", time.Hour, now); err == nil || len(l.Header()) != 0 {
			t.Errorf("%s: %v, %q", what, err, l.Header())
		}
	}
	var l Lines
	if err := w.SetChunked(&l, jarOf(), PostedFlow, "abc", true, strings.Repeat("v", 5000), time.Hour, now); err == nil {
		t.Errorf("a posted flow has been split: %q", l.Header())
	}
}
