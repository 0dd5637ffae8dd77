package aura_test

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// GET /session: the user and the end of the session, and nothing else of what
// is in the token (docs/wire.md, LK-05).
func TestGetSession(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest()
	claims := s.claims("u-1").with("roles", []string{"admin", "ops"}).with("note", `<b>&"`)
	g.cookies[g.names.session] = s.seal(claims)
	r := g.get("/auth/session")
	body := r.json(t)
	want := map[string]any{
		"success": true, "authenticated": true,
		"session": map[string]any{
			"user": map[string]any{
				"sub": "u-1", "name": "Ada", "email": "ada@example.com", "email_verified": true, "image": "https://example.com/a.png",
				"roles": []any{"admin", "ops"}, "note": `<b>&"`,
			},
			"expires": s.clock.now().Add(15 * 24 * time.Hour).Format("2006-01-02T15:04:05.000Z"),
		},
	}
	if r.status != http.StatusOK || !reflect.DeepEqual(body, want) {
		t.Errorf("status %d, body\n%v, want\n%v", r.status, body, want)
	}
	if strings.Contains(r.body, `\u003c`) {
		t.Error("the JSON is escaped for HTML")
	}
	if len(r.header["Set-Cookie"]) != 0 {
		t.Errorf("Set-Cookie: %q", r.header["Set-Cookie"])
	}

	head := g.do("HEAD", "/auth/session", "")
	if head.status != http.StatusOK || head.header.Get("Content-Length") != r.header.Get("Content-Length") {
		t.Errorf("HEAD: status %d, Content-Length %q, want 200 and %q", head.status, head.header.Get("Content-Length"), r.header.Get("Content-Length"))
	}

	anonymous := s.guest()
	r = anonymous.get("/auth/session")
	body = r.json(t)
	failure, _ := body["error"].(map[string]any)
	if r.status != http.StatusUnauthorized || body["success"] != false || body["authenticated"] != false || failure["code"] != string(aura.CodeNoSession) || failure["id"] == "" || failure["message"] == "" {
		t.Errorf("nobody: status %d, body %s", r.status, r.body)
	}
	if session, ok := body["session"]; !ok || session != nil {
		t.Errorf("nobody: session is %v, %v; want null", session, ok)
	}
	if head := anonymous.do("HEAD", "/auth/session", ""); head.status != http.StatusUnauthorized {
		t.Errorf("nobody, HEAD: status %d", head.status)
	}
	if s.log.String() != "" {
		t.Errorf("being signed out is logged:\n%s", s.log)
	}
}

// A user with nothing but a subject: empty members are left out, and an address
// that is none is not shown as one.
func TestGetSessionLeavesOutWhatIsEmpty(t *testing.T) {
	s := newSite(t, nil)
	for name, claims := range map[string]claimSet{
		"bare":    s.claims("u-1").without("name", "email", "email_verified", "image"),
		"null":    s.claims("u-1").with("name", nil).with("email", nil).with("image", nil).without("email_verified"),
		"empty":   s.claims("u-1").with("name", "").with("email", "").with("image", ""),
		"invalid": s.claims("u-1").with("email", "ada").without("name", "image"),
	} {
		t.Run(name, func(t *testing.T) {
			g := s.guest()
			g.cookies[g.names.session] = s.seal(claims)
			if got := g.user(); !reflect.DeepEqual(got, map[string]any{"sub": "u-1"}) {
				t.Errorf("user: %v", got)
			}
		})
	}
	t.Run("verified only by a boolean", func(t *testing.T) {
		for _, value := range []any{"true", 1, false, nil} {
			g := s.guest()
			g.cookies[g.names.session] = s.seal(s.claims("u-1").with("email_verified", value))
			if _, verified := g.user()["email_verified"]; verified {
				t.Errorf("email_verified %#v counts as verified", value)
			}
		}
	})
}

// SE-05, SE-06: PATCH changes what Config allows and nothing else.
func TestPatchSession(t *testing.T) {
	whole := `"sub":"u-1","name":"Ada","email":"ada@example.com","email_verified":true,"image":"https://example.com/a.png"`
	for _, test := range []struct {
		name    string
		allowed []string
		body    string
		status  int
		refused []string // keys of details
		changed map[string]any
		removed []string
	}{
		{"nothing by default", nil, `{"user":{"name":"X"}}`, 422, []string{"user.name"}, nil, nil},
		{"every field that is not allowed is named", nil, `{"user":{"name":"X","email":"x@example.com","image":"i","role":"admin"}}`, 422, []string{"user.name", "user.email", "user.image", "user.role"}, nil, nil},
		{"the whole user sent back", nil, `{"user":{` + whole + `}}`, 200, nil, map[string]any{}, nil},
		{"the whole user, one field changed", []string{"name"}, `{"user":{` + strings.Replace(whole, `"Ada"`, `"Countess"`, 1) + `}}`, 200, nil, map[string]any{"name": "Countess"}, nil},
		{"the whole user, one change too many", []string{"name"}, `{"user":{` + strings.Replace(strings.Replace(whole, `"Ada"`, `"X"`, 1), `a.png`, `b.png`, 1) + `}}`, 422, []string{"user.image"}, nil, nil},
		{"null for a field that is not there", nil, `{"user":{"role":null}}`, 200, nil, map[string]any{}, nil},
		{"no user", nil, `{}`, 200, nil, map[string]any{}, nil},
		{"user is null", nil, `{"user":null}`, 200, nil, map[string]any{}, nil},
		{"unicode spelled otherwise", nil, `{"user":{"name":"\u0041da"}}`, 200, nil, map[string]any{}, nil},
		{"an allowed name", []string{"name"}, `{"user":{"name":"Countess"}}`, 200, nil, map[string]any{"name": "Countess"}, nil},
		{"a name with markup", []string{"name"}, `{"user":{"name":"<b>\u2028"}}`, 200, nil, map[string]any{"name": "<b>\u2028"}, nil},
		{"a name removed", []string{"name"}, `{"user":{"name":null}}`, 200, nil, nil, []string{"name"}},
		{"an extra claim", []string{"theme"}, `{"user":{"theme":{"dark":true}}}`, 200, nil, map[string]any{"theme": map[string]any{"dark": true}}, nil},
		{"case matters", []string{"name"}, `{"user":{"Name":"X"}}`, 422, []string{"user.Name"}, nil, nil},
		{"another e-mail is not verified", []string{"email"}, `{"user":{"email":"x@example.com"}}`, 200, nil, map[string]any{"email": "x@example.com"}, []string{"email_verified"}},
		{"the same e-mail stays verified", []string{"email"}, `{"user":{"email":"ada@example.com"}}`, 200, nil, map[string]any{}, nil},
		{"e-mail and its verification", []string{"email"}, `{"user":{"email":"x@example.com","email_verified":true}}`, 200, nil, map[string]any{"email": "x@example.com"}, []string{"email_verified"}},
		{"e-mail removed", []string{"email"}, `{"user":{"email":""}}`, 200, nil, nil, []string{"email", "email_verified"}},
		{"no e-mail", []string{"email"}, `{"user":{"email":"ada"}}`, 422, []string{"user.email"}, nil, nil},
		{"two e-mails", []string{"email"}, `{"user":{"email":"a@example.com,b@example.com"}}`, 422, []string{"user.email"}, nil, nil},
		{"e-mail with a line end", []string{"email"}, `{"user":{"email":"a@example.com\r\nBcc: x@example.com"}}`, 422, []string{"user.email"}, nil, nil},
		{"a name that is a number", []string{"name"}, `{"user":{"name":7}}`, 422, []string{"user.name"}, nil, nil},
		{"an e-mail that is an object", []string{"email"}, `{"user":{"email":{"a":1}}}`, 422, []string{"user.email"}, nil, nil},
		{"nested user", []string{"name"}, `{"user":{"user":{"sub":"admin"}}}`, 422, []string{"user.user"}, nil, nil},
		{"user is an array", []string{"name"}, `{"user":[]}`, 400, nil, nil, nil},
		{"user is a text", []string{"name"}, `{"user":"admin"}`, 400, nil, nil, nil},
		{"identity", []string{"name"}, `{"user":{"sub":"admin","id":"admin","provider":"admin"}}`, 422, []string{"user.sub", "user.id", "user.provider"}, nil, nil},
		{"verification", []string{"name", "email"}, `{"user":{"emailVerified":true,"role":"admin"}}`, 422, []string{"user.emailVerified", "user.role"}, nil, nil},
		{"claims of the token, in the user", []string{"name"}, `{"user":{"exp":1,"iat":1,"nbf":1,"jti":"x","iss":"x","aud":"x","mexp":1,"aura":{},"sid":"x","auth_time":1,"token":"x","bound":true}}`, 422,
			[]string{"user.exp", "user.iat", "user.nbf", "user.jti", "user.iss", "user.aud", "user.mexp", "user.aura", "user.sid", "user.auth_time", "user.token", "user.bound"}, nil, nil},
		{"claims of the token, beside the user", []string{"name"}, `{"exp":1,"iat":1,"nbf":1,"jti":"x","sid":"x","iss":"x","aud":"x","auth_time":1,"mexp":9999999999,"sub":"admin","session":{"user":{"sub":"admin"}}}`, 200, nil, map[string]any{}, nil},
		{"prototype", []string{"name"}, `{"user":{"__proto__":{"admin":true},"constructor":1}}`, 422, []string{"user.__proto__", "user.constructor"}, nil, nil},
		{"prototype beside the user", []string{"name"}, `{"__proto__":{"admin":true}}`, 200, nil, map[string]any{}, nil},
		{"expires in the past", []string{"name"}, `{"user":{"name":"X"},"expires":"1999-01-01T00:00:00.000Z"}`, 200, nil, map[string]any{"name": "X"}, nil},
		{"expires in the future", []string{"name"}, `{"user":{"name":"X"},"expires":"2999-01-01T00:00:00.000Z"}`, 200, nil, map[string]any{"name": "X"}, nil},
		{"expires that is none", []string{"name"}, `{"expires":[1]}`, 200, nil, map[string]any{}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, func(c *aura.Config) { c.Session.UpdatableFields = test.allowed })
			g := s.member("u-1")
			before := s.open(g.cookies[g.names.session])
			s.clock.add(time.Minute)
			r := g.patch(test.body)
			if r.status != test.status {
				t.Fatalf("status %d, want %d\n%s", r.status, test.status, r.body)
			}
			after := s.open(g.cookies[g.names.session])
			if test.status != http.StatusOK {
				if len(r.header["Set-Cookie"]) != 0 || !reflect.DeepEqual(before, after) {
					t.Errorf("the session has changed: %v", after)
				}
				details, _ := r.json(t)["details"].(map[string]any)
				if got, want := slices.Sorted(maps.Keys(details)), slices.Sorted(slices.Values(test.refused)); !slices.Equal(got, want) {
					t.Errorf("details name %q, want %q", got, want)
				}
				if strings.Contains(r.body, "Go ") || strings.Contains(r.body, "json:") {
					t.Errorf("the answer shows the inside: %s", r.body)
				}
				return
			}
			want := maps.Clone(before)
			maps.Copy(want, test.changed)
			for _, name := range test.removed {
				delete(want, name)
			}
			if after["jti"] == before["jti"] {
				t.Error("jti has not changed")
			}
			delete(want, "jti")
			delete(after, "jti")
			if !reflect.DeepEqual(after, want) {
				t.Errorf("claims\n%v, want\n%v", after, want)
			}
			if got := mustJSON(t, r.json(t)["session"]); !strings.Contains(got, s.clock.now().Add(15*24*time.Hour-time.Minute).Format("2006-01-02T15:04:05.000Z")) {
				t.Errorf("session: %s", got)
			}
			user, _ := r.json(t)["session"].(map[string]any)["user"].(map[string]any)
			if !reflect.DeepEqual(user, g.user()) {
				t.Errorf("PATCH answers %v, GET %v", user, g.user())
			}
		})
	}
}

// The order of refusals: who is asking, does the page belong to us, may it.
func TestPatchSessionOrder(t *testing.T) {
	s := newSite(t, nil)
	bad := `{"user":{"role":"admin"}}`
	token := s.member("u-1").csrf()
	for _, test := range []struct {
		name   string
		who    *guest
		header []string
		body   string
		status int
		code   aura.Code
	}{
		{"another origin comes first", s.guest(), []string{"Origin", "https://evil.example"}, bad, 403, aura.CodeOriginRejected},
		{"then nobody", s.guest(), nil, bad, 401, aura.CodeNoSession},
		{"nobody with a wrong token", s.guest(), []string{"X-CSRF-Token", token}, bad, 401, aura.CodeNoSession},
		{"then no token", s.member("u-1"), nil, bad, 403, aura.CodeCSRFMissing},
		{"a wrong token", s.member("u-2"), []string{"X-CSRF-Token", token}, bad, 403, aura.CodeCSRFMismatch},
		{"then the field", s.member("u-1"), []string{"X-CSRF-Token", token}, bad, 422, aura.CodeUpdateNotAllowed},
		{"a body that is none, before anything of the session", s.guest(), nil, `{`, 400, aura.CodeMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := maps.Clone(test.who.cookies)
			r := test.who.do("PATCH", "/auth/session", test.body, append([]string{"Content-Type", jsonType}, test.header...)...)
			if r.status != test.status || r.code(t) != string(test.code) {
				t.Fatalf("status %d, code %s\n%s", r.status, r.code(t), r.body)
			}
			if !maps.Equal(before, test.who.cookies) {
				t.Error("a cookie has changed")
			}
			body := r.json(t)
			session, there := body["session"]
			if body["success"] != false || !there || session != nil || body["redirect"] != false || body["redirectURL"] != nil {
				t.Errorf("body lacks the route's members: %s", r.body)
			}
		})
	}
}

// The published client sends JSON as text/plain and the whole session back.
func TestPatchSessionAsTheClientSendsIt(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Session.UpdatableFields = []string{"name"} })
	g := s.member("u-1")
	session, _ := g.get("/auth/session").json(t)["session"].(map[string]any)
	user, _ := session["user"].(map[string]any)
	user["name"] = "Countess"
	body := mustJSON(t, map[string]any{"user": user, "expires": session["expires"]})
	r := g.do("PATCH", "/auth/session?redirectTo=undefined&redirect=false", body, "Content-Type", "text/plain;charset=UTF-8", "X-CSRF-Token", g.csrf())
	answer := r.json(t)
	if r.status != http.StatusOK || answer["success"] != true || answer["redirect"] != false || answer["redirectURL"] != nil {
		t.Fatalf("status %d\n%s", r.status, r.body)
	}
	if g.user()["name"] != "Countess" {
		t.Errorf("user: %v", g.user())
	}
	r = g.patch(`{"user":{"name":"Ada"}}`)
	if r.status != http.StatusOK || r.header.Get("Location") != "" {
		t.Errorf("without redirectTo: status %d, Location %q", r.status, r.header.Get("Location"))
	}
	r = g.do("PATCH", "/auth/session?redirectTo=/profile", `{"user":{"name":"B"}}`, "Content-Type", jsonType, "X-CSRF-Token", g.csrf())
	if r.status != http.StatusFound || r.header.Get("Location") != "/profile" || r.json(t)["redirect"] != true {
		t.Errorf("with redirectTo: status %d, Location %q, %s", r.status, r.header.Get("Location"), r.body)
	}
	r = g.do("PATCH", "/auth/session?redirectTo=/profile&redirect=false", `{"user":{"name":"C"}}`, "Content-Type", jsonType, "X-CSRF-Token", g.csrf())
	if r.status != http.StatusOK || r.header.Get("Location") != "" || r.json(t)["redirectURL"] != "/profile" {
		t.Errorf("with redirect=false: status %d, %s", r.status, r.body)
	}
}

// The published client sends the whole user: with another address in it the
// verification comes along, and must neither stay nor be an obstacle, whatever
// the order in which the members are looked at.
func TestPatchEmailInTheWholeUser(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Session.UpdatableFields = []string{"email"} })
	for range 16 {
		g := s.member("u-1")
		user := g.user()
		user["email"] = "new@example.com"
		r := g.patch(mustJSON(t, map[string]any{"user": user}))
		if r.status != http.StatusOK {
			t.Fatalf("status %d\n%s", r.status, r.body)
		}
		if after := g.user(); after["email"] != "new@example.com" || after["email_verified"] != nil {
			t.Fatalf("user: %v", after)
		}
	}
}
