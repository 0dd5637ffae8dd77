package client_test

import (
	"context"
	"slices"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/client"
)

const (
	sessionBody = `{"success":true,"authenticated":true,"session":{"user":{"sub":"u-1","name":"Ada","email":"ada@example.com","image":"https://example.com/a.png","email_verified":true,"roles":["ops"]},"expires":"2026-03-01T12:00:00.500Z"}}`
	tokensBody  = `{"success":true,"tokens":{"accessToken":"at-1","expiresAt":1700003600,"refreshToken":"rt-1","refreshTokenExpiresAt":1700007200,"idToken":"id-1","tokenType":"Bearer","scopes":["openid","profile"],"issuedAt":1700000000}}`
	jsonKind    = "application/json"
	csrfCookie  = "aura-auth.csrf_token=csrf.jws.1"
)

// Each function of createAuthClient, by the name that it has there: what ours
// sends, and what it makes of the answer.
func TestWire(t *testing.T) {
	after := client.After{RedirectTo: "/deep/link?a=1&b=2"}
	const afterQuery = "redirect=false&redirectTo=%2Fdeep%2Flink%3Fa%3D1%26b%3D2"
	protected := func(r request) []request {
		r.csrf, r.cookies = "csrf.jws.1", csrfCookie
		return []request{csrfAsked, r}
	}
	rows := []struct {
		name   string
		call   func(context.Context, *client.Client) (any, error)
		answer line
		asked  []request
		want   any
	}{
		{
			name:   "getSession",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return c.Session(ctx) },
			answer: line{body: sessionBody},
			asked:  []request{{method: "GET", path: "/auth/session"}},
			want:   wantSession(),
		},
		{
			name: "signIn",
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return c.SignInURL(ctx, "github", client.SignInOptions{RedirectTo: "/dash board", Params: map[string]string{"login_hint": "ada@example.com"}})
			},
			answer: line{body: `{"success":true,"redirect":false,"signInURL":"https://app.example/auth/signIn/github?redirectTo=%2F"}`},
			asked:  []request{{method: "GET", path: "/auth/signIn/github", query: "login_hint=ada%40example.com&redirect=false&redirectTo=%2Fdash+board"}},
			want:   "https://app.example/auth/signIn/github?redirectTo=%2F",
		},
		{
			name: "signIn without a target",
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return c.SignInURL(ctx, "click-up", client.SignInOptions{})
			},
			answer: line{body: `{"success":true,"redirect":false,"signInURL":"http://localhost:3000/auth/signIn/click-up?"}`},
			asked:  []request{{method: "GET", path: "/auth/signIn/click-up", query: "redirect=false"}},
			want:   "http://localhost:3000/auth/signIn/click-up?",
		},
		{
			name: "signInCredentials",
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return c.SignInCredentials(ctx, "ada", `p"<w`, after)
			},
			answer: line{body: `{"success":true,"redirect":false,"redirectURL":"/deep/link?a=1&b=2"}`},
			asked:  protected(request{method: "POST", path: "/auth/signIn/credentials", query: afterQuery, kind: jsonKind, body: `{"password":"p\"\u003cw","username":"ada"}`}),
			want:   client.Result{RedirectURL: "/deep/link?a=1&b=2"},
		},
		{
			name: "signUp",
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return c.SignUp(ctx, struct {
					Email string `json:"email"`
					Age   int    `json:"age"`
				}{"ada@example.com", 36}, after)
			},
			answer: line{body: `{"success":true,"redirect":false,"redirectURL":"https://www.example.com/in"}`},
			asked:  protected(request{method: "POST", path: "/auth/signUp", query: afterQuery, kind: jsonKind, body: `{"email":"ada@example.com","age":36}`}),
			want:   client.Result{RedirectURL: "https://www.example.com/in"},
		},
		{
			name: "updateSession",
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return c.UpdateSession(ctx, map[string]any{"name": "Ada L."})
			},
			answer: line{body: sessionBody},
			asked:  protected(request{method: "PATCH", path: "/auth/session", query: "redirect=false", kind: jsonKind, body: `{"user":{"name":"Ada L."}}`}),
			want:   wantSession(),
		},
		{
			name:   "getProviderTokens",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return c.ProviderTokens(ctx, "github") },
			answer: line{body: tokensBody},
			asked:  protected(request{method: "GET", path: "/auth/providers/github/tokens"}),
			want: &client.Tokens{
				AccessToken: "at-1", RefreshToken: "rt-1", IDToken: "id-1", TokenType: "Bearer", Scopes: []string{"openid", "profile"},
				IssuedAt: time.Unix(1700000000, 0).UTC(), ExpiresAt: time.Unix(1700003600, 0).UTC(), RefreshTokenExpiresAt: time.Unix(1700007200, 0).UTC(),
			},
		},
		{
			name:   "getProviderTokens, as little as there may be, and scopes in one string",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return c.ProviderTokens(ctx, "github") },
			answer: line{body: `{"success":true,"tokens":{"accessToken":"at-1","tokenType":"Bearer","scopes":["read:user user:email"],"issuedAt":1700000000}}`},
			asked:  protected(request{method: "GET", path: "/auth/providers/github/tokens"}),
			want:   &client.Tokens{AccessToken: "at-1", TokenType: "Bearer", Scopes: []string{"read:user", "user:email"}, IssuedAt: time.Unix(1700000000, 0).UTC()},
		},
		{
			name:   "getAccessToken",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return c.AccessToken(ctx, "github") },
			answer: line{body: tokensBody},
			asked:  protected(request{method: "GET", path: "/auth/providers/github/tokens"}),
			want:   "at-1",
		},
		{
			name:   "refreshUserInfo",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return c.RefreshUser(ctx, "github") },
			answer: line{body: sessionBody},
			asked:  protected(request{method: "POST", path: "/auth/providers/github/user/refresh"}),
			want:   wantSession(),
		},
		{
			name:   "revokeToken",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return nil, c.RevokeTokens(ctx, "github") },
			answer: line{body: `{"success":true}`},
			asked:  protected(request{method: "POST", path: "/auth/providers/github/tokens/revoke"}),
		},
		{
			name:   "disconnectProvider",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return nil, c.Disconnect(ctx, "github") },
			answer: line{body: `{"success":true}`},
			asked:  protected(request{method: "DELETE", path: "/auth/providers/github"}),
		},
		{
			name:   "isProviderConnected",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return c.Connected(ctx, "github") },
			answer: line{body: `{"success":true,"connected":true}`},
			asked:  []request{{method: "GET", path: "/auth/providers/github"}},
			want:   true,
		},
		{
			name:   "isProviderConnected: no",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return c.Connected(ctx, "github") },
			answer: line{body: `{"success":true,"connected":false}`},
			asked:  []request{{method: "GET", path: "/auth/providers/github"}},
			want:   false,
		},
		{
			name:   "signOut",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return c.SignOut(ctx, after) },
			answer: line{status: 202, body: `{"success":true,"redirect":false,"redirectURL":"/deep/link?a=1&b=2"}`},
			asked:  protected(request{method: "POST", path: "/auth/signOut", query: afterQuery + "&token_type_hint=session_token"}),
			want:   client.Result{RedirectURL: "/deep/link?a=1&b=2"},
		},
		{
			name:   "signOut without a target",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return c.SignOut(ctx, client.After{}) },
			answer: line{status: 202, body: `{"success":true,"redirect":false,"redirectURL":null}`},
			asked:  protected(request{method: "POST", path: "/auth/signOut", query: "redirect=false&token_type_hint=session_token"}),
			want:   client.Result{},
		},
		{
			name:   "csrfToken",
			call:   func(ctx context.Context, c *client.Client) (any, error) { return c.CSRFToken(ctx) },
			answer: csrfLine,
			asked:  []request{csrfAsked},
			want:   "csrf.jws.1",
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			last := row.asked[len(row.asked)-1]
			s := newScript(t, map[string]line{last.method + " " + last.path: row.answer})
			got, err := row.call(t.Context(), s.client())
			if err != nil {
				t.Fatal(err)
			}
			if asked := s.requests(); !slices.Equal(asked, row.asked) {
				t.Errorf("asked\n  %+v\nwant\n  %+v", asked, row.asked)
			}
			if have, want := plain(t, got), plain(t, row.want); have != want {
				t.Errorf("returned\n  %s\nwant\n  %s", have, want)
			}
		})
	}
}

// A protected call that is repeated fetches its token again: the session may be
// another one by now.
func TestWireFetchesATokenForEachCall(t *testing.T) {
	s := newScript(t, map[string]line{"DELETE /auth/providers/github": {body: `{"success":true}`}})
	c := s.client()
	for range 2 {
		if err := c.Disconnect(t.Context(), "github"); err != nil {
			t.Fatal(err)
		}
	}
	var paths []string
	for _, r := range s.requests() {
		paths = append(paths, r.path)
	}
	want := []string{"/auth/csrfToken", "/auth/providers/github", "/auth/csrfToken", "/auth/providers/github"}
	if !slices.Equal(paths, want) {
		t.Errorf("asked %q, want %q", paths, want)
	}
}

// wantSession is sessionBody, read.
func wantSession() *client.Session {
	u := aura.User{Subject: "u-1", Name: "Ada", Email: "ada@example.com", EmailVerified: true, Image: "https://example.com/a.png"}
	if err := u.Set("roles", []string{"ops"}); err != nil {
		panic(err)
	}
	return &client.Session{User: u, Expires: time.Date(2026, 3, 1, 12, 0, 0, 5e8, time.UTC)}
}

// plain renders a result for comparison, secrets included.
func plain(t *testing.T, v any) string {
	t.Helper()
	tokens, ok := v.(*client.Tokens)
	if !ok {
		return toJSON(t, v)
	}
	return toJSON(t, map[string]any{"tokens": tokens, "secrets": []string{string(tokens.AccessToken), string(tokens.RefreshToken), string(tokens.IDToken)}})
}
