package aura_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/provider"
)

// filler is n bytes that do not compress and are not alike in two places.
func filler(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%07d.", i)
	}
	return b.String()[:n]
}

// withFiller has the provider's Profile add an extra claim of *n bytes.
func withFiller(n *int) func(*aura.Config) {
	return func(c *aura.Config) {
		c.Providers[0].Profile = func(ctx context.Context, p *aura.Profile) (aura.User, error) {
			u, err := aura.DefaultProfile(ctx, p)
			if err != nil {
				return u, err
			}
			return u, u.Set("filler", filler(*n))
		}
		c.Session.UpdatableFields = []string{"filler"}
	}
}

// sessionCookies are the names under which the guest keeps parts of a session.
func (g *guest) sessionCookies() []string {
	var parts []string
	for name := range g.cookies {
		if strings.HasPrefix(name, g.names.session) {
			parts = append(parts, name)
		}
	}
	slices.Sort(parts)
	return parts
}

// SE-16: sessions of several sizes come back as they were, in as few cookies
// as they need.
func TestSessionSizes(t *testing.T) {
	for _, test := range []struct {
		bytes  int
		max    int // Cookies.MaxBytes
		mode   aura.TokenMode
		chunks int // 1: one cookie without a number
	}{
		{16, 0, aura.SealedToken, 1},
		{1500, 0, aura.SealedToken, 1},
		{2048, 0, aura.SealedToken, 2},
		{3584, 0, aura.SignedToken, 2},
		{3584, 12 << 10, aura.SealedToken, 2},
		{5 << 10, 16 << 10, aura.SealedToken, 3},
		{5 << 10, 16 << 10, aura.EncryptedToken, 2},
		{8 << 10, 24 << 10, aura.SealedToken, 4},
		{12 << 10, 40 << 10, aura.SealedToken, 6},
	} {
		t.Run(fmt.Sprintf("%d %s", test.bytes, test.mode), func(t *testing.T) {
			s := newSite(t, func(c *aura.Config) {
				withFiller(&test.bytes)(c)
				c.Cookies.MaxBytes, c.Session.Token = test.max, test.mode
			})
			g := s.guest()
			g.signIn() // judge bounds each cookie
			if got := g.user()["filler"]; got != filler(test.bytes) {
				t.Fatalf("the claim has %d bytes, want %d", len(fmt.Sprint(got)), test.bytes)
			}
			want := []string{g.names.session}
			if test.chunks > 1 {
				want = nil
				for i := range test.chunks {
					want = append(want, fmt.Sprintf("%s.%d", g.names.session, i))
				}
			}
			if got := g.sessionCookies(); !slices.Equal(got, want) {
				t.Errorf("cookies %q, want %q", got, want)
			}
			limit := test.max
			if limit == 0 {
				limit = 7168
			}
			if size := len(g.header()); size > limit {
				t.Errorf("all cookies take %d bytes of %d", size, limit)
			}
			// Signing out removes every part (SE-19, CK-05).
			if r := g.form("/auth/signOut", map[string][]string{"csrfToken": {g.csrf()}}); r.status != http.StatusSeeOther {
				t.Fatalf("sign-out: status %d\n%s", r.status, r.body)
			}
			if len(g.cookies) != 0 {
				t.Errorf("left after the sign-out: %q", slices.Sorted(maps.Keys(g.cookies)))
			}
		})
	}
}

// SE-17: what does not fit is an error; the session that was there stays.
func TestSessionTooLarge(t *testing.T) {
	size := 100
	s := newSite(t, withFiller(&size))
	g := s.guest()
	g.signIn()
	before, user := g.cookies[g.names.session], g.user()

	size = 5 << 10
	s.idp.become("u-2")
	r := g.get(callback(t, g.get("/auth/signIn/gh").header.Get("Location")))
	if r.status != http.StatusInternalServerError || r.code(t) != string(aura.CodeSessionTooLarge) {
		t.Errorf("sign-in: status %d\n%s", r.status, r.body)
	}
	for _, c := range setCookies(t, r.header) {
		if !strings.HasPrefix(c.Name, g.names.flow) || c.MaxAge >= 0 {
			t.Errorf("the failed sign-in writes %s", c.Raw)
		}
	}
	if g.cookies[g.names.session] != before || g.subject() != "u-1" {
		t.Error("the old session has not stayed")
	}

	r = g.patch(`{"user":{"filler":"` + filler(5<<10) + `"}}`)
	if r.status != http.StatusUnprocessableEntity || r.code(t) != string(aura.CodeUpdateNotAllowed) || len(r.header["Set-Cookie"]) != 0 {
		t.Errorf("PATCH: status %d, Set-Cookie %q\n%s", r.status, r.header["Set-Cookie"], r.body)
	}
	if got := g.user(); g.cookies[g.names.session] != before || !maps.Equal(got, user) {
		t.Errorf("user after the failed update: %v", got)
	}

	page := g.get(callback(t, g.get("/auth/signIn/gh").header.Get("Location")), "Accept", "text/html")
	if page.status != http.StatusInternalServerError || !strings.Contains(page.body, string(aura.CodeSessionTooLarge)) {
		t.Errorf("the page: status %d\n%s", page.status, page.body)
	}
}

// A renewal that does not fit costs nobody the session that is valid.
func TestRenewalTooLarge(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Session.Expiration = aura.RollingExpiration })
	g := s.guest()
	// A TypeScript server has no limit of ours: this one fits into the request,
	// and not with the reserves into an answer.
	for i, part := range chunksOf(s.seal(s.claims("u-1").with("filler", filler(3200))), 3900) {
		g.cookies[fmt.Sprintf("%s.%d", g.names.session, i)] = part
	}
	r := g.get("/auth/session")
	if r.status != http.StatusOK || len(r.header["Set-Cookie"]) != 0 {
		t.Errorf("status %d, Set-Cookie %d", r.status, len(r.header["Set-Cookie"]))
	}
	session, _ := r.json(t)["session"].(map[string]any)
	if want := s.clock.now().Add(15 * day).Format("2006-01-02T15:04:05.000Z"); session["expires"] != want {
		t.Errorf("expires %v, want the session's own end %s", session["expires"], want)
	}
	if !strings.Contains(s.log.String(), string(aura.CodeSessionTooLarge)) {
		t.Error("the failed renewal is not logged")
	}
}

func chunksOf(s string, n int) (parts []string) {
	for len(s) > n {
		parts, s = append(parts, s[:n]), s[n:]
	}
	return append(parts, s)
}

// SE-19: a session that shrinks leaves no part behind, one that grows replaces
// the unsplit cookie, and a new sign-in clears what an earlier one split.
func TestStaleChunks(t *testing.T) {
	size := 4000
	s := newSite(t, func(c *aura.Config) {
		withFiller(&size)(c)
		c.Cookies.MaxBytes = 16 << 10
	})
	g := s.guest()
	g.signIn()
	name := g.names.session
	for _, step := range []struct {
		filler int
		parts  []string
	}{
		{100, []string{name}}, {3000, []string{name + ".0", name + ".1"}}, {5000, []string{name + ".0", name + ".1", name + ".2"}},
		{3000, []string{name + ".0", name + ".1"}}, {10, []string{name}},
	} {
		if r := g.patch(`{"user":{"filler":"` + filler(step.filler) + `"}}`); r.status != http.StatusOK {
			t.Fatalf("PATCH to %d: status %d", step.filler, r.status)
		}
		if got := g.sessionCookies(); !slices.Equal(got, step.parts) {
			t.Errorf("filler of %d: cookies %q, want %q", step.filler, got, step.parts)
		}
		if got := g.user()["filler"]; got != filler(step.filler) {
			t.Errorf("filler of %d: wrong value", step.filler)
		}
	}
	size = 4000
	g.signIn()
	size = 10
	g.signIn()
	if got := g.sessionCookies(); !slices.Equal(got, []string{name}) {
		t.Errorf("after a new sign-in: cookies %q", got)
	}
	// Stray parts that somebody planted go as well.
	g.cookies[name+".7"], g.cookies[name+".00"] = "x", "y"
	if r := g.form("/auth/signOut", map[string][]string{"csrfToken": {g.csrf()}}); r.status != http.StatusSeeOther || len(g.sessionCookies()) != 0 {
		t.Errorf("sign-out: status %d, left %q", r.status, g.sessionCookies())
	}
}

// SE-18: parts that are missing, swapped, doubled, of two sessions, or with
// odd numbers are no session.
func TestTamperedChunks(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Cookies.MaxBytes = 16 << 10 })
	name := plainNames.session
	a := chunksOf(s.seal(s.claims("u-a").with("filler", filler(4000))), 3000)
	b := chunksOf(s.seal(s.claims("u-b").with("filler", filler(4000))), 3000)
	if len(a) != 3 || len(b) != 3 {
		t.Fatalf("%d and %d parts", len(a), len(b))
	}
	join := func(pairs ...string) string {
		var line []string
		for i := 0; i+1 < len(pairs); i += 2 {
			line = append(line, name+pairs[i]+"="+pairs[i+1])
		}
		return strings.Join(line, "; ")
	}
	for _, test := range []struct {
		why     string
		cookies string
		subject string
	}{
		{"in order", join(".0", a[0], ".1", a[1], ".2", a[2]), "u-a"},
		{"in any order", join(".2", a[2], ".0", a[0], ".1", a[1]), "u-a"},
		{"one twice", join(".0", a[0], ".1", a[1], ".1", a[1], ".2", a[2]), "u-a"},
		{"first missing", join(".1", a[1], ".2", a[2]), ""},
		{"middle missing", join(".0", a[0], ".2", a[2]), ""},
		{"last missing", join(".0", a[0], ".1", a[1]), ""},
		{"swapped", join(".0", a[1], ".1", a[0], ".2", a[2]), ""},
		{"of two sessions", join(".0", a[0], ".1", b[1], ".2", a[2]), ""},
		{"doubled by another", join(".0", a[0], ".1", a[1], ".1", b[1], ".2", a[2]), ""},
		{"one more", join(".0", a[0], ".1", a[1], ".2", a[2], ".3", "AAAA"), ""},
		{"a stray seven", join(".0", a[0], ".1", a[1], ".2", a[2], ".7", "AAAA"), ""},
		{"index of a billion", join(".0", a[0], ".1", a[1], ".2", a[2], ".1000000000", "AAAA"), ""},
		{"negative index", join(".-1", "AAAA", ".0", a[0], ".1", a[1], ".2", a[2]), ""},
		{"leading zero", join(".00", a[0], ".1", a[1], ".2", a[2]), ""},
		{"a sign", join(".+0", a[0], ".1", a[1], ".2", a[2]), ""},
		{"hexadecimal", join(".0x0", a[0], ".1", a[1], ".2", a[2]), ""},
		{"other scripts", join(".٠", a[0], ".1", a[1], ".2", a[2]), ""},
		{"a name of ours that is no part", join(".0", a[0], ".1", a[1], ".2", a[2], ".x", "AAAA"), "u-a"},
		{"an unsplit cookie of somebody else", join(".0", a[0], ".1", a[1], ".2", a[2], "", s.seal(s.claims("u-c"))), ""},
	} {
		t.Run(test.why, func(t *testing.T) {
			if test.subject == "" {
				refused(t, s, test.why, test.cookies)
				return
			}
			if got := s.guest().subject("-Cookie", test.cookies); got != test.subject {
				t.Errorf("signed in as %q, want %q", got, test.subject)
			}
		})
	}
}

// Two values for one part are told from a part that is missing: one of them was
// planted, and the log says so.
func TestDoubledChunkIsLogged(t *testing.T) {
	for doubled, cookies := range map[bool]string{true: ".0=a; %[1]s.0=b", false: ".1=a; %[1]s.1=a"} {
		s := newSite(t, nil)
		refused(t, s, cookies, fmt.Sprintf("%[1]s"+cookies, plainNames.session))
		if got := strings.Contains(s.log.String(), "two different values"); got != doubled {
			t.Errorf("%s: logged %v", cookies, got)
		}
	}
}

// The same over a real OpenID Connect sign-in.
func TestChunksAfterOIDC(t *testing.T) {
	size := 2048
	idp, err := devidp.Start(devidp.Config{SigningAlg: "ES256"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	s := newSite(t, func(c *aura.Config) {
		c.Now, c.HTTPClient = nil, nil
		c.Providers[0] = provider.OIDC("dev", idp.Issuer())
		c.Providers[0].ClientID, c.Providers[0].ClientSecret = idp.Client().ID, aura.Secret(idp.Client().Secret)
		withFiller(&size)(c)
	})
	g := s.guest()
	back, err := idp.Approve(g.get("/auth/signIn/dev").header.Get("Location"), "demo-ada")
	if err != nil {
		t.Fatal(err)
	}
	if r := g.get(strings.TrimPrefix(back, s.url)); r.status != http.StatusFound {
		t.Fatalf("callback: status %d\n%s", r.status, r.body)
	}
	if user := g.user(); user["sub"] != "demo-ada" || user["filler"] != filler(size) || len(g.sessionCookies()) != 2 {
		t.Errorf("signed in as %v with %d cookies", user["sub"], len(g.sessionCookies()))
	}
}
