package rp

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"testing"
)

func TestUserInfo(t *testing.T) {
	typed := func(contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write([]byte(body))
		}
	}
	for _, row := range []struct {
		name        string
		answer      http.HandlerFunc
		oidc, plain string
	}{
		{"same sub", rawJSON(`{"sub":"user-1"}`), "", ""},
		{"ID-22 other sub", rawJSON(`{"sub":"user-2"}`), CodeUserInfoMismatch, ""},
		{"ID-22 prefix of sub", rawJSON(`{"sub":"user-"}`), CodeUserInfoMismatch, ""},
		{"ID-22 no sub", rawJSON(`{"id":1}`), CodeUserInfoMismatch, ""},
		{"ID-22 sub number", rawJSON(`{"sub":1}`), CodeUserInfoMismatch, ""},
		{"ID-22 sub null", rawJSON(`{"sub":null}`), CodeUserInfoMismatch, ""},
		{"ID-22 only Sub", rawJSON(`{"Sub":"user-1"}`), CodeUserInfoMalformed, ""},
		{"ID-22 Sub beside sub", rawJSON(`{"sub":"user-1","SUB":"x"}`), CodeUserInfoMalformed, ""},
		{"ID-22 Email_Verified", rawJSON(`{"sub":"user-1","Email_Verified":true}`), CodeUserInfoMalformed, ""},
		{"ID-22 sub twice", rawJSON(`{"sub":"user-2","sub":"user-1"}`), CodeUserInfoMalformed, CodeUserInfoMalformed},
		{"ID-22 array", rawJSON(`[{"sub":"user-1"}]`), CodeUserInfoMalformed, CodeUserInfoMalformed},
		{"ID-22 string", rawJSON(`"user-1"`), CodeUserInfoMalformed, CodeUserInfoMalformed},
		{"ID-22 null", rawJSON(`null`), CodeUserInfoMalformed, CodeUserInfoMalformed},
		{"ID-22 truncated", rawJSON(`{"sub":"user-1"`), CodeUserInfoMalformed, CodeUserInfoMalformed},
		{"ID-22 HTML", typed("text/html", `<html>`), CodeContentType, CodeContentType},
		{"ID-22 JSON as HTML", typed("text/html", `{"sub":"user-1"}`), CodeContentType, CodeContentType},
		{"ID-22 204", status(204), CodeContentType, CodeContentType},
		{"ID-22 application/jwt", typed("application/jwt", `eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyLTEifQ.`), CodeContentType, CodeContentType},
		{"+json", typed("application/vnd.api+json", `{"sub":"user-1"}`), "", ""},
		{"error in the body", rawJSON(`{"sub":"user-1","error":"expired"}`), CodeUserInfoRejected, CodeUserInfoRejected},
		{"error that is no string", rawJSON(`{"sub":"user-1","error":false}`), "", ""},
		{"FA-05 500", status(500), CodeUserInfoUnreachable, CodeUserInfoUnreachable},
		{"401", status(401), CodeUserInfoRejected, CodeUserInfoRejected},
		{"FA-05 reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, CodeUserInfoUnreachable, CodeUserInfoUnreachable},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", 302) }, CodeUserInfoRejected, CodeUserInfoRejected},
		{"Twitch", rawJSON(`{"sub":"user-1","data":[{"id":"1"}]}`), "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			f.overrides["/userinfo"] = row.answer
			for _, mode := range []struct {
				edit func(*Config)
				want string
			}{{func(*Config) {}, row.oidc}, {f.plain, row.plain}} {
				p := f.party(t, mode.edit)
				g, err := exchange(t, p)
				e := expect(t, err, mode.want)
				if e != nil && (g != nil || e.Unreachable() != (mode.want == CodeUserInfoUnreachable)) {
					t.Errorf("grant %v, unreachable %v", g != nil, e.Unreachable())
				}
				// And the same when it is asked again later.
				info, err := p.UserInfo(t.Context(), testAccess, "user-1")
				e = expect(t, err, mode.want)
				if e != nil && (info != nil || e.Unreachable() != (mode.want == CodeUserInfoUnreachable) || e.InvalidGrant()) {
					t.Errorf("userinfo %s, %v", info, e)
				}
			}
			if f.count("/evil") != 0 {
				t.Error("a redirect was followed, with the token")
			}
		})
	}
}

// The profile of OIDC: userinfo over the ID token, but never over what the ID
// token says about itself, and never half of a verified address.
func TestProfileOverlay(t *testing.T) {
	for _, row := range []struct{ name, claims, info, want string }{
		{"userinfo wins", `{"name":"a"}`, `{"name":"b","locale":"de"}`, `{"name":"b","locale":"de"}`},
		{"the ID token is kept", `{"name":"a"}`, `{}`, `{"name":"a"}`},
		{"protocol claims are the ID token's", `{"iss":"i","aud":"c","exp":1,"acr":"1"}`,
			`{"iss":"x","aud":"x","exp":9,"acr":"9","nonce":"x","at_hash":"x","sid":"x","azp":"x"}`, `{"iss":"i","aud":"c","exp":1,"acr":"1"}`},
		{"another address loses the statement", `{"email":"a@x","email_verified":true}`, `{"email":"b@x"}`, `{"email":"b@x"}`},
		{"another address brings its own", `{"email":"a@x","email_verified":true}`, `{"email":"b@x","email_verified":false}`, `{"email":"b@x","email_verified":false}`},
		{"the same address keeps it", `{"email":"a@x","email_verified":true}`, `{"email":"a@x"}`, `{"email":"a@x","email_verified":true}`},
		{"a statement without address says nothing", `{"email":"a@x","email_verified":false}`, `{"email_verified":true}`, `{"email":"a@x","email_verified":false}`},
		{"a statement without any address is left out", `{"name":"a"}`, `{"email_verified":true}`, `{"name":"a"}`},
		{"nor without one in the ID token", `{"email":"a@x"}`, `{"email_verified":true}`, `{"email":"a@x"}`},
		{"telephone numbers too", `{"phone_number":"1","phone_number_verified":true}`, `{"phone_number":"2"}`, `{"phone_number":"2"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			claims := must(strictObject([]byte(row.claims), nil))
			overlay(claims, must(strictObject([]byte(row.info), nil)))
			var got, want any
			_ = json.Unmarshal(must(json.Marshal(claims)), &got)
			_ = json.Unmarshal([]byte(row.want), &want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestPlainProfile(t *testing.T) {
	f := newIDP(t)
	body := `{"id":12345678901234567890,"name":"<b>"}`
	f.overrides["/userinfo"] = func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Client-Id") != "c" || r.Header.Get("Accept") != "application/vnd.x+json" {
			w.WriteHeader(400)
			return
		}
		rawJSON(body)(w, r)
	}
	g, err := exchange(t, f.party(t, f.plain, func(c *Config) {
		c.UserInfoMethod = http.MethodPost
		c.UserInfoHeader = http.Header{"client-id": {"c"}, "Accept": {"application/vnd.x+json"}}
	}))
	expect(t, err, "")
	if string(g.Profile) != body || g.Issuer != "" || g.Subject != "" || g.IDToken != "" {
		t.Errorf("grant: %s %q", g.Profile, g.Subject)
	}

	g, err = exchange(t, f.party(t, f.plain, func(c *Config) { c.UserInfoEndpoint = "" }))
	expect(t, err, "")
	if string(g.Profile) != "{}" {
		t.Errorf("profile without userinfo: %s", g.Profile)
	}
}

// An OpenID provider without userinfo: the ID token is the profile.
func TestProfileWithoutUserInfo(t *testing.T) {
	f := newIDP(t)
	f.metadata = func(m map[string]any) { delete(m, "userinfo_endpoint") }
	g, err := exchange(t, f.party(t))
	expect(t, err, "")
	var profile map[string]any
	if err := json.Unmarshal(g.Profile, &profile); err != nil || profile["name"] != "From ID token" || f.count("/userinfo") != 0 {
		t.Errorf("%v %v", profile, err)
	}
}

func TestGetJSON(t *testing.T) {
	f := newIDP(t)
	p := f.party(t, f.plain)
	f.overrides["/emails"] = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+testAccess {
			w.WriteHeader(401)
			return
		}
		rawJSON(`[{"email":"a@example.org"}]`)(w, r)
	}
	body, err := p.GetJSON(t.Context(), f.URL+"/emails", testAccess)
	expect(t, err, "")
	if string(body) != `[{"email":"a@example.org"}]` {
		t.Error(string(body))
	}
	_, err = p.GetJSON(t.Context(), f.URL+"/emails", "")
	expect(t, err, CodeUserInfoRejected)
	f.overrides["/emails"] = rawJSON(`[1,]`)
	_, err = p.GetJSON(t.Context(), f.URL+"/emails", testAccess)
	expect(t, err, CodeUserInfoMalformed)
	f.overrides["/emails"] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", 307) }
	_, err = p.GetJSON(t.Context(), f.URL+"/emails", testAccess)
	expect(t, err, CodeUserInfoRejected)
	_, err = p.GetJSON(t.Context(), "http://api.example/emails", testAccess)
	expect(t, err, CodeBadRequest)
	_, err = p.GetJSON(t.Context(), "file:///etc/passwd", testAccess)
	expect(t, err, CodeBadRequest)
	if f.count("/evil") != 0 {
		t.Error("a redirect was followed, with the token")
	}
}

// UserInfo later on: what userinfo says, and nothing that only an ID token may.
func TestUserInfoAgain(t *testing.T) {
	f := newIDP(t)
	f.overrides["/userinfo"] = rawJSON(`{"sub":"user-1","name":"<b>","iss":"x","nonce":"x","sid":"x","email_verified":true}`)
	info, err := f.party(t).UserInfo(t.Context(), testRenewed, "user-1")
	expect(t, err, "")
	if string(info) != `{"name":"<b>","sub":"user-1"}` {
		t.Errorf("OIDC: %s", info)
	}
	if got := f.seen.Get("Authorization"); got != "Bearer "+testRenewed {
		t.Error("userinfo was not asked with the bearer token in the header")
	}
	if f.count("/token") != 0 || f.count("/jwks") != 0 {
		t.Error("more was asked than userinfo")
	}

	f.overrides["/userinfo"] = rawJSON(`{"id":12345678901234567890}`)
	info, err = f.party(t, f.plain).UserInfo(t.Context(), testAccess, "")
	expect(t, err, "")
	if string(info) != `{"id":12345678901234567890}` {
		t.Errorf("OAuth 2.0: %s", info)
	}
	info, err = f.party(t, f.plain, func(c *Config) { c.UserInfoEndpoint = "" }).UserInfo(t.Context(), testAccess, "")
	expect(t, err, "")
	if string(info) != "{}" {
		t.Errorf("OAuth 2.0 without userinfo: %s", info)
	}
}

func TestUserInfoInput(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	_, err := p.UserInfo(t.Context(), "", "user-1")
	expect(t, err, CodeBadRequest)
	_, err = p.UserInfo(t.Context(), testAccess, "")
	expect(t, err, CodeBadRequest)
	_, err = f.party(t, f.plain).UserInfo(t.Context(), "", "")
	expect(t, err, CodeBadRequest)
	_, err = p.UserInfo(stop(), testAccess, "user-1")
	if e := expect(t, err, CodeDiscoveryUnreachable); !e.Unreachable() {
		t.Error("not reported as unreachable")
	}
	if f.count("/userinfo") != 0 {
		t.Error("the endpoint was asked")
	}

	// Discovery, which has no caller any more, may still be under way.
	f.set(func() { f.metadata = func(m map[string]any) { delete(m, "userinfo_endpoint") } })
	_, err = f.party(t).UserInfo(t.Context(), testAccess, "user-1")
	if e := expect(t, err, CodeUserInfoUnsupported); !errors.Is(err, ErrNotSupported) || e.Unreachable() {
		t.Errorf("%v", err)
	}
}
