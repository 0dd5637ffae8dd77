package rp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Anybody may send us a logout token or an ID token, with no sign-in before it:
// 10,000 of them within a minute, each under a key id of its own, cost the
// provider two requests for keys, and the honest token among them passes.
func TestStormOfForgedTokens(t *testing.T) {
	for name, verify := range map[string]func(*Party, string) error{
		"logout tokens": func(p *Party, raw string) error {
			_, err := p.VerifyLogoutToken(t.Context(), raw)
			return err
		},
		"ID tokens": func(p *Party, raw string) error {
			_, err := p.VerifyIDToken(t.Context(), raw, testNonce)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			p := f.party(t)
			good, want := f.mint(), CodeIDTokenInvalid
			if name == "logout tokens" {
				good, want = f.logoutToken(nil, nil), CodeLogoutTokenInvalid
			}
			expect(t, verify(p, good), "")
			before := f.count("/jwks")
			rest := good[strings.IndexByte(good, '.'):]
			for i := range 10_000 {
				header := must(json.Marshal(map[string]any{"alg": "RS256", "kid": fmt.Sprint("made-up-", i)}))
				if e := expect(t, verify(p, b64(header)+rest), want); e.Unreachable() {
					t.Fatal("a forged token was taken for an outage")
				}
				f.clock.advance(time.Minute / 10_000)
			}
			if n := f.count("/jwks") - before; n > 2 {
				t.Errorf("%d requests for keys within a minute, want two at most", n)
			}
			if n := f.count(wellKnownPath); n != 1 {
				t.Errorf("%d discovery requests", n)
			}
			expect(t, verify(p, good), "")
		})
	}
}

// Nothing is shared between instances: what one has been told, or has cooled
// down from, says nothing about another.
func TestInstancesShareNothing(t *testing.T) {
	f := newIDP(t)
	first, second := f.party(t), f.party(t)
	_, err := exchange(t, first)
	expect(t, err, "")
	setKid(f, "made-up")
	_, err = exchange(t, first) // first cools down now
	expect(t, err, CodeIDTokenInvalid)
	setKid(f, "k1")
	before := f.count("/jwks")
	_, err = exchange(t, second)
	expect(t, err, "")
	if f.count(wellKnownPath) != 2 || f.count("/jwks") != before+1 {
		t.Errorf("%d discovery requests, %d for keys", f.count(wellKnownPath), f.count("/jwks"))
	}
}

// The logout modules of the OpenID Foundation's suite, by their names.
func TestConformanceBackchannel(t *testing.T) {
	type edit = func(h, c map[string]any)
	with := func(name string, value any) edit { return func(_, c map[string]any) { c[name] = value } }
	for _, m := range []struct {
		name string
		edit edit
		sign func(h, c []byte) string
	}{
		{"", nil, nil},
		{"-alg-none", func(h, _ map[string]any) { h["alg"] = "none" }, func(h, c []byte) string { return b64(h) + "." + b64(c) + "." }},
		{"-wrong-alg", func(h, _ map[string]any) { h["alg"] = "HS256" }, func(h, c []byte) string { return signHS256([]byte(testSecret), h, c) }},
		{"-wrong-aud", with("aud", "another-client"), nil},
		{"-wrong-iss", with("iss", "https://attacker.example"), nil},
		{"-no-event", with("events", nil), nil},
		{"-wrong-event", with("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout-wrong": map[string]any{}}), nil},
		{"-with-nonce", with("nonce", "n"), nil},
	} {
		t.Run("oidcc-client-test-rp-backchannel-rpinitlogout"+m.name, func(t *testing.T) {
			f := newIDP(t)
			want := CodeLogoutTokenInvalid
			if m.name == "" {
				want = ""
			}
			_, err := f.party(t).VerifyLogoutToken(t.Context(), f.logoutToken(m.edit, m.sign))
			expect(t, err, want)
		})
	}
}
