package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

// hd decides where it is signed, by its exact name, as a text, in ASCII.
func TestGoogleHostedDomain(t *testing.T) {
	const domain = "octo.example"
	set := func(name string, value any) map[string]any { return map[string]any{name: value} }
	for _, c := range []struct {
		why      string
		domains  []string
		claims   map[string]any // of the ID token; the recorded userinfo has hd: octo.example
		userinfo map[string]any
		status   int
		code     aura.Code
	}{
		{why: "the domain", domains: []string{domain}, claims: set("hd", domain), status: 302},
		{why: "one of several", domains: []string{"other.example", domain}, claims: set("hd", domain), status: 302},
		{why: "in other letters", domains: []string{"OCTO.Example"}, claims: set("hd", "Octo.exAmple"), status: 302},
		{why: "hd missing from the ID token, there in userinfo", domains: []string{domain}, status: 403},
		{why: "hd missing everywhere", domains: []string{domain}, userinfo: set("hd", nil), status: 403},
		{why: "another hd in the ID token than in userinfo", domains: []string{domain}, claims: set("hd", "evil.example"), status: 403},
		{why: "the address's domain", domains: []string{domain}, claims: map[string]any{"email": "mona@octo.example", "email_verified": true}, userinfo: set("hd", nil), status: 403},
		{why: "a subdomain", domains: []string{domain}, claims: set("hd", "evil.octo.example"), status: 403},
		{why: "a domain that ends like it", domains: []string{domain}, claims: set("hd", "notocto.example"), status: 403},
		{why: "a domain that begins like it", domains: []string{domain}, claims: set("hd", "octo.example.evil.test"), status: 403},
		{why: "a dot at the end", domains: []string{domain}, claims: set("hd", "octo.example."), status: 403},
		{why: "the Kelvin sign for a k", domains: []string{"kraken.example"}, claims: set("hd", "\u212Araken.example"), status: 403},
		{why: "the long s for an s", domains: []string{"squid.example"}, claims: set("hd", "\u017Fquid.example"), status: 403},
		{why: "a list", domains: []string{domain}, claims: set("hd", []string{domain}), status: 403},
		{why: "empty", domains: []string{""}, claims: set("hd", ""), status: 403},
		{why: "no domain is admitted", claims: set("hd", domain), status: 403},
		{why: "an empty one is", domains: []string{""}, userinfo: set("hd", nil), status: 403},
		{why: "HD in userinfo", domains: []string{domain}, userinfo: map[string]any{"hd": nil, "HD": domain}, status: 502, code: aura.CodeUserInfoMalformed},
		{why: "HD in the ID token", domains: []string{domain}, claims: set("HD", domain), status: 401, code: aura.CodeIDTokenInvalid},
	} {
		for _, id := range []string{"google", "work"} { // a renamed provider is Google still
			t.Run(c.why+" "+id, func(t *testing.T) {
				g := newGoogle(t)
				g.hosts["openidconnect.googleapis.com/v1/userinfo"] = answer(200, edited(t, "google.json", c.userinfo))
				p := provider.Google()
				p.ID = id
				app := newApplicationWith(t, p, g, aura.Hooks{SignIn: provider.GoogleHostedDomain(c.domains...)})
				_, q := app.start("&hd=" + domain)
				for name, value := range c.claims {
					g.claims[name] = value
				}
				g.claims["nonce"] = q.Get("nonce")
				want := c.code
				if c.status == http.StatusForbidden {
					want = aura.CodeSignInDenied
				}
				r := app.back(q.Get("state"), "&hd="+domain)
				if got := code(t, r); r.StatusCode != c.status || aura.Code(got) != want || (app.user() != nil) != (c.status == 302) {
					t.Errorf("status %d, code %s, signed in as %v", r.StatusCode, got, app.user())
				}
			})
		}
	}
}

// Users of other providers pass; who poses as Google without an ID token does not.
func TestGoogleHostedDomainElsewhere(t *testing.T) {
	hook := provider.GoogleHostedDomain("octo.example")
	for why, c := range map[string]struct {
		attempt aura.Attempt
		pass    bool
	}{
		"another issuer":          {aura.Attempt{Provider: "google", Issuer: "https://accounts.google.com.evil.example", Profile: &aura.Profile{Subject: "1"}}, true},
		"credentials":             {aura.Attempt{Provider: "credentials", Issuer: "https://app.example"}, true},
		"OAuth 2.0 with its name": {aura.Attempt{Provider: "g", Issuer: "https://accounts.google.com", Profile: &aura.Profile{Raw: json.RawMessage(`{"hd":"octo.example"}`)}}, false},
		"no profile":              {aura.Attempt{Provider: "g", Issuer: "https://accounts.google.com"}, false},
	} {
		if err := hook(context.Background(), &c.attempt); (err == nil) != c.pass {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestSignInHooks(t *testing.T) {
	var ran []string
	hook := func(name string, err error) func(context.Context, *aura.Attempt) error {
		return func(context.Context, *aura.Attempt) error { ran = append(ran, name); return err }
	}
	no := errors.New("no")
	all := []func(context.Context, *aura.Attempt) error{hook("a", nil), nil, hook("b", no), hook("c", nil)}
	both := aura.SignInHooks(all...)
	all[2] = hook("changed later", nil)
	if err := both(context.Background(), &aura.Attempt{}); !errors.Is(err, no) || len(ran) != 2 || ran[0] != "a" || ran[1] != "b" {
		t.Errorf("%v after %v", err, ran)
	}
	if err := aura.SignInHooks()(context.Background(), &aura.Attempt{}); err != nil {
		t.Error(err)
	}
}
