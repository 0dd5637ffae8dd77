package provider_test

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

func newAcme(t *testing.T) (aura.Provider, *internet) {
	p := provider.OAuth2("acme", "https://acme.example/authorize?tenant=7", "https://acme.example/token", "https://api.acme.example/me", "profile", "mail")
	return p, &internet{hosts: map[string]http.HandlerFunc{
		"acme.example/token":  answer(200, `{"access_token":"at","token_type":"Bearer"}`),
		"api.acme.example/me": answer(200, recorded(t, "acme.json")),
	}}
}

func TestOAuth2OnTheWire(t *testing.T) {
	p, net := newAcme(t)
	app := newApplication(t, p, net)
	endpoint, q := app.start("")
	if endpoint != "https://acme.example/authorize" || q.Get("tenant") != "7" || q.Get("scope") != "profile mail" || q.Has("nonce") || q.Get("code_challenge_method") != "S256" {
		t.Errorf("the browser is sent to %s with %v", endpoint, q)
	}
	if r := app.back(q.Get("state"), ""); r.StatusCode != 302 {
		t.Fatalf("callback: status %d, code %s", r.StatusCode, code(t, r))
	}
	want := map[string]any{"sub": "9007199254740993", "name": "mona", "email": "mona@octo.example", "image": "https://acme.example/mona.png"}
	if got := app.user(); !reflect.DeepEqual(got, want) {
		t.Errorf("signed in as %v, want %v", got, want)
	}
	token := net.asked("https://acme.example/token")[0]
	if _, _, basic := (&http.Request{Header: token.header}).BasicAuth(); !basic || token.form.Has("client_secret") {
		t.Errorf("the client does not prove itself by Basic: %v", token.form)
	}
}

// A generic OpenID Connect provider asks for what its options say.
func TestOIDCOnTheWire(t *testing.T) {
	g := newGoogle(t)
	p := provider.OIDC("work", "https://accounts.google.com")
	p.Scopes, p.AuthParams, p.AuthMethod = []string{"openid"}, map[string]string{"prompt": "select_account"}, "client_secret_post"
	p.AllowedParams = []string{"ui_locales"}
	app := newApplication(t, p, g)
	_, q := app.start("&ui_locales=de&login_hint=x&prompt=none")
	if q.Get("scope") != "openid" || q.Get("prompt") != "select_account" || q.Get("ui_locales") != "de" || q.Has("login_hint") || len(q["prompt"]) != 1 {
		t.Errorf("the request is %v", q)
	}
	g.claims["nonce"] = q.Get("nonce")
	if r := app.back(q.Get("state"), ""); r.StatusCode != 302 {
		t.Fatalf("callback: status %d, code %s", r.StatusCode, code(t, r))
	}
	token := g.asked("https://oauth2.googleapis.com/token")[0]
	if token.form.Get("client_id") != "client-id" || token.form.Get("client_secret") != "s3cret:%+ /ü" || token.header.Get("Authorization") != "" {
		t.Errorf("token request %v %v", token.form, token.header)
	}
}

func TestOAuth2WithoutID(t *testing.T) {
	for why, profile := range map[string]string{
		"ID-33 the id removed": edited(t, "acme.json", map[string]any{"id": nil}),
		"ID-33 an empty id":    edited(t, "acme.json", map[string]any{"id": ""}),
		"ID-33 null":           `{"id":null,"name":"mona"}`,
		"ID-33 a boolean":      `{"id":true,"sub":false}`,
		"ID-33 an object":      `{"id":{"id":7}}`,
		"ID-33 nothing":        `{}`,
		"an array":             `[{"id":7}]`,
		"an error with 200":    `{"error":"invalid_token","id":7}`,
		"trailing data":        `{"id":7}{"id":8}`,
	} {
		t.Run(why, func(t *testing.T) {
			p, net := newAcme(t)
			net.hosts["api.acme.example/me"] = answer(200, profile)
			app := newApplication(t, p, net)
			_, q := app.start("")
			if r := app.back(q.Get("state"), ""); r.StatusCode != 502 || code(t, r) == "" || app.user() != nil {
				t.Errorf("status %d, signed in as %v", r.StatusCode, app.user())
			}
		})
	}
}

// The table of aura.DefaultProfile.
func TestDefaultProfile(t *testing.T) {
	for _, c := range []struct {
		why, subject, raw string
		want              aura.User
	}{
		{"nothing", "", `{}`, aura.User{}},
		{"the ID token's subject wins", "s", `{"sub":"x","id":7}`, aura.User{Subject: "s"}},
		{"id", "", `{"id":"a","sub":"b","uid":"c"}`, aura.User{Subject: "a"}},
		{"sub", "", `{"sub":"b","uid":"c"}`, aura.User{Subject: "b"}},
		{"uid", "", `{"uid":"c","user_id":"d"}`, aura.User{Subject: "c"}},
		{"user_id", "", `{"user_id":"d","account_id":"e"}`, aura.User{Subject: "d"}},
		{"account_id", "", `{"account_id":"e"}`, aura.User{Subject: "e"}},
		{"an empty one is skipped", "", `{"id":"","sub":"b"}`, aura.User{Subject: "b"}},
		{"a null one is skipped", "", `{"id":null,"sub":"b"}`, aura.User{Subject: "b"}},
		{"an exact number", "", `{"id":9007199254740993}`, aura.User{Subject: "9007199254740993"}},
		{"a number beyond 64 bits", "", `{"id":109876543210987654321}`, aura.User{Subject: "109876543210987654321"}},
		{"not other cases", "", `{"ID":"a","Sub":"b"}`, aura.User{}},
		{"names", "s", `{"username":"u","nickname":"n"}`, aura.User{Subject: "s", Name: "u"}},
		{"name first", "s", `{"name":"N","username":"u"}`, aura.User{Subject: "s", Name: "N"}},
		{"nickname last", "s", `{"name":"","nickname":"n"}`, aura.User{Subject: "s", Name: "n"}},
		{"pictures", "s", `{"picture":"p"}`, aura.User{Subject: "s", Image: "p"}},
		{"image first", "s", `{"image":"i","picture":"p"}`, aura.User{Subject: "s", Image: "i"}},
		{"verified", "s", `{"email":"a@b.example","email_verified":true}`, aura.User{Subject: "s", Email: "a@b.example", EmailVerified: true}},
		{"ID-31 a string", "s", `{"email":"a@b.example","email_verified":"true"}`, aura.User{Subject: "s", Email: "a@b.example"}},
		{"ID-31 a number", "s", `{"email":"a@b.example","email_verified":1}`, aura.User{Subject: "s", Email: "a@b.example"}},
		{"ID-31 another name", "s", `{"email":"a@b.example","verified":true,"emailVerified":true}`, aura.User{Subject: "s", Email: "a@b.example"}},
		{"members of odd types", "s", `{"name":{},"email":[],"picture":false}`, aura.User{Subject: "s"}},
	} {
		t.Run(c.why, func(t *testing.T) {
			got, err := aura.DefaultProfile(context.Background(), &aura.Profile{Subject: c.subject, Raw: json.RawMessage(c.raw)})
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v (%v), want %+v", got, err, c.want)
			}
		})
	}
	if _, err := aura.DefaultProfile(context.Background(), &aura.Profile{Raw: json.RawMessage(`[]`)}); err == nil || !strings.Contains(err.Error(), "INVALID_OAUTH_USER_INFO_RES_FORMAT") {
		t.Errorf("an array: %v", err)
	}
}
