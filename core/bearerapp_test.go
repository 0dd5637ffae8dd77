package aura_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// The functions for routes of the application take bearer tokens, too.
func TestBearerFunctions(t *testing.T) {
	s, _ := newDesk(t, func(c *aura.Config) { c.Session.Expiration = aura.RollingExpiration })
	sealed := s.seal(s.claims("u-bearer"))
	cookies := s.member("u-cookie").header()
	request := func(method, authorization string) *http.Request {
		r := post(cookies, "")
		r.Method = method
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		return r
	}
	good := "Bearer " + sealed
	wantVary := func(what string, h http.Header) {
		t.Helper()
		if len(h["Set-Cookie"]) > 0 || h.Get("Vary") != "Cookie, Authorization" {
			t.Errorf("%s: header lines %v", what, h)
		}
	}

	ctx, lines, err := s.auth.Load(request("GET", good))
	if session, ok := aura.SessionFrom(ctx); err != nil || !ok || session.User.Subject != "u-bearer" || session.BearerToken() != "" {
		t.Errorf("Load: %v %v", session, err)
	}
	wantVary("Load", lines)
	// What was loaded for one token does not stand for another.
	for _, authorization := range []string{"Bearer bogus", ""} {
		session, _, err := s.auth.GetSession(request("GET", authorization).WithContext(ctx))
		if want := map[string]aura.Code{"Bearer bogus": aura.CodeNoSession}[authorization]; aura.CodeOf(err) != want || err == nil && session.User.Subject != "u-cookie" {
			t.Errorf("after Load, with Authorization %q: %v, %v", authorization, session, err)
		}
	}
	session, lines, err := s.auth.GetSession(request("GET", good))
	if err != nil || session.User.Subject != "u-bearer" {
		t.Errorf("GetSession: %v %v", session, err)
	}
	wantVary("GetSession", lines)
	if _, lines, err = s.auth.Require(request("POST", good)); err != nil {
		t.Errorf("Require: %v", err)
	}
	wantVary("Require", lines)
	if _, _, err := s.auth.Require(request("POST", "Bearer bogus")); aura.CodeOf(err) != aura.CodeNoSession {
		t.Errorf("Require with a bogus token: %v", err)
	}
	cross := request("POST", good)
	cross.Header.Set("Origin", "https://evil.example")
	if _, _, err := s.auth.Require(cross); aura.CodeOf(err) != aura.CodeOriginRejected {
		t.Errorf("Require from another origin: %v", err)
	}

	for authorization, want := range map[string]aura.Code{good: "", "Bearer bogus": aura.CodeCSRFMissing, "": aura.CodeCSRFMissing, "Basic YTpi": aura.CodeCSRFMissing} {
		if err := s.auth.Verify(request("POST", authorization)); aura.CodeOf(err) != want {
			t.Errorf("Verify with %.12q: %v, want %q", authorization, err, want)
		}
	}
	if err := s.auth.Verify(cross); aura.CodeOf(err) != aura.CodeOriginRejected {
		t.Errorf("Verify from another origin: %v", err)
	}

	session, lines, err = s.auth.UpdateSession(request("POST", good), func(u *aura.User) error { u.Name = "Countess"; return nil })
	if err != nil || len(lines["Set-Cookie"]) > 0 {
		t.Fatalf("UpdateSession: %v, %v", lines, err)
	}
	if name := s.open(string(session.BearerToken()))["name"]; name != "Countess" {
		t.Errorf("the token after UpdateSession names %v", name)
	}
	if lines, err := s.auth.SignOut(request("POST", good)); err != nil || len(lines) > 0 {
		t.Errorf("SignOut: %v, %v", lines, err)
	}
	if _, _, err := s.auth.SignInCredentials(request("POST", good), "ada", "right"); aura.CodeOf(err) != aura.CodeCSRFMissing {
		t.Errorf("SignInCredentials without the CSRF token: %v", err)
	}
}

// A session that is larger than header lines may be is refused, as with cookies.
func TestBearerSize(t *testing.T) {
	s, _ := newDesk(t, func(c *aura.Config) {
		c.Session.UpdatableFields = []string{"pad"}
		c.Session.MaxAge = time.Hour
	})
	bearer := "Bearer " + s.seal(s.claims("u-1"))
	for size, want := range map[int]int{1000: 200, 4500: 422, 12_000: 422} {
		r := s.guest().do("PATCH", "/auth/session?redirect=false", `{"user":{"pad":"`+strings.Repeat("x", size)+`"}}`, "Content-Type", jsonType, "Authorization", bearer)
		if r.status != want {
			t.Errorf("%d bytes: %d %.200s", size, r.status, r.body)
		}
	}
}
