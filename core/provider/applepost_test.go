package provider_test

import (
	"crypto/elliptic"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

const (
	appleSub   = "001234.0123456789abcdef0123456789abcdef.1234"
	appleRelay = "x7k2m9@privaterelay.appleid.com"
)

func newApple(t *testing.T) aura.Provider {
	t.Helper()
	p := provider.Apple("TEAM123456", "KEY1234567", p8(t, newCurveKey(t, elliptic.P256())))
	p.ClientID = "client-id"
	return p
}

// postBack is the callback as Apple's page posts it, from another site, and the
// GET that follows it.
func (a *application) postBack(form url.Values) *http.Response {
	a.t.Helper()
	r := httptest.NewRequest("POST", "/auth/callback/"+a.id, strings.NewReader(form.Encode()))
	r.Host = "app.example"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://appleid.apple.com")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	for name, value := range a.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	a.auth.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther {
		a.t.Fatalf("post: status %d %s", w.Code, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		if a.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(a.cookies, c.Name)
		}
	}
	return a.get(w.Header().Get("Location"))
}

// What Apple posts gives a name at most: it is not signed, and the browser could
// have written it.
func TestAppleProfile(t *testing.T) {
	key := newKey(t)
	user := func(more ...any) map[string]any {
		u := map[string]any{"sub": appleSub, "email": appleRelay, "email_verified": true}
		for i := 0; i < len(more); i += 2 {
			if u[more[i].(string)] = more[i+1]; more[i+1] == nil {
				delete(u, more[i].(string))
			}
		}
		return u
	}
	for _, c := range []struct {
		why    string
		posted string
		claims map[string]any
		want   map[string]any
		status int
	}{
		{why: "the first sign-in", posted: `{"name":{"firstName":"Mona","lastName":"Lisa"},"email":"` + appleRelay + `"}`, want: user("name", "Mona Lisa")},
		{why: "a later one", want: user()},
		{why: "half a name", posted: `{"name":{"firstName":"Mona"}}`, want: user("name", "Mona")},
		{why: "an address and an id posted by the browser", posted: `{"name":{"firstName":"Mona"},"email":"admin@octo.example","email_verified":true,"sub":"1","id":"1"}`,
			want: user("name", "Mona")},
		{why: "an address posted, none in the ID token", posted: `{"email":"admin@octo.example"}`, claims: map[string]any{"email": nil}, want: map[string]any{"sub": appleSub}},
		{why: "not an object", posted: `["Mona"]`, want: user()},
		{why: "another shape", posted: `{"name":"Mona"}`, want: user()},
		{why: "not JSON", posted: `{`, want: user()},
		{why: "verified as a boolean", claims: map[string]any{"email_verified": true}, want: user()},
		{why: "ID-31 not verified, in a text", claims: map[string]any{"email_verified": "false"}, want: user("email_verified", nil)},
		{why: "ID-31 verified, in another text", claims: map[string]any{"email_verified": "1"}, want: user("email_verified", nil)},
		{why: "ID-31 nothing said", claims: map[string]any{"email_verified": nil}, want: user("email_verified", nil)},
		{why: "ID-33 no sub, one posted", posted: `{"sub":"1","id":"1"}`, claims: map[string]any{"sub": nil}, status: 401},
		{why: "another issuer", claims: map[string]any{"iss": "https://account.apple.com"}, status: 401},
		{why: "another application", claims: map[string]any{"aud": "another"}, status: 401},
	} {
		t.Run(c.why, func(t *testing.T) {
			p := newApple(t)
			h := newOIDCHost(t, key, p, p.Issuer, appleSub, "")
			app := newApplication(t, p, h)
			_, q := app.start("")
			// There is no userinfo endpoint: what is recorded are an ID token's claims.
			if err := json.Unmarshal([]byte(recorded(t, "apple.json")), &h.claims); err != nil {
				t.Fatal(err)
			}
			h.claims["nonce"] = q.Get("nonce")
			for name, value := range c.claims {
				if h.claims[name] = value; value == nil {
					delete(h.claims, name)
				}
			}
			form := url.Values{"code": {"the-code"}, "state": {q.Get("state")}}
			if c.posted != "" {
				form.Set("user", c.posted)
			}
			r, status := app.postBack(form), c.status
			if c.want != nil {
				status = http.StatusFound
			}
			if got := app.user(); r.StatusCode != status || !reflect.DeepEqual(got, c.want) {
				t.Errorf("status %d, signed in as\n%v, want %d\n%v", r.StatusCode, got, status, c.want)
			}
		})
	}
}
