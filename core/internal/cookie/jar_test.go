package cookie

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func jarOf(lines ...string) Jar { return Read(http.Header{"Cookie": lines}) }

func TestJarValue(t *testing.T) {
	tests := []struct {
		name      string
		lines     []string
		want      string
		ambiguous bool
	}{
		{"none", nil, "", false},
		{"plain", []string{"a=1; s=ok; b=2"}, "ok", false},
		{"value with =", []string{"s=a=b=="}, "a=b==", false},
		{"no space after ;", []string{"a=1;s=ok;b=2"}, "ok", false},
		{"empty parts", []string{";; s=ok;;"}, "ok", false},
		{"SP and HTAB around", []string{"a=1;\t s\t=ok \t"}, "ok", false},
		{"second line", []string{"a=1", "s=ok"}, "ok", false},
		{"exact name only", []string{"ss=x; s.0=x; S=x; as=x; s-=x"}, "", false},

		{"SE-20 two values", []string{"s=A; s=B"}, "", true},
		{"SE-20 other order", []string{"s=B; s=A"}, "", true},
		{"SE-20 two header lines", []string{"s=A", "s=B"}, "", true},
		{"SE-20 differing in case", []string{"s=A; s=a"}, "", true},
		{"SE-20 the same twice is one", []string{"s=A; x=1; s=A", "s=A"}, "A", false},

		{"SE-21 nameless", []string{"=s=evil; s=ok"}, "ok", false},
		{"SE-21 nameless alone", []string{"=s=evil"}, "", false},
		{"SE-21 nameless after spaces", []string{" = s=evil"}, "", false},
		{"SE-21 several equals signs", []string{"==s=evil"}, "", false},
		{"no equals sign", []string{"s; s=ok"}, "ok", false},

		{"SE-22 $Version and quotes", []string{`$Version=1; s="evil"; $Path=/`}, "", false},
		{"SE-22 sandwich", []string{`$Version=1; x="a; s=ok; y=b"`}, "ok", false},
		{"SE-22 quoted value beside a plain one", []string{`s="evil"; s=ok`}, "ok", false},
		{"SE-22 open quote", []string{`s="ok`}, "", false},
		{"SE-22 U+2000 before the name", []string{"\u2000s=evil"}, "", false},
		{"SE-22 U+00A0 after the name", []string{"s\u00a0=evil"}, "", false},
		{"SE-22 0x85 before the name", []string{"\x85s=evil"}, "", false},
		{"SE-22 vertical tab", []string{"\vs=evil"}, "", false},
		{"SE-22 NUL", []string{"\x00s=evil; s\x00=evil"}, "", false},
		{"SE-22 comma is no separator", []string{"a=1, s=evil"}, "", false},
		{"comma in the value", []string{"s=a,b"}, "", false},
		{"space in the value", []string{"s=a b"}, "", false},
		{"space before the value", []string{"s= a"}, "", false},
		{"backslash in the value", []string{`s=a\b`}, "", false},
		{"byte outside ASCII in the value", []string{"s=ä"}, "", false},
		{"empty value", []string{"s="}, "", false},
		{"empty value beside another", []string{"s=; s=ok"}, "ok", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok, ambiguous := jarOf(tt.lines...).Value("s")
			if got != tt.want || ok != (tt.want != "") || ambiguous != tt.ambiguous {
				t.Errorf("Value = %q, %v, %v", got, ok, ambiguous)
			}
		})
	}
}

func TestDO03ManyCookies(t *testing.T) {
	var b strings.Builder
	for i := range 3001 {
		fmt.Fprintf(&b, "c%d=x; ", i)
	}
	h := http.Header{"Cookie": {b.String() + "s=ok"}}
	if n := len((&http.Request{Header: h}).Cookies()); n != 0 {
		t.Logf("net/http reads %d cookies now", n)
	}
	if got, ok, _ := Read(h).Value("s"); !ok || got != "ok" {
		t.Errorf("Value = %q, %v", got, ok)
	}
	if n := len(Read(h).Names("c")); n != 3001 {
		t.Errorf("%d names", n)
	}
}

func TestJarDoesNotAllocate(t *testing.T) {
	h := http.Header{"Cookie": {strings.Repeat("other=value; ", 500) + "s=ok"}}
	allocs := testing.AllocsPerRun(10, func() {
		j := Read(h)
		j.Value("s")
		j.Chunked("none")
		j.Size("s")
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestJarNames(t *testing.T) {
	j := jarOf("a.flow.x=1; b=2; a.flow.y=3; a.flow.x=4; =a.flow.z=5; a.flow.\u2000=6; a.flow", `a.flow.q="7"`)
	got := j.Names("a.flow.")
	if want := []string{"a.flow.x", "a.flow.y", "a.flow.q"}; !slices.Equal(got, want) {
		t.Errorf("Names = %q, want %q", got, want)
	}
}

func TestJarSize(t *testing.T) {
	j := jarOf("aa=123; b=4; aa.0=5", `aa="6"; =aa=7`)
	if got, want := j.Size("aa"), len("aa=123; ")+len("aa.0=5; ")+len(`aa="6"; `); got != want {
		t.Errorf("Size = %d, want %d", got, want)
	}
	if got, want := j.Size("aa.", "b", "aa"), len("aa=123; b=4; aa.0=5; ")+len(`aa="6"; `); got != want {
		t.Errorf("Size of overlapping prefixes = %d, want %d", got, want)
	}
	if got := j.Size(); got != 0 {
		t.Errorf("Size of nothing = %d", got)
	}
}

func TestIDs(t *testing.T) {
	w := mustNew(t, Config{})
	j := jarOf("__Secure-aura-auth.access_token.gh=1; __Secure-aura-auth.access_token.idp.0=1; __Secure-aura-auth.access_token.idp.1=1; " +
		"__Secure-aura-auth.access_token.=1; __Secure-aura-auth.access_token.a.b=1; aura-auth.access_token.plain=1; " +
		"__Host-aura-auth.flow.abc=1; __Host-aura-auth.flow.abc=2; __Host-aura-auth.flow.x.0=1; __Host-aura-auth.flow.a~b=1")
	if got := w.IDs(j, ProviderTokens, true); !slices.Equal(got, []string{"gh", "idp"}) {
		t.Errorf("provider tokens %q", got)
	}
	if got := w.IDs(j, Flow, true); !slices.Equal(got, []string{"abc"}) {
		t.Errorf("flows %q", got)
	}
	if got := w.IDs(j, ProviderTokens, false); !slices.Equal(got, []string{"plain"}) {
		t.Errorf("provider tokens on http %q", got)
	}
}

// net/http is the oracle for all that is plain on both sides.
func FuzzJarValue(f *testing.F) {
	for _, s := range []string{"s=ok", "a=1; s=A; s=B", "=s=evil; s=ok", `s="q"`, "s=a=b;t=2", "s =x; \ts=x", "s=; s", "s=a b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		j := jarOf(line)
		for _, name := range j.Names("") {
			value, ok, ambiguous := j.Value(name)
			if ok == (value == "") || ok && (ambiguous || !isValue(value) || !strings.Contains(line, value)) {
				t.Fatalf("%q: %q = %q, %v, %v", line, name, value, ok, ambiguous)
			}
		}
		cookies, err := http.ParseCookie(line)
		if err != nil || strings.ContainsAny(line, "\r\n") {
			return
		}
		want := map[string][]string{}
		for _, c := range cookies {
			if !c.Quoted && isValue(c.Value) && !slices.Contains(want[c.Name], c.Value) {
				want[c.Name] = append(want[c.Name], c.Value)
			}
		}
		for name, values := range want {
			value, ok, ambiguous := j.Value(name)
			if ambiguous != (len(values) > 1) || ok != (len(values) == 1) || ok && value != values[0] {
				t.Fatalf("%q: %q = %q, %v, %v, net/http says %q", line, name, value, ok, ambiguous, values)
			}
		}
	})
}
