package aura_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/internal/flow"
)

// newPostRig has dev and dev2 answer by form_post; dev3 answers by query.
func newPostRig(t *testing.T, change func(*aura.Config)) *rig {
	t.Helper()
	return newRig(t, 3, func(_ string, c *aura.Config) {
		c.Providers[0].ResponseMode, c.Providers[1].ResponseMode = "form_post", "form_post"
		if change != nil {
			change(c)
		}
	})
}

// posted turns a callback into what the provider's page would post.
func posted(t *testing.T, callback string) (path string, form url.Values) {
	t.Helper()
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path, u.Query()
}

// asQuery has the development provider answer by query: what its page would post
// is then at hand.
func asQuery(t *testing.T, authorizationURL string) string {
	t.Helper()
	return with(t, authorizationURL, map[string][]string{"response_mode": nil})
}

// postBack posts a callback as the provider's page does, from another site.
func (b *browser) postBack(path string, form url.Values) reply {
	b.t.Helper()
	return b.post(path, form, "Origin", "https://idp.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
}

func TestFormPost(t *testing.T) {
	var seen *aura.Profile
	s := newPostRig(t, func(c *aura.Config) {
		c.Providers[0].Profile = func(ctx context.Context, p *aura.Profile) (aura.User, error) {
			seen = p
			return aura.DefaultProfile(ctx, p)
		}
	})
	completes := func(t *testing.T, b *browser, path string, form url.Values) string {
		t.Helper()
		r := b.postBack(path, form)
		next := r.header.Get("Location")
		if r.status != http.StatusSeeOther || next != s.url+path+"?state="+form.Get("state") {
			t.Fatalf("the post: status %d, Location %q\n%s", r.status, next, r.body)
		}
		if names := strings.Join(b.flows(), " "); strings.Contains(names, "flow_post") {
			t.Errorf("the posted flow is left: %s", names)
		}
		if r := b.get(next); r.status != http.StatusFound || r.header.Get("Location") != "/after" || b.subject() != "demo-ada" {
			t.Fatalf("the callback: status %d, signed in as %q\n%s", r.status, b.subject(), r.body)
		}
		return next
	}
	refused := func(t *testing.T, r reply, code aura.Code) {
		t.Helper()
		status := map[aura.Code]int{
			aura.CodeStateInvalid: 400, aura.CodeCallbackIncomplete: 400, aura.CodeAccessDenied: 403, aura.CodeMethodNotAllowed: 405,
			aura.CodeUnsupportedMedia: 415, aura.CodeBodyTooLarge: 413, aura.CodeProviderError: 502,
		}[code]
		if r.status != status || r.code(t) != string(code) {
			t.Errorf("status %d, want %d with code %s\n%s", r.status, status, code, r.body)
		}
		for _, name := range r.written() {
			if !strings.Contains(name, ".flow") {
				t.Errorf("a refusal writes the cookie %s", name)
			}
		}
	}

	t.Run("only its own cookie is needed, and only it is set", func(t *testing.T) {
		b := s.browser()
		in := b.start("/after")
		for name := range b.cookies() {
			if !strings.HasPrefix(name, "aura-auth.flow_post.") {
				t.Errorf("the start sets %s", name)
			}
		}
		path, form := posted(t, b.consent(asQuery(t, in), "demo-ada"))
		form.Set("user", `{"name":{"firstName":"Ada","lastName":"L"}}`)
		next := completes(t, b, path, form)
		if seen == nil || string(seen.Posted) != form.Get("user") {
			t.Errorf("Profile.Posted is %q", seen.Posted)
		}
		refused(t, b.postBack(path, form), aura.CodeStateInvalid)
		refused(t, b.get(next), aura.CodeStateInvalid)
	})
	t.Run("FL-07 the post and the get again, with the cookies of before", func(t *testing.T) {
		b := s.browser()
		path, form := posted(t, b.consent(asQuery(t, b.start("/after")), "demo-ada"))
		early := cookieHeader(b.cookies())
		r := b.postBack(path, form)
		later := cookieHeader(b.cookies())
		if got := b.get(r.header.Get("Location")); got.status != http.StatusFound {
			t.Fatalf("status %d\n%s", got.status, got.body)
		}
		calls := s.tokenCalls()
		other := s.browser()
		refused(t, other.post(path, form, "Cookie", early), aura.CodeStateInvalid)
		refused(t, other.get(r.header.Get("Location"), "Cookie", later), aura.CodeStateInvalid)
		if s.tokenCalls() != calls {
			t.Error("a replay has reached the token endpoint")
		}
	})
	t.Run("what does not belong to it", func(t *testing.T) {
		b := s.browser()
		path, form := posted(t, b.consent(asQuery(t, b.start("/after")), "demo-ada"))
		change := func(name string, values ...string) url.Values {
			c := url.Values{}
			for n, v := range form {
				c[n] = v
			}
			c[name] = values
			return c
		}
		calls := s.tokenCalls()
		refused(t, b.postBack(path, change("state")), aura.CodeStateInvalid)
		refused(t, b.postBack(path, change("state", "x")), aura.CodeStateInvalid)
		refused(t, b.postBack(path, change("error", "access_denied")), aura.CodeStateInvalid) // beside a code
		refused(t, b.postBack(path, change("code", "a", "b")), aura.CodeStateInvalid)
		refused(t, b.postBack(path, change("user", "{}", "{}")), aura.CodeStateInvalid)
		refused(t, b.postBack(strings.Replace(path, "dev", "dev2", 1), form), aura.CodeStateInvalid)
		refused(t, s.browser().postBack(path, form), aura.CodeStateInvalid)
		refused(t, b.do("POST", path+"?"+form.Encode(), "", "Content-Type", "application/json"), aura.CodeUnsupportedMedia)
		refused(t, b.do("POST", path, `{"state":"x"}`, "Content-Type", "text/plain"), aura.CodeUnsupportedMedia)
		refused(t, b.do("POST", path, "", "Content-Type", "multipart/form-data; boundary=x"), aura.CodeUnsupportedMedia)
		refused(t, b.postBack(path, change("code", strings.Repeat("x", 65<<10))), aura.CodeBodyTooLarge)
		refused(t, b.postBack(path+"?"+form.Encode(), url.Values{}), aura.CodeStateInvalid) // only the body is read
		refused(t, b.get(path+"?"+form.Encode()), aura.CodeStateInvalid)                    // a posted flow is none for GET
		if s.tokenCalls() != calls {
			t.Error("a refused answer has reached the token endpoint")
		}
		completes(t, b, path, form)
	})
	t.Run("the query repeats what was posted", func(t *testing.T) {
		b := s.browser()
		path, form := posted(t, b.consent(asQuery(t, b.start("/after")), "demo-ada"))
		next := b.postBack(path, form).header.Get("Location")
		for _, extra := range []string{"&code=mine", "&error=access_denied", "&iss=https://idp.example"} {
			refused(t, b.get(next+extra), aura.CodeStateInvalid)
		}
		if r := b.get(next); r.status != http.StatusFound {
			t.Errorf("the honest one: status %d\n%s", r.status, r.body)
		}
	})
	t.Run("FL-04 cookies of another purpose", func(t *testing.T) {
		b := s.browser()
		path, form := posted(t, b.consent(asQuery(t, b.start("/after")), "demo-ada"))
		id := flow.ID(form.Get("state"))
		b.plant("aura-auth.flow."+id, b.cookies()["aura-auth.flow_post."+id])
		refused(t, b.get(path+"?"+form.Encode()), aura.CodeStateInvalid)

		q := s.browser()
		callback := q.consent(q.startAt("dev3", "/after"), "demo-ada")
		path, form = posted(t, callback)
		id = flow.ID(form.Get("state"))
		q.plant("aura-auth.flow_post."+id, q.cookies()["aura-auth.flow."+id])
		refused(t, q.postBack("/auth/callback/dev", form), aura.CodeStateInvalid)
		r := q.postBack(path, form)
		refused(t, r, aura.CodeMethodNotAllowed)
		if r.header.Get("Allow") != "GET, OPTIONS" {
			t.Errorf("Allow %q", r.header.Get("Allow"))
		}
	})
	t.Run("FL-06 expired, before and after the post", func(t *testing.T) {
		b := s.browser()
		path, form := posted(t, b.consent(asQuery(t, b.start("/after")), "demo-ada"))
		s.clock.add(flow.Lifetime - 3*time.Second)
		r := b.postBack(path, form)
		if r.status != http.StatusSeeOther {
			t.Fatalf("status %d\n%s", r.status, r.body)
		}
		s.clock.add(time.Minute)
		refused(t, b.get(r.header.Get("Location")), aura.CodeStateInvalid)

		late := s.browser()
		path, form = posted(t, late.consent(asQuery(t, late.start("/after")), "demo-ada"))
		cookies := cookieHeader(late.cookies())
		s.clock.add(flow.Lifetime)
		refused(t, s.browser().post(path, form, "Cookie", cookies), aura.CodeStateInvalid)
	})
	t.Run("the user cancels", func(t *testing.T) {
		b := s.browser()
		path, form := posted(t, b.consent(asQuery(t, b.start("/after")), "demo-ada"))
		r := b.postBack(path, url.Values{"state": form["state"], "error": {"access_denied"}})
		refused(t, b.get(r.header.Get("Location")), aura.CodeAccessDenied)
	})
	t.Run("neither code nor error", func(t *testing.T) {
		b := s.browser()
		path, form := posted(t, b.consent(asQuery(t, b.start("/after")), "demo-ada"))
		r := b.postBack(path, url.Values{"state": form["state"]})
		refused(t, b.get(r.header.Get("Location")), aura.CodeCallbackIncomplete)
	})
	t.Run("a user object that cannot be used is none", func(t *testing.T) {
		for _, user := range []string{"", "x", "[]", `"x"`, `{"a":1}x`, `{"a":"` + strings.Repeat("x", 1024) + `"}`} {
			b := s.browser()
			path, form := posted(t, b.consent(asQuery(t, b.start("/after")), "demo-ada"))
			form.Set("user", user)
			if completes(t, b, path, form); seen.Posted != nil {
				t.Errorf("user %.20q: Posted is %q", user, seen.Posted)
			}
		}
	})
	t.Run("more than fits", func(t *testing.T) {
		b := s.browser()
		path, form := posted(t, b.consent(asQuery(t, b.start("/after")), "demo-ada"))
		form.Set("code", strings.Repeat("x", 4000))
		refused(t, b.postBack(path, form), aura.CodeProviderError)
	})
	t.Run("both kinds count against the dozen", func(t *testing.T) {
		b := s.browser()
		for i := range 30 {
			b.startAt(providerName(i%3), "/after")
			// makeRoom looks at what came, so the newest is one more.
			if n := len(b.cookies()); n > 12 {
				t.Fatalf("%d sign-ins under way", n)
			}
		}
	})
}

// On https the cookie says None, and only this one does.
func TestFormPostCookieOnHTTPS(t *testing.T) {
	s := newPostRig(t, nil)
	auth := s.deploy(func(_ string, c *aura.Config) {
		c.Providers[0].ResponseMode, c.BaseURL = "form_post", "https://app.example"
	})
	for id, want := range map[string]string{
		"dev":  "__Host-aura-auth.flow_post.|; Path=/; |; HttpOnly; Secure; SameSite=None",
		"dev3": "__Host-aura-auth.flow.|; Path=/; |; HttpOnly; Secure; SameSite=Lax",
	} {
		r := direct(auth, "https://app.example/auth/signIn/"+id, func(r *http.Request) { r.Host = "app.example" })
		lines := r.header["Set-Cookie"]
		if len(lines) != 1 {
			t.Fatalf("%s: status %d, lines %q", id, r.status, lines)
		}
		parts := strings.Split(want, "|")
		if !strings.HasPrefix(lines[0], parts[0]) || !strings.Contains(lines[0], parts[1]) || !strings.HasSuffix(lines[0], parts[2]) || strings.Contains(lines[0], "Domain") {
			t.Errorf("%s: %q", id, lines[0])
		}
	}
}
