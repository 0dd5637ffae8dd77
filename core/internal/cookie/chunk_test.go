package cookie

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestChunked(t *testing.T) {
	tests := []struct {
		name, line, want string
		ambiguous        bool
	}{
		{"unsplit", "s=ok", "ok", false},
		{"two chunks", "s.0=aa; s.1=bb", "aabb", false},
		{"any order", "s.1=bb; x=1; s.0=aa", "aabb", false},
		{"eleven chunks are joined by number", "s.10=k; s.0=a; s.1=b; s.2=c; s.3=d; s.4=e; s.5=f; s.6=g; s.7=h; s.8=i; s.9=j", "abcdefghijk", false},
		{"unsplit beside chunks", "s.0=aa; s=ok; s.1=bb", "", true},
		{"unsplit beside strays", "s=ok; s.7=x; s.00=y", "", true},
		{"unsplit beside names that are no chunks", "s=ok; s.x=x; s.7=", "ok", false},
		{"other cookies with a dot", "s.0=aa; s.x=1; s.=2; s.0a=3; ss.1=4; s.-=5", "aa", false},
		{"none", "x=1", "", false},

		{"SE-18 first missing", "s.1=bb", "", false},
		{"SE-18 middle missing", "s.0=aa; s.2=cc", "", false},
		{"SE-18 stray .7", "s.0=aa; s.1=bb; s.7=x", "", false},
		{"SE-18 index 10⁹", "s.0=aa; s.1000000000=x", "", false},
		{"SE-18 index beyond every integer", "s.0=aa; s." + strings.Repeat("9", 400) + "=x", "", false},
		{"SE-18 index 20", "s.0=aa; s.20=x", "", false},
		{"SE-18 negative", "s.0=aa; s.-1=x", "", false},
		{"SE-18 minus zero", "s.-0=aa", "", false},
		{"SE-18 plus", "s.0=aa; s.+1=x", "", false},
		{"SE-18 00", "s.00=aa", "", false},
		{"SE-18 00 beside 0", "s.0=aa; s.00=aa", "", false},
		{"SE-18 01", "s.0=aa; s.01=x", "", false},
		{"SE-18 duplicated, different", "s.0=aa; s.1=bb; s.0=zz", "", true},
		{"SE-18 duplicated, same", "s.0=aa; s.1=bb; s.0=aa", "aabb", false},
		{"SE-18 empty chunk", "s.0=aa; s.1=; s.2=cc", "", false},
		{"SE-18 quoted chunk", `s.0=aa; s.1="bb"`, "", false},
		{"SE-20 unsplit twice", "s=A; s=B; s.0=aa", "", true},
		{"SE-21 nameless", "=s.1=evil; s.0=aa", "aa", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok, ambiguous := jarOf(tt.line).Chunked("s")
			if got != tt.want || ok != (tt.want != "") || ambiguous != tt.ambiguous {
				t.Errorf("Chunked = %q, %v, %v", got, ok, ambiguous)
			}
		})
	}
}

func TestSE18LargeChunksAreBounded(t *testing.T) {
	big := strings.Repeat("v", 40<<10)
	if got, ok, _ := jarOf("s.0=" + big + "; s.1=" + big).Chunked("s"); ok {
		t.Errorf("%d bytes joined", len(got))
	}
}

func TestSE16SplitAndJoined(t *testing.T) {
	for _, max := range []int{0, 64 << 10} {
		w := mustNew(t, Config{MaxBytes: max})
		for _, n := range []int{1, 2000, 3900, 3966, 3967, 3968, 3969, 4000, 5400, 8 << 10, 12 << 10, 61 << 10} {
			if max == 0 && n > 5400 {
				continue
			}
			b := newBrowser(t, "https://app.example/")
			value := strings.Repeat("0123456789abcdef-_.", n/19+1)[:n]
			var l Lines
			if err := w.SetChunked(&l, b.sends(), Session, "", true, value, time.Hour, now); err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			checkPairs(t, &l)
			b.apply(&l)
			got, ok, _ := b.sends().Chunked(w.Name(Session, "", true))
			if !ok || got != value {
				t.Errorf("%d bytes: read %d bytes, %v", n, len(got), ok)
			}
			if chunked := n+len(w.Name(Session, "", true)) > maxPair; chunked != (len(l.entries) > 1) {
				t.Errorf("%d bytes in %d cookies", n, len(l.entries))
			}
		}
	}
}

func checkPairs(t testing.TB, l *Lines) {
	t.Helper()
	seen := map[string]bool{}
	for _, line := range l.Header()["Set-Cookie"] {
		pair, attributes, _ := strings.Cut(line, ";")
		name, value, _ := strings.Cut(pair, "=")
		if len(name)+len(value) > 4000 || len(attributes) > 1024 {
			t.Errorf("CK-06: %s takes %d and %d bytes", name, len(name)+len(value), len(attributes))
		}
		if seen[name] {
			t.Errorf("CK-07: two lines for %s", name)
		}
		seen[name] = true
	}
}

func TestSE17OverMaxBytes(t *testing.T) {
	w := mustNew(t, Config{})
	name := w.Name(Session, "", true)
	csrf := w.Name(CSRF, "", true) + "=" + strings.Repeat("c", 500)
	// Two chunks: two names, two indices, two "=" and "; " each.
	fits := 7168 - 1280 - 2*(len(name)+len(".0")+len("=; "))
	tests := []struct {
		name, cookies string
		length        int
		ok            bool
	}{
		{"largest", "", fits - csrfReserve, true},
		{"one more", "", fits - csrfReserve + 1, false},
		{"largest beside a long csrf cookie", csrf, fits - len(csrf) - 2, true},
		{"one more beside it", csrf, fits - len(csrf) - 1, false},
		{"provider tokens yield to the session", "__Secure-aura-auth.access_token.gh=" + strings.Repeat("t", 3900), fits - csrfReserve, true},
		{"more than 20 chunks", "", 80_000, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l Lines
			if err := w.Set(&l, Flow, "abc", true, "f", time.Minute, now); err != nil {
				t.Fatal(err)
			}
			before := l.Header()["Set-Cookie"]
			err := w.SetChunked(&l, jarOf(tt.cookies+"; "+name+"=old"), Session, "", true, strings.Repeat("v", tt.length), time.Hour, now)
			if tt.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrTooLarge) || strings.Contains(err.Error(), "vvv") {
				t.Errorf("error %v", err)
			}
			if got := l.Header()["Set-Cookie"]; !slices.Equal(got, before) {
				t.Errorf("lines changed: %q", got)
			}
		})
	}
}

func TestProviderTokensYield(t *testing.T) {
	w := mustNew(t, Config{})
	tokens := strings.Repeat("t", 3900)
	session := "__Secure-aura-auth.session_token=" + strings.Repeat("s", 1000)
	tests := []struct {
		name, cookies string
		ok            bool
	}{
		{"session alone", session, true},
		{"no session yet", "", true},
		{"a large session", session + strings.Repeat("s", 1000), false},
		{"other provider's tokens", session + "; __Secure-aura-auth.access_token.gh=" + strings.Repeat("t", 800), false},
		{"its own old tokens are replaced", session + "; __Secure-aura-auth.access_token.idp=" + strings.Repeat("o", 3900), true},
		{"its own old chunks are replaced", session + "; __Secure-aura-auth.access_token.idp.0=" + strings.Repeat("o", 3900), true},
		{"flows within the reserve", session + "; __Host-aura-auth.flow.a=" + strings.Repeat("f", 1000), true},
		{"flows of other tabs", session + "; __Host-aura-auth.flow.a=" + strings.Repeat("f", 1000) + "; __Host-aura-auth.flow.b=" + strings.Repeat("f", 1000), false},
		{"the other scheme's cookies are not ours", session + "; aura-auth.session_token=" + strings.Repeat("s", 3000), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l Lines
			err := w.SetChunked(&l, jarOf(tt.cookies), ProviderTokens, "idp", true, tokens, time.Hour, now)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrTooLarge) {
				t.Errorf("error %v", err)
			}
		})
	}
	// What this response has decided counts, not what the request brought.
	var l Lines
	if err := w.SetChunked(&l, Jar{}, Session, "", true, strings.Repeat("s", 2000), time.Hour, now); err != nil {
		t.Fatal(err)
	}
	if err := w.SetChunked(&l, jarOf(session), ProviderTokens, "idp", true, tokens, time.Hour, now); !errors.Is(err, ErrTooLarge) {
		t.Errorf("beside a new large session: %v", err)
	}
}

func TestSetChunkedRefuses(t *testing.T) {
	w := mustNew(t, Config{})
	var l Lines
	for _, k := range []Kind{CSRF, Flow, 0, 9} {
		if err := w.SetChunked(&l, Jar{}, k, "", true, "v", time.Hour, now); err == nil {
			t.Errorf("kind %d is split", k)
		}
	}
	for _, value := range []string{"", "a\r\nb", "a;b"} {
		if err := w.SetChunked(&l, Jar{}, Session, "", true, value, time.Hour, now); err == nil {
			t.Errorf("CK-09: %q accepted", value)
		}
	}
	if err := w.SetChunked(&l, Jar{}, ProviderTokens, "a.0", true, "v", time.Hour, now); err == nil {
		t.Error("an id with a dot is accepted")
	}
	if len(l.entries) != 0 {
		t.Errorf("lines changed: %v", l.Header())
	}
}

func TestSE19StaleChunks(t *testing.T) {
	w := mustNew(t, Config{MaxBytes: 32 << 10})
	name := w.Name(Session, "", true)
	b := newBrowser(t, "https://app.example/")
	for _, n := range []int{10, 11000, 5000, 9000, 100, 3900, 4100, 20} {
		var l Lines
		value := strings.Repeat(strconv.Itoa(n%10), n)
		if err := w.SetChunked(&l, b.sends(), Session, "", true, value, time.Hour, now); err != nil {
			t.Fatal(err)
		}
		checkPairs(t, &l)
		b.apply(&l)
		j := b.sends()
		if got, ok, _ := j.Chunked(name); !ok || got != value {
			t.Fatalf("%d bytes: read %d, %v", n, len(got), ok)
		}
		if want := len(split(name, value)); len(j.Names("")) != want {
			t.Fatalf("%d bytes: %q are left, want %d", n, j.Names(""), want)
		}
	}
	var l Lines
	if err := w.SetChunked(&l, b.sends(), Session, "", true, strings.Repeat("v", 11000), time.Hour, now); err != nil {
		t.Fatal(err)
	}
	b.apply(&l)
	var out Lines
	w.ExpireAll(&out, b.sends(), Session, "", true)
	b.apply(&out)
	if left := b.sends().Names(""); len(left) != 0 {
		t.Errorf("sign-out leaves %q", left)
	}
}

func TestSE19WithinOneResponse(t *testing.T) {
	w := mustNew(t, Config{MaxBytes: 32 << 10})
	name := w.Name(Session, "", true)
	var l Lines
	set := func(n int) {
		t.Helper()
		if err := w.SetChunked(&l, Jar{}, Session, "", true, strings.Repeat("v", n), time.Hour, now); err != nil {
			t.Fatal(err)
		}
	}
	live := func() (names []string) {
		for _, e := range l.entries {
			if e.value != "" {
				names = append(names, e.name)
			}
		}
		return names
	}
	set(9000)
	set(5000)
	if got := live(); !slices.Equal(got, []string{name + ".0", name + ".1"}) {
		t.Errorf("smaller: %q", got)
	}
	set(10)
	if got := live(); !slices.Equal(got, []string{name}) {
		t.Errorf("unsplit: %q", got)
	}
	set(5000)
	if got := live(); !slices.Equal(got, []string{name + ".0", name + ".1"}) {
		t.Errorf("split again: %q", got)
	}
	w.ExpireAll(&l, Jar{}, Session, "", true)
	if got := live(); len(got) != 0 {
		t.Errorf("renewal, then sign-out: %q", got)
	}
	checkPairs(t, &l)
}

// A planted stray must not survive, or it would keep its victim signed out.
func TestSE18StraysAreExpired(t *testing.T) {
	w := mustNew(t, Config{})
	name := w.Name(Session, "", true)
	var l Lines
	j := jarOf(name + ".7=x; " + name + ".00=x; " + name + ".-1=x; " + name + ".1000000000=x; " + name + ".other=keep; " + name + "." + strings.Repeat("9", 300) + "=x")
	if err := w.SetChunked(&l, j, Session, "", true, strings.Repeat("v", 5000), time.Hour, now); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{".7", ".00", ".-1", ".1000000000"} {
		if !slices.ContainsFunc(l.entries, func(e entry) bool { return e.name == name+suffix && e.value == "" }) {
			t.Errorf("%s stays", suffix)
		}
	}
	if l.has(name + ".other") {
		t.Error("a cookie that is no chunk is expired")
	}
	var many strings.Builder
	for i := range 5000 {
		many.WriteString(name + "." + strconv.Itoa(i) + "=x; ")
	}
	var out Lines
	w.ExpireAll(&out, jarOf(many.String()), Session, "", true)
	if n := len(out.entries); n > maxStale+1 {
		t.Errorf("%d lines for 5,000 planted names", n)
	}
}

var canonical = regexp.MustCompile(`^s\.(1?[0-9])$`)
var numbered = regexp.MustCompile(`^s\.[+-]*[0-9]+$`)

// The oracle says the same in the plainest words, on net/http's parser.
func FuzzChunked(f *testing.F) {
	for _, s := range []string{"s=ok", "s.0=a; s.1=b", "s.1=b; s.0=a; s.7=c", "s.00=a", "s.-1=x; s.0=y", "s.0=a; s.0=b", "s.19=x", "s=A; s=B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, ok, ambiguous := jarOf(line).Chunked("s")
		if ok == (got == "") || ok && ambiguous || len(got) > 64<<10 {
			t.Fatalf("%q: %q, %v, %v", line, got, ok, ambiguous)
		}
		cookies, err := http.ParseCookie(line)
		if err != nil || strings.ContainsAny(line, "\r\n") {
			return
		}
		values := map[string][]string{}
		strays := false
		for _, c := range cookies {
			usable := !c.Quoted && isValue(c.Value)
			switch {
			case c.Name == "s" && !usable:
			case numbered.MatchString(c.Name) && (!usable || !canonical.MatchString(c.Name)):
				strays = true
			case c.Name == "s" || numbered.MatchString(c.Name):
				if !slices.Contains(values[c.Name], c.Value) {
					values[c.Name] = append(values[c.Name], c.Value)
				}
			}
		}
		want := ""
		if unsplit := values["s"]; len(unsplit) == 1 {
			want = unsplit[0]
		} else if len(unsplit) == 0 && !strays {
			for i := range values {
				if n, _ := strconv.Atoi(i[2:]); len(values[i]) > 1 || n >= len(values) {
					values = nil // a gap, or two values for one chunk
					break
				}
			}
			for n := range len(values) {
				want += values["s."+strconv.Itoa(n)][0]
			}
		}
		if got != want {
			t.Fatalf("%q: joined %q, want %q", line, got, want)
		}
	})
}

func FuzzSetChunked(f *testing.F) {
	f.Add(10, "", true)
	f.Add(9000, "__Secure-aura-auth.session_token=x; __Secure-aura-auth.session_token.4=y", true)
	f.Add(5000, "aura-auth.session_token.00=x; aura-auth.session_token.1=x", false)
	w := mustNew(f, Config{MaxBytes: 32 << 10})
	f.Fuzz(func(t *testing.T, n int, cookies string, secure bool) {
		if n < 1 || n > 70_000 || len(w.stray(jarOf(cookies), secure)) > maxStale {
			return
		}
		value := strings.Repeat("v", n)
		jar := jarOf(cookies)
		var l Lines
		err := w.SetChunked(&l, jar, Session, "", secure, value, time.Hour, now)
		if err != nil {
			if len(l.entries) != 0 {
				t.Fatalf("%v, yet %q", err, l.Header())
			}
			return
		}
		checkPairs(t, &l)
		// What the browser then sends: its cookies by name, ours on top.
		var sent []string
		for s := jar.scan(); s.next(); {
			if !l.has(s.name) && len(s.name) < 200 {
				sent = append(sent, s.name+"="+s.value)
			}
		}
		for _, e := range l.entries {
			if e.value != "" {
				sent = append(sent, e.name+"="+e.value)
			}
		}
		got, ok, _ := jarOf(strings.Join(sent, "; ")).Chunked(w.Name(Session, "", secure))
		if !ok || got != value {
			t.Fatalf("%q: read %d of %d bytes, %v", sent, len(got), n, ok)
		}
	})
}

// stray lists what a new value must remove.
func (w *Wardrobe) stray(j Jar, secure bool) []string {
	return j.Names(w.Name(Session, "", secure) + ".")
}
