package aura_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// The functions that change something refuse GET and run both layers.
func TestServerSideFunctions(t *testing.T) {
	s := newSite(t, nil)
	request := func(method, token string, signedIn bool) *http.Request {
		r := httptest.NewRequest(method, s.url+"/x", nil)
		if signedIn {
			r.Header.Set("Cookie", s.member("u-1").header())
		}
		if token != "" {
			r.Header.Set("X-CSRF-Token", token)
		}
		return r
	}
	token := s.signCSRF(s.csrfClaims("sid-of-u-1"))
	rename := func(u *aura.User) error { u.Name = "Countess"; return u.Set("role", "admin") }
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE"} {
		if _, err := s.auth.SignOut(request(method, token, true)); aura.CodeOf(err) != aura.CodeMethodNotAllowed {
			t.Errorf("SignOut by %s: %v", method, err)
		}
		if _, _, err := s.auth.UpdateSession(request(method, token, true), rename); aura.CodeOf(err) != aura.CodeMethodNotAllowed {
			t.Errorf("UpdateSession by %s: %v", method, err)
		}
	}
	if _, err := s.auth.SignOut(request("POST", "", true)); aura.CodeOf(err) != aura.CodeCSRFMissing {
		t.Errorf("SignOut without a token: %v", err)
	}
	lines, err := s.auth.SignOut(request("POST", token, true))
	if err != nil || len(lines["Set-Cookie"]) != 2 {
		t.Errorf("SignOut: %v, %v", err, lines)
	}
	if lines, err := s.auth.SignOut(request("POST", "", false)); err != nil || len(lines["Set-Cookie"]) != 2 {
		t.Errorf("SignOut of nobody: %v, %v", err, lines)
	}
	session, lines, err := s.auth.UpdateSession(request("POST", token, true), rename)
	if err != nil || session.User.Name != "Countess" || session.ID != "sid-of-u-1" || session.Account() != (aura.Account{Issuer: "https://idp.example", Subject: "u-1"}) {
		t.Fatalf("UpdateSession: %v, %+v", err, session)
	}
	c := setCookies(t, lines)
	if len(c) != 1 || s.open(c[0].Value)["name"] != "Countess" || s.open(c[0].Value)["role"] != "admin" {
		t.Errorf("UpdateSession writes %v", lines)
	}
	for name, change := range map[string]func(*aura.User) error{
		"an error":        func(*aura.User) error { return errors.New("no") },
		"another subject": func(u *aura.User) error { u.Subject = "admin"; return nil },
		"too much":        func(u *aura.User) error { return u.Set("x", filler(8<<10)) },
	} {
		if session, lines, err := s.auth.UpdateSession(request("POST", token, true), change); err == nil || lines != nil || session != nil {
			t.Errorf("%s: %v, lines %v", name, err, lines)
		}
	}
	if _, _, err := s.auth.UpdateSession(request("POST", token, false), rename); !errors.Is(err, aura.ErrNoSession) {
		t.Errorf("UpdateSession of nobody: %v", err)
	}
	if _, _, err := s.auth.UpdateSession(request("POST", "", true), rename); aura.CodeOf(err) != aura.CodeCSRFMissing {
		t.Errorf("UpdateSession without a token: %v", err)
	}

	result, lines, err := s.auth.SignIn(request("GET", "", false), "gh", aura.SignInOptions{RedirectTo: "/a?b=c", Params: map[string]string{"login_hint": "ada", "prompt": "none"}})
	if want := s.url + "/auth/signIn/gh?login_hint=ada&redirectTo=%2Fa%3Fb%3Dc"; err != nil || result.URL != want || lines != nil {
		t.Errorf("SignIn: %q, %v, %v; want %q", result.URL, lines, err, want)
	}
	if result, _, err := s.auth.SignIn(request("GET", "", false), "gh", aura.SignInOptions{RedirectTo: "//evil.example"}); err != nil || strings.Contains(result.URL, "evil") {
		t.Errorf("SignIn with an evil target: %q, %v", result.URL, err)
	}
	if _, _, err := s.auth.SignIn(request("GET", "", false), "nope", aura.SignInOptions{}); aura.CodeOf(err) != aura.CodeUnknownProvider {
		t.Errorf("SignIn with an unknown provider: %v", err)
	}
}

// On HEAD nothing is written, and so nothing is said to have been renewed.
func TestHEADHasNoEffect(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.Session.Expiration = aura.RollingExpiration })
	m := s.member("u-1")
	ends := s.clock.now().Add(s.maxAge())
	s.clock.add(time.Hour)
	for method, renewed := range map[string]bool{"HEAD": false, "GET": true} {
		r := httptest.NewRequest(method, s.url+"/x", nil)
		r.Header.Set("Cookie", m.header())
		session, lines, err := s.auth.GetSession(r)
		if err != nil || (len(lines["Set-Cookie"]) > 0) != renewed || session.ExpiresAt.Equal(ends) == renewed {
			t.Errorf("%s: GetSession: %v, lines %v", method, err, lines)
		}
		ctx, lines, err := s.auth.Load(r)
		if err != nil || (len(lines["Set-Cookie"]) > 0) != renewed {
			t.Errorf("%s: Load: %v, lines %v", method, err, lines)
		}
		if session, ok := aura.SessionFrom(ctx); !ok || session.ExpiresAt.Equal(ends) == renewed {
			t.Errorf("%s: SessionFrom: %v", method, ok)
		}
		if token, lines, err := s.auth.CSRFToken(r); err != nil || token == "" || (len(lines["Set-Cookie"]) > 0) != renewed {
			t.Errorf("%s: CSRFToken: %v, lines %v", method, err, lines)
		}
	}
}
