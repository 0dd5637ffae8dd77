package rp

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"testing"
)

// RFC 7009 §2.1: the request.
func TestRevoke(t *testing.T) {
	for _, row := range []struct {
		hint string
		want url.Values
	}{
		{"refresh_token", url.Values{"token": {testRefresh}, "token_type_hint": {"refresh_token"}}},
		{"access_token", url.Values{"token": {testRefresh}, "token_type_hint": {"access_token"}}},
		{"", url.Values{"token": {testRefresh}}},
	} {
		for _, mode := range []string{"OIDC", "OAuth 2.0"} {
			t.Run(mode+" "+row.hint, func(t *testing.T) {
				f := newIDP(t)
				header := func(c *Config) { c.TokenHeader = http.Header{"x-version": {"7"}, "accept": {"text/html"}} }
				p := f.party(t, header)
				if mode == "OAuth 2.0" {
					p = f.party(t, f.plain, header, func(c *Config) { c.RevocationEndpoint = f.URL + "/revoke" })
				}
				expect(t, p.Revoke(t.Context(), testRefresh, row.hint), "")
				if !reflect.DeepEqual(f.form, row.want) {
					t.Errorf("request: %v, want %v", f.form, row.want)
				}
				for name, want := range map[string]string{
					"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
					"User-Agent": userAgent, "X-Version": "7",
				} {
					if got := f.seen.Values(name); len(got) != 1 || got[0] != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				if f.count("/revoke") != 1 || f.count("/token") != 0 {
					t.Errorf("requests: %v", f.counts)
				}
			})
		}
	}
}

func TestRevocationClientAuthentication(t *testing.T) {
	const post, basic = "client_secret_post", "client_secret_basic"
	for name, row := range map[string]struct {
		method, secret    string
		token, revocation []string // what discovery names
		want              string
	}{
		"nothing said":                        {"", testSecret, nil, nil, "basic"},
		"as at the token endpoint":            {"", testSecret, []string{post}, nil, "post"},
		"the revocation endpoint has its own": {"", testSecret, []string{post}, []string{basic}, "basic"},
		"and the other way round":             {"", testSecret, []string{basic}, []string{post}, "post"},
		"configured post":                     {post, testSecret, []string{basic}, []string{basic}, "post"},
		"configured basic":                    {basic, testSecret, []string{post}, []string{post}, "basic"},
		"no secret":                           {basic, "", nil, []string{basic}, "none"},
		"none":                                {"none", "", nil, nil, "none"},
		"discovery names neither":             {"", testSecret, nil, []string{"private_key_jwt"}, "basic"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			f.metadata = func(m map[string]any) {
				m["token_endpoint_auth_methods_supported"] = row.token
				m["revocation_endpoint_auth_methods_supported"] = row.revocation
			}
			p := f.party(t, func(c *Config) { c.AuthMethod, c.ClientSecret = row.method, row.secret })
			expect(t, p.Revoke(t.Context(), testRefresh, ""), "")
			if got := f.authentication(f.seen.Get("Authorization")); got != row.want {
				t.Errorf("authenticated by %s, want %s", got, row.want)
			}
		})
	}
}

// RFC 7009 §2.2: the answer.
func TestRevocationAnswers(t *testing.T) {
	says := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	const ok, no, down = "", CodeRevokeRejected, CodeRevokeUnreachable
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"200", status(200), ok},
		{"200 with any body", says(200, `{"error":"x"`), ok},
		{"204", status(204), ok},
		{"Google: expired already", says(400, `{"error":"invalid_token","error_description":"Token expired or revoked"}`), ok},
		{"201", status(201), no},
		{"202", status(202), no},
		{"400", says(400, `{"error":"invalid_request"}`), no},
		{"401 invalid_client", says(401, `{"error":"invalid_client"}`), no},
		{"401 invalid_token", says(401, `{"error":"invalid_token"}`), no},
		{"403 HTML", says(403, `<html>invalid_token</html>`), no},
		{"404", status(404), no},
		{"405", status(405), no},
		{"invalid_token twice", says(400, `{"error":"x","error":"invalid_token"}`), no},
		{"unsupported_token_type", says(400, `{"error":"unsupported_token_type"}`), CodeRevokeUnsupported},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", 307) }, no},
		{"500", status(500), down},
		{"503", says(503, `{"error":"invalid_token"}`), down},
		{"429", status(429), down},
		{"reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, down},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			f.overrides["/revoke"] = row.answer
			p := f.party(t)
			_, _ = p.GetJSON(t.Context(), f.URL+"/userinfo", "") // a connection to be reused
			err := p.Revoke(t.Context(), testRefresh, "refresh_token")
			e := expect(t, err, row.want)
			if n := f.count("/revoke"); n != 1 {
				t.Errorf("%d requests", n)
			}
			if f.count("/evil") != 0 {
				t.Error("a redirect was followed, with the token")
			}
			if e == nil {
				return
			}
			if e.InvalidGrant() || e.Unreachable() != (row.want == down) {
				t.Errorf("invalid grant %v, unreachable %v", e.InvalidGrant(), e.Unreachable())
			}
			if errors.Is(err, ErrNotSupported) != (row.want == CodeRevokeUnsupported) {
				t.Errorf("not supported: %v", err)
			}
		})
	}
}

// Where the token may go: nowhere, when there is no endpoint; nowhere, when
// metadata point at a place that they have no business with. A sign-in does not
// mind either.
func TestRevocationEndpoint(t *testing.T) {
	for _, row := range []struct {
		name       string
		discovered any
		configured string // a path of the server
		want       string
	}{
		{"none", nil, "", CodeRevokeUnsupported},
		{"empty", "", "", CodeRevokeUnsupported},
		{"ID-25 http elsewhere", "http://idp.example/revoke", "", CodeDiscoveryInvalid},
		{"ID-25 file", "file:///etc/passwd", "", CodeDiscoveryInvalid},
		{"ID-25 user information", "https://a@idp.example/revoke", "", CodeDiscoveryInvalid},
		{"configured, none discovered", nil, "/revoke", ""},
		{"configured, another discovered", "http://idp.example/revoke", "/revoke", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			f.metadata = func(m map[string]any) {
				m["revocation_endpoint"] = row.discovered
				if row.discovered == nil {
					delete(m, "revocation_endpoint")
				}
			}
			p := f.party(t, func(c *Config) {
				if row.configured != "" {
					c.RevocationEndpoint = f.URL + row.configured
				}
			})
			err := p.Revoke(t.Context(), testRefresh, "")
			expect(t, err, row.want)
			if errors.Is(err, ErrNotSupported) != (row.want == CodeRevokeUnsupported) {
				t.Errorf("not supported: %v", err)
			}
			if sent := f.count("/revoke") == 1; sent != (row.want == "") {
				t.Errorf("sent: %v", sent)
			}
			_, err = exchange(t, p)
			expect(t, err, "")
		})
	}
	t.Run("OAuth 2.0, none", func(t *testing.T) {
		f := newIDP(t)
		err := f.party(t, f.plain).Revoke(t.Context(), testRefresh, "")
		if e := expect(t, err, CodeRevokeUnsupported); !errors.Is(err, ErrNotSupported) || e.Unreachable() {
			t.Errorf("%v", err)
		}
	})
	t.Run("ID-25 private address", func(t *testing.T) {
		f := newIDP(t)
		f.issuer = "https://idp.example"
		f.metadata = func(m map[string]any) {
			for _, name := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} {
				m[name] = f.issuer + "/x"
			}
			m["revocation_endpoint"] = "https://169.254.169.254/revoke"
		}
		p := f.party(t, func(c *Config) { c.HTTPClient = &http.Client{Transport: rewrite{f.URL}} })
		expect(t, p.Revoke(t.Context(), testRefresh, ""), CodeDiscoveryInvalid)
		if f.count("/revoke") != 0 {
			t.Error("the token went to a private address")
		}
	})
}

func TestRevokeInput(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	expect(t, p.Revoke(t.Context(), "", ""), CodeBadRequest)
	expect(t, p.Revoke(t.Context(), testRefresh, "id_token"), CodeBadRequest)
	if e := expect(t, p.Revoke(stop(), testRefresh, ""), CodeDiscoveryUnreachable); !e.Unreachable() {
		t.Errorf("%v", e)
	}
	if f.count("/revoke") != 0 {
		t.Error("the endpoint was asked")
	}
	// Whatever the token holds travels in one form field.
	odd := "a\r\nX-Evil: 1\x00&token_type_hint=x%26=ü"
	expect(t, p.Revoke(t.Context(), odd, "access_token"), "")
	if f.form.Get("token") != odd || len(f.form["token_type_hint"]) != 1 {
		t.Errorf("request: %v", f.form)
	}
}
