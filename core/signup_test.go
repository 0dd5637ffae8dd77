package aura_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// newClub is a site with sign-up, by create.
func newClub(t *testing.T, create func(context.Context, aura.SignUpForm) (aura.User, error)) *site {
	t.Helper()
	return newSite(t, func(c *aura.Config) { c.SignUp.Create = create })
}

// join sends JSON to POST /signUp with the guest's CSRF token.
func (g *guest) join(body string, header ...string) reply {
	g.t.Helper()
	return g.do("POST", "/auth/signUp", body, append([]string{"Content-Type", jsonType, "X-CSRF-Token", g.csrf()}, header...)...)
}

// A sign-up creates the user that Create returns and signs them in, whatever
// way the fields came; AC-08: of what was sent nothing else reaches the session.
func TestSignUp(t *testing.T) {
	fields := `{"name":"Ada","email":"ada@example.com","age":36,"csrfToken":"x","redirectTo":"/after","sub":"admin","role":"admin","email_verified":true,"__proto__":{"role":"admin"}}`
	for _, test := range []struct {
		name, query, kind, body string
		status                  int
		location, age           string
	}{
		{"JSON", "", jsonType, fields, 302, "/after", "36"},
		{"JSON without a target", "", jsonType, strings.Replace(fields, `"/after"`, "null", 1), 200, "", "36"},
		{"text/plain", "?redirect=false", "text/plain;charset=UTF-8", fields, 200, "", "36"},
		{"form", "", formType, "name=Ada&email=ada%40example.com&age=36&redirectTo=%2Fafter&sub=admin&role=admin&email_verified=true", 303, "/after", `"36"`},
		{"form, redirect=false", "?redirect=false", formType, "name=Ada&email=ada%40example.com&age=36&sub=admin&role=admin", 200, "", `"36"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got map[string]any
			s := newClub(t, func(_ context.Context, form aura.SignUpForm) (aura.User, error) {
				if err := form.Decode(&got); err != nil {
					t.Error(err)
				}
				var typed struct{ Name string }
				if err := form.Decode(&typed); err != nil || typed.Name != "Ada" {
					t.Errorf("decoded: %+v, %v", typed, err)
				}
				if form.Field("missing") != "" || form.Field("name") != "Ada" {
					t.Error("Field reads something else")
				}
				return aura.User{Subject: "new-1", Name: form.Field("name"), Email: form.Field("email")}, nil
			})
			g := s.guest()
			header, body := []string{"Content-Type", test.kind}, test.body
			if token := g.csrf(); test.kind == formType {
				body += "&csrfToken=" + token
			} else {
				header = append(header, "X-CSRF-Token", token)
			}
			r := g.do("POST", "/auth/signUp"+test.query, body, header...)
			if r.status != test.status || r.header.Get("Location") != test.location {
				t.Fatalf("status %d, Location %q\n%s", r.status, r.header.Get("Location"), r.body)
			}
			if test.status != 303 && r.json(t)["success"] != true {
				t.Errorf("body %s", r.body)
			}
			if _, has := got["csrfToken"]; has || got["redirectTo"] != nil || got["role"] != "admin" || mustJSON(t, got["age"]) != test.age {
				t.Errorf("Create got %v", got)
			}
			want := map[string]any{"sub": "new-1", "name": "Ada", "email": "ada@example.com"}
			if user := g.user(); mustJSON(t, user) != mustJSON(t, want) {
				t.Errorf("user %v, want %v", user, want)
			}
			own, _ := s.open(g.cookies[g.names.session])["aura"].(map[string]any)
			if own["idp"] != "credentials" && own["idp"] != "signUp" || own["iss"] != s.url {
				t.Errorf("claims %v", own)
			}
		})
	}
}

// What Create answers, and what the client is told.
func TestSignUpRefused(t *testing.T) {
	canary := errors.New("zzcanary")
	for _, test := range []struct {
		name    string
		err     error
		user    aura.User
		status  int
		code    aura.Code
		details map[string]string
	}{
		{"fields", aura.FieldErrors{"email": "is taken <b>", "age": "must be 18 or more"}, aura.User{}, 422, aura.CodeUnprocessable, map[string]string{"email": "is taken <b>", "age": "must be 18 or more"}},
		{"fields beside a user", aura.FieldErrors{"email": "is odd"}, aura.User{Subject: "x"}, 422, aura.CodeUnprocessable, map[string]string{"email": "is odd"}},
		{"wrapped fields", fmt.Errorf("zzcanary: %w", aura.FieldErrors{"email": "is odd"}), aura.User{}, 422, aura.CodeUnprocessable, map[string]string{"email": "is odd"}},
		{"exists", aura.ErrUserExists, aura.User{}, 409, aura.CodeUserExists, nil},
		{"exists, wrapped", fmt.Errorf("zzcanary: %w", aura.ErrUserExists), aura.User{Subject: "x"}, 409, aura.CodeUserExists, nil},
		{"another error", canary, aura.User{}, 500, aura.CodeServerError, nil},
		{"another error beside a user", canary, aura.User{Subject: "x"}, 500, aura.CodeServerError, nil},
		{"nobody", nil, aura.User{}, 500, aura.CodeServerError, nil},
		{"no subject", nil, aura.User{Name: "Ada"}, 500, aura.CodeServerError, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newClub(t, func(context.Context, aura.SignUpForm) (aura.User, error) { return test.user, test.err })
			g := s.member("u-1")
			r := g.join(`{"email":"ada@example.com"}`)
			body := r.json(t)
			if r.status != test.status || r.code(t) != string(test.code) || body["success"] != false || body["redirectURL"] != nil || body["redirect"] != false {
				t.Fatalf("status %d, want %d %s\n%s", r.status, test.status, test.code, r.body)
			}
			if len(r.header["Set-Cookie"]) != 0 || g.subject() != "u-1" || strings.Contains(r.body, "zzcanary") {
				t.Errorf("cookies %q, signed in as %q\n%s", r.written(), g.subject(), r.body)
			}
			details, _ := body["details"].(map[string]any)
			if len(details) != len(test.details) {
				t.Errorf("details %v, want %v", details, test.details)
			}
			for field, reason := range test.details {
				detail, _ := details[field].(map[string]any)
				if detail["message"] != reason {
					t.Errorf("details.%s is %v, want %q", field, detail, reason)
				}
			}
			if test.details != nil && (strings.Contains(s.log.String(), test.details["email"]) || !strings.Contains(s.log.String(), "email")) {
				t.Error("the log should name the fields, and leave the texts to the client")
			}
			form := g.form("/auth/signUp", url.Values{"email": {"x"}, "redirectTo": {"/in"}, "csrfToken": {g.csrf()}})
			if test.status == 500 {
				if form.status != 500 {
					t.Errorf("form: status %d", form.status)
				}
				return
			}
			if want := "/login?error=" + string(test.code) + "&redirectTo=%2Fin"; form.status != 303 || form.header.Get("Location") != want {
				t.Errorf("form: status %d, Location %q, want %q", form.status, form.header.Get("Location"), want)
			}
		})
	}
	t.Run("a panic", func(t *testing.T) {
		s := newClub(t, func(context.Context, aura.SignUpForm) (aura.User, error) { panic("zzcanary") })
		if r := s.guest().join(`{}`); r.status != 500 || strings.Contains(r.body, "zzcanary") || len(r.header["Set-Cookie"]) != 0 {
			t.Errorf("status %d, cookies %q\n%s", r.status, r.written(), r.body)
		}
	})
}

// AC-07: whatever address Create takes over, what is not one is not written.
func TestSignUpAddress(t *testing.T) {
	for email, kept := range map[string]bool{
		"a@x.example": true, "a@x.example,b@y.example": false, "a@x.example;b@y.example": false,
		`"a@x.example"@y.example`: false, "a＠evil@x.example": false, "a@x.example\r\nBcc: b@y.example": false, "": false,
	} {
		s := newClub(t, func(_ context.Context, form aura.SignUpForm) (aura.User, error) {
			return aura.User{Subject: "new-1", Email: form.Field("email"), EmailVerified: true}, nil
		})
		g := s.guest()
		if r := g.join(mustJSON(t, map[string]string{"email": email})); r.status != 200 {
			t.Fatalf("%q: status %d\n%s", email, r.status, r.body)
		}
		user := g.user()
		if _, has := user["email"]; has != kept || (user["email_verified"] == true) != kept {
			t.Errorf("%q: user %v", email, user)
		}
	}
}

// Both layers against CSRF stand before Create.
func TestSignUpCSRF(t *testing.T) {
	calls := 0
	s := newClub(t, func(context.Context, aura.SignUpForm) (aura.User, error) {
		calls++
		return aura.User{Subject: "x"}, nil
	})
	for name, send := range map[string]func(g *guest) reply{
		"no token": func(g *guest) reply { return g.do("POST", "/auth/signUp", "{}", "Content-Type", jsonType) },
		"a forged token": func(g *guest) reply {
			return g.do("POST", "/auth/signUp", "{}", "Content-Type", jsonType, "X-CSRF-Token", "x")
		},
		"the token in JSON": func(g *guest) reply {
			return g.do("POST", "/auth/signUp", `{"csrfToken":"`+g.csrf()+`"}`, "Content-Type", jsonType)
		},
		"another origin": func(g *guest) reply { return g.join("{}", "Origin", "https://evil.example") },
		"a member, unbound": func(g *guest) reply {
			token := g.csrf()
			g.cookies[g.names.session] = s.seal(s.claims("u-1"))
			return g.do("POST", "/auth/signUp", "{}", "Content-Type", jsonType, "X-CSRF-Token", token)
		},
		"form of another one": func(g *guest) reply {
			return g.form("/auth/signUp", url.Values{"a": {"b"}}, "Sec-Fetch-Site", "cross-site")
		},
	} {
		if r := send(s.guest()); r.status != http.StatusForbidden || slices.Contains(r.written(), plainNames.session) {
			t.Errorf("%s: status %d", name, r.status)
		}
	}
	if calls != 0 {
		t.Errorf("Create ran %d times", calls)
	}
}
