package rp

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"
)

func TestResponseMode(t *testing.T) {
	for mode, want := range map[string][]string{"": nil, "query": nil, "form_post": {"form_post"}} {
		f := newIDP(t)
		offers(f)
		got, err := start(f.party(t, func(c *Config) { c.ResponseMode = mode }), t.Context())
		expect(t, err, "")
		if q := must(url.Parse(got)).Query()["response_mode"]; len(q) != len(want) || len(q) == 1 && q[0] != want[0] {
			t.Errorf("%q: response_mode %q", mode, q)
		}
		_, err = start(f.party(t, pushes, func(c *Config) { c.ResponseMode = mode }), t.Context())
		expect(t, err, "")
		if q := f.form["response_mode"]; len(q) != len(want) || len(q) == 1 && q[0] != want[0] {
			t.Errorf("%q: pushed response_mode %q", mode, q)
		}
	}
}

func TestParamProblems(t *testing.T) {
	params := func(name, value string) func(*Config) {
		return func(c *Config) { c.AuthParams = map[string]string{name: value} }
	}
	plain := func(edit func(*Config)) func(*Config) {
		return func(c *Config) {
			c.OIDC, c.AuthorizationEndpoint, c.TokenEndpoint = false, "https://a.example/a", "https://a.example/t"
			edit(c)
		}
	}
	for name, row := range map[string]struct {
		edit func(*Config)
		want string
	}{
		"max_age":               {params("max_age", "3600"), ""},
		"max_age 0":             {params("max_age", "0"), ""},
		"max_age empty":         {params("max_age", ""), "AuthParams: max_age:"},
		"max_age negative":      {params("max_age", "-1"), "AuthParams: max_age:"},
		"max_age signed":        {params("max_age", "+1"), "AuthParams: max_age:"},
		"max_age fraction":      {params("max_age", "1.5"), "AuthParams: max_age:"},
		"max_age by word":       {params("max_age", "1h"), "AuthParams: max_age:"},
		"max_age hexadecimal":   {params("max_age", "0x10"), "AuthParams: max_age:"},
		"max_age endless":       {params("max_age", "99999999999999999999"), "AuthParams: max_age:"},
		"max_age for OAuth 2.0": {plain(params("max_age", "60")), "AuthParams: max_age: only an ID token"},
		"claims":                {params("claims", `{"id_token":{"auth_time":{"essential":true}}}`), ""},
		"claims not JSON":       {params("claims", `{"id_token"`), "AuthParams: claims:"},
		"claims an array":       {params("claims", `["email"]`), "AuthParams: claims:"},
		"claims empty":          {params("claims", ``), "AuthParams: claims:"},
		"claims and more":       {params("claims", `{} {}`), "AuthParams: claims:"},
		"prompt, acr_values":    {func(c *Config) { c.AuthParams = map[string]string{"prompt": "login", "acr_values": "urn:x y"} }, ""},
		"form_post":             {func(c *Config) { c.ResponseMode = "form_post" }, ""},
		"fragment":              {func(c *Config) { c.ResponseMode = "fragment" }, "ResponseMode:"},
		"form_post.jwt":         {func(c *Config) { c.ResponseMode = "form_post.jwt" }, "ResponseMode:"},
		"FORM_POST":             {func(c *Config) { c.ResponseMode = "FORM_POST" }, "ResponseMode:"},
	} {
		c := Config{ID: "x", OIDC: true, Issuer: "https://idp.example", ClientID: "c"}
		row.edit(&c)
		_, err := New(c)
		if row.want == "" && err != nil || row.want != "" && (err == nil || !contains(err.Error(), row.want)) {
			t.Errorf("%s: got %v, want %q", name, err, row.want)
		}
	}
}

// MaxAge says what the request carries, in every combination.
func TestMaxAgeOfRequest(t *testing.T) {
	for name, row := range map[string]struct {
		constant, extra map[string]string
		want, code      string
	}{
		"none":                 {nil, nil, "", ""},
		"constant":             {map[string]string{"max_age": "60"}, nil, "60", ""},
		"of the request":       {nil, map[string]string{"max_age": "30"}, "30", ""},
		"constant wins":        {map[string]string{"max_age": "60"}, map[string]string{"max_age": "999999"}, "60", ""},
		"empty is not sent":    {nil, map[string]string{"max_age": ""}, "", ""},
		"negative":             {nil, map[string]string{"max_age": "-1"}, "-1", CodeParamInvalid},
		"word":                 {nil, map[string]string{"max_age": "never"}, "never", CodeParamInvalid},
		"bad one loses, too":   {map[string]string{"max_age": "60"}, map[string]string{"max_age": "x"}, "60", CodeParamInvalid},
		"other params of ours": {map[string]string{"prompt": "login"}, map[string]string{"login_hint": "a"}, "", ""},
	} {
		f := newIDP(t)
		p := f.party(t, func(c *Config) { c.AuthParams = row.constant })
		if got := p.MaxAge(row.extra); got != row.want {
			t.Errorf("%s: MaxAge %q, want %q", name, got, row.want)
		}
		got, err := p.AuthorizationURL(t.Context(), AuthorizationRequest{
			State: "s", Nonce: testNonce, CodeVerifier: testVerifier, RedirectURI: "https://app.example/cb", Extra: row.extra,
		})
		t.Log(name)
		expect(t, err, row.code)
		if err == nil && must(url.Parse(got)).Query().Get("max_age") != row.want {
			t.Errorf("%s: %s", name, got)
		}
	}

	f := newIDP(t)
	_, err := f.party(t, f.plain).AuthorizationURL(t.Context(), AuthorizationRequest{
		State: "s", CodeVerifier: testVerifier, RedirectURI: "https://app.example/cb", Extra: map[string]string{"max_age": "60"},
	})
	expect(t, err, CodeParamInvalid)
}

// OpenID Connect Core §3.1.3.7(13), with the leeway of every time, both ways.
func TestMaxAgeOfAnswer(t *testing.T) {
	f := newIDP(t)
	now := f.clock.now().Unix()
	for name, row := range map[string]struct {
		maxAge   string
		authTime any // nil: absent
		code     string
	}{
		"not asked for, absent":   {"", nil, ""},
		"not asked for, long ago": {"", now - 1_000_000, ""},
		"just now":                {"0", now, ""},
		"within":                  {"300", now - 300, ""},
		"within the leeway":       {"300", now - 360, ""},
		"past the leeway":         {"300", now - 361, CodeIDTokenInvalid},
		"0 and past the leeway":   {"0", now - 61, CodeIDTokenInvalid},
		"absent":                  {"300", nil, CodeIDTokenInvalid},
		"null":                    {"300", json.RawMessage("null"), CodeIDTokenInvalid},
		"string":                  {"300", "1772366400", CodeIDTokenInvalid},
		"array":                   {"300", []int64{now}, CodeIDTokenInvalid},
		"negative":                {"300", -1, CodeIDTokenInvalid},
		"huge":                    {"300", 1e300, CodeIDTokenInvalid},
		"ahead within the leeway": {"300", now + 60, ""},
		"in the future":           {"300", now + 61, CodeIDTokenInvalid},
		"not a max_age":           {"x", now, CodeBadRequest},
		"negative max_age":        {"-5", now, CodeBadRequest},
		"longest max_age":         {"2147483647", now - 1_000_000, ""},
	} {
		f := newIDP(t)
		f.claims = func(c map[string]any) {
			if row.authTime != nil {
				c["auth_time"] = row.authTime
			}
		}
		r := response()
		r.MaxAge = row.maxAge
		_, err := f.party(t).Exchange(t.Context(), r)
		t.Log(name)
		expect(t, err, row.code)
		if row.code == CodeBadRequest && f.count("/token") != 0 {
			t.Errorf("%s: the code has been spent", name)
		}
	}

	r := response()
	r.MaxAge = "60"
	_, err := f.party(t, f.plain).Exchange(t.Context(), r)
	expect(t, err, CodeBadRequest) // nothing could prove it
}

// A bond has exactly one of its three ties; any other number refuses all.
func TestBondHasOneTie(t *testing.T) {
	now := time.Now()
	claims := func(nonce, sub string) map[string]json.RawMessage {
		m := map[string]json.RawMessage{}
		if nonce != "" {
			m["nonce"] = must(json.Marshal(nonce))
		}
		m["sub"] = must(json.Marshal(sub))
		return m
	}
	for name, row := range map[string]struct {
		b    bond
		c    map[string]json.RawMessage
		code string
	}{
		"nonce":                      {bond{nonce: "n"}, claims("n", "u"), ""},
		"other nonce":                {bond{nonce: "n"}, claims("m", "u"), CodeNonceMismatch},
		"no nonce":                   {bond{nonce: "n"}, claims("", "u"), CodeNonceMismatch},
		"subject":                    {bond{subject: "u"}, claims("", "u"), ""},
		"subject, any nonce":         {bond{subject: "u"}, claims("m", "u"), ""},
		"other subject":              {bond{subject: "u"}, claims("", "v"), CodeIDTokenInvalid},
		"device":                     {bond{device: true}, claims("", "u"), ""},
		"device, nonce":              {bond{device: true}, claims("n", "u"), CodeNonceMismatch},
		"nothing":                    {bond{}, claims("", "u"), CodeNonceMismatch},
		"nothing, native":            {bond{native: true}, claims("", "u"), CodeNonceMismatch},
		"nonce lost, device":         {bond{device: true, subject: "u"}, claims("", "u"), CodeNonceMismatch},
		"nonce and device":           {bond{device: true, nonce: "n"}, claims("n", "u"), CodeNonceMismatch},
		"nonce and subject":          {bond{nonce: "n", subject: "u"}, claims("n", "u"), CodeNonceMismatch},
		"all three":                  {bond{nonce: "n", subject: "u", device: true}, claims("n", "u"), CodeNonceMismatch},
		"max_age with every tie":     {bond{nonce: "n", maxAge: "1"}, claims("n", "u"), CodeIDTokenInvalid},
		"max_age that is not a time": {bond{nonce: "n", maxAge: "x"}, claims("n", "u"), CodeIDTokenInvalid},
	} {
		t.Log(name)
		expect(t, row.b.check(row.c, now), row.code)
	}
}
