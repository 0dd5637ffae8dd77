package aura_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// Behind Load of two Auths, each function of the outer one sees what the ones
// before it did, too.
func TestSequenceBehindTwoLoads(t *testing.T) {
	users, admins := newRealms(t)
	both := userCookie + "=" + users.seal(users.claims("u-1")) + "; " + adminCookie + "=" + admins.seal(admins.claims("root"))
	token := users.signCSRF(users.csrfClaims("sid-of-u-1"))
	enter := func() *http.Request { return load(t, admins.auth, load(t, users.auth, post(both, token))) }
	r := enter()
	if _, _, err := users.auth.UpdateSession(r, func(u *aura.User) error { u.Name = "Countess"; return nil }); err != nil {
		t.Fatal(err)
	}
	if s, _, err := users.auth.GetSession(r); err != nil || s.User.Name != "Countess" {
		t.Errorf("after UpdateSession: %v, %q", err, s.User.Name)
	}
	r = enter()
	if _, err := users.auth.SignOut(r); err != nil {
		t.Fatal(err)
	}
	if _, lines, err := users.auth.UpdateSession(r, func(*aura.User) error { return nil }); !errors.Is(err, aura.ErrNoSession) {
		t.Errorf("UpdateSession after SignOut: %v, writes %d cookies", err, len(lines["Set-Cookie"]))
	}
}

// Each provider's tokens are a cookie of their own, whatever its id is.
func TestApplyProvidersWithNumbers(t *testing.T) {
	h := http.Header{}
	aura.Apply(h, http.Header{"Set-Cookie": {"aura-auth.access_token.1=a; Path=/; Max-Age=60;"}})
	aura.Apply(h, http.Header{"Set-Cookie": {"aura-auth.access_token.2=b; Path=/; Max-Age=60;"}})
	if len(h["Set-Cookie"]) != 2 {
		t.Errorf("%q", h["Set-Cookie"])
	}
}

// The application's own cookies stay where they do not bear one of our names.
func TestApplyLeavesFamilies(t *testing.T) {
	h := http.Header{"Set-Cookie": {"cart.1=a; Path=/"}}
	aura.Apply(h, http.Header{"Set-Cookie": {"cart=b; Path=/"}})
	t.Log(h)
}

func TestCSRFTokenCache(t *testing.T) {
	s := newSite(t, nil)
	for _, g := range []*guest{s.member("u-1"), s.guest()} {
		g.csrf()
		r := httptest.NewRequest("GET", s.url+"/page", nil)
		r.Header.Set("Cookie", g.header())
		_, lines, err := s.auth.CSRFToken(r)
		if err != nil || lines.Get("Vary") != "Cookie" || lines.Get("Cache-Control") != "no-store" {
			t.Errorf("%v, lines %v", err, lines)
		}
	}
}

// A proxy strips /shop; the application has a page of its own below /shop.
func TestWayBackAmbiguous(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.BaseURL = "https://app.example/shop" })
	r := s.guest().on(s.serve(protect(s.auth, whoami))).get("/shop/x", pageLoad...)
	if r.header.Get("Location") != "/shop/login?redirectTo=%2Fshop%2Fshop%2Fx" {
		t.Errorf("%q", r.header.Get("Location"))
	}
}

// A form of DELETE that ParseForm has seen still holds its token.
func TestFormOfDELETE(t *testing.T) {
	s := newSite(t, nil)
	app := s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if err := s.auth.Verify(r); err != nil {
			s.auth.Deny(w, r, err)
		}
	}))
	g := s.member("u-1").on(app)
	r := g.do("DELETE", "/page", "csrfToken="+s.signCSRF(s.csrfClaims("sid-of-u-1")), "Content-Type", formType)
	if r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// Sign-in page as a full navigation when the app's Pages.SignIn has a trailing slash or is encoded.
func TestLoopTrailing(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest().on(s.serve(protect(s.auth, whoami)))
	for _, p := range []string{"/login/", "/%6cogin", "//login"} {
		r := g.get(p, pageLoad...)
		t.Log(p, r.status, r.header.Get("Location"))
	}
}
