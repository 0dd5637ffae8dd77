package cookie

import (
	"errors"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSetLine(t *testing.T) {
	tests := []struct {
		name   string
		c      Config
		k      Kind
		id     string
		secure bool
		want   string
	}{
		{"CK-01 session", Config{}, Session, "", true, "__Secure-aura-auth.session_token=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax"},
		{"CK-01 session __Host-", Config{HostPrefix: true}, Session, "", true, "__Host-aura-auth.session_token=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax"},
		{"CK-01 csrf", Config{}, CSRF, "", true, "__Host-aura-auth.csrf_token=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Strict"},
		{"CK-01 flow", Config{SessionSameSite: Strict}, Flow, "abc", true, "__Host-aura-auth.flow.abc=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax"},
		{"CK-01 provider tokens", Config{Domain: "app.example"}, ProviderTokens, "gh", true, "__Secure-aura-auth.access_token.gh=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax"},
		{"CK-02 session on http", Config{}, Session, "", false, "aura-auth.session_token=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; SameSite=Lax"},
		{"CK-02 csrf on http", Config{}, CSRF, "", false, "aura-auth.csrf_token=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; SameSite=Strict"},
		{"CK-03 session with Domain", Config{Domain: ".App.example"}, Session, "", true, "__Secure-aura-auth.session_token=v; Path=/; Domain=app.example; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax"},
		{"CK-03 csrf keeps __Host- beside a Domain", Config{Domain: "app.example"}, CSRF, "", true, "__Host-aura-auth.csrf_token=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Strict"},
		{"session Strict", Config{SessionSameSite: Strict}, Session, "", true, "__Secure-aura-auth.session_token=v; Path=/; Max-Age=3600; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Strict"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := mustNew(t, tt.c)
			var l Lines
			if err := w.Set(&l, tt.k, tt.id, tt.secure, "v", time.Hour, now); err != nil {
				t.Fatal(err)
			}
			if got := l.Header()["Set-Cookie"]; !slices.Equal(got, []string{tt.want}) {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
			// The line that deletes differs in value and lifetime alone.
			w.Expire(&l, tt.k, tt.id, tt.secure)
			want := strings.NewReplacer("=v;", "=;", "Max-Age=3600", "Max-Age=0", "Sun, 01 Mar 2026 12:00:00", "Thu, 01 Jan 1970 00:00:00").Replace(tt.want)
			if got := l.Header()["Set-Cookie"]; !slices.Equal(got, []string{want}) {
				t.Errorf("CK-05, CK-07 deletion\n got %q\nwant %q", got, want)
			}
		})
	}
}

func TestCK08Lifetime(t *testing.T) {
	tests := []struct {
		in   time.Duration
		want string
	}{
		{1, "Max-Age=1; Expires=Sun, 01 Mar 2026 11:00:01 GMT;"},
		{time.Second, "Max-Age=1; Expires=Sun, 01 Mar 2026 11:00:01 GMT;"},
		{1999 * time.Millisecond, "Max-Age=1; Expires=Sun, 01 Mar 2026 11:00:01 GMT;"},
		{15 * 24 * time.Hour, "Max-Age=1296000; Expires=Mon, 16 Mar 2026 11:00:00 GMT;"},
		{400 * 24 * time.Hour, "Max-Age=34560000; Expires=Mon, 05 Apr 2027 11:00:00 GMT;"},
		{math.MaxInt64, "Max-Age=34560000; Expires=Mon, 05 Apr 2027 11:00:00 GMT;"},
	}
	w := mustNew(t, Config{})
	for _, tt := range tests {
		var l Lines
		if err := w.Set(&l, Session, "", true, "v", tt.in, now); err != nil {
			t.Fatal(err)
		}
		if got := l.Header().Get("Set-Cookie"); !strings.Contains(got, tt.want) {
			t.Errorf("%v: %q", tt.in, got)
		}
	}
}

func TestCK09SetRefuses(t *testing.T) {
	w := mustNew(t, Config{})
	name := w.Name(Session, "", true)
	tests := []struct {
		name, id, value string
		k               Kind
		maxAge          time.Duration
	}{
		{"empty value", "", "", Session, time.Hour},
		{"CR LF", "", "secret\r\nX: y", Session, time.Hour},
		{"semicolon", "", "secret; Domain=evil", Session, time.Hour},
		{"quote", "", `"secret"`, Session, time.Hour},
		{"space", "", "secret x", Session, time.Hour},
		{"comma", "", "secret,x", Session, time.Hour},
		{"NUL", "", "secret\x00", Session, time.Hour},
		{"outside ASCII", "", "secretä", Session, time.Hour},
		{"no lifetime", "", "secret", Session, 0},
		{"past", "", "secret", Session, -time.Second},
		{"id for the session", "x", "secret", Session, time.Hour},
		{"id for csrf", "x", "secret", CSRF, time.Hour},
		{"flow without id", "", "secret", Flow, time.Hour},
		{"id with =", "a=b", "secret", Flow, time.Hour},
		{"id with ;", "a;b", "secret", ProviderTokens, time.Hour},
		{"id with a dot", "a.0", "secret", ProviderTokens, time.Hour},
		{"id with CR LF", "a\r\n", "secret", ProviderTokens, time.Hour},
		{"long id", strings.Repeat("a", 65), "secret", ProviderTokens, time.Hour},
		{"no kind", "", "secret", 0, time.Hour},
		{"unknown kind", "x", "secret", 9, time.Hour},
		{"CK-06 too long by one", "", strings.Repeat("v", maxPair-len(name)+1), Session, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l Lines
			if err := w.Set(&l, CSRF, "", true, "before", time.Hour, now); err != nil {
				t.Fatal(err)
			}
			before := l.Header()["Set-Cookie"]
			err := w.Set(&l, tt.k, tt.id, true, tt.value, tt.maxAge, now)
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q shows the value", err)
			}
			if got := l.Header()["Set-Cookie"]; !slices.Equal(got, before) {
				t.Errorf("lines changed: %q", got)
			}
			if tooLong := strings.HasPrefix(tt.name, "CK-06"); errors.Is(err, ErrTooLarge) != tooLong {
				t.Errorf("%v: ErrTooLarge %v", err, !tooLong)
			}
			w.Expire(&l, tt.k, tt.id, true)
			w.ExpireAll(&l, jarOf("a=b"), tt.k, tt.id, true)
			for _, line := range l.Header()["Set-Cookie"] {
				if strings.ContainsAny(line, "\r\n") || strings.Count(line, "Path=/") != 1 {
					t.Errorf("a line from a bad id: %q", line)
				}
			}
		})
	}
	var l Lines
	if err := w.Set(&l, Session, "", true, strings.Repeat("v", maxPair-len(name)), time.Hour, now); err != nil {
		t.Errorf("CK-06 exactly 4,000 bytes: %v", err)
	}
}

func TestCK07OneLinePerName(t *testing.T) {
	w := mustNew(t, Config{})
	var l Lines
	w.Set(&l, Session, "", true, "renewed", time.Hour, now)
	w.Set(&l, CSRF, "", true, "x", time.Hour, now)
	w.Expire(&l, Session, "", true)
	w.Set(&l, Session, "", true, "again", time.Hour, now)
	w.Expire(&l, Session, "", true)
	got := l.Header()["Set-Cookie"]
	if len(got) != 2 || !strings.HasPrefix(got[0], "__Host-aura-auth.csrf_token=x;") || !strings.HasPrefix(got[1], "__Secure-aura-auth.session_token=; ") {
		t.Errorf("%q", got)
	}
}

func TestHeaderIsACopy(t *testing.T) {
	var l Lines
	if h := l.Header(); h == nil || len(h) != 0 {
		t.Errorf("empty Lines: %v", h)
	}
	mustNew(t, Config{}).Expire(&l, CSRF, "", true)
	h := l.Header()
	h["Set-Cookie"][0] = "evil"
	if l.Header().Get("Set-Cookie") == "evil" {
		t.Error("shares memory with Lines")
	}
}

// browser is Go's cookie jar at one address.
type browser struct {
	jar *cookiejar.Jar
	at  *url.URL
}

func newBrowser(t testing.TB, at string) browser {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return browser{jar, u}
}

func (b browser) apply(l *Lines) {
	b.jar.SetCookies(b.at, (&http.Response{Header: l.Header()}).Cookies())
}

func (b browser) sends() Jar {
	r := &http.Request{Header: http.Header{}}
	for _, c := range b.jar.Cookies(b.at) {
		r.AddCookie(c)
	}
	return Read(r.Header)
}

func TestCK05EverythingSetCanBeExpired(t *testing.T) {
	tests := []struct {
		name   string
		c      Config
		at     string
		secure bool
	}{
		{"https", Config{}, "https://app.example/auth/session", true},
		{"https, __Host- session", Config{HostPrefix: true}, "https://app.example/", true},
		{"https, Domain", Config{Domain: "app.example"}, "https://www.app.example/deep/path", true},
		{"http", Config{}, "http://localhost:3000/", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.MaxBytes = 32 << 10
			w := mustNew(t, tt.c)
			b := newBrowser(t, tt.at)
			long := strings.Repeat("v", 9000)
			var l Lines
			err := errors.Join(
				w.SetChunked(&l, b.sends(), Session, "", tt.secure, long, time.Hour, now),
				w.Set(&l, CSRF, "", tt.secure, "c", time.Hour, now),
				w.Set(&l, Flow, "abc", tt.secure, "f", time.Hour, now),
				w.Set(&l, Flow, "def", tt.secure, "f", time.Hour, now),
				w.SetChunked(&l, b.sends(), ProviderTokens, "idp", tt.secure, long, time.Hour, now),
				w.SetChunked(&l, b.sends(), ProviderTokens, "gh", tt.secure, "short", time.Hour, now),
			)
			if err != nil {
				t.Fatal(err)
			}
			b.apply(&l)
			j := b.sends()
			if n := len(j.Names("")); n != 3+1+2+3+1 {
				t.Fatalf("the browser holds %q", j.Names(""))
			}
			if got, want := j.Size(w.Prefixes(tt.secure)...), w.Projected(&l, Jar{}, tt.secure); got != want {
				t.Errorf("%d bytes arrive, %d were projected", got, want)
			}
			var out Lines
			w.ExpireAll(&out, j, Session, "", tt.secure)
			w.Expire(&out, CSRF, "", tt.secure)
			for _, id := range w.IDs(j, Flow, tt.secure) {
				w.Expire(&out, Flow, id, tt.secure)
			}
			for _, id := range w.IDs(j, ProviderTokens, tt.secure) {
				w.ExpireAll(&out, j, ProviderTokens, id, tt.secure)
			}
			if got := w.Projected(&out, j, tt.secure); got != 0 {
				t.Errorf("%d bytes projected after the deletion", got)
			}
			b.apply(&out)
			if left := b.sends().Names(""); len(left) != 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}
