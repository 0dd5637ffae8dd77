package aura_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// behindLoad is Load and Deny as an adapter puts them together.
func behindLoad(auth *aura.Auth, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, lines, err := auth.Load(r)
		aura.Apply(w.Header(), lines)
		if err != nil {
			auth.Deny(w, r, err)
			return
		}
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// newRealms is a site, and beside it in the same process a second Auth with
// secrets, routes and cookies of its own: the application's users, and its
// administrators.
func newRealms(t *testing.T) (users, admins *site) {
	t.Helper()
	users = newSite(t, nil)
	admins = newSite(t, func(c *aura.Config) {
		c.Secrets, c.Now = []aura.Secret{"QH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYq"}, users.clock.now
		c.BasePath, c.Cookies.Prefix = "/admin/auth", "admin"
	})
	return users, admins
}

const (
	userCookie  = "aura-auth.session_token"
	adminCookie = "admin.session_token"
)

// post is a request to a page of the application, by its own origin.
func post(cookies, token string) *http.Request {
	r := httptest.NewRequest("POST", "http://127.0.0.1:3000/page", nil)
	if cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	if token != "" {
		r.Header.Set("X-CSRF-Token", token)
	}
	return r
}

// load is the request as it is behind Load.
func load(t *testing.T, auth *aura.Auth, r *http.Request) *http.Request {
	t.Helper()
	ctx, _, err := auth.Load(r)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return r.WithContext(ctx)
}

// who is whom GetSession finds, "" for nobody.
func who(t *testing.T, auth *aura.Auth, r *http.Request) string {
	t.Helper()
	s, _, err := auth.GetSession(r)
	if errors.Is(err, aura.ErrNoSession) {
		return ""
	}
	if err != nil {
		t.Fatalf("GetSession: %v", err)
	}
	return s.User.Subject
}

// touched fails for every cookie of another realm that lines write.
func touched(t *testing.T, lines http.Header, allowed ...string) {
	t.Helper()
	for _, c := range setCookies(t, lines) {
		ok := false
		for _, name := range allowed {
			ok = ok || c.Name == name
		}
		if !ok {
			t.Errorf("writes %s", c.Raw)
		}
	}
}

// Two Auths in one process never share a session: what one has put into the
// context says nothing to the other, whichever function is asked.
func TestRealms(t *testing.T) {
	users, admins := newRealms(t)
	token := users.signCSRF(users.csrfClaims("sid-of-u-1"))
	member := userCookie + "=" + users.seal(users.claims("u-1"))
	// A signed-in user, behind the users' Load, on a page of the administrators.
	enter := func() *http.Request { return load(t, users.auth, post(member, token)) }

	t.Run("Require", func(t *testing.T) {
		ran := false
		h := behindLoad(users.auth, protect(admins.auth, func(http.ResponseWriter, *http.Request) { ran = true }))
		for _, method := range []string{"GET", "POST"} {
			r := post(member, token)
			r.Method = method
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized || ran || len(w.Header()["Set-Cookie"]) != 0 {
				t.Errorf("%s: status %d, handler ran: %t, Set-Cookie %q", method, w.Code, ran, w.Header()["Set-Cookie"])
			}
		}
		if _, _, err := users.auth.Require(enter()); err != nil {
			t.Errorf("its own: %v", err)
		}
	})
	t.Run("Load", func(t *testing.T) {
		r := load(t, admins.auth, enter())
		if s, ok := aura.SessionFrom(r.Context()); ok {
			t.Errorf("SessionFrom behind the administrators' Load: %s", s.User.Subject)
		}
	})
	t.Run("GetSession", func(t *testing.T) {
		if got := who(t, admins.auth, enter()); got != "" {
			t.Errorf("found %q", got)
		}
	})
	t.Run("UpdateSession", func(t *testing.T) {
		s, lines, err := admins.auth.UpdateSession(enter(), func(*aura.User) error {
			t.Error("change was called")
			return nil
		})
		if s != nil || lines != nil || !errors.Is(err, aura.ErrNoSession) {
			t.Errorf("%v, lines %v", err, lines)
		}
	})
	t.Run("CSRFToken", func(t *testing.T) {
		r := enter()
		made, lines, err := admins.auth.CSRFToken(r)
		if err != nil {
			t.Fatal(err)
		}
		touched(t, lines, "admin.csrf_token")
		payload, _, err := admins.ring.VerifyJWS(made)
		if err != nil || claimsOf(t, payload)["bound"] != nil {
			t.Errorf("a token for nobody's session: %v, %s", err, payload)
		}
		// With that token an update made a session of the administrators once.
		r = load(t, users.auth, post(member, made))
		if _, lines, err := admins.auth.UpdateSession(r, func(*aura.User) error { return nil }); !errors.Is(err, aura.ErrNoSession) || lines != nil {
			t.Errorf("UpdateSession with it: %v, lines %v", err, lines)
		}
	})
	t.Run("Verify", func(t *testing.T) {
		if err := admins.auth.Verify(enter()); aura.CodeOf(err) != aura.CodeCSRFMismatch {
			t.Errorf("the users' token: %v", err)
		}
		if err := users.auth.Verify(enter()); err != nil {
			t.Errorf("its own: %v", err)
		}
	})
	t.Run("SignOut", func(t *testing.T) {
		r := enter()
		lines, err := admins.auth.SignOut(r)
		if err != nil {
			t.Fatal(err)
		}
		touched(t, lines, adminCookie, "admin.csrf_token")
		if got := who(t, users.auth, r); got != "u-1" {
			t.Errorf("the user is %q afterwards", got)
		}
	})
}

// Somebody who is signed in to both realms is someone else in each.
func TestRealmsBoth(t *testing.T) {
	users, admins := newRealms(t)
	both := userCookie + "=" + users.seal(users.claims("u-1")) + "; " + adminCookie + "=" + admins.seal(admins.claims("root"))
	userToken, adminToken := users.signCSRF(users.csrfClaims("sid-of-u-1")), admins.signCSRF(admins.csrfClaims("sid-of-root"))
	for name, order := range map[string][2]*site{"users first": {users, admins}, "administrators first": {admins, users}} {
		t.Run(name, func(t *testing.T) {
			enter := func(token string) *http.Request {
				return load(t, order[1].auth, load(t, order[0].auth, post(both, token)))
			}
			r := enter(userToken)
			if u, a := who(t, users.auth, r), who(t, admins.auth, r); u != "u-1" || a != "root" {
				t.Errorf("GetSession: %q and %q", u, a)
			}
			innermost := map[*site]string{users: "u-1", admins: "root"}[order[1]]
			if s, ok := aura.SessionFrom(r.Context()); !ok || s.User.Subject != innermost {
				t.Errorf("SessionFrom: %v, want the innermost, %s", ok, innermost)
			}
			s, lines, err := users.auth.UpdateSession(r, func(u *aura.User) error { return u.Set("theme", "dark") })
			if err != nil || s.User.Subject != "u-1" {
				t.Fatalf("UpdateSession: %v", err)
			}
			touched(t, lines, userCookie)
			if _, _, err := admins.auth.UpdateSession(r, func(*aura.User) error { return nil }); aura.CodeOf(err) != aura.CodeCSRFMismatch {
				t.Errorf("the administrators' UpdateSession with the users' token: %v", err)
			}
			r = enter(adminToken)
			if lines, err = admins.auth.SignOut(r); err != nil {
				t.Fatalf("SignOut: %v", err)
			}
			touched(t, lines, adminCookie, "admin.csrf_token")
			if got := who(t, users.auth, r); got != "u-1" {
				t.Errorf("after the administrator's sign-out the user is %q", got)
			}
		})
	}
}

// A request that has taken another's context over, as sub-requests and batch
// endpoints do, is judged by the cookies that it has itself.
func TestSubRequests(t *testing.T) {
	s := newSite(t, nil)
	cookies := map[string]string{"nobody": ""}
	for _, subject := range []string{"u-1", "u-2"} {
		cookies[subject] = userCookie + "=" + s.seal(s.claims(subject))
	}
	for outer, outerCookies := range cookies {
		for inner, innerCookies := range cookies {
			t.Run(inner+" within "+outer, func(t *testing.T) {
				parent := load(t, s.auth, post(outerCookies, "")).Context()
				// The token that goes with the inner cookies.
				made, lines, err := s.auth.CSRFToken(post(innerCookies, ""))
				if err != nil {
					t.Fatal(err)
				}
				all := innerCookies + "; " + setCookies(t, lines)[0].Name + "=" + made
				sub := func() *http.Request { return post(all, made).WithContext(parent) }

				want := inner
				if inner == "nobody" {
					want = ""
				}
				if got := who(t, s.auth, sub()); got != want {
					t.Errorf("GetSession: %q", got)
				}
				if got := subjectFrom(load(t, s.auth, sub()).Context()); got != want {
					t.Errorf("Load: %q", got)
				}
				ctx, _, err := s.auth.Require(sub())
				if (err == nil) != (want != "") || err == nil && subjectFrom(ctx) != want {
					t.Errorf("Require: %v, %q", err, subjectFrom(ctx))
				}
				if err := s.auth.Verify(sub()); err != nil {
					t.Errorf("Verify with its own token: %v", err)
				}
				if token, _, err := s.auth.CSRFToken(sub()); err != nil || token != made {
					t.Errorf("CSRFToken: %v; the token in the cookie is right, and was replaced", err)
				}
				session, _, err := s.auth.UpdateSession(sub(), func(*aura.User) error { return nil })
				if (err == nil) != (want != "") || err == nil && session.User.Subject != want {
					t.Errorf("UpdateSession: %v", err)
				}
				if got := subjectFrom(parent); outer != "nobody" && got != outer {
					t.Errorf("the outer request is %q's now", got)
				}
			})
		}
	}
}

func subjectFrom(ctx context.Context) string {
	s, ok := aura.SessionFrom(ctx)
	if !ok {
		return ""
	}
	return s.User.Subject
}
