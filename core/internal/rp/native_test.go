package rp

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// An ID token without a code flow: what Exchange asks of one, and the rules for
// several clients of ours.
func TestVerifyIDToken(t *testing.T) {
	const bad, mismatch, ok = CodeIDTokenInvalid, CodeNonceMismatch, ""
	for _, row := range []struct {
		name string
		edit func(*fakeIDP)
		want string
	}{
		{"plain", func(*fakeIDP) {}, ok},
		{"the app's own client", claim("aud", "ios"), ok},
		{"array of one", aud("ios"), ok},
		{"Android: aud web, azp android", audAzp("android", testClient), ok},
		{"azp ours", audAzp(testClient, "ios"), ok},
		{"azp a stranger", audAzp("stranger", testClient), bad},
		{"azp only trusted in aud", audAzp("friend", testClient), bad},
		{"two of ours", audAzp(testClient, testClient, "ios"), bad},
		{"ours and a trusted one", audAzp(testClient, testClient, "friend"), bad},
		{"a trusted one alone", claim("aud", "friend"), bad},
		{"a stranger", claim("aud", "stranger"), bad},
		{"a stranger, azp ours", audAzp(testClient, "stranger"), bad},
		{"no aud", claim("aud", nil), bad},
		{"empty aud", aud(), bad},

		{"no nonce", claim("nonce", nil), mismatch},
		{"empty nonce", claim("nonce", ""), mismatch},
		{"another nonce", claim("nonce", "other"), mismatch},
		{"expired", at("exp", -60), bad},
		{"no iat", claim("iat", nil), bad},
		{"other issuer", claim("iss", "https://evil.example"), bad},
		{"no sub", claim("sub", nil), bad},
		{"other key", func(f *fakeIDP) {
			f.idToken = func(h, c []byte) string { return signRS256(otherRSA(), h, c) }
		}, bad},
		{"alg none", all(head("alg", "none"), whole(unsigned)), bad},
		{"access token by type", head("typ", "at+jwt"), bad},
		{"at_hash of a token that we never see", claim("at_hash", "LDktKdoQak3Pk0cnXxCltA"), ok},
		{"an access token", whole(func(string) string { return testAccess }), bad},
		{"a logout token with a nonce", claim("events", map[string]any{backchannelEvent: map[string]any{}}), bad},
		{"events of another kind", claim("events", []string{"launch party"}), ok},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			row.edit(f)
			p := f.party(t, func(c *Config) {
				c.TrustedAudiences, c.IDTokenAudiences = []string{"friend"}, []string{"ios", "android"}
			})
			g, err := p.VerifyIDToken(t.Context(), f.mint(), testNonce)
			expect(t, err, row.want)
			if f.count("/token")+f.count("/userinfo") != 0 {
				t.Error("more than discovery and keys were asked for")
			}
			if row.want != ok {
				if g != nil {
					t.Error("a grant came with an error")
				}
				return
			}
			var profile map[string]any
			if err := json.Unmarshal(g.Profile, &profile); err != nil {
				t.Fatal(err)
			}
			if g.Token != nil || g.Subject != "user-1" || g.Issuer != f.URL || g.SessionID != "op-session" || g.IDToken == "" || profile["name"] != "From ID token" {
				t.Errorf("grant: %+v", g)
			}
		})
	}
}

// The audiences of native clients count for VerifyIDToken alone, and without
// any there is ClientID.
func TestNativeAudiencesStayThere(t *testing.T) {
	f := newIDP(t)
	claim("aud", "ios")(f)
	_, err := exchange(t, f.party(t, func(c *Config) { c.IDTokenAudiences = []string{"ios"} }))
	expect(t, err, CodeIDTokenInvalid)
	_, err = f.party(t).VerifyIDToken(t.Context(), f.mint(), testNonce)
	expect(t, err, CodeIDTokenInvalid)
	claim("nonce", "")(f)
	_, err = f.party(t, func(c *Config) { c.IDTokenAudiences = []string{"ios"} }).VerifyIDToken(t.Context(), f.mint(), "")
	expect(t, err, CodeBadRequest)
	_, err = f.party(t, f.plain).VerifyIDToken(t.Context(), f.mint(), testNonce)
	expect(t, err, CodeBadRequest)
}

// During an outage of the provider a token is not forged but unknown.
func TestVerifyIDTokenOutage(t *testing.T) {
	f := newIDP(t)
	f.overrides["/jwks"] = status(500)
	_, err := f.party(t).VerifyIDToken(t.Context(), f.mint(), testNonce)
	if e := expect(t, err, CodeKeysInvalid); !e.Unreachable() || strings.Contains(e.Error(), testNonce) {
		t.Errorf("%v", e)
	}
	f.set(func() { delete(f.overrides, "/jwks") })
	p := f.party(t)
	_, err = p.VerifyIDToken(t.Context(), f.mint(), testNonce)
	expect(t, err, "")
	f.clock.advance(7 * time.Minute)
	_, err = p.VerifyIDToken(t.Context(), f.mint(), testNonce)
	expect(t, err, "")
	if f.count("/jwks") != 2 {
		t.Errorf("%d key fetches, want one per party that had an answer", f.count("/jwks"))
	}
}
