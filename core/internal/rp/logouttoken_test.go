package rp

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"
)

// logoutToken mints a good one, edited; sign nil means RS256 by k1.
func (f *fakeIDP) logoutToken(edit func(header, claims map[string]any), sign func(header, claims []byte) string) string {
	now := f.clock.now().Unix()
	header := map[string]any{"alg": "RS256", "kid": "k1", "typ": "logout+jwt"}
	claims := map[string]any{
		"iss": f.issuer, "aud": testClient, "iat": now, "exp": now + 120, "jti": "j1", "sub": "user-1", "sid": "op-session",
		"events": map[string]any{backchannelEvent: map[string]any{}},
	}
	if edit != nil {
		edit(header, claims)
	}
	maps.DeleteFunc(header, func(_ string, v any) bool { return v == nil })
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	if sign == nil {
		sign = func(h, c []byte) string { return signRS256(rsaKey(), h, c) }
	}
	return sign(must(json.Marshal(header)), must(json.Marshal(claims)))
}

func TestVerifyLogoutToken(t *testing.T) {
	const bad, ok = CodeLogoutTokenInvalid, ""
	const now = 1772366400 // newClock's
	type edit = func(h, c map[string]any)
	with := func(name string, value any) edit { return func(_, c map[string]any) { c[name] = value } }
	header := func(name string, value any) edit { return func(h, _ map[string]any) { h[name] = value } }
	event := func(value any) edit { return with("events", map[string]any{backchannelEvent: value}) }
	for _, row := range []struct {
		name string
		edit edit
		sign func(h, c []byte) string
		want string
	}{
		{"plain", nil, nil, ok},
		{"typ JWT", header("typ", "JWT"), nil, ok},
		{"no typ", header("typ", nil), nil, ok},
		{"typ in capitals", header("typ", "LOGOUT+JWT"), nil, ok},
		{"typ of an access token", header("typ", "at+jwt"), nil, bad},
		{"typ of a security event", header("typ", "secevent+jwt"), nil, bad},
		{"sub alone", with("sid", nil), nil, ok},
		{"sid alone", with("sub", nil), nil, ok},
		{"neither", func(_, c map[string]any) { c["sub"], c["sid"] = nil, nil }, nil, bad},
		{"sub empty", with("sub", ""), nil, bad},
		{"sid empty", with("sid", ""), nil, bad},
		{"sub number", with("sub", 1), nil, bad},
		{"sid with newline", with("sid", "a\n"), nil, bad},
		{"sid too long", with("sid", strings.Repeat("s", 256)), nil, bad},

		{"alg none", header("alg", "none"), func(h, c []byte) string { return unsigned(signRS256(rsaKey(), h, c)) }, bad},
		{"alg none, signed", header("alg", "none"), nil, bad},
		{"HS256 by the secret", header("alg", "HS256"), func(h, c []byte) string { return signHS256([]byte(testSecret), h, c) }, bad},
		{"alg not configured", header("alg", "RS512"), nil, bad},
		{"another key", nil, func(h, c []byte) string { return signRS256(otherRSA(), h, c) }, bad},
		{"unknown kid", header("kid", "k9"), nil, bad},
		{"jwk", header("jwk", map[string]any{}), nil, bad},
		{"crit", header("crit", []string{"x"}), nil, bad},

		{"iss missing", with("iss", nil), nil, bad},
		{"iss another", with("iss", "https://evil.example"), nil, bad},
		{"aud missing", with("aud", nil), nil, bad},
		{"aud another", with("aud", "other"), nil, bad},
		{"aud ours in an array", with("aud", []string{testClient}), nil, ok},
		{"aud ours and trusted, no azp", with("aud", []string{testClient, "friend"}), nil, ok},
		{"aud ours and a stranger", with("aud", []string{testClient, "stranger"}), nil, bad},
		{"aud a native client of ours", with("aud", "ios"), nil, bad},

		{"iat missing", with("iat", nil), nil, bad},
		{"iat 61 s ahead", with("iat", now+61), nil, bad},
		{"iat 59 s ahead", with("iat", now+59), nil, ok},
		{"iat 10:59 ago", with("iat", now-659), nil, ok},
		{"iat 11:00 ago", with("iat", now-660), nil, bad},
		{"exp missing", with("exp", nil), nil, bad},
		{"exp 60 s ago", with("exp", now-60), nil, bad},
		{"exp 59 s ago", with("exp", now-59), nil, ok},
		{"nbf ahead", with("nbf", now+61), nil, bad},

		{"jti missing", with("jti", nil), nil, bad},
		{"jti empty", with("jti", ""), nil, bad},
		{"jti number", with("jti", 7), nil, bad},
		{"jti too long", with("jti", strings.Repeat("j", 256)), nil, bad},

		{"no events", with("events", nil), nil, bad},
		{"events empty", with("events", map[string]any{}), nil, bad},
		{"events an array", with("events", []string{backchannelEvent}), nil, bad},
		{"events a string", with("events", backchannelEvent), nil, bad},
		{"another event", with("events", map[string]any{"http://schemas.openid.net/event/other": map[string]any{}}), nil, bad},
		{"event null", event(nil), nil, bad},
		{"event true", event(true), nil, bad},
		{"event an array", event([]any{}), nil, bad},
		{"event with content", event(map[string]any{"why": "x"}), nil, ok},
		{"beside another event", with("events", map[string]any{backchannelEvent: map[string]any{}, "x": map[string]any{}}), nil, ok},
		{"Events", func(_, c map[string]any) { c["Events"], c["events"] = c["events"], nil }, nil, bad},

		{"nonce", with("nonce", testNonce), nil, bad},
		{"nonce empty", with("nonce", ""), nil, bad},
		{"nonce a number", with("nonce", 1), nil, bad},
		{"claim twice", nil, func(h, c []byte) string { return signRS256(rsaKey(), h, replace(`"sid":`, `"sid":"x","sid":`)(c)) }, bad},
		{"over 16 KiB", with("big", strings.Repeat("x", 16<<10)), nil, bad},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			p := f.party(t, func(c *Config) { c.TrustedAudiences, c.IDTokenAudiences = []string{"friend"}, []string{"ios"} })
			got, err := p.VerifyLogoutToken(t.Context(), f.logoutToken(row.edit, row.sign))
			if e := expect(t, err, row.want); e != nil && (e.Unreachable() || got != nil) {
				t.Errorf("%v, %v", got, e)
			}
			if row.want == ok && (got.Issuer != f.URL || got.ID != "j1" || got.IssuedAt.IsZero()) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Expires is the end of acceptance: a jti forgotten then cannot come again.
func TestLogoutTokenExpires(t *testing.T) {
	for _, life := range []time.Duration{2 * time.Minute, time.Hour} {
		f := newIDP(t)
		p := f.party(t)
		raw := f.logoutToken(func(_, c map[string]any) { c["exp"] = f.clock.now().Add(life).Unix() }, nil)
		got, err := p.VerifyLogoutToken(t.Context(), raw)
		expect(t, err, "")
		if want := f.clock.now().Add(min(life, logoutAge) + leeway); !got.Expires.Equal(want) {
			t.Errorf("expires %v, want %v", got.Expires, want)
		}
		f.clock.advance(got.Expires.Sub(f.clock.now()) - time.Nanosecond)
		_, err = p.VerifyLogoutToken(t.Context(), raw)
		expect(t, err, "")
		f.clock.advance(time.Nanosecond)
		_, err = p.VerifyLogoutToken(t.Context(), raw)
		expect(t, err, CodeLogoutTokenInvalid)
	}
}

// The two kinds of token are signed by the same key for the same audience, and
// neither passes for the other, with whatever typ.
func TestTokenKindsApart(t *testing.T) {
	for _, typ := range []any{"logout+jwt", "JWT", nil} {
		f := newIDP(t)
		p := f.party(t)
		head("typ", typ)(f)
		claim("jti", "j1")(f)
		_, err := p.VerifyLogoutToken(t.Context(), f.mint())
		expect(t, err, CodeLogoutTokenInvalid)

		logout := f.logoutToken(func(h, _ map[string]any) { h["typ"] = typ }, nil)
		f.set(func() { f.answer = func(a map[string]any) { a["id_token"] = logout } })
		_, err = exchange(t, p)
		expect(t, err, CodeIDTokenInvalid)
		_, err = p.Refresh(t.Context(), testRefresh, "", "user-1")
		expect(t, err, CodeIDTokenInvalid)
	}
}

func TestLogoutTokenOutage(t *testing.T) {
	f := newIDP(t)
	f.overrides["/jwks"] = status(500)
	_, err := f.party(t).VerifyLogoutToken(t.Context(), f.logoutToken(nil, nil))
	if e := expect(t, err, CodeKeysInvalid); !e.Unreachable() {
		t.Errorf("%v", e)
	}
	_, err = f.party(t, f.plain).VerifyLogoutToken(t.Context(), f.logoutToken(nil, nil))
	expect(t, err, CodeBadRequest)
}
