package aura_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/internal/flow"
)

var tokenModes = []aura.TokenMode{aura.SealedToken, aura.SignedToken, aura.EncryptedToken}

// refused says that a session cookie counts as none: the answer is that of a
// request without cookies, but for the id of the error, and nothing is written
// (SE-01, LK-03).
func refused(t *testing.T, s *site, why, cookies string) {
	t.Helper()
	without := s.guest().get("/auth/session")
	r := s.guest().get("/auth/session", "-Cookie", cookies)
	if r.status != http.StatusUnauthorized || len(r.header["Set-Cookie"]) != 0 {
		t.Errorf("%s: status %d, Set-Cookie %q", why, r.status, r.header["Set-Cookie"])
	}
	if got, want := withoutID(t, r), withoutID(t, without); got != want {
		t.Errorf("%s: body\n%s\ndiffers from that without a cookie\n%s", why, got, want)
	}
}

// withoutID is a failure's body with its correlation id taken out.
func withoutID(t *testing.T, r reply) string {
	t.Helper()
	e, _ := r.json(t)["error"].(map[string]any)
	id, _ := e["id"].(string)
	if len(id) < 8 {
		t.Errorf("error.id is %q", id)
	}
	return strings.Replace(r.body, id, "ID", 1)
}

// SE-01, SE-02: a token that is altered anywhere, cut or extended is none.
func TestAlteredSessions(t *testing.T) {
	for _, mode := range tokenModes {
		t.Run(string(mode), func(t *testing.T) {
			s := newSite(t, func(c *aura.Config) { c.Session.Token = mode })
			name, sealed := plainNames.session, s.seal(s.claims("u-1"))
			if got := s.guest().subject("-Cookie", name+"="+sealed); got != "u-1" {
				t.Fatalf("the token itself: signed in as %q", got)
			}
			for i := 0; i < len(sealed); i += 7 { // coprime to base64's 4: all alignments occur
				flipped := byte('A')
				if sealed[i] == flipped {
					flipped = 'B'
				}
				refused(t, s, fmt.Sprintf("byte %d altered", i), name+"="+sealed[:i]+string(flipped)+sealed[i+1:])
			}
			last := len(sealed) - 1
			for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=" {
				if byte(c) != sealed[last] { // the last character has siblings in lenient base64
					refused(t, s, fmt.Sprintf("last character %c", c), name+"="+sealed[:last]+string(c))
				}
			}
			for i := 0; i < len(sealed); i += 31 {
				refused(t, s, fmt.Sprintf("cut to %d bytes", i), name+"="+sealed[:i])
			}
			for _, more := range []string{"A", ".", "=", "%0a", ".AAAA"} {
				refused(t, s, "extended by "+more, name+"="+sealed+more)
			}
			refused(t, s, "quoted", name+`="`+sealed+`"`)
			refused(t, s, "percent-encoded", name+"=%65"+sealed[1:])
		})
	}
}

// SE-03: tokens that are properly sealed and hold odd claims.
func TestOddClaims(t *testing.T) {
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC).Unix()
	const lead = 150
	type row struct {
		why    string
		change func(claimSet) claimSet
		signed bool
	}
	set := func(name string, value any) func(claimSet) claimSet {
		return func(c claimSet) claimSet { return c.with(name, value) }
	}
	rows := []row{
		{"as it is", func(c claimSet) claimSet { return c }, true},
		{"exp now", set("exp", now), false},
		{"exp a second ago", set("exp", now-1), false},
		{"exp in a second", set("exp", now+1), true},
		{"exp 0", set("exp", 0), false},
		{"exp negative", set("exp", -1), false},
		{"exp beyond every clock", set("exp", json.Number("99999999999999999999")), false},
		{"nbf at the lead", set("nbf", now+lead), true},
		{"nbf beyond the lead", set("nbf", now+lead+1), false},
		{"iat at the lead", set("iat", now+lead), true},
		{"iat beyond the lead", set("iat", now+lead+1), false},
		{"mexp now", set("mexp", now), false},
		{"mexp in a second", set("mexp", now+1), true},
		{"mexp before exp", set("mexp", now-1), false},
		{"jti empty", set("jti", ""), false},
		{"sub empty", set("sub", ""), false},
		{"also a CSRF token", set("token", "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY"), false},
		{"made elsewhere", func(c claimSet) claimSet { return c.without("aura") }, true},
		{"unknown claims", set("x", map[string]any{"y": []any{1, nil}}), true},
		{"aura of another release", set("aura", map[string]any{"sid": "s", "at": now * 1000, "new": true}), true},
	}
	for _, name := range []string{"exp", "nbf", "iat", "jti", "sub"} {
		rows = append(rows, row{name + " missing", func(c claimSet) claimSet { return c.without(name) }, false}, row{name + " null", set(name, nil), false})
	}
	for name, values := range map[string][]any{
		"exp": {"soon", "9999999999", 1.5, true, []any{now + 9}, map[string]any{}}, "nbf": {"1", 1.5, false, []any{}}, "iat": {"1", 1.5, false, []any{}},
		"jti": {7, true, []any{"x"}}, "sub": {7, true, []any{"x"}, map[string]any{}}, "mexp": {"1", 1.5, []any{}},
		"name": {7, true, []any{}}, "email": {7, []any{}}, "image": {7, map[string]any{}},
		"iss": {7, []any{}}, "aud": {7, map[string]any{}, []any{7}}, "aura": {"x", 7, []any{}},
	} {
		for _, value := range values {
			rows = append(rows, row{fmt.Sprintf("%s is %#v", name, value), set(name, value), false})
		}
	}
	for _, mode := range tokenModes {
		t.Run(string(mode), func(t *testing.T) {
			s := newSite(t, func(c *aura.Config) { c.Session.Token = mode })
			for _, row := range rows {
				cookie := plainNames.session + "=" + s.seal(row.change(s.claims("u-1")))
				if row.signed {
					if got := s.guest().subject("-Cookie", cookie); got != "u-1" {
						t.Errorf("%s: signed in as %q", row.why, got)
					}
					continue
				}
				refused(t, s, row.why, cookie)
			}
			for _, payload := range []string{`{}`, `{"sub":"u-1"}`} {
				refused(t, s, payload, plainNames.session+"="+s.sealRaw(payload))
			}
		})
	}
}

// Issuer and Audience are demanded where they are configured (SE-08).
func TestIssuerAndAudience(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Session.Issuer, c.Session.Audience = "https://app.example", "app" })
	good := s.claims("u-1").with("iss", "https://app.example").with("aud", "app")
	for why, test := range map[string]struct {
		claims claimSet
		signed bool
	}{
		"both": {good, true}, "among several": {good.with("aud", []string{"other", "app"}), true},
		"no iss": {good.without("iss"), false}, "no aud": {good.without("aud"), false},
		"another iss": {good.with("iss", "https://app.example/"), false}, "another aud": {good.with("aud", "App"), false},
		"not among several": {good.with("aud", []string{"a", "b"}), false}, "no audience at all": {good.with("aud", []string{}), false},
	} {
		cookie := plainNames.session + "=" + s.seal(test.claims)
		if got := s.guest().subject("-Cookie", cookie) != ""; got != test.signed {
			t.Errorf("%s: signed in %v, want %v", why, got, test.signed)
		}
	}
	g := s.guest()
	g.signIn()
	if c := s.open(g.cookies[g.names.session]); c["iss"] != "https://app.example" || c["aud"] != "app" {
		t.Errorf("written: %v %v", c["iss"], c["aud"])
	}
}

// SE-07: what was made for one cookie is refused in every other, in every mode.
func TestPurposeSwap(t *testing.T) {
	for _, mode := range tokenModes {
		t.Run(string(mode), func(t *testing.T) {
			s := newSite(t, func(c *aura.Config) { c.Session.Token = mode })
			g := s.guest()
			g.signIn()
			g.csrf()
			start := g.get("/auth/signIn/gh").header.Get("Location")
			back := callback(t, start)
			flowName := ""
			for name := range g.cookies {
				if strings.HasPrefix(name, g.names.flow) {
					flowName = name
				}
			}
			providerTokens, err := s.ring.Box("aura:provider-tokens").Seal([]byte(mustJSON(t, s.claims("u-1"))))
			if err != nil {
				t.Fatal(err)
			}
			app, err := s.ring.Box("aura:app:x").Seal([]byte(mustJSON(t, s.claims("u-1"))))
			if err != nil {
				t.Fatal(err)
			}
			values := map[string]string{
				"session": g.cookies[g.names.session], "csrf": g.cookies[g.names.csrf], "flow": g.cookies[flowName],
				"provider tokens": providerTokens, "a purpose of the application": app,
			}
			sid := sidOf(s.open(values["session"]))
			for name, value := range values {
				if value == "" {
					t.Fatalf("no value for %s", name)
				}
				if name != "session" {
					refused(t, s, name+" as session", g.names.session+"="+value)
				}
				if name != "csrf" {
					header := []string{"Content-Type", jsonType, "X-CSRF-Token", value}
					if r := g.do("PATCH", "/auth/session", `{}`, header...); r.status != http.StatusForbidden {
						t.Errorf("%s as CSRF token: status %d", name, r.status)
					}
					anonymous := append(header, "-Cookie", g.names.csrf+"="+value)
					if r := s.guest().do("POST", "/auth/signOut", `{}`, anonymous...); r.status != http.StatusForbidden {
						t.Errorf("%s as CSRF token of nobody: status %d", name, r.status)
					}
				}
				if name != "flow" {
					other := g.on(g.url)
					other.cookies = maps.Clone(g.cookies)
					other.cookies[flowName] = value
					if r := other.get(back); r.status != http.StatusBadRequest || r.code(t) != string(aura.CodeStateInvalid) {
						t.Errorf("%s as flow: status %d", name, r.status)
					}
				}
			}
			// The flow itself is good for what it was made for, and the session was
			// untouched by all of this.
			if _, err := flow.Open(s.ring.Box("aura:flow"), values["flow"], s.clock.now()); err != nil {
				t.Error(err)
			}
			if got := sidOf(s.open(g.cookies[g.names.session])); got != sid || g.subject() != "u-1" {
				t.Error("the session has changed")
			}
		})
	}
}

// SE-12: a huge token is refused by its length, before anything reads it.
func TestHugeSessions(t *testing.T) {
	s := newSite(t, nil)
	for name, value := range map[string]string{
		"letters": strings.Repeat("A", 1<<20), "dots": strings.Repeat(".", 1<<20), "five segments": strings.Repeat(strings.Repeat("A", 200<<10)+".", 4) + "AAAA",
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://localhost/auth/session", nil)
			r.Header.Set("Cookie", plainNames.session+"="+value)
			ask := func() {
				w := httptest.NewRecorder()
				s.auth.ServeHTTP(w, r)
				if w.Code != http.StatusUnauthorized {
					t.Fatalf("status %d", w.Code)
				}
			}
			ask()
			const rounds = 20
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range rounds {
				ask()
			}
			runtime.ReadMemStats(&after)
			if each := (after.TotalAlloc - before.TotalAlloc) / rounds; each > 64<<10 {
				t.Errorf("%d bytes are allocated for a token of %d", each, len(value))
			}
		})
	}
	t.Run("3,001 cookies", func(t *testing.T) { // DO-03: net/http gives up on them
		g := s.member("u-1")
		if got := g.subject("-Cookie", strings.Repeat("a=b; ", 3000)+g.header()); got != "u-1" {
			t.Errorf("signed in as %q", got)
		}
	})
}

// SE-20, SE-21, SE-22, CS-05: cookies that somebody else has put beside ours.
func TestPlantedSessions(t *testing.T) {
	s := newSite(t, nil)
	name := plainNames.session
	a, b := s.seal(s.claims("u-a")), s.seal(s.claims("u-b"))
	for _, test := range []struct {
		why     string
		cookies []string // Cookie lines
		subject string
	}{
		{"two values", []string{name + "=" + a + "; " + name + "=" + b}, ""},
		{"two values, the other way", []string{name + "=" + b + "; " + name + "=" + a}, ""},
		{"two lines", []string{name + "=" + a, name + "=" + b}, ""},
		{"two lines, the other way", []string{name + "=" + b, name + "=" + a}, ""},
		{"valid beside garbage", []string{name + "=" + a + "; " + name + "=x"}, ""},
		{"one value twice", []string{name + "=" + a + "; " + name + "=" + a}, "u-a"},
		{"one value in two lines", []string{name + "=" + a, name + "=" + a}, "u-a"},
		{"a cookie without a name", []string{"=" + name + "=" + b + "; " + name + "=" + a}, "u-a"},
		{"a cookie without a name, alone", []string{"=" + name + "=" + b}, ""},
		{"a value without a name", []string{name + "; " + name + "=" + a}, "u-a"},
		{"an empty one beside it", []string{name + "=; " + name + "=" + a}, "u-a"},
		{"a sandwich", []string{`$Version=1; x="; ` + name + "=" + a + `; y="`}, "u-a"},
		{"another case", []string{strings.ToUpper(name) + "=" + b}, ""},
		{"another prefix", []string{"__Secure-" + name + "=" + b + "; __Host-" + name + "=" + b + "; " + name + "=" + a}, "u-a"},
		{"the other scheme's name alone", []string{"__Secure-" + name + "=" + b}, ""},
	} {
		t.Run(test.why, func(t *testing.T) {
			var header []string
			for _, line := range test.cookies {
				header = append(header, "-Cookie", line)
			}
			if got := s.guest().subject(header...); got != test.subject {
				t.Errorf("signed in as %q, want %q", got, test.subject)
			}
		})
	}
	if !strings.Contains(s.log.String(), "two different values") {
		t.Error("planted cookies are not logged")
	}
	if strings.Contains(s.log.String(), a[len(a)-40:]) || strings.Contains(s.log.String(), b[len(b)-40:]) {
		t.Error("the log shows a session")
	}

	t.Run("on the wire", func(t *testing.T) { // bytes that Go's client would not send
		https := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example" })
		name := secureNames.session
		for why, test := range map[string]struct{ cookie, status string }{
			"nameless":     {"=" + name + "=evil; " + name + "=" + https.seal(https.claims("u-1")), "200"},
			"wide space":   {"\u2000" + name + "=" + https.seal(https.claims("u-1")), "401"},
			"quoted":       {name + `="` + https.seal(https.claims("u-1")) + `"`, "401"},
			"ASCII spaces": {" " + name + " =" + https.seal(https.claims("u-1")), "200"},
		} {
			status := raw(t, https.url, "GET /auth/session HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\nCookie: "+test.cookie+"\r\n\r\n")
			if !strings.HasPrefix(status, "HTTP/1.1 "+test.status) {
				t.Errorf("%s: %.40q, want %s", why, status, test.status)
			}
		}
	})
}

// raw sends bytes to a server and returns what it answers.
func raw(t *testing.T, origin, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(origin, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}
