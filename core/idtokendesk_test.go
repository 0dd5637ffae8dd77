package aura_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/internal/flow"
	"github.com/aura-stack-go/auth/core/ratelimit"
)

// newNative is a rig whose first provider takes ID tokens, also those of a phone.
func newNative(t *testing.T, n int, change func(*aura.Config)) *rig {
	t.Helper()
	return newRig(t, n, func(_ string, c *aura.Config) {
		for i := range c.Providers {
			c.Providers[i].IDToken = aura.IDTokenConfig{SignIn: true, SignInAudiences: []string{"phone"}}
		}
		if change != nil {
			change(c)
		}
	})
}

// nonce fetches one.
func (b *browser) nonce(id string, header ...string) string {
	b.t.Helper()
	r := b.get("/auth/signIn/"+id+"/idToken", header...)
	nonce, _ := r.json(b.t)["nonce"].(string)
	if r.status != http.StatusOK || len(nonce) != 43 {
		b.t.Fatalf("GET idToken: %d %s", r.status, r.body)
	}
	return nonce
}

// idToken sends one, with the visitor's CSRF token.
func (b *browser) idToken(id, raw string, header ...string) reply {
	b.t.Helper()
	return b.do("POST", "/auth/signIn/"+id+"/idToken?redirect=false", `{"idToken":"`+raw+`"}`,
		append([]string{"Content-Type", jsonType, "X-CSRF-Token", b.csrf()}, header...)...)
}

// nativeClaims are those of an ID token that the provider issues to its own library.
func (r *rig) nativeClaims(i int, nonce string) map[string]any {
	now := r.clock.now().Unix()
	return map[string]any{
		"iss": r.idps[i].Issuer(), "aud": r.idps[i].Client().ID, "sub": "demo-ada", "nonce": nonce,
		"iat": now, "exp": now + 600, "name": "Ada", "email": "ada@example.com", "email_verified": true,
	}
}

// sign is a token of the provider's, whatever it says.
func (r *rig) sign(i int, header, claims map[string]any) string {
	r.t.Helper()
	raw, err := r.idps[i].SignJWT(header, claims)
	if err != nil {
		r.t.Fatal(err)
	}
	return raw
}

// issue has the provider itself issue an ID token, misbehaving as told.
func (r *rig) issue(nonce string, faults ...devidp.Fault) (idToken, accessToken string) {
	r.t.Helper()
	r.idp.Misbehave(faults...)
	defer r.idp.Behave()
	o := oauth2.Config{
		ClientID: r.idp.Client().ID, ClientSecret: r.idp.Client().Secret, RedirectURL: "http://127.0.0.1:1/native", Scopes: []string{"openid", "profile"},
		Endpoint: oauth2.Endpoint{AuthURL: r.idp.Issuer() + "/authorize", TokenURL: r.idp.Issuer() + "/token", AuthStyle: oauth2.AuthStyleInHeader},
	}
	verifier := oauth2.GenerateVerifier()
	back, err := r.idp.Approve(o.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", nonce)), "demo-ada")
	if err != nil {
		r.t.Fatal(err)
	}
	token, err := o.Exchange(r.t.Context(), query(r.t, back).Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		r.t.Fatal(err)
	}
	idToken, _ = token.Extra("id_token").(string)
	return idToken, token.AccessToken
}

func TestIDTokenSignIn(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"for ClientID":                 func(map[string]any) {},
		"for a client of ours":         func(c map[string]any) { c["aud"] = "phone" },
		"for ClientID, from the phone": func(c map[string]any) { c["azp"] = "phone" },
	} {
		t.Run(name, func(t *testing.T) {
			r := newNative(t, 1, nil)
			b := r.browser()
			claims := r.nativeClaims(0, b.nonce("dev", "Origin", r.url, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"))
			change(claims)
			answer := b.idToken("dev", r.sign(0, nil, claims), "Origin", r.url, "Sec-Fetch-Site", "same-origin")
			if answer.status != http.StatusOK || answer.body != `{"redirect":false,"redirectURL":null,"success":true}` {
				t.Fatalf("%d %s", answer.status, answer.body)
			}
			if b.subject() != "demo-ada" || len(b.flows()) > 0 || b.connected() {
				t.Errorf("signed in as %q, flows %q", b.subject(), b.flows())
			}
			if calls := r.tokenCalls(); calls > 0 {
				t.Errorf("the token endpoint was asked %d times", calls)
			}
		})
	}
}

// The token that goes in the body, for a client that then forgets its cookies.
func TestIDTokenBearer(t *testing.T) {
	r := newNative(t, 1, func(c *aura.Config) { c.Bearer = true })
	b := r.browser()
	raw := r.sign(0, nil, r.nativeClaims(0, b.nonce("dev")))
	send := func(header ...string) reply {
		return b.do("POST", "/auth/signIn/dev/idToken?redirect=false&token=true", `{"idToken":"`+raw+`"}`, append(header, "Content-Type", jsonType, "X-CSRF-Token", b.csrf())...)
	}
	send("Origin", r.url).wantRefusal(t, 403, aura.CodeOriginRejected)
	answer := send()
	token, _ := answer.json(t)["token"].(string)
	if answer.status != http.StatusOK || token == "" || b.subject() != "" || len(b.flows()) > 0 {
		t.Fatalf("%d %s", answer.status, answer.body)
	}
	if s := r.browser().get("/auth/session", "Authorization", "Bearer "+token); s.status != http.StatusOK || !strings.Contains(s.body, `"sub":"demo-ada"`) {
		t.Errorf("with the token: %d %s", s.status, s.body)
	}
	// A flow is in a cookie, and beside a bearer token cookies do not count.
	raw = r.sign(0, nil, r.nativeClaims(0, b.nonce("dev")))
	csrf, _ := b.get("/auth/csrfToken", "Authorization", "Bearer "+token).json(t)["csrfToken"].(string)
	b.do("POST", "/auth/signIn/dev/idToken?redirect=false", `{"idToken":"`+raw+`"}`, "Content-Type", jsonType, "X-CSRF-Token", csrf, "Authorization", "Bearer "+token).
		wantRefusal(t, 400, aura.CodeStateInvalid)
}

// ID tokens that are not for this, not for us, not now, or nobody's.
func TestIDTokenRefused(t *testing.T) {
	r := newNative(t, 2, nil)
	set := func(name string, value any) func(map[string]any) { return func(c map[string]any) { c[name] = value } }
	for _, test := range []struct {
		name   string
		change func(map[string]any)
		header map[string]any
		status int
		code   aura.Code
	}{
		{"another audience", set("aud", "somebody-else"), nil, 401, aura.CodeIDTokenInvalid},
		{"ours and another audience", func(c map[string]any) { c["aud"] = []any{c["aud"], "somebody-else"} }, nil, 401, aura.CodeIDTokenInvalid},
		{"no audience", func(c map[string]any) { delete(c, "aud") }, nil, 401, aura.CodeIDTokenInvalid},
		{"another azp", set("azp", "somebody-else"), nil, 401, aura.CodeIDTokenInvalid},
		{"another issuer", set("iss", r.idps[1].Issuer()), nil, 401, aura.CodeIDTokenInvalid},
		{"the issuer and a slash", set("iss", r.idp.Issuer()+"/"), nil, 401, aura.CodeIDTokenInvalid},
		{"expired", set("exp", r.clock.now().Unix()-600), nil, 401, aura.CodeIDTokenInvalid},
		{"no expiry", func(c map[string]any) { delete(c, "exp") }, nil, 401, aura.CodeIDTokenInvalid},
		{"issued in the future", set("iat", r.clock.now().Unix()+3600), nil, 401, aura.CodeIDTokenInvalid},
		{"no subject", func(c map[string]any) { delete(c, "sub") }, nil, 401, aura.CodeIDTokenInvalid},
		{"an access token", func(map[string]any) {}, map[string]any{"typ": "at+jwt"}, 401, aura.CodeIDTokenInvalid},
		{"a logout token", func(map[string]any) {}, map[string]any{"typ": "logout+jwt"}, 401, aura.CodeIDTokenInvalid},
		{"no nonce", func(c map[string]any) { delete(c, "nonce") }, nil, 400, aura.CodeStateInvalid},
		{"another nonce", set("nonce", strings.Repeat("n", 43)), nil, 400, aura.CodeStateInvalid},
		{"a nonce in an array", func(c map[string]any) { c["nonce"] = []any{c["nonce"]} }, nil, 400, aura.CodeStateInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := r.browser()
			claims := r.nativeClaims(0, b.nonce("dev"))
			test.change(claims)
			b.idToken("dev", r.sign(0, test.header, claims)).wantRefusal(t, test.status, test.code)
			if b.subject() != "" {
				t.Errorf("signed in as %q", b.subject())
			}
		})
	}
	for _, fault := range []devidp.Fault{
		devidp.BadSignature, devidp.OtherKey, devidp.AlgNone, devidp.AlgNoneMixedCase, devidp.AlgNoneKeepsSignature,
		devidp.HS256ClientSecret, devidp.HS256PublicPEM, devidp.HeaderJWK, devidp.HeaderJKU, devidp.UnknownKid, devidp.CritUnknown,
	} {
		t.Run(fault.Name, func(t *testing.T) {
			b := r.browser()
			raw, _ := r.issue(b.nonce("dev"), fault)
			b.idToken("dev", raw).wantRefusal(t, 401, aura.CodeIDTokenInvalid)
			if b.subject() != "" {
				t.Errorf("signed in as %q", b.subject())
			}
		})
	}
	b := r.browser()
	_, access := r.issue(b.nonce("dev"))
	for name, raw := range map[string]string{"the access token": access, "no token": "x", "two dots": "..", "17 KiB": strings.Repeat("a", 17<<10)} {
		t.Run(name, func(t *testing.T) { b.idToken("dev", raw).wantRefusal(t, 400, aura.CodeStateInvalid) })
	}
	for name, body := range map[string]string{"nothing": `{}`, "a number": `{"idToken":1}`, "an empty one": `{"idToken":""}`} {
		t.Run(name, func(t *testing.T) {
			b.do("POST", "/auth/signIn/dev/idToken?redirect=false", body, "Content-Type", jsonType, "X-CSRF-Token", b.csrf()).wantRefusal(t, 422, aura.CodeUnprocessable)
		})
	}
	b.post("/auth/signIn/dev/idToken", url.Values{"idToken": {access}, "csrfToken": {b.csrf()}}).wantRefusal(t, 415, aura.CodeUnsupportedMedia)
}

// A token is good for one attempt, within ten minutes, by the client that has
// asked for its nonce, at the provider it was asked for.
func TestIDTokenFlow(t *testing.T) {
	r := newNative(t, 2, nil)
	b := r.browser()
	nonce := b.nonce("dev")
	planted := b.cookies()
	raw := r.sign(0, nil, r.nativeClaims(0, nonce))

	victim := r.browser()
	victim.idToken("dev", raw).wantRefusal(t, 400, aura.CodeStateInvalid) // login CSRF: not this client's nonce
	if victim.subject() != "" {
		t.Errorf("the victim is signed in as %q", victim.subject())
	}
	b.idToken("dev2", r.sign(1, nil, r.nativeClaims(1, nonce))).wantRefusal(t, 400, aura.CodeStateInvalid)
	if got := b.idToken("dev", raw); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	// Replayed, by whoever has kept the cookie.
	thief := r.browser()
	for name, value := range planted {
		if strings.Contains(name, ".flow.") {
			thief.plant(name, value)
		}
	}
	thief.idToken("dev", raw).wantRefusal(t, 400, aura.CodeStateInvalid)

	late := r.browser()
	nonce = late.nonce("dev")
	r.clock.add(10 * time.Minute)
	late.idToken("dev", r.sign(0, nil, r.nativeClaims(0, nonce))).wantRefusal(t, 400, aura.CodeStateInvalid)

	// A failed attempt uses the nonce up.
	failed := r.browser()
	claims := r.nativeClaims(0, failed.nonce("dev"))
	failed.idToken("dev", r.sign(0, nil, func() map[string]any { c := maps.Clone(claims); c["aud"] = "x"; return c }())).wantRefusal(t, 401, aura.CodeIDTokenInvalid)
	failed.idToken("dev", r.sign(0, nil, claims)).wantRefusal(t, 400, aura.CodeStateInvalid)
}

// Flows of the two kinds are of no use to each other.
func TestIDTokenFlowKinds(t *testing.T) {
	r := newNative(t, 1, nil)
	b := r.browser()
	// The nonce of a code flow, and a cookie that is moved to where the nonce's would be.
	start := query(t, b.start("/"))
	code := b.flows()[0]
	value := b.cookies()[code]
	moved := "aura-auth.flow." + flow.ID(start.Get("nonce"))
	b.plant(moved, value)
	b.idToken("dev", r.sign(0, nil, r.nativeClaims(0, start.Get("nonce")))).wantRefusal(t, 400, aura.CodeStateInvalid)

	// And a callback with the state of an ID token's flow, which follows from its seed.
	b = r.browser()
	nonce := b.nonce("dev")
	b.get("/auth/callback/dev?code=x&state="+nonce).wantRefusal(t, 400, aura.CodeStateInvalid)
	if b.subject() != "" || r.tokenCalls() > 0 {
		t.Errorf("signed in as %q; the token endpoint was asked %d times", b.subject(), r.tokenCalls())
	}
}

func TestIDTokenCSRF(t *testing.T) {
	r := newNative(t, 1, nil)
	attacker := r.browser()
	b := r.browser()
	raw := r.sign(0, nil, r.nativeClaims(0, b.nonce("dev")))
	send := func(header ...string) reply {
		return b.do("POST", "/auth/signIn/dev/idToken?redirect=false", `{"idToken":"`+raw+`"}`, append(header, "Content-Type", jsonType)...)
	}
	send().wantRefusal(t, 403, aura.CodeCSRFMissing)
	b.csrf()
	send("X-CSRF-Token", attacker.csrf()).wantRefusal(t, 403, aura.CodeCSRFMismatch)
	send("X-CSRF-Token", b.csrf(), "Origin", "https://evil.example").wantRefusal(t, 403, aura.CodeOriginRejected)
	send("X-CSRF-Token", b.csrf(), "Sec-Fetch-Site", "cross-site").wantRefusal(t, 403, aura.CodeOriginRejected)
	if b.subject() != "" {
		t.Errorf("signed in as %q", b.subject())
	}
	if got := send("X-CSRF-Token", b.csrf()); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	for name, header := range map[string][]string{
		"another origin":    {"Origin", "https://evil.example"},
		"an image":          {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"},
		"a page load":       {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"},
		"a sibling":         {"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"},
		"a prefetch of our": {"Sec-Fetch-Site", "same-origin", "Sec-Purpose", "prefetch"},
	} {
		b := r.browser()
		got := b.get("/auth/signIn/dev/idToken", header...)
		if got.status != http.StatusForbidden || len(got.written()) > 0 {
			t.Errorf("the nonce for %s: %d %s", name, got.status, got.body)
		}
	}
}

// The routes are there for the providers that have them; the hook decides, and
// attempts are counted by address.
func TestIDTokenRoutes(t *testing.T) {
	var attempts []string
	r := newNative(t, 2, func(c *aura.Config) {
		c.Providers[1].IDToken = aura.IDTokenConfig{}
		c.Limits.CredentialsSource = ratelimit.Rule{Limit: 2, Window: time.Minute}
		c.Providers[0].Profile = func(ctx context.Context, p *aura.Profile) (aura.User, error) {
			var more any
			if err := p.Fetch(ctx, "https://api.example/more", &more); aura.CodeOf(err) != aura.CodeNoUserInfo {
				t.Errorf("Fetch without an access token: %v", err)
			}
			return aura.DefaultProfile(ctx, p)
		}
		c.Hooks.SignIn = func(_ context.Context, a *aura.Attempt) error {
			attempts = append(attempts, a.Provider+" "+a.User.Subject)
			if len(attempts) == 1 {
				return errors.New("not today")
			}
			return nil
		}
	})
	b := r.browser()
	b.get("/auth/signIn/dev2/idToken").wantRefusal(t, 404, aura.CodeNotFound)
	b.idToken("dev2", "x").wantRefusal(t, 404, aura.CodeNotFound)
	b.get("/auth/signIn/nobody/idToken").wantRefusal(t, 404, aura.CodeUnknownProvider)
	if got := b.do("PUT", "/auth/signIn/dev/idToken", ""); got.status != 405 || got.header.Get("Allow") != "GET, POST, OPTIONS" {
		t.Errorf("PUT: %d, Allow %q", got.status, got.header.Get("Allow"))
	}

	b.idToken("dev", r.sign(0, nil, r.nativeClaims(0, b.nonce("dev")))).wantRefusal(t, 403, aura.CodeSignInDenied)
	for range 3 { // successes are not counted
		b = r.browser()
		if got := b.idToken("dev", r.sign(0, nil, r.nativeClaims(0, b.nonce("dev")))); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	if !slices.Equal(attempts, []string{"dev demo-ada", "dev demo-ada", "dev demo-ada", "dev demo-ada"}) {
		t.Errorf("the hook saw %q", attempts)
	}
	r.browser().idToken("dev", "x").wantRefusal(t, 400, aura.CodeStateInvalid)
	r.browser().idToken("dev", "x").wantRefusal(t, 429, aura.CodeRateLimited)
}

// What New says about settings that cannot mean anything.
func TestNativeValidation(t *testing.T) {
	for want, change := range map[string]func(*aura.Provider){
		"IDToken.SignIn: OAuth 2.0":                     func(p *aura.Provider) { p.IDToken.SignIn = true },
		"IDToken.SignInAudiences: has no effect":        func(p *aura.Provider) { p.IDToken.SignInAudiences = []string{"phone"} },
		"IDToken.SignInAudiences[1]: is empty":          func(p *aura.Provider) { p.IDToken.SignInAudiences = []string{"phone", ""} },
		"DeviceFlow: needs DeviceAuthorizationEndpoint": func(p *aura.Provider) { p.DeviceFlow = true },
	} {
		p := ghProvider()
		change(&p)
		_, err := aura.New(aura.Config{Secrets: []aura.Secret{testSecret}, Salt: testSalt, Providers: []aura.Provider{p}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}
