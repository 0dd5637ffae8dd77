package rp

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

// FL-12, FL-13, FL-14: the issuer in the authorization response.
func TestResponseIssuer(t *testing.T) {
	const promised, silent = true, false
	for _, row := range []struct {
		name   string
		says   bool
		iss    string // "" with has: an empty parameter
		has    bool
		honest bool // replaces iss by the right one
		want   string
	}{
		{"FL-12 promised, missing", promised, "", false, false, CodeIssuerMismatch},
		{"FL-12 promised, wrong", promised, "https://evil.example", true, false, CodeIssuerMismatch},
		{"FL-12 promised, empty", promised, "", true, false, CodeIssuerMismatch},
		{"FL-12 promised, right", promised, "", true, true, ""},
		{"FL-13 not promised, wrong", silent, "https://evil.example", true, false, CodeIssuerMismatch},
		{"FL-13 not promised, right", silent, "", true, true, ""},
		{"FL-13 not promised, missing", silent, "", false, false, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			if row.says {
				f.metadata = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = true }
			}
			r := response()
			r.Iss, r.HasIss = row.iss, row.has
			if row.honest {
				r.Iss = f.URL
			}
			_, err := f.party(t).Exchange(t.Context(), r)
			expect(t, err, row.want)
			if row.want != "" && f.count("/token") != 0 { // FL-14: the code is shown to nobody
				t.Error("the token endpoint was asked")
			}
		})
	}

	t.Run("slash", func(t *testing.T) {
		f := newIDP(t)
		r := response()
		r.Iss, r.HasIss = f.URL+"/", true
		_, err := f.party(t).Exchange(t.Context(), r)
		expect(t, err, CodeIssuerMismatch)
	})
	t.Run("plain OAuth 2.0 has no issuer to compare", func(t *testing.T) {
		f := newIDP(t)
		r := response()
		r.Iss, r.HasIss = "https://github.com/login/oauth", true
		_, err := f.party(t, f.plain).Exchange(t.Context(), r)
		expect(t, err, "")
	})
}

func TestCallbackInput(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	for name, row := range map[string]struct {
		edit func(*Response)
		want string
	}{
		"no code":              {func(r *Response) { r.Code = "" }, CodeCallbackIncomplete},
		"FL-19 code of 100 KB": {func(r *Response) { r.Code = strings.Repeat("x", 100<<10) }, CodeCallbackIncomplete},
		"no verifier":          {func(r *Response) { r.CodeVerifier = "" }, CodeBadRequest},
	} {
		r := response()
		row.edit(&r)
		_, err := p.Exchange(t.Context(), r)
		t.Log(name)
		expect(t, err, row.want)
	}
	if f.count("/token") != 0 {
		t.Error("the token endpoint was asked")
	}
	// FL-20: whatever the code holds travels in one form field.
	r := response()
	r.Code = "a\r\nX-Evil: 1\x00&grant_type=password%26=ü"
	_, err := p.Exchange(t.Context(), r)
	expect(t, err, "")
	if f.form.Get("code") != r.Code || len(f.form["grant_type"]) != 1 {
		t.Errorf("token request: %v", f.form)
	}
}

// FL-28, FL-29, FA-03: what the token endpoint can answer.
func TestTokenAnswers(t *testing.T) {
	edit := func(name string, value any) func(*fakeIDP) {
		return func(f *fakeIDP) {
			f.answer = func(a map[string]any) {
				a[name] = value
				if value == nil {
					delete(a, name)
				}
			}
		}
	}
	answer := func(h http.HandlerFunc) func(*fakeIDP) {
		return func(f *fakeIDP) { f.overrides["/token"] = h }
	}
	typed := func(contentType, body string) func(*fakeIDP) {
		return answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{contentType}
			_, _ = w.Write([]byte(body))
		})
	}
	redirect := func(code int) func(*fakeIDP) {
		return answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", code) })
	}
	failing := func(code int, body string) func(*fakeIDP) {
		return answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		})
	}
	const minimal = `{"access_token":"a","token_type":"bearer"}`
	for _, row := range []struct {
		name string
		edit func(*fakeIDP)
		want string
	}{
		{"FL-28 no access_token", edit("access_token", nil), CodeTokenMalformed},
		{"FL-28 empty access_token", edit("access_token", ""), CodeTokenMalformed},
		{"FL-28 number as access_token", edit("access_token", 1), CodeTokenMalformed},
		{"FL-28 access_token with newline", edit("access_token", "a\nb"), CodeTokenMalformed},
		{"FL-28 no token_type", edit("token_type", nil), CodeTokenMalformed},
		{"FL-28 mac", edit("token_type", "mac"), CodeTokenMalformed},
		{"FL-28 bearer in any case", edit("token_type", "bEARER"), ""},
		{"access_token twice", typed("application/json", `{"access_token":"a","access_token":"b","token_type":"bearer"}`), CodeTokenMalformed},
		{"Access_Token", typed("application/json", `{"Access_Token":"a","token_type":"bearer"}`), CodeTokenMalformed},

		{"expires_in string", edit("expires_in", "3600"), ""},
		{"expires_in absent", edit("expires_in", nil), ""},
		{"expires_in 0", edit("expires_in", 0), ""},
		{"expires_in negative", edit("expires_in", -5), CodeTokenMalformed},
		{"expires_in wraps around int32", edit("expires_in", -4294967295), CodeTokenMalformed},
		{"expires_in huge", edit("expires_in", int64(1)<<60), ""},
		{"expires_in words", edit("expires_in", "soon"), CodeTokenMalformed},

		{"FL-29 307", redirect(307), CodeTokenRejected},
		{"FL-29 302", redirect(302), CodeTokenRejected},
		{"FL-29 308", redirect(308), CodeTokenRejected},

		{"FA-03 500", failing(500, `{}`), CodeTokenRejected},
		{"FA-03 429", failing(429, `{}`), CodeTokenRejected},
		{"FA-03 400", failing(400, `{"error":"invalid_grant","error_description":"x"}`), CodeTokenRejected},
		{"FA-03 401", failing(401, `<html>`), CodeTokenRejected},
		{"FA-03 200 with error", failing(200, `{"error":"bad_verification_code"}`), CodeTokenRejected},
		{"FA-03 HTML", typed("text/html", `<html>`), CodeContentType},
		{"FA-03 JSON as text", typed("text/plain", minimal), CodeContentType},
		{"FA-03 form", typed("application/x-www-form-urlencoded", "access_token=a&token_type=bearer"), CodeContentType},
		{"FA-03 no content type", typed("", minimal), CodeContentType},
		{"FA-03 JSON with parameters", typed("Application/JSON; charset=utf-8", minimal), ""},
		{"FA-03 +json", typed("application/token+json", minimal), ""},
		{"FA-03 text/x+json", typed("text/x+json", minimal), CodeContentType},
		{"FA-03 invalid", typed("application/json", `{`), CodeTokenMalformed},
		{"FA-03 truncated", typed("application/json", minimal[:20]), CodeTokenMalformed},
		{"FA-03 trailing", typed("application/json", minimal+"{}"), CodeTokenMalformed},
		{"FA-03 empty", typed("application/json", ``), CodeTokenMalformed},
		{"FA-03 null", typed("application/json", `null`), CodeTokenMalformed},
		{"FA-03 array", typed("application/json", `[]`), CodeTokenMalformed},
		{"FA-03 short body", answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "500")
			_, _ = w.Write([]byte(minimal))
		}), CodeTokenUnreachable},
		{"FA-03 reset", answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), CodeTokenUnreachable},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			row.edit(f)
			p := f.party(t, f.plain)
			// A connection to be reused: net/http repeats some requests on those.
			_, _ = p.GetJSON(t.Context(), f.URL+"/userinfo", "")
			before := f.count("/userinfo")
			_, err := exchange(t, p)
			e := expect(t, err, row.want)
			if f.count("/token") != 1 {
				t.Errorf("%d token requests: the exchange is sent once", f.count("/token"))
			}
			if f.count("/evil") != 0 {
				t.Error("a redirect was followed")
			}
			if e == nil {
				return
			}
			if f.count("/userinfo") != before {
				t.Error("userinfo was asked without a token")
			}
			if want := row.want == CodeTokenUnreachable; e.Unreachable() != want {
				t.Errorf("unreachable %v, want %v", e.Unreachable(), want)
			}
		})
	}
}

func TestTokenRedirectIsNamed(t *testing.T) {
	f := newIDP(t)
	f.overrides["/token"] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", 307) }
	_, err := exchange(t, f.party(t))
	if !contains(err.Error(), "redirect", "307", "not followed", `"idp"`) {
		t.Error(err)
	}
}

// Of an error answer only a registered form of error code reaches the log.
func TestTokenErrorCode(t *testing.T) {
	for code, named := range map[string]bool{
		"invalid_grant": true, "Free Text": false, "a\nb": false, "<b>": false, strings.Repeat("a", 65): false,
	} {
		f := newIDP(t)
		f.overrides["/token"] = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			_, _ = w.Write(must(json.Marshal(map[string]any{"error": code, "error_description": "described"})))
		}
		_, err := exchange(t, f.party(t))
		expect(t, err, CodeTokenRejected)
		if contains(err.Error(), code) != named || contains(err.Error(), "described") {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestTokenLifetime(t *testing.T) {
	for in, want := range map[any]time.Duration{3600: time.Hour, "60": time.Minute, nil: 0, 0: 0} {
		f := newIDP(t)
		f.answer = func(a map[string]any) { a["expires_in"] = in }
		g, err := exchange(t, f.party(t))
		expect(t, err, "")
		switch {
		case want == 0 && !g.Token.Expiry.IsZero():
			t.Errorf("%v: expiry %v, want none", in, g.Token.Expiry)
		case want != 0 && !g.Token.Expiry.Equal(f.clock.now().Add(want)):
			t.Errorf("%v: expiry %v", in, g.Token.Expiry)
		}
	}
}

func TestOptionalTokenType(t *testing.T) {
	f := newIDP(t)
	f.answer = func(a map[string]any) { delete(a, "token_type") }
	_, err := exchange(t, f.party(t, func(c *Config) { c.OptionalTokenType = true }))
	expect(t, err, "")
	f.answer = func(a map[string]any) { a["token_type"] = "mac" }
	_, err = exchange(t, f.party(t, func(c *Config) { c.OptionalTokenType = true }))
	expect(t, err, CodeTokenMalformed)
}

// FA-03: TLS that does not verify, a name that does not resolve, a port that
// nobody listens on.
func TestTokenEndpointUnreachable(t *testing.T) {
	f := newIDP(t)
	asked := false
	tls := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer tls.Close()
	closed := must(net.Listen("tcp", "127.0.0.1:0"))
	_ = closed.Close()
	for name, endpoint := range map[string]string{
		"TLS":    tls.URL + "/token",
		"closed": "http://" + closed.Addr().String() + "/token?secret=in-query",
		"DNS":    "https://no-such-host.invalid/token",
	} {
		t.Run(name, func(t *testing.T) {
			p := f.party(t, f.plain, func(c *Config) { c.TokenEndpoint = endpoint })
			_, err := exchange(t, p)
			e := expect(t, err, CodeTokenUnreachable)
			if !e.Unreachable() {
				t.Error("not reported as unreachable")
			}
			if contains(e.Error(), "in-query") || contains(e.Error(), "/token?") {
				t.Errorf("the URL is in the error: %v", e)
			}
		})
	}
	if asked {
		t.Error("a request went through TLS that does not verify")
	}
}

func TestTokenHeader(t *testing.T) {
	f := newIDP(t)
	p := f.party(t, func(c *Config) {
		c.TokenHeader = http.Header{"x-version": {"7"}, "accept": {"text/html"}, "User-Agent": {"x"}}
	})
	var got http.Header
	f.overrides["/token"] = func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.WriteHeader(400)
	}
	_, err := exchange(t, p)
	expect(t, err, CodeTokenRejected)
	if got.Get("X-Version") != "7" || got.Get("Accept") != "application/json" || got.Get("User-Agent") != userAgent ||
		got.Get("Content-Type") != "application/x-www-form-urlencoded" || len(got.Values("Accept")) != 1 {
		t.Errorf("header: %v", got)
	}
}

// Contract §10 and §19-30: one scope per entry, however the provider writes it.
func TestScopes(t *testing.T) {
	requested := []string{"openid", "profile", "email"}
	for _, row := range []struct {
		name  string
		scope any // nil: absent
		asked []string
		want  []string
		later []string // after a refresh
	}{
		{"absent", nil, nil, requested, nil},
		{"null", json.RawMessage("null"), nil, requested, nil},
		{"string", "openid email", nil, []string{"openid", "email"}, []string{"openid", "email"}},
		{"spaces", "  openid   email ", nil, []string{"openid", "email"}, []string{"openid", "email"}},
		{"one", "openid", nil, []string{"openid"}, []string{"openid"}},
		{"none", "", nil, []string{}, []string{}},
		{"array", []string{"openid", "email"}, nil, []string{"openid", "email"}, []string{"openid", "email"}},
		{"array of one string", []string{"openid email"}, nil, []string{"openid", "email"}, []string{"openid", "email"}},
		{"empty array", []string{}, nil, []string{}, []string{}},
		{"GitHub's commas", "repo,user:email", nil, []string{"repo", "user:email"}, []string{"repo", "user:email"}},
		{"a comma that we asked for", "openid a,b", []string{"openid", "a,b"}, []string{"openid", "a,b"}, []string{"openid", "a,b"}},
		{"URLs", "https://x.example/auth/a https://x.example/auth/b", nil,
			[]string{"https://x.example/auth/a", "https://x.example/auth/b"}, []string{"https://x.example/auth/a", "https://x.example/auth/b"}},
		{"what is no scope is left out", "openid a\"b \n c\u00fc", nil, []string{"openid"}, []string{"openid"}},
		{"number", 7, nil, nil, nil},
		{"object", map[string]any{"a": 1}, nil, nil, nil},
		{"array of numbers", []int{1}, nil, nil, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			if row.scope != nil {
				f.answer = func(a map[string]any) { a["scope"] = row.scope }
			}
			p := f.party(t, func(c *Config) { c.Scopes = row.asked })
			g, err := exchange(t, p)
			expect(t, err, "")
			if !reflect.DeepEqual(g.Scopes, row.want) {
				t.Errorf("sign-in: %#v, want %#v", g.Scopes, row.want)
			}
			g.Scopes = append(g.Scopes[:0], "edited")
			g, err = p.Refresh(t.Context(), testRefresh, "", "user-1")
			expect(t, err, "")
			if !reflect.DeepEqual(g.Scopes, row.later) {
				t.Errorf("refresh: %#v, want %#v", g.Scopes, row.later)
			}
			if p.config.Scopes[0] != "openid" {
				t.Error("a grant's scopes share memory with the configuration")
			}
		})
	}
}

func TestRefreshExpiry(t *testing.T) {
	for in, want := range map[any]time.Duration{15897600: 15897600 * time.Second, "60": time.Minute, nil: 0, 0: 0, -1: 0, "never": 0} {
		f := newIDP(t)
		f.answer = func(a map[string]any) { a["refresh_token_expires_in"] = in }
		g, err := exchange(t, f.party(t))
		expect(t, err, "")
		if want == 0 != g.RefreshExpiry.IsZero() || want != 0 && !g.RefreshExpiry.Equal(f.clock.now().Add(want)) {
			t.Errorf("%v: %v", in, g.RefreshExpiry)
		}
	}
}
