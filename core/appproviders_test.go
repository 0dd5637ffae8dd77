package aura_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// request is a request to a route of the application, with the browser's cookies.
func (b *browser) request(method string, header ...string) *http.Request {
	b.t.Helper()
	r := httptest.NewRequest(method, b.origin+"/own", nil)
	if cookies := cookieHeader(b.cookies()); cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// applies puts header lines into the browser.
func (b *browser) applies(lines http.Header) {
	b.t.Helper()
	b.receives(reply{header: lines})
}

// What looks at the tokens: values and header lines.
func TestProviderTokensForTheApplication(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, nil)
	b := s.member()
	got, lines, err := s.auth.ProviderTokens(b.request("GET"), "dev")
	if err != nil || lines != nil {
		t.Fatalf("%v, header lines %v", err, lines)
	}
	if string(got.AccessToken) != b.accessToken() || got.RefreshToken == "" || strings.Count(string(got.IDToken), ".") != 2 ||
		got.TokenType != "Bearer" || !slices.Equal(got.Scopes, []string{"openid", "profile", "email"}) ||
		got.ExpiresAt.Sub(got.IssuedAt).Round(2*time.Second) != hour {
		t.Errorf("got %+v", got)
	}
	if printed := fmt.Sprintf("%v %+v %#v %s", got, got, *got, mustJSON(t, got)); strings.Contains(printed, string(got.AccessToken)) || strings.Contains(printed, string(got.RefreshToken)) || strings.Contains(printed, string(got.IDToken)) {
		t.Error("printing shows the tokens")
	}
	if is, err := s.auth.Connected(b.request("GET"), "dev"); !is || err != nil {
		t.Errorf("Connected: %v, %v", is, err)
	}

	s.clock.add(hour + time.Second)
	source, lines, err := s.auth.TokenSource(b.request("GET"), "dev")
	if err != nil || lines == nil || lines.Get("Cache-Control") != "no-store" {
		t.Fatalf("%v, header lines %v", err, lines)
	}
	token, err := source.Token()
	if err != nil || token.AccessToken == string(got.AccessToken) || s.userInfo(token.AccessToken) != http.StatusOK || !token.Expiry.After(s.clock.now()) {
		t.Errorf("token %v, error %v", token != nil, err)
	}
	access, again, err := s.auth.AccessToken(b.request("GET"), "dev") // a second request with the cookie of before
	if err != nil || string(access) != token.AccessToken || len(again["Set-Cookie"]) != 1 || s.idp.Counts().Refresh != 1 {
		t.Errorf("AccessToken: %v, header lines %v, %d refreshes", err, len(again["Set-Cookie"]), s.idp.Counts().Refresh)
	}
	b.applies(lines)
	if b.accessToken() != token.AccessToken {
		t.Error("the header lines do not hold the new token")
	}
	s.clock.add(2 * hour) // static: it never asks by itself
	if later, err := source.Token(); err != nil || later.AccessToken != token.AccessToken || s.idp.Counts().Refresh != 1 {
		t.Errorf("the source changed its token: %v, %d refreshes", err, s.idp.Counts().Refresh)
	}

	s.idp.Misbehave(devidp.RefreshUnavailable)
	if _, lines, err := s.auth.ProviderTokens(b.request("GET"), "dev"); aura.CodeOf(err) != aura.CodeTokenUnreachable || lines != nil {
		t.Errorf("an outage: %v, header lines %v", err, lines)
	}
	s.idp.Misbehave(devidp.RefreshInvalidGrant)
	_, lines, err = s.auth.TokenSource(b.request("GET"), "dev")
	if aura.CodeOf(err) != aura.CodeRefreshRejected {
		t.Errorf("a dead refresh token: %v", err)
	}
	b.applies(lines)
	if len(b.held()) != 0 || b.subject() != "demo-ada" {
		t.Errorf("after that: cookies %q, signed in as %q", b.held(), b.subject())
	}
}

// Every function, for whom it does not work.
func TestProviderFunctionsRefuse(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, nil)
	b, other := s.member(), s.member()
	auth := s.auth
	looks := map[string]func(*http.Request, string) error{
		"ProviderTokens": func(r *http.Request, id string) error { _, _, err := auth.ProviderTokens(r, id); return err },
		"AccessToken":    func(r *http.Request, id string) error { _, _, err := auth.AccessToken(r, id); return err },
		"TokenSource":    func(r *http.Request, id string) error { _, _, err := auth.TokenSource(r, id); return err },
		"Connected":      func(r *http.Request, id string) error { _, err := auth.Connected(r, id); return err },
	}
	acts := map[string]func(*http.Request, string) (http.Header, error){
		"RefreshUser": func(r *http.Request, id string) (http.Header, error) {
			_, l, err := auth.RefreshUser(r, id)
			return l, err
		},
		"RevokeTokens": auth.RevokeTokens,
		"Disconnect":   auth.Disconnect,
	}
	token, foreign := b.csrf(), other.csrf()
	before := s.idp.Counts()
	want := func(name, why string, err error, code aura.Code) {
		t.Helper()
		if aura.CodeOf(err) != code {
			t.Errorf("%s, %s: %v, want %s", name, why, err, code)
		}
	}
	for name, look := range looks {
		want(name, "an unknown provider", look(b.request("GET"), "nobody"), aura.CodeUnknownProvider)
		want(name, "nobody", look(s.browser().request("GET"), "dev"), aura.CodeNoSession)
	}
	for name, act := range acts {
		rows := []struct {
			why  string
			r    *http.Request
			id   string
			code aura.Code
		}{
			{"GET", b.request("GET", "X-CSRF-Token", token), "dev", aura.CodeMethodNotAllowed},
			{"HEAD", b.request("HEAD", "X-CSRF-Token", token), "dev", aura.CodeMethodNotAllowed},
			{"no token", b.request("POST"), "dev", aura.CodeCSRFMissing},
			{"another session's token", b.request("POST", "X-CSRF-Token", foreign), "dev", aura.CodeCSRFMismatch},
			{"another origin", b.request("POST", "X-CSRF-Token", token, "Origin", "https://evil.example"), "dev", aura.CodeOriginRejected},
			{"another site", b.request("POST", "X-CSRF-Token", token, "Sec-Fetch-Site", "cross-site"), "dev", aura.CodeOriginRejected},
			{"an unknown provider", b.request("POST", "X-CSRF-Token", token), "nobody", aura.CodeUnknownProvider},
			{"nobody", s.browser().request("POST", "X-CSRF-Token", token), "dev", aura.CodeNoSession},
		}
		for _, row := range rows {
			lines, err := act(row.r, row.id)
			want(name, row.why, err, row.code)
			if lines != nil {
				t.Errorf("%s, %s: header lines %v", name, row.why, lines)
			}
		}
	}
	if after := s.idp.Counts(); after != before {
		t.Errorf("refused calls asked the provider: %+v, before %+v", after, before)
	}
	if _, _, err := auth.ProviderTokens(s.browser().request("GET"), "dev"); !errors.Is(err, aura.ErrNoSession) {
		t.Errorf("errors.Is(err, ErrNoSession) does not hold for %v", err)
	}
}

func TestProviderFunctionsAct(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, nil)
	b := s.member()
	post := func() *http.Request { return b.request("POST", "X-CSRF-Token", b.csrf(), "Origin", b.origin) }

	s.idp.Misbehave(profileNow(func(o map[string]any) { o["name"] = "Countess" }))
	session, lines, err := s.auth.RefreshUser(post(), "dev")
	if err != nil || session.User.Name != "Countess" || b.user()["name"] != "Ada Lovelace" {
		t.Fatalf("RefreshUser: %v, user %v; before its header lines are applied %v", err, session, b.user())
	}
	b.applies(lines)
	if b.user()["name"] != "Countess" {
		t.Errorf("RefreshUser: the session has %v", b.user())
	}
	s.clock.add(hour + time.Second) // the lines of a refresh go along with a failure after it
	s.idp.Misbehave(devidp.Status(devidp.UserInfo, 500))
	_, lines, err = s.auth.RefreshUser(post(), "dev")
	if aura.CodeOf(err) != aura.CodeUserInfoUnreachable || len(lines["Set-Cookie"]) != 1 || !strings.HasPrefix(lines.Get("Set-Cookie"), tokensCookie+"=") {
		t.Errorf("RefreshUser in an outage: %v, %d header lines", err, len(lines))
	}
	b.applies(lines)
	access := b.accessToken()

	s.idp.Misbehave(devidp.Status(devidp.Revoke, 500))
	if lines, err := s.auth.RevokeTokens(post(), "dev"); aura.CodeOf(err) != aura.CodeRevokeUnreachable || lines != nil || !b.connected() {
		t.Errorf("RevokeTokens in an outage: %v, header lines %v", err, lines)
	}
	s.idp.Behave()
	lines, err = s.auth.RevokeTokens(post(), "dev")
	if err != nil || s.userInfo(access) != http.StatusUnauthorized {
		t.Errorf("RevokeTokens: %v, the provider answers %d to the token", err, s.userInfo(access))
	}
	b.applies(lines)
	if b.connected() || b.subject() != "demo-ada" {
		t.Errorf("RevokeTokens: connected %v, signed in as %q", b.connected(), b.subject())
	}

	b.signIn("demo-ada")
	before := s.idp.Counts()
	lines, err = s.auth.Disconnect(post(), "dev")
	b.applies(lines)
	if err != nil || b.connected() || s.idp.Counts() != before {
		t.Errorf("Disconnect: %v, connected %v", err, b.connected())
	}
	if _, err := s.auth.Disconnect(post(), "dev"); aura.CodeOf(err) != aura.CodeNotConnected {
		t.Errorf("Disconnect once more: %v", err)
	}
}

// Behind Load each function sees what the ones before it did in the request.
func TestProviderFunctionsInOneRequest(t *testing.T) {
	for name, act := range map[string]func(*aura.Auth, *http.Request) (http.Header, error){
		"Disconnect":   func(a *aura.Auth, r *http.Request) (http.Header, error) { return a.Disconnect(r, "dev") },
		"RevokeTokens": func(a *aura.Auth, r *http.Request) (http.Header, error) { return a.RevokeTokens(r, "dev") },
		"SignOut":      (*aura.Auth).SignOut,
	} {
		t.Run(name, func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{}, nil)
			b := s.member()
			r := b.request("POST", "X-CSRF-Token", b.csrf())
			ctx, _, err := s.auth.Load(r)
			if err != nil {
				t.Fatal(err)
			}
			r = r.WithContext(ctx)
			if _, err := act(s.auth, r); err != nil {
				t.Fatal(err)
			}
			s.clock.add(2 * hour)
			if is, _ := s.auth.Connected(r, "dev"); is {
				t.Error("Connected says so afterwards")
			}
			if _, lines, err := s.auth.ProviderTokens(r, "dev"); err == nil || lines != nil || s.idp.Counts().Refresh != 0 {
				t.Errorf("ProviderTokens afterwards: %v, %d header lines, %d refreshes", err, len(lines), s.idp.Counts().Refresh)
			}
		})
	}
}

// LK-01 for everything that this page's tests do: no token in a log, in a
// failure, or in a header other than Set-Cookie.
func TestProviderTokensCanaries(t *testing.T) {
	tap := &wiretap{secrets: map[string]string{}}
	s := newTokenRig(t, devidp.Lifetimes{}, func(c *aura.Config) { c.HTTPClient = &http.Client{Transport: tap} })
	var heard []string
	var errs []error
	for _, fault := range append([]devidp.Fault{{}}, devidp.Status(devidp.Refresh, 500), devidp.Status(devidp.Refresh, 400), devidp.Reset(devidp.Refresh),
		devidp.RefreshInvalidGrant, devidp.RefreshWrongSubject, devidp.HTML(devidp.Refresh), devidp.InvalidJSON(devidp.Refresh),
		devidp.Status(devidp.UserInfo, 401), devidp.InvalidJSON(devidp.UserInfo), devidp.Status(devidp.Revoke, 400), devidp.Status(devidp.Revoke, 500)) {
		s.idp.Behave()
		b := s.member()
		tap.note("cookie", b.cookies()[tokensCookie])
		b.accessToken()
		s.idp.Misbehave(fault)
		s.clock.add(2 * hour)
		for _, call := range [][2]string{{"POST", refreshUserPath}, {"GET", tokensPath}, {"POST", revokePath}, {"DELETE", "/auth/providers/dev"}} {
			r := b.act(call[0], call[1])
			for _, c := range setCookies(t, r.header) {
				tap.note("cookie", c.Value)
			}
			r.header.Del("Set-Cookie")
			heard = append(heard, fmt.Sprint(r.header))
			if r.status != http.StatusOK || call[1] != tokensPath {
				heard = append(heard, r.body)
			}
			_, _, err := s.auth.ProviderTokens(b.request("GET"), "dev")
			errs = append(errs, err)
			_, err = s.auth.RevokeTokens(b.request("POST", "X-CSRF-Token", b.csrf()), "dev")
			errs = append(errs, err)
		}
	}
	everything := s.log.String() + strings.Join(heard, "\n") + fmt.Sprintf("%v %+v %#v", errs, errs, errs)
	kinds := map[string]bool{}
	for value, what := range tap.secrets {
		kinds[what] = true
		if strings.Contains(everything, value) {
			t.Errorf("a %s was written to a log, an error or an answer", what)
		}
	}
	if !kinds["access_token"] || !kinds["refresh_token"] || !kinds["id_token"] || !kinds["cookie"] || len(tap.secrets) < 40 {
		t.Errorf("only %d secrets of kinds %v went by", len(tap.secrets), kinds)
	}
}
