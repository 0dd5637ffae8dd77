package rp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"
)

func refresh(t *testing.T, p *Party) (*Grant, error) {
	t.Helper()
	return p.Refresh(t.Context(), testRefresh, "", "user-1")
}

// answers returns an edit of the token answer; nil removes the member.
func answers(name string, value any) func(*fakeIDP) {
	return func(f *fakeIDP) {
		f.answer = func(a map[string]any) {
			a[name] = value
			if value == nil {
				delete(a, name)
			}
		}
	}
}

func TestRefresh(t *testing.T) {
	for _, mode := range []string{"OIDC", "OAuth 2.0"} {
		t.Run(mode, func(t *testing.T) {
			f := newIDP(t)
			f.answer = func(a map[string]any) { a["refresh_token_expires_in"] = 600 }
			p := f.party(t)
			if mode == "OAuth 2.0" {
				p = f.party(t, f.plain)
			}
			f.clock.advance(time.Hour)
			g, err := refresh(t, p)
			expect(t, err, "")
			if g.Token.AccessToken != testRenewed || g.Token.RefreshToken != testRotated {
				t.Error("tokens lost")
			}
			if !g.Token.Expiry.Equal(f.clock.now().Add(time.Hour)) || !g.RefreshExpiry.Equal(f.clock.now().Add(10*time.Minute)) {
				t.Errorf("expiry %v and %v, not by the injected clock", g.Token.Expiry, g.RefreshExpiry)
			}
			if oidc := mode == "OIDC"; oidc != (g.Subject == "user-1") || oidc != (g.Issuer == f.URL) ||
				oidc != (g.SessionID == "op-session") || oidc != (g.IDToken != "") {
				t.Errorf("identity: %q %q %q", g.Issuer, g.Subject, g.SessionID)
			}
			if g.Profile != nil || f.count("/userinfo") != 0 {
				t.Error("a profile was asked for")
			}
			if f.form.Get("grant_type") != "refresh_token" || f.form.Get("refresh_token") != testRefresh || len(f.form) != 2 {
				t.Errorf("request: %v", f.form)
			}
			if n := f.count("/token"); n != 1 {
				t.Errorf("%d token requests", n)
			}
		})
	}
}

// The refresh token to keep: a new one when there is one, else the old one.
func TestTokenRotation(t *testing.T) {
	for name, row := range map[string]struct {
		answer any
		want   string
	}{
		"rotated":      {testRotated, testRotated},
		"not rotated":  {nil, testRefresh},
		"the same":     {testRefresh, testRefresh},
		"empty":        {"", testRefresh},
		"from new on":  {"x", "x"},
		"odd but ours": {"a b+c&d=%/ü", "a b+c&d=%/ü"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			answers("refresh_token", row.answer)(f)
			p := f.party(t)
			g, err := refresh(t, p)
			expect(t, err, "")
			if g.Token.RefreshToken != row.want {
				t.Errorf("to keep: %q, want %q", g.Token.RefreshToken, row.want)
			}
			// The next refresh goes out with it, byte for byte.
			_, err = p.Refresh(t.Context(), g.Token.RefreshToken, "", "user-1")
			expect(t, err, "")
			if got := f.form.Get("refresh_token"); got != row.want {
				t.Errorf("sent %q, want %q", got, row.want)
			}
		})
	}
}

// FA-06: what a failed refresh says about the old tokens.
func TestRefreshAnswers(t *testing.T) {
	answer := func(h http.HandlerFunc) func(*fakeIDP) {
		return func(f *fakeIDP) { f.overrides["/token"] = h }
	}
	failing := func(code int, body string) func(*fakeIDP) {
		return answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		})
	}
	const dead, down, keep = CodeRefreshRejected, CodeTokenUnreachable, CodeTokenRejected
	for _, row := range []struct {
		name string
		edit func(*fakeIDP)
		want string
	}{
		{"FA-06 invalid_grant", failing(400, `{"error":"invalid_grant"}`), dead},
		{"FA-06 invalid_grant, described", failing(400, `{"error":"invalid_grant","error_description":"reused"}`), dead},
		{"FA-06 invalid_grant by 401", failing(401, `{"error":"invalid_grant"}`), dead},
		{"FA-06 invalid_grant by 200", failing(200, `{"error":"invalid_grant"}`), dead},
		{"FA-06 GitHub", failing(200, `{"error":"bad_refresh_token","error_description":"x","error_uri":"https://docs.github.com"}`), dead},

		{"FA-06 500", failing(500, `{}`), down},
		{"FA-06 502 HTML", failing(502, `<html>`), down},
		{"FA-06 503", failing(503, ``), down},
		{"FA-06 429", failing(429, `{"error":"slow_down"}`), down},
		{"FA-06 a failing server's invalid_grant", failing(500, `{"error":"invalid_grant"}`), down},
		{"FA-06 a throttled invalid_grant", failing(429, `{"error":"invalid_grant"}`), down},
		{"FA-06 reset", answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), down},
		{"FA-06 short body", answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "500")
			_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		}), down},

		{"invalid_client", failing(401, `{"error":"invalid_client"}`), keep},
		{"unauthorized_client", failing(400, `{"error":"unauthorized_client"}`), keep},
		{"invalid_scope", failing(400, `{"error":"invalid_scope"}`), keep},
		{"unsupported_grant_type", failing(400, `{"error":"unsupported_grant_type"}`), keep},
		{"no code", failing(400, `{}`), keep},
		{"a firewall's page", failing(403, `<html>invalid_grant</html>`), keep},
		{"invalid_grant in the description", failing(400, `{"error":"x","error_description":"invalid_grant"}`), keep},
		{"invalid_grant as a word of the code", failing(400, `{"error":"not_invalid_grant"}`), keep},
		{"Error", failing(400, `{"Error":"invalid_grant"}`), keep},
		{"error twice", failing(400, `{"error":"invalid_client","error":"invalid_grant"}`), keep},
		{"error array", failing(400, `{"error":["invalid_grant"]}`), keep},
		{"truncated", failing(400, `{"error":"invalid_grant"`), keep},
		{"404", failing(404, `{"error":"not_found"}`), keep},
		{"redirect", answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", 307) }), keep},

		{"HTML 200", answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }), CodeContentType},
		{"no access_token", answers("access_token", nil), CodeTokenMalformed},
		{"access_token empty", answers("access_token", ""), CodeTokenMalformed},
		{"refresh_token number", answers("refresh_token", 1), CodeTokenMalformed},
		{"mac", answers("token_type", "mac"), CodeTokenMalformed},
		{"null", failing(200, `null`), CodeTokenMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			row.edit(f)
			p := f.party(t)
			// A connection to be reused: net/http repeats some requests on those.
			_, _ = p.GetJSON(t.Context(), f.URL+"/userinfo", "")
			g, err := refresh(t, p)
			e := expect(t, err, row.want)
			if g != nil {
				t.Error("a grant came with an error")
			}
			if want := row.want == dead; e.InvalidGrant() != want {
				t.Errorf("invalid grant %v, want %v", e.InvalidGrant(), want)
			}
			if want := row.want == down; e.Unreachable() != want {
				t.Errorf("unreachable %v, want %v", e.Unreachable(), want)
			}
			if !contains(e.Error(), `"idp"`) || contains(e.Error(), "described", "reused") {
				t.Errorf("%v", e)
			}
			if n := f.count("/token"); n != 1 {
				t.Errorf("%d token requests: a refresh is sent once", n)
			}
			if f.count("/evil") != 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

// InvalidGrant is about refresh tokens: a code that is refused so has none.
func TestInvalidGrantOfACode(t *testing.T) {
	f := newIDP(t)
	f.overrides["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
	}
	_, err := exchange(t, f.party(t))
	if e := expect(t, err, CodeTokenRejected); e.InvalidGrant() {
		t.Errorf("%v", e)
	}
}

// ID-29: the ID token of a refresh. A bad one costs nothing but the refresh.
func TestRefreshedIDToken(t *testing.T) {
	const bad, ok = CodeIDTokenInvalid, ""
	for _, row := range []struct {
		name string
		edit func(*fakeIDP)
		want string
	}{
		{"ID-29 other iss", claim("iss", "http://127.0.0.1:1"), bad},
		{"ID-29 iss with slash", func(f *fakeIDP) { claim("iss", f.URL+"/")(f) }, bad},
		{"ID-29 iss missing", claim("iss", nil), bad},
		{"ID-29 other sub", claim("sub", "user-2"), bad},
		{"ID-29 sub in capitals", claim("sub", "USER-1"), bad},
		{"ID-29 prefix of sub", claim("sub", "user-"), bad},
		{"ID-29 sub missing", claim("sub", nil), bad},
		{"ID-29 sub empty", claim("sub", ""), bad},
		{"ID-29 other aud", claim("aud", "other"), bad},
		{"ID-29 aud with a stranger", audAzp(testClient, testClient, "stranger"), bad},
		{"ID-29 aud missing", claim("aud", nil), bad},
		{"ID-29 azp another", claim("azp", "friend"), bad},
		{"ID-29 expired", at("exp", -60), bad},
		{"ID-29 exp missing", claim("exp", nil), bad},
		{"ID-29 iat ahead", at("iat", 61), bad},
		{"ID-29 iat missing", claim("iat", nil), bad},
		{"ID-29 by another key", func(f *fakeIDP) {
			f.idToken = func(h, c []byte) string { return signRS256(otherRSA(), h, c) }
		}, bad},
		{"ID-29 unknown key", head("kid", "k2"), bad},
		{"ID-29 alg none", all(head("alg", "none"), whole(unsigned)), bad},
		{"ID-29 HS256 by client secret", hmacBy(func() []byte { return []byte(testSecret) }), bad},
		{"ID-29 at_hash of another token", claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), bad},
		{"ID-29 nonce array", claim("nonce", []string{testNonce}), bad},
		{"ID-29 number", answers("id_token", 1), bad},
		{"ID-29 not a token", answers("id_token", "x"), bad},

		{"good", func(*fakeIDP) {}, ok},
		{"with the first nonce, as Dex and oidc-provider send", claim("nonce", testNonce), ok},
		{"azp ours", claim("azp", testClient), ok},
		{"left out", answers("id_token", nil), ok},
		{"null", answers("id_token", map[string]any(nil)), ok},
		{"empty", answers("id_token", ""), ok},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			row.edit(f)
			g, err := refresh(t, f.party(t))
			e := expect(t, err, row.want)
			if f.count("/token") != 1 {
				t.Errorf("%d token requests", f.count("/token"))
			}
			if row.want == ok {
				if g.Token.AccessToken != testRenewed || g.Token.RefreshToken != testRotated {
					t.Error("tokens lost")
				}
				if (g.IDToken == "") != (g.Subject == "") || (g.IDToken == "") != (g.Issuer == "") {
					t.Errorf("half an identity: %q %q", g.Issuer, g.Subject)
				}
				return
			}
			if g != nil {
				t.Error("a grant came with an error")
			}
			if e.InvalidGrant() || e.Unreachable() {
				t.Errorf("invalid grant %v, unreachable %v: the tokens are to be kept", e.InvalidGrant(), e.Unreachable())
			}
		})
	}
	t.Run("left out is left out", func(t *testing.T) {
		f := newIDP(t)
		answers("id_token", nil)(f)
		g, err := refresh(t, f.party(t))
		expect(t, err, "")
		if g.IDToken != "" || g.Subject != "" || f.count("/jwks") != 0 {
			t.Errorf("%q %q", g.IDToken, g.Subject)
		}
	})
}

// A sign-in's ID token is tied by its nonce, a refresh's by its subject; none
// of the two ties may stand in for the other.
func TestBondsDoNotMix(t *testing.T) {
	f := newIDP(t)
	claim("nonce", nil)(f)
	_, err := exchange(t, f.party(t))
	expect(t, err, CodeNonceMismatch)
	_, err = refresh(t, f.party(t))
	expect(t, err, "")
	_, err = f.party(t).Refresh(t.Context(), testRefresh, "", "")
	expect(t, err, CodeBadRequest)
}

// "Rotated refresh tokens are never lost": not to a key set that is down, gone
// or slow at that moment. The ID token is then neither believed nor returned.
func TestRefreshDuringKeyOutage(t *testing.T) {
	for name, down := range map[string]http.HandlerFunc{
		"500":   status(500),
		"404":   status(404),
		"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"HTML":  rawJSON("<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			f.overrides["/jwks"] = down
			var log bytes.Buffer
			g, err := refresh(t, f.party(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }))
			expect(t, err, "")
			if g.Token.RefreshToken != testRotated || g.Token.AccessToken != testRenewed {
				t.Error("tokens lost")
			}
			if g.IDToken != "" || g.Subject != "" || g.Issuer != "" || g.SessionID != "" {
				t.Error("an ID token that was not verified is in the grant")
			}
			if !contains(log.String(), "ID token", "provider=idp") {
				t.Errorf("log: %s", log.String())
			}
			checkText(t, "log", log.String())
		})
	}
	t.Run("the caller's time is up", func(t *testing.T) {
		f := newIDP(t)
		p := f.party(t)
		_, err := start(p, t.Context()) // discovery is cached
		expect(t, err, "")
		p.budget = 300 * time.Millisecond
		over := make(chan struct{})
		t.Cleanup(func() { close(over) }) // the fetch of keys outlives the call
		f.overrides["/jwks"] = func(http.ResponseWriter, *http.Request) { <-over }
		g, err := refresh(t, p)
		expect(t, err, "")
		if g.Token.RefreshToken != testRotated || g.IDToken != "" {
			t.Error("tokens lost")
		}
	})
}

func TestRefreshInput(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	for name, call := range map[string]func() (*Grant, error){
		"no token":            func() (*Grant, error) { return p.Refresh(t.Context(), "", "", "user-1") },
		"no subject":          func() (*Grant, error) { return p.Refresh(t.Context(), testRefresh, "", "") },
		"OAuth 2.0, no token": func() (*Grant, error) { return f.party(t, f.plain).Refresh(t.Context(), "", "", "") },
	} {
		_, err := call()
		t.Log(name)
		expect(t, err, CodeBadRequest)
	}
	_, err := p.Refresh(stop(), testRefresh, "", "user-1")
	if e := expect(t, err, CodeDiscoveryUnreachable); !e.Unreachable() || e.InvalidGrant() {
		t.Errorf("%v", e)
	}
	if f.count("/token") != 0 {
		t.Error("the token endpoint was asked")
	}
	_, err = f.party(t, f.plain).Refresh(t.Context(), testRefresh, "", "")
	expect(t, err, "")
}

// calls are what follows a sign-in, with the endpoint that each asks and its
// codes.
var calls = []struct {
	name, path, invalid, unreachable string
	run                              func(*testing.T, *Party) error
}{
	{"refresh", "/token", CodeTokenRejected, CodeTokenUnreachable, func(t *testing.T, p *Party) error {
		_, err := refresh(t, p)
		return err
	}},
	{"revoke", "/revoke", CodeRevokeRejected, CodeRevokeUnreachable, func(t *testing.T, p *Party) error {
		return p.Revoke(t.Context(), testRefresh, "refresh_token")
	}},
	{"userinfo", "/userinfo", CodeUserInfoRejected, CodeUserInfoUnreachable, func(t *testing.T, p *Party) error {
		_, err := p.UserInfo(t.Context(), testAccess, "user-1")
		return err
	}},
}

// DO-07 and DO-08 for the calls after a sign-in. That the test ends is the
// point of the second half.
func TestLaterCallsAreBounded(t *testing.T) {
	for _, c := range calls {
		t.Run(c.name+" endless body", func(t *testing.T) {
			f := newIDP(t)
			f.overrides[c.path] = func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "application/json")
				spaces := bytes.Repeat([]byte(" "), 1<<20)
				for range 1 << 10 {
					if _, err := w.Write(spaces); err != nil {
						return
					}
				}
			}
			e := expect(t, c.run(t, f.party(t)), c.invalid)
			if e.Unreachable() || e.InvalidGrant() || !contains(e.Error(), "1 MiB") {
				t.Errorf("%v", e)
			}
		})
		t.Run(c.name+" silence", func(t *testing.T) {
			f := newIDP(t)
			f.overrides[c.path] = func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			}
			p := f.party(t, func(c *Config) { c.Timeout = time.Hour })
			_, err := start(p, t.Context()) // discovery is cached
			expect(t, err, "")
			p.budget = 300 * time.Millisecond
			e := expect(t, c.run(t, p), c.unreachable)
			if !e.Unreachable() || e.InvalidGrant() || !errors.Is(e, errDeadline) {
				t.Errorf("%v", e)
			}
			if n := f.count(c.path); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// LK-01 and LK-08 for the calls after a sign-in.
func TestNoSecretsAfterSignIn(t *testing.T) {
	spill := func(w http.ResponseWriter, _ *http.Request) { // secrets where a code or a token would be
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"error":"`+testRotated+`","error_description":"`+testRefresh+`"}`)
	}
	wrong := map[string]func(*fakeIDP){
		"all echo": func(f *fakeIDP) {
			f.overrides["/token"], f.overrides["/revoke"], f.overrides["/userinfo"] = echo, echo, echo
		},
		"all spill": func(f *fakeIDP) {
			f.overrides["/token"], f.overrides["/revoke"], f.overrides["/userinfo"] = spill, spill, spill
		},
		"not JSON": func(f *fakeIDP) {
			text := rawJSON(testRenewed + testRotated + testRefresh)
			f.overrides["/token"], f.overrides["/revoke"], f.overrides["/userinfo"] = text, status(400), text
		},
		"tokens as claims": all(func(f *fakeIDP) {
			f.overrides["/revoke"], f.overrides["/userinfo"] = status(500), rawJSON(`{"sub":"`+testAccess+`"}`)
		}, claim("iss", testRotated+testRenewed+testRefresh)),
		"tokens as subject": all(func(f *fakeIDP) {
			f.overrides["/revoke"], f.overrides["/userinfo"] = status(429), rawJSON(`{"sub":"`+testAccess+`"}`)
		}, claim("sub", testRefresh)),
	}
	edits := map[string]func(*Config){"": func(*Config) {}}
	for _, path := range []string{"/token", "/revoke", "/userinfo"} {
		edits[path] = func(c *Config) { c.HTTPClient = &http.Client{Transport: leaky{path}} }
	}
	run := func(t *testing.T, path string, edit func(*fakeIDP)) {
		f := newIDP(t)
		edit(f)
		var log bytes.Buffer
		p := f.party(t, edits[path], func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		for _, c := range calls {
			if path != "" && c.path != path {
				continue
			}
			err := c.run(t, p)
			if err == nil {
				t.Fatalf("%s: no error to look at", c.name)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				checkText(t, c.name, e.Error())
				checkText(t, c.name, fmt.Sprintf("%+v %#v", e, e))
			}
		}
		checkText(t, "log", log.String())
	}
	for name, edit := range wrong {
		t.Run(name, func(t *testing.T) { run(t, "", edit) })
	}
	for path := range edits {
		if path != "" {
			t.Run("leaky transport "+path, func(t *testing.T) { run(t, path, func(*fakeIDP) {}) })
		}
	}

	// A secret in the form of an error code is redacted all the same.
	t.Run("a token that looks like a code", func(t *testing.T) {
		const token = "only_lower_case"
		f := newIDP(t)
		f.overrides["/token"] = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"error":"`+token+`"}`)
		}
		f.overrides["/revoke"] = f.overrides["/token"]
		_, err := f.party(t).Refresh(t.Context(), token, "", "user-1")
		for _, err := range []error{err, f.party(t).Revoke(t.Context(), token, "")} {
			if err == nil || contains(err.Error(), token) || !contains(err.Error(), "redacted") {
				t.Errorf("%v", err)
			}
		}
	})
}
