package rp

import (
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// introspective makes a Config one of a provider without userinfo.
func (f *fakeIDP) introspective(c *Config) {
	f.plain(c)
	c.UserInfoEndpoint, c.IntrospectionEndpoint = "", f.URL+"/introspect"
}

func TestIntrospection(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"ours", rawJSON(`{"active":true,"client_id":"` + testClient + `","user_id":7}`), ""},
		{"client_id left out, which RFC 7662 allows", rawJSON(`{"active":true,"user_id":7}`), ""},
		{"another client's", rawJSON(`{"active":true,"client_id":"other","user_id":7}`), CodeUserInfoMismatch},
		{"client_id null", rawJSON(`{"active":true,"client_id":null,"user_id":7}`), CodeUserInfoMismatch},
		{"client_id empty", rawJSON(`{"active":true,"client_id":"","user_id":7}`), CodeUserInfoMismatch},
		{"client_id twice", rawJSON(`{"active":true,"client_id":"other","client_id":"` + testClient + `"}`), CodeUserInfoMalformed},
		{"Client_ID", rawJSON(`{"active":true,"Client_ID":"other"}`), CodeUserInfoMalformed},
		{"not active", rawJSON(`{"active":false}`), CodeUserInfoRejected},
		{"active left out", rawJSON(`{"user_id":7}`), CodeUserInfoRejected},
		{"active in a text", rawJSON(`{"active":"true","user_id":7}`), CodeUserInfoRejected},
		{"active as a number", rawJSON(`{"active":1,"user_id":7}`), CodeUserInfoRejected},
		{"an array", rawJSON(`[{"active":true}]`), CodeUserInfoMalformed},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") }, CodeContentType},
		{"a signed answer (RFC 9701)", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/token-introspection+jwt")
		}, CodeContentType},
		{"401", status(401), CodeUserInfoRejected},
		{"503", status(503), CodeUserInfoUnreachable},
		{"429", status(429), CodeUserInfoUnreachable},
		{"reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, CodeUserInfoUnreachable},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", 307) }, CodeUserInfoRejected},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			f.overrides["/introspect"] = row.answer
			p := f.party(t, f.introspective)
			g, err := exchange(t, p)
			e := expect(t, err, row.want)
			if e != nil && (g != nil || e.Unreachable() != (row.want == CodeUserInfoUnreachable) || strings.Contains(e.Error(), testAccess)) {
				t.Errorf("grant %v, %v", g != nil, e)
			}
			if e == nil && !strings.Contains(string(g.Profile), `"user_id":7`) {
				t.Errorf("profile %s", g.Profile)
			}
			_, err = p.UserInfo(t.Context(), testAccess, "")
			expect(t, err, row.want)
			if f.count("/evil") != 0 {
				t.Error("a redirect was followed, with the token")
			}
		})
	}
}

// The request of RFC 7662 §2.1, authenticated like one for tokens; the access
// token is in the body alone.
func TestIntrospectionRequest(t *testing.T) {
	asked := url.Values{"token": {testAccess}, "token_type_hint": {"access_token"}}
	posted := maps.Clone(asked)
	posted.Set("client_id", testClient)
	posted.Set("client_secret", testSecret)
	for method, want := range map[string]url.Values{"client_secret_basic": asked, "client_secret_post": posted} {
		f := newIDP(t)
		var form url.Values
		var target, credentials string
		f.overrides["/introspect"] = func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			form, target, credentials = r.PostForm, r.Method+" "+r.RequestURI, r.Header.Get("Authorization")
			rawJSON(`{"active":true}`)(w, r)
		}
		p := f.party(t, f.introspective, func(c *Config) { c.AuthMethod = method })
		if _, err := exchange(t, p); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(form, want) || target != "POST /introspect" || strings.HasPrefix(credentials, "Basic ") != (method == "client_secret_basic") {
			t.Errorf("%s: %s with %v, authorization %t", method, target, form, credentials != "")
		}
	}
}

func TestIntrospectionConfig(t *testing.T) {
	f := newIDP(t)
	for want, edit := range map[string]func(*Config){
		"stands in for UserInfoEndpoint":  func(c *Config) { f.plain(c); c.IntrospectionEndpoint = f.URL + "/introspect" },
		"stands in for UserInfoEndpoint ": func(c *Config) { c.IntrospectionEndpoint = f.URL + "/introspect" },
		"IntrospectionEndpoint: must be":  func(c *Config) { f.introspective(c); c.IntrospectionEndpoint = "http://other.example/i" },
	} {
		c := Config{ID: "idp", OIDC: true, Issuer: f.URL, ClientID: testClient, ClientSecret: testSecret}
		edit(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// A preset does not know the client id that one of its headers is to hold.
func TestHeaderWithClientID(t *testing.T) {
	f := newIDP(t)
	p := f.party(t, f.plain, func(c *Config) {
		c.UserInfoHeader = http.Header{"client-id": {"{client_id}"}, "X-Plain": {"{client}"}}
	})
	if _, err := exchange(t, p); err != nil {
		t.Fatal(err)
	}
	if got := f.seen; got.Get("Client-Id") != testClient || got.Get("X-Plain") != "{client}" {
		t.Errorf("headers %v", got)
	}
	_, err := New(Config{
		ID: "idp", OIDC: true, Issuer: f.URL, ClientID: "a\r\nX: y", ClientSecret: testSecret, UserInfoHeader: http.Header{"Client-Id": {"{client_id}"}},
	})
	if err == nil || !strings.Contains(err.Error(), "control character") {
		t.Errorf("a header was split: %v", err)
	}
}
