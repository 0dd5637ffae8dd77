package aura_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/ratelimit"
)

// FA-18: what could not be found out is 503 and costs no attempt; nobody's
// password is called wrong, and nobody is signed in.
func TestCredentialsUnavailable(t *testing.T) {
	canary := errors.New("zzcanary: dial tcp: connection refused")
	for _, test := range []struct {
		name    string
		expired bool // the request's time is over before Authorize returns
		answer  func(ctx context.Context, c aura.Credentials) (aura.User, error)
	}{
		{"an error", false, func(context.Context, aura.Credentials) (aura.User, error) { return aura.User{}, canary }},
		{"a user and an error", false, func(context.Context, aura.Credentials) (aura.User, error) { return aura.User{Subject: "x"}, canary }},
		{"a deadline of the application's own", false, func(context.Context, aura.Credentials) (aura.User, error) {
			return aura.User{}, context.DeadlineExceeded
		}},
		{"an end that is told", true, func(ctx context.Context, _ aura.Credentials) (aura.User, error) {
			<-ctx.Done()
			return aura.User{}, ctx.Err()
		}},
		{"an end that is called a wrong password", true, func(ctx context.Context, _ aura.Credentials) (aura.User, error) {
			<-ctx.Done()
			return aura.User{}, aura.ErrInvalidCredentials
		}},
		{"an end that is called a user", true, func(ctx context.Context, _ aura.Credentials) (aura.User, error) {
			<-ctx.Done()
			return aura.User{Subject: "x"}, nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, table := newBank(t, func(c *aura.Config) {
				one := ratelimit.Rule{Limit: 1, Window: time.Hour}
				c.Limits.Credentials, c.Limits.CredentialsSource, c.Limits.CredentialsTarget = one, one, one
			})
			table.become(test.answer)
			g := s.guest()
			token := g.csrf()
			over := g.on(s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithDeadline(r.Context(), time.Unix(1, 0))
				defer cancel()
				s.auth.ServeHTTP(w, r.WithContext(ctx))
			})))
			for range 3 {
				at := g
				if test.expired {
					at = over
				}
				r := at.do("POST", "/auth/signIn/credentials", `{"username":"ada","password":"right"}`, "Content-Type", jsonType, "X-CSRF-Token", token)
				if r.status != 503 || r.code(t) != string(aura.CodeAuthorizeUnavailable) || r.header.Get("Retry-After") == "" || len(r.header["Set-Cookie"]) != 0 {
					t.Fatalf("status %d, Retry-After %q, cookies %q\n%s", r.status, r.header.Get("Retry-After"), r.written(), r.body)
				}
				if strings.Contains(r.body, "zzcanary") {
					t.Error("the cause is told")
				}
			}
			table.become(nil)
			if r := g.password("ada", "wrong"); r.status != 401 {
				t.Errorf("the one attempt there is: status %d\n%s", r.status, r.body)
			}
			if r := g.password("ada", "right"); r.status != 429 {
				t.Errorf("the one after it: status %d", r.status)
			}
		})
	}
}

// FA-17, FA-18: an Authorize that answers nonsense signs nobody in, and spoils
// nothing but its own request.
func TestCredentialsNonsense(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		answer func(context.Context, aura.Credentials) (aura.User, error)
	}{
		"neither user nor error":   {401, func(context.Context, aura.Credentials) (aura.User, error) { return aura.User{}, nil }},
		"a user without a subject": {401, func(context.Context, aura.Credentials) (aura.User, error) { return aura.User{Name: "Ada"}, nil }},
		"a panic":                  {500, func(context.Context, aura.Credentials) (aura.User, error) { panic("zzcanary") }},
		"a panic with an error":    {500, func(context.Context, aura.Credentials) (aura.User, error) { panic(aura.ErrInvalidCredentials) }},
	} {
		t.Run(name, func(t *testing.T) {
			s, table := newBank(t, nil)
			g := s.member("u-1")
			table.become(test.answer)
			r := g.password("ada", "right")
			if r.status != test.status || strings.Contains(r.body, "zzcanary") || len(r.header["Set-Cookie"]) != 0 || g.subject() != "u-1" {
				t.Errorf("status %d, cookies %q, signed in as %q\n%s", r.status, r.written(), g.subject(), r.body)
			}
			table.become(nil)
			if r := s.guest().password("ada", "right"); r.status != 200 {
				t.Errorf("the next request: status %d\n%s", r.status, r.body)
			}
		})
	}
}

// The limits are about guessing: the right password costs no attempt, and takes
// none of the wrong ones back.
func TestCredentialsRightCostsNothing(t *testing.T) {
	s, _ := newBank(t, func(c *aura.Config) {
		c.Limits.Credentials = ratelimit.Rule{Limit: 2, Window: time.Hour}
	})
	for i, try := range []struct {
		password string
		status   int
	}{{"right", 200}, {"right", 200}, {"right", 200}, {"wrong", 401}, {"right", 200}, {"wrong", 401}, {"wrong", 429}, {"right", 429}} {
		if r := s.guest().password("ada", try.password); r.status != try.status {
			t.Errorf("%d, %s: status %d, want %d", i, try.password, r.status, try.status)
		}
	}
}

// A client that hangs up is no outage: whoever closes the sending half of the
// connection ends the request's context and still reads the answer. Their
// attempts count, or the limits would be theirs to switch off.
func TestCredentialsHangUp(t *testing.T) {
	s, table := newBank(t, func(c *aura.Config) {
		c.Limits.Credentials = ratelimit.Rule{Limit: 3, Window: time.Hour}
	})
	table.become(func(ctx context.Context, _ aura.Credentials) (aura.User, error) {
		<-ctx.Done() // a slow hash
		return aura.User{}, aura.ErrInvalidCredentials
	})
	g := s.guest()
	token := g.csrf()
	body := `{"username":"ada","password":"wrong"}`
	for range 6 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(conn, "POST /auth/signIn/credentials HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-CSRF-Token: %s\r\nCookie: %s\r\nContent-Length: %d\r\n\r\n%s",
			strings.TrimPrefix(s.url, "http://"), token, g.header(), len(body), body)
		half, ok := conn.(*net.TCPConn)
		if err != nil || !ok || half.CloseWrite() != nil {
			t.Fatal("the connection cannot be half closed", err)
		}
		_, _ = io.Copy(io.Discard, conn) // whatever is answered
		_ = conn.Close()
	}
	if table.calls() != 3 {
		t.Errorf("%d attempts passed a limit of 3", table.calls())
	}
}

// FL-26: signing in by password leaves nothing of the session before: not its
// id, not its CSRF token, not the tokens of its provider. It takes that
// session's own CSRF token, and a failure leaves it as it was.
func TestCredentialsReplaceSession(t *testing.T) {
	s, table := newBank(t, func(c *aura.Config) { c.ProviderTokens.Discard = false })
	g := s.guest()
	unbound := g.csrf()
	if r := g.signIn(); r.status != http.StatusFound {
		t.Fatal(r.status)
	}
	tokens := func() (names []string) {
		for name := range g.cookies {
			if strings.Contains(name, "access_token") || strings.HasSuffix(name, ".gh") || strings.Contains(name, ".gh.") {
				names = append(names, name)
			}
		}
		return names
	}
	if len(tokens()) == 0 {
		t.Fatalf("no provider tokens among %v", g.cookies)
	}
	before, sid := g.header(), sidOf(s.open(g.cookies[g.names.session]))
	for _, token := range []string{unbound, s.signCSRF(s.csrfClaims("")), s.signCSRF(s.csrfClaims("another")), ""} {
		r := g.do("POST", "/auth/signIn/credentials", `{"username":"ada","password":"right"}`, "Content-Type", jsonType, "X-CSRF-Token", token)
		if r.status != http.StatusForbidden || table.calls() != 0 {
			t.Errorf("with a token that is not the session's: status %d, %d calls", r.status, table.calls())
		}
	}
	if r := g.password("ada", "wrong"); r.status != 401 || g.header() != before {
		t.Errorf("a failure: status %d, cookies\n%s\nwere\n%s", r.status, g.header(), before)
	}
	if r := g.password("ada", "right"); r.status != 200 {
		t.Fatalf("status %d\n%s", r.status, r.body)
	}
	if left := tokens(); len(left) != 0 {
		t.Errorf("the new session inherits %q", left)
	}
	if now := sidOf(s.open(g.cookies[g.names.session])); now == sid || now == "" || g.subject() != "user-ada" {
		t.Errorf("session %q follows %q, as %q", now, sid, g.subject())
	}
	// A planted session and its token do not carry over either.
	planted := s.member("u-1")
	planted.password("ada", "right")
	if sid := sidOf(s.open(planted.cookies[planted.names.session])); sid == "sid-of-u-1" {
		t.Error("the planted session's id is kept")
	}
}
