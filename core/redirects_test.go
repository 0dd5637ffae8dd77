package aura_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/internal/flow"
	"github.com/aura-stack-go/auth/core/provider"
)

// A redirectRow is one of the corpus: a target as a stranger would put it, and
// what becomes of it on https://app.example with base path /auth.
type redirectRow struct {
	Payload string
	Verdict string // A: as it is; A=: without its origin; R: "/"
	Browser string // where a browser would go: same-origin, or elsewhere
}

func redirectCorpus(t *testing.T) []redirectRow {
	t.Helper()
	raw, err := os.ReadFile("testdata/redirect-corpus.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []redirectRow
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 95 {
		t.Fatalf("the corpus has %d rows", len(rows))
	}
	return rows
}

// want is the Location that the row's verdict asks for.
func (r redirectRow) want(t *testing.T) string {
	t.Helper()
	switch r.Verdict {
	case "A":
		return r.Payload
	case "A=":
		return strings.TrimPrefix(r.Payload, "https://app.example")
	case "R":
		return "/"
	}
	t.Fatalf("verdict %q", r.Verdict)
	return ""
}

// stays says that a Location leads nowhere but to our own origin, by rules that
// are not the library's.
func stays(t *testing.T, location string) {
	t.Helper()
	if !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") || strings.ContainsAny(location, "\\\t\r\n\x00 ") {
		t.Errorf("Location %q may lead elsewhere", location)
	}
}

// OR-01: the corpus through whole sign-ins.
func TestRedirectCorpusSignIn(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example" })
	box := s.ring.Box("aura:flow")
	for _, row := range redirectCorpus(t) {
		t.Run(fmt.Sprintf("%.60q", row.Payload), func(t *testing.T) {
			g := s.guest()
			g.t = t
			start := g.get("/auth/signIn/gh?redirectTo=" + url.QueryEscape(row.Payload))
			if start.status != http.StatusFound {
				t.Fatalf("signIn: status %d\n%s", start.status, start.body)
			}
			if len(g.cookies) != 1 {
				t.Fatalf("cookies %v", slices.Sorted(maps.Keys(g.cookies)))
			}
			for name, value := range g.cookies {
				f, err := flow.Open(box, value, s.clock.now())
				if err != nil || f.RedirectTo != row.want(t) || !strings.HasPrefix(name, secureNames.flow) {
					t.Errorf("the flow %s holds %q, %v; want %q", name, f.RedirectTo, err, row.want(t))
				}
			}
			r := g.get(callback(t, start.header.Get("Location")))
			if r.status != http.StatusFound || r.header.Get("Location") != row.want(t) {
				t.Errorf("callback: status %d, Location %q, want %q", r.status, r.header.Get("Location"), row.want(t))
			}
			stays(t, r.header.Get("Location"))
		})
	}
	t.Run("redirect=false carries the target on", func(t *testing.T) {
		for _, row := range redirectCorpus(t) {
			r := s.guest().get("/auth/signIn/gh?redirect=false&redirectTo=" + url.QueryEscape(row.Payload))
			address, _ := r.json(t)["signInURL"].(string)
			u, err := url.Parse(address)
			if err != nil || !strings.HasPrefix(address, "https://app.example/auth/signIn/gh") {
				t.Errorf("%.60q: signInURL %q", row.Payload, address)
				continue
			}
			got, refused := u.Query().Get("redirectTo"), row.Verdict == "R"
			if refused && got != "" || !refused && got != row.want(t) {
				t.Errorf("%.60q: signInURL carries %q", row.Payload, got)
			}
		}
	})
}

// The same over a real OpenID Connect sign-in, for every fourth row.
func TestRedirectCorpusOIDC(t *testing.T) {
	idp, err := devidp.Start(devidp.Config{SigningAlg: "ES256"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	s := newSite(t, func(c *aura.Config) {
		c.Now, c.HTTPClient = nil, nil
		c.Providers[0] = provider.OIDC("dev", idp.Issuer())
		c.Providers[0].ClientID, c.Providers[0].ClientSecret = idp.Client().ID, aura.Secret(idp.Client().Secret)
	})
	for i, row := range redirectCorpus(t) {
		if i%4 != 0 {
			continue
		}
		if row.Verdict == "A=" { // our own origin is the listener's here
			row.Payload = s.url + strings.TrimPrefix(row.Payload, "https://app.example")
			row.Payload, row.Verdict = strings.TrimPrefix(row.Payload, s.url), "A"
		}
		g := s.guest()
		back, err := idp.Approve(g.get("/auth/signIn/dev?redirectTo="+url.QueryEscape(row.Payload)).header.Get("Location"), "demo-ada")
		if err != nil {
			t.Fatal(err)
		}
		r := g.get(strings.TrimPrefix(back, s.url))
		if r.status != http.StatusFound || r.header.Get("Location") != row.want(t) || g.subject() != "demo-ada" {
			t.Errorf("%.60q: status %d, Location %q, want %q", row.Payload, r.status, r.header.Get("Location"), row.want(t))
		}
	}
}

// OR-02: the corpus through sign-out, by query, form and JSON body.
func TestRedirectCorpusSignOut(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example" })
	m := s.member("u-1")
	token := m.csrf()
	signedIn := m.header()
	for _, row := range redirectCorpus(t) {
		t.Run(fmt.Sprintf("%.60q", row.Payload), func(t *testing.T) {
			m := m.on(m.url)
			m.t, m.cookies = t, map[string]string{}
			query := "?redirectTo=" + url.QueryEscape(row.Payload)
			body := mustJSON(t, map[string]string{"redirectTo": row.Payload})
			cookie := []string{"-Cookie", signedIn, "X-CSRF-Token", token}
			asJSON := append([]string{"Content-Type", jsonType}, cookie...)
			for way, test := range map[string]struct {
				r      reply
				status int
			}{
				"query of a form": {m.form("/auth/signOut"+query, nil, cookie...), 303},
				"form":            {m.form("/auth/signOut", url.Values{"redirectTo": {row.Payload}}, cookie...), 303},
				"form of nobody":  {m.form("/auth/signOut", url.Values{"redirectTo": {row.Payload}}), 303},
				"query":           {m.do("POST", "/auth/signOut"+query, "", cookie...), 302},
				"JSON":            {m.do("POST", "/auth/signOut", body, asJSON...), 302},
			} {
				want := row.want(t)
				if row.Payload == "" && test.status == 302 {
					test.status, want = 202, "" // no target is no redirect
				}
				if test.r.status != test.status || test.r.header.Get("Location") != want {
					t.Errorf("%s: status %d, Location %q; want %d, %q", way, test.r.status, test.r.header.Get("Location"), test.status, want)
				}
				if want != "" {
					stays(t, test.r.header.Get("Location"))
				}
			}
			r := m.do("POST", "/auth/signOut?redirect=false", body, asJSON...)
			var want any = row.want(t)
			if row.Payload == "" {
				want = nil
			}
			if r.status != http.StatusAccepted || r.json(t)["redirectURL"] != want || r.header.Get("Location") != "" {
				t.Errorf("redirect=false: status %d, redirectURL %v, want %v", r.status, r.json(t)["redirectURL"], want)
			}
		})
	}
	t.Run("SafeRedirect", func(t *testing.T) {
		for _, row := range redirectCorpus(t) {
			if got := s.auth.SafeRedirect(row.Payload); got != row.want(t) {
				t.Errorf("SafeRedirect(%.60q) = %q, want %q", row.Payload, got, row.want(t))
			}
		}
	})
}

// OR-04: neither Referer nor Origin is ever a target.
func TestRefererIsNoTarget(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example" })
	for _, from := range []string{"https://evil.example/x", "https://app.example/page", "//evil.example"} {
		g := s.guest()
		start := g.get("/auth/signIn/gh", "Referer", from, "Origin", from)
		if r := g.get(callback(t, start.header.Get("Location")), "Referer", from); r.header.Get("Location") != "/" {
			t.Errorf("Referer %s: Location %q", from, r.header.Get("Location"))
		}
		if r := g.form("/auth/signOut", url.Values{"csrfToken": {g.csrf()}}, "Referer", from); r.header.Get("Location") != "/" {
			t.Errorf("Referer %s: sign-out to %q", from, r.header.Get("Location"))
		}
	}
}

// OR-05: the target lives inside the sealed flow. A bare cookie means nothing,
// and a flow that was altered, or is another browser's, ends the sign-in.
func TestPlantedTargets(t *testing.T) {
	s := newSite(t, nil)
	begin := func(target string) (*guest, string, string) {
		g := s.guest()
		back := callback(t, g.get("/auth/signIn/gh?redirectTo="+url.QueryEscape(target)).header.Get("Location"))
		return g, back, slices.Sorted(maps.Keys(g.cookies))[0]
	}
	t.Run("a bare cookie", func(t *testing.T) {
		g, back, _ := begin("/mine")
		for _, name := range []string{"aura-auth.redirect_to", "aura-auth.redirect_uri", "redirectTo", "aura-auth.flow", "__Host-aura-auth.redirect_to"} {
			g.cookies[name] = "https://evil.example/"
		}
		if r := g.get(back + "&redirectTo=//evil.example&redirect_to=//evil.example"); r.status != http.StatusFound || r.header.Get("Location") != "/mine" {
			t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
		}
	})
	refuse := func(t *testing.T, g *guest, back string) {
		t.Helper()
		_, before := s.idp.asked()
		r := g.get(back)
		if r.status != http.StatusBadRequest || r.code(t) != string(aura.CodeStateInvalid) || r.header.Get("Location") != "" || g.subject() != "" {
			t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
		}
		if _, after := s.idp.asked(); after != before {
			t.Error("the provider was asked")
		}
	}
	t.Run("altered", func(t *testing.T) {
		g, back, name := begin("/mine")
		good := g.cookies[name]
		for i := 0; i < len(good); i += 17 {
			g.cookies[name] = good[:i] + map[bool]string{true: "B", false: "A"}[good[i] == 'A'] + good[i+1:]
			refuse(t, g, back)
		}
		g.cookies[name] = `{"p":"gh","t":"https://evil.example/"}`
		refuse(t, g, back)
		g.cookies[name] = good
		if r := g.get(back); r.header.Get("Location") != "/mine" {
			t.Errorf("the flow itself: status %d, Location %q", r.status, r.header.Get("Location"))
		}
	})
	t.Run("of another browser", func(t *testing.T) {
		victim, back, name := begin("/mine")
		attacker, theirBack, theirName := begin("/theirs")
		victim.cookies[name] = attacker.cookies[theirName] // under the victim's name
		refuse(t, victim, back)
		stranger := s.guest()
		refuse(t, stranger, theirBack)
	})
	t.Run("two flows under one name", func(t *testing.T) {
		g, back, name := begin("/mine")
		_, _, _ = begin("/theirs")
		r := g.get(back, "-Cookie", name+"="+g.cookies[name]+"; "+name+"=x")
		if r.status != http.StatusBadRequest {
			t.Errorf("status %d", r.status)
		}
	})
	t.Run("too long to be carried", func(t *testing.T) {
		for length, want := range map[int]string{512: "/" + strings.Repeat("a", 511), 513: "/"} {
			g, back, _ := begin("/" + strings.Repeat("a", length-1))
			if got := g.get(back).header.Get("Location"); got != want {
				t.Errorf("%d bytes: Location of %d bytes", length, len(got))
			}
		}
	})
}

// OR-07: a wildcard stands for one label of exactly this origin.
func TestTrustedTargets(t *testing.T) {
	s := newSite(t, func(c *aura.Config) {
		c.BaseURL, c.TrustedOrigins = "https://app.example", []string{"https://*.app.example", "https://spa.example:8443"}
	})
	for target, kept := range map[string]bool{
		"https://x.app.example/": true, "https://x.app.example/a?b=c#d": true, "https://x.app.example:443/a": true, "https://x.app.example": true,
		"https://spa.example:8443/a": true, "https://x.app.example/auth/signOut": true, // another origin's paths are its own

		"https://evil-app.example": false, "https://evil-app.example/": false, "https://app.example.evil.example": false, "http://x.app.example": false, "https://x.app.example:8443": false,
		"https://x.app.example@evil.example": false, "https://evil.example#.app.example": false, `https://x.app.example\.evil.example`: false, "https://evil.example/.app.example": false,
		"https://evil.example?.app.example": false, "https://a.b.app.example/": false, "https://.app.example/": false, "https://*.app.example/": false, "https://X.app.example/": false,
		"https://spa.example/": false, "https://spa.example:84430/": false, "https://x.app.example./": false, "https://x%2eapp.example/": false, "https://u@x.app.example/": false,
		"//x.app.example/": false, "https:/x.app.example/": false, "https://x.app.example//evil.example": false, "https://x.app.example/%2f/evil": false,
		"https://app.example:443/auth/signOut": false, "https://app.example/auth/signOut": false, "javascript://x.app.example/%0aalert(1)": false,
	} {
		want := target
		if !kept {
			want = "/"
		}
		g := s.guest()
		back := callback(t, g.get("/auth/signIn/gh?redirectTo="+url.QueryEscape(target)).header.Get("Location"))
		if r := g.get(back); r.header.Get("Location") != want {
			t.Errorf("%s: Location %q, want %q", target, r.header.Get("Location"), want)
		}
		if got := s.auth.SafeRedirect(target); got != want {
			t.Errorf("SafeRedirect(%q) = %q, want %q", target, got, want)
		}
	}
}

// OR-09: targets that no parser likes end at "/", without a panic.
func TestUnreadableTargets(t *testing.T) {
	s := newSite(t, nil)
	for _, target := range []string{"http://[", "%zz", "/%zz", "/\xff\xfe", "/\x00", "http://[::1%25", "/a%", "https://\x7f", strings.Repeat("/a", 2<<10), strings.Repeat("%", 5000), "undefined", "null"} {
		g := s.guest()
		start := g.get("/auth/signIn/gh?redirectTo=" + url.QueryEscape(target))
		if start.status != http.StatusFound {
			t.Errorf("%.20q: status %d", target, start.status)
			continue
		}
		if r := g.get(callback(t, start.header.Get("Location"))); r.header.Get("Location") != "/" {
			t.Errorf("%.20q: Location %.40q", target, r.header.Get("Location"))
		}
		m := s.member("u-1")
		if r := m.form("/auth/signOut", url.Values{"csrfToken": {m.csrf()}, "redirectTo": {target}}); r.status != http.StatusSeeOther || r.header.Get("Location") != "/" {
			t.Errorf("%.20q: sign-out %d to %.40q", target, r.status, r.header.Get("Location"))
		}
	}
	for query, status := range map[string]int{
		"redirectTo=%zz": 400, "redirectTo=/a;b": 400, "a=%": 400, strings.Repeat("a=1&", 4000): 302,
		"redirectTo=/" + strings.Repeat("a", 64<<10): 414, strings.Repeat("a&", 10001): 414,
	} {
		if r := s.guest().get("/auth/signIn/gh?" + query); r.status != status {
			t.Errorf("query %.20q: status %d, want %d", query, r.status, status)
		}
	}
}
