package aura_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// However an application writes a session as JSON, its ID is not in it.
func TestSessionJSON(t *testing.T) {
	s := newSite(t, nil)
	session, _, err := s.auth.GetSession(post(s.member("u-1").header(), ""))
	if err != nil {
		t.Fatal(err)
	}
	want := mustJSON(t, session)
	for name, v := range map[string]any{
		"a value": *session, "in a struct": struct{ S aura.Session }{*session}, "embedded": struct{ aura.Session }{*session},
		"in a slice": []aura.Session{*session}, "in a map": map[string]aura.Session{"s": *session},
	} {
		got, err := json.Marshal(v)
		if err != nil || !strings.Contains(string(got), want) || strings.Contains(string(got), session.ID) || strings.Contains(string(got), `"ID"`) {
			t.Errorf("%s: %v, %s; want %s in it", name, err, got, want)
		}
	}
}

// An address that UpdateSession changes is not a verified one, whatever the
// provider said about the address before; one that is none is dropped, from the
// session that is returned as from the cookie.
func TestUpdatedEmail(t *testing.T) {
	s := newSite(t, nil)
	for name, test := range map[string]struct {
		change   func(*aura.User) error
		email    string
		verified bool
	}{
		"untouched":            {func(u *aura.User) error { u.Name = "Countess"; return nil }, "ada@example.com", true},
		"another":              {func(u *aura.User) error { u.Email = "grace@example.com"; return nil }, "grace@example.com", false},
		"another, said to be":  {func(u *aura.User) error { u.Email, u.EmailVerified = "grace@example.com", true; return nil }, "grace@example.com", false},
		"another by its case":  {func(u *aura.User) error { u.Email = "Ada@example.com"; return nil }, "Ada@example.com", false},
		"none":                 {func(u *aura.User) error { u.Email = ""; return nil }, "", false},
		"not an address":       {func(u *aura.User) error { u.Email = "not an address"; return nil }, "", false},
		"an address and a bcc": {func(u *aura.User) error { u.Email = "ada@example.com, eve@evil.example"; return nil }, "", false},
		"no longer verified":   {func(u *aura.User) error { u.EmailVerified = false; return nil }, "ada@example.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := post(s.member("u-1").header(), s.signCSRF(s.csrfClaims("sid-of-u-1")))
			session, lines, err := s.auth.UpdateSession(r, test.change)
			if err != nil {
				t.Fatal(err)
			}
			if u := session.User; u.Email != test.email || u.EmailVerified != test.verified {
				t.Errorf("returned: %q, verified %t", u.Email, u.EmailVerified)
			}
			written := s.open(setCookies(t, lines)[0].Value)
			if got, _ := written["email"].(string); got != test.email {
				t.Errorf("in the cookie: %q", got)
			}
			if got, _ := written["email_verified"].(bool); got != test.verified {
				t.Errorf("in the cookie: verified %t", got)
			}
		})
	}
}

// What shows whose page it is says so to caches, with a renewal and without.
func TestCacheHeaders(t *testing.T) {
	for name, policy := range map[string]aura.Expiration{"renewed": aura.RollingExpiration, "not renewed": aura.FixedExpiration} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(c *aura.Config) { c.Session.Expiration = policy })
			renewed := policy == aura.RollingExpiration
			for _, test := range []struct {
				name    string
				call    func(*http.Request) (http.Header, error)
				noStore bool
			}{
				{"GetSession", func(r *http.Request) (http.Header, error) {
					_, lines, err := s.auth.GetSession(r)
					return lines, err
				}, true},
				{"Require", func(r *http.Request) (http.Header, error) {
					_, lines, err := s.auth.Require(r)
					return lines, err
				}, true},
				{"Load", func(r *http.Request) (http.Header, error) {
					_, lines, err := s.auth.Load(r)
					return lines, err
				}, renewed},
			} {
				r := httptest.NewRequest("GET", s.url+"/page", nil)
				r.Header.Set("Cookie", s.member("u-1").header())
				lines, err := test.call(r)
				if err != nil {
					t.Fatalf("%s: %v", test.name, err)
				}
				if lines.Get("Vary") != "Cookie" || (lines.Get("Cache-Control") == "no-store") != test.noStore || (len(lines["Set-Cookie"]) > 0) != renewed {
					t.Errorf("%s: %v", test.name, lines)
				}
				// Behind Load too, where the session is not looked for again.
				if lines, err = test.call(load(t, s.auth, r)); err != nil || test.name != "Load" && (lines.Get("Vary") != "Cookie" || lines.Get("Cache-Control") != "no-store") {
					t.Errorf("%s behind Load: %v, %v", test.name, lines, err)
				}
			}
			if _, lines, err := s.auth.Load(httptest.NewRequest("GET", s.url+"/page", nil)); err != nil || lines != nil {
				t.Errorf("a guest's page: %v, %v", lines, err)
			}
		})
	}
}
