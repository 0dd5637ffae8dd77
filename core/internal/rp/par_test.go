package rp

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2"
)

func pushes(c *Config) { c.PushedAuthorization = true }

// RFC 9126 §2 and §4: everything is pushed, and the browser carries a reference.
func TestPushedRequest(t *testing.T) {
	for name, row := range map[string]struct {
		metadata func(f *fakeIDP, m map[string]any)
		edit     func(*fakeIDP, *Config)
		pushed   bool
	}{
		"asked for": {
			func(f *fakeIDP, m map[string]any) { m["pushed_authorization_request_endpoint"] = f.URL + "/par" },
			func(_ *fakeIDP, c *Config) { c.PushedAuthorization = true }, true,
		},
		"demanded": {
			func(f *fakeIDP, m map[string]any) {
				m["pushed_authorization_request_endpoint"] = f.URL + "/par"
				m["require_pushed_authorization_requests"] = true
			},
			func(*fakeIDP, *Config) {}, true,
		},
		"demanded, endpoint configured": {
			func(f *fakeIDP, m map[string]any) {
				m["pushed_authorization_request_endpoint"] = f.URL + "/elsewhere"
				m["require_pushed_authorization_requests"] = true
			},
			func(f *fakeIDP, c *Config) { c.PushedAuthorizationEndpoint = f.URL + "/par" }, true,
		},
		"OAuth 2.0": {
			func(*fakeIDP, map[string]any) {},
			func(f *fakeIDP, c *Config) {
				f.plain(c)
				c.PushedAuthorization, c.PushedAuthorizationEndpoint = true, f.URL+"/par"
			}, true,
		},
		"offered only": {
			func(f *fakeIDP, m map[string]any) {
				m["pushed_authorization_request_endpoint"] = f.URL + "/par"
				m["require_pushed_authorization_requests"] = false
			},
			func(*fakeIDP, *Config) {}, false,
		},
		"configured endpoint only": {
			func(*fakeIDP, map[string]any) {},
			func(f *fakeIDP, c *Config) { c.PushedAuthorizationEndpoint = f.URL + "/par" }, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			f.metadata = func(m map[string]any) { row.metadata(f, m) }
			p := f.party(t, func(c *Config) {
				c.AuthParams = map[string]string{"prompt": "login"}
				row.edit(f, c)
			})
			got, err := p.AuthorizationURL(t.Context(), AuthorizationRequest{
				State: "st", Nonce: testNonce, CodeVerifier: testVerifier, RedirectURI: "https://app.example/cb",
				Extra: map[string]string{"login_hint": "a b@x", "empty": ""},
			})
			expect(t, err, "")
			if !row.pushed {
				if f.count("/par") != 0 || !contains(got, "state=st") {
					t.Errorf("pushed although nobody asked for it: %s", got)
				}
				return
			}
			want := f.URL + "/authorize?client_id=" + url.QueryEscape(testClient) + "&request_uri=" + url.QueryEscape(testReference)
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			form := map[string]string{
				"response_type": "code", "client_id": testClient, "redirect_uri": "https://app.example/cb", "state": "st",
				"code_challenge": oauth2.S256ChallengeFromVerifier(testVerifier), "code_challenge_method": "S256",
				"prompt": "login", "login_hint": "a b@x",
			}
			if p.config.OIDC {
				form["nonce"], form["scope"] = testNonce, "openid profile email"
			}
			for name, value := range form {
				if got := f.form[name]; len(got) != 1 || got[0] != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
			if len(f.form) != len(form) || f.count("/par") != 1 {
				t.Errorf("request: %v", f.form)
			}
		})
	}
}

// Each pushed request is one of its own: references are used once (§7.3).
func TestPushedRequestsAreNotShared(t *testing.T) {
	f := newIDP(t)
	offers(f)
	p := f.party(t, pushes)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := start(p, t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if f.count("/par") != 20 || f.count("/.well-known/openid-configuration") != 1 {
		t.Errorf("requests: %v", f.counts)
	}
}

// Answers to a pushed request that are not the one of §2.2.
func TestPushedAnswers(t *testing.T) {
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	created := func(body string) http.HandlerFunc { return answer(201, "application/json", body) }
	for name, row := range map[string]struct {
		handler     http.HandlerFunc
		code        string
		unreachable bool
	}{
		"shortest":             {created(`{"request_uri":"u","expires_in":1}`), "", false},
		"200":                  {answer(200, "application/json", `{"request_uri":"u","expires_in":9}`), CodePARRejected, false},
		"302":                  {answer(302, "application/json", `{"request_uri":"u","expires_in":9}`), CodePARRejected, false},
		"400":                  {answer(400, "application/json", `{"error":"invalid_request"}`), CodePARRejected, false},
		"401":                  {answer(401, "application/json", `{"error":"invalid_client"}`), CodePARRejected, false},
		"405":                  {status(405), CodePARRejected, false},
		"413":                  {status(413), CodePARRejected, false},
		"429":                  {status(429), CodePARUnreachable, true},
		"500":                  {answer(500, "application/json", `{"error":"server_error"}`), CodePARUnreachable, true},
		"503":                  {status(503), CodePARUnreachable, true},
		"hangs up":             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, CodePARUnreachable, true},
		"not JSON by type":     {answer(201, "text/html", `{"request_uri":"u","expires_in":9}`), CodePARMalformed, false},
		"not JSON":             {created(`<html>`), CodePARMalformed, false},
		"array":                {created(`[]`), CodePARMalformed, false},
		"member twice":         {created(`{"request_uri":"a","request_uri":"b","expires_in":9}`), CodePARMalformed, false},
		"other case":           {created(`{"request_uri":"a","Request_URI":"b","expires_in":9}`), CodePARMalformed, false},
		"no reference":         {created(`{"expires_in":9}`), CodePARMalformed, false},
		"empty reference":      {created(`{"request_uri":"","expires_in":9}`), CodePARMalformed, false},
		"reference a number":   {created(`{"request_uri":7,"expires_in":9}`), CodePARMalformed, false},
		"reference null":       {created(`{"request_uri":null,"expires_in":9}`), CodePARMalformed, false},
		"line break":           {created(`{"request_uri":"a\r\nb","expires_in":9}`), CodePARMalformed, false},
		"space":                {created(`{"request_uri":"a b","expires_in":9}`), CodePARMalformed, false},
		"not ASCII":            {created(`{"request_uri":"ü","expires_in":9}`), CodePARMalformed, false},
		"endless reference":    {created(`{"request_uri":"` + strings.Repeat("u", 2049) + `","expires_in":9}`), CodePARMalformed, false},
		"longest reference":    {created(`{"request_uri":"` + strings.Repeat("u", 2048) + `","expires_in":9}`), "", false},
		"no lifetime":          {created(`{"request_uri":"u"}`), CodePARMalformed, false},
		"no lifetime left":     {created(`{"request_uri":"u","expires_in":0}`), CodePARMalformed, false},
		"negative lifetime":    {created(`{"request_uri":"u","expires_in":-1}`), CodePARMalformed, false},
		"lifetime is a word":   {created(`{"request_uri":"u","expires_in":"soon"}`), CodePARMalformed, false},
		"more than the bounds": {created(`{"x":"` + strings.Repeat("u", maxBody) + `"}`), CodePARRejected, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			offers(f)
			f.overrides["/par"] = row.handler
			address, err := start(f.party(t, pushes), t.Context())
			e := expect(t, err, row.code)
			if n := f.count("/par"); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			if e == nil {
				return
			}
			if address != "" || e.Unreachable() != row.unreachable {
				t.Errorf("address %q, unreachable %v", address, e.Unreachable())
			}
			checkText(t, "error", e.Error())
		})
	}
}

// What would be put into the reference must not become parameters of its own.
func TestReferenceIsEscaped(t *testing.T) {
	f := newIDP(t)
	offers(f)
	f.overrides["/par"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(201)
		_, _ = io.WriteString(w, `{"request_uri":"u&client_id=evil#x","expires_in":9}`)
	}
	got, err := start(f.party(t, pushes), t.Context())
	expect(t, err, "")
	u := must(url.Parse(got))
	if q := u.Query(); len(q) != 2 || q.Get("request_uri") != "u&client_id=evil#x" || len(q["client_id"]) != 1 || u.Fragment != "" {
		t.Error(got)
	}
}

// No endpoint, or one that metadata must not name.
func TestPushedEndpoint(t *testing.T) {
	f := newIDP(t)
	_, err := start(f.party(t, pushes), t.Context())
	if e := expect(t, err, CodePARUnsupported); !errors.Is(e, ErrNotSupported) || e.Unreachable() {
		t.Errorf("not ErrNotSupported: %v", e)
	}
	f = newIDP(t)
	f.metadata = func(m map[string]any) { m["require_pushed_authorization_requests"] = true }
	_, err = start(f.party(t), t.Context())
	expect(t, err, CodePARUnsupported)

	// Cut off without a word, pushing would be a sign-in in the open.
	for _, bad := range []string{"http://idp.example/par", "https://u:p@idp.example/par", "ftp://idp.example/par", "/par"} {
		f := newIDP(t)
		f.metadata = func(m map[string]any) { m["pushed_authorization_request_endpoint"] = bad }
		_, err := start(f.party(t, pushes), t.Context())
		expect(t, err, CodeDiscoveryInvalid)
		_, err = start(f.party(t), t.Context())
		expect(t, err, "") // unused, it bothers nobody
	}

	_, err = New(Config{ID: "x", AuthorizationEndpoint: "https://a.example/a", TokenEndpoint: "https://a.example/t", ClientID: "c", PushedAuthorization: true})
	if err == nil || !contains(err.Error(), "PushedAuthorization: needs PushedAuthorizationEndpoint") {
		t.Errorf("OAuth 2.0 without an endpoint: %v", err)
	}
	for field, edit := range map[string]func(*Config){
		"PushedAuthorizationEndpoint": func(c *Config) { c.PushedAuthorizationEndpoint = "http://a.example/par" },
		"DeviceAuthorizationEndpoint": func(c *Config) { c.DeviceAuthorizationEndpoint = "https://localhost/device" },
	} {
		c := Config{ID: "x", OIDC: true, Issuer: "https://a.example", ClientID: "c"}
		edit(&c)
		if _, err := New(c); err == nil || !contains(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Whoever goes away pushes nothing, and is no verdict on the provider.
func TestPushIsCancelled(t *testing.T) {
	f := newIDP(t)
	offers(f)
	p := f.party(t, pushes)
	_, err := start(p, t.Context())
	expect(t, err, "")
	_, err = start(p, stop())
	if e := expect(t, err, CodePARUnreachable); !e.Unreachable() || f.count("/par") != 1 {
		t.Errorf("%v after %d requests", e, f.count("/par"))
	}
}
