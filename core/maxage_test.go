package aura_test

import (
	"net/http"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// OpenID Connect Core §3.1.3.7(13): whoever asks for max_age checks auth_time,
// whatever the browser has made of the request on its way.
func TestMaxAge(t *testing.T) {
	ago := func(s *rig, d time.Duration) func(claims, _ map[string]any) {
		return func(claims, _ map[string]any) { claims["auth_time"] = s.clock.now().Add(-d).Unix() }
	}
	constant := func(_ string, c *aura.Config) { c.Providers[0].AuthParams = map[string]string{"max_age": "300"} }
	posted := func(url string, c *aura.Config) {
		constant(url, c)
		c.Providers[0].ResponseMode = "form_post"
	}
	query := func(_ string, c *aura.Config) { c.Providers[0].AllowedParams = []string{"max_age"} }
	linked := func(url string, c *aura.Config) {
		c.Providers[1].AuthParams = map[string]string{"max_age": "300"}
		c.Hooks.Link = (&linkBook{}).hook
	}
	for _, way := range []struct {
		name   string
		change func(string, *aura.Config)
		finish func(s *rig, b *browser) reply
	}{
		{"of AuthParams", constant, func(_ *rig, b *browser) reply { return b.get(b.consent(b.start("/after"), "demo-ada")) }},
		{"taken out of the request by the browser", constant, func(_ *rig, b *browser) reply {
			return b.get(b.consent(with(b.t, b.start("/after"), map[string][]string{"max_age": nil}), "demo-ada"))
		}},
		{"raised in the request by the browser", constant, func(_ *rig, b *browser) reply {
			return b.get(b.consent(with(b.t, b.start("/after"), map[string][]string{"max_age": {"999999"}}), "demo-ada"))
		}},
		{"of the query", query, func(_ *rig, b *browser) reply {
			r := b.get("/auth/signIn/dev?redirectTo=/after&max_age=300")
			return b.get(b.consent(r.header.Get("Location"), "demo-ada"))
		}},
		{"with form_post", posted, func(s *rig, b *browser) reply {
			callback, form, err := s.idp.ApprovePost(b.start("/after"), "demo-ada")
			if err != nil {
				b.t.Fatal(err)
			}
			return b.get(b.postBack(callback, form).header.Get("Location"))
		}},
		{"of a link", linked, func(s *rig, b *browser) reply {
			s.idps[0].Behave()
			b.signIn("demo-ada")
			return b.get(b.consent(b.startLink("dev2"), "demo-grace"))
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			s := newRig(t, 2, way.change)
			for _, test := range []struct {
				name   string
				change func(claims, header map[string]any)
				ok     bool
			}{
				{"fresh", ago(s, 0), true},
				{"old, and not too old", ago(s, 290*time.Second), true},
				{"too old", ago(s, time.Hour), false},
				{"of the future", ago(s, -time.Hour), false},
				{"missing", func(claims, _ map[string]any) { delete(claims, "auth_time") }, false},
				{"a string", func(claims, _ map[string]any) { claims["auth_time"] = "now" }, false},
			} {
				for _, idp := range s.idps {
					idp.Misbehave(devidp.Fault{Name: "AuthTime", Endpoint: devidp.Token, IDToken: test.change})
				}
				b := s.browser()
				r := way.finish(s, b)
				if test.ok {
					if r.status != http.StatusFound || b.subject() != "demo-ada" {
						t.Errorf("auth_time %s: status %d, signed in as %q\n%s", test.name, r.status, b.subject(), r.body)
					}
					continue
				}
				r.wantRefusal(t, http.StatusUnauthorized, aura.CodeIDTokenInvalid)
			}
		})
	}
	t.Run("not asked for", func(t *testing.T) {
		s := newRig(t, 1, nil)
		s.idp.Misbehave(devidp.Fault{Name: "AuthTime", Endpoint: devidp.Token, IDToken: func(claims, _ map[string]any) { delete(claims, "auth_time") }})
		s.browser().signIn("demo-ada")
	})
	t.Run("not let through", func(t *testing.T) { // max_age is not in AllowedParams: the query's is nobody's wish
		s := newRig(t, 1, nil)
		s.idp.Misbehave(devidp.Fault{Name: "AuthTime", Endpoint: devidp.Token, IDToken: ago(s, time.Hour)})
		b := s.browser()
		r := b.get(b.consent(b.get("/auth/signIn/dev?max_age=1").header.Get("Location"), "demo-ada"))
		if r.status != http.StatusFound {
			t.Errorf("status %d\n%s", r.status, r.body)
		}
	})
}
