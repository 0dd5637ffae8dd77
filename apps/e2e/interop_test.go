package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

const (
	sessionCookie = "aura-auth.session_token"
	jweHeader     = `{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"JWT"}`
	jwsHeader     = `{"alg":"HS256","typ":"JWT"}`
)

// tokenHeaders are the exact headers of each mode, outer first.
var tokenHeaders = map[string][]string{
	"sealed":    {jweHeader, jwsHeader},
	"signed":    {jwsHeader},
	"encrypted": {jweHeader},
}

// sharer is another server with the same secret and salt: interop.mjs.
type sharer struct {
	t            *testing.T
	node         string
	secret, salt string
	mode         string
}

// run gives the script its order; ok is false when the script refused.
func (s sharer) run(order map[string]any, result any) (ok bool) {
	s.t.Helper()
	order["secret"], order["salt"], order["mode"] = s.secret, s.salt, s.mode
	input, err := json.Marshal(order)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), s.node, "interop.mjs")
	cmd.Env, cmd.Stdin = baseEnvironment(), bytes.NewReader(input)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil && !strings.Contains(stderr.String(), "Error: ") {
		s.t.Fatalf("interop.mjs: %v: %s", err, stderr.String())
	}
	if err != nil {
		return false
	}
	if err := json.Unmarshal(output, result); err != nil {
		s.t.Fatalf("interop.mjs: %v in %s", err, output)
	}
	return true
}

// open returns the claims of a token that our server made.
func (s sharer) open(token string) map[string]any {
	s.t.Helper()
	var opened struct {
		Headers []string
		Claims  map[string]any
	}
	if !s.run(map[string]any{"token": token}, &opened) {
		s.t.Fatalf("the recipe does not open our %s token", s.mode)
	}
	if !slices.Equal(opened.Headers, tokenHeaders[s.mode]) {
		s.t.Errorf("the headers are %q, want %q", opened.Headers, tokenHeaders[s.mode])
	}
	return opened.Claims
}

// mint returns a token with these claims and standard ones, which they replace.
func (s sharer) mint(claims map[string]any) string {
	s.t.Helper()
	var minted struct{ Token string }
	if !s.run(map[string]any{"claims": claims}, &minted) {
		s.t.Fatalf("the recipe mints no %s token", s.mode)
	}
	return minted.Token
}

// TestSharedSecretApps shares secret and salt with the applications.
func TestSharedSecretApps(t *testing.T) {
	node := nodePath(t)
	eachApp(t, func(t *testing.T, name string) {
		s := sharer{t: t, node: node, secret: strongSecret(), salt: strongSecret(), mode: "sealed"}
		a := startApp(t, name, freePort(t), "AURA_AUTH_DEV=1", "AURA_AUTH_SECRET="+s.secret, "AURA_AUTH_SALT="+s.salt)
		sharesSessions(t, s, a, demoPassword(t, a))
	})
}

// TestSharedSecretModes does it in each form that the token can have; the
// applications run in the first.
func TestSharedSecretModes(t *testing.T) {
	node := nodePath(t)
	for _, mode := range []aura.TokenMode{aura.SealedToken, aura.SignedToken, aura.EncryptedToken} {
		t.Run(string(mode), func(t *testing.T) {
			s := sharer{t: t, node: node, secret: strongSecret(), salt: strongSecret(), mode: string(mode)}
			password := strongSecret()
			sharesSessions(t, s, &app{url: serve(t, s, password)}, password)
		})
	}
}

// serve runs the library on net/http and returns its address.
func serve(t *testing.T, s sharer, password string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	t.Cleanup(server.Close)
	address := "http://" + server.Listener.Addr().String()
	auth, err := aura.New(aura.Config{
		BasePath: "/api/auth",
		BaseURL:  address,
		Secrets:  []aura.Secret{aura.Secret(s.secret)},
		Salt:     aura.Secret(s.salt),
		Session:  aura.SessionConfig{Token: aura.TokenMode(s.mode), UpdatableFields: []string{"name"}},
		Credentials: aura.CredentialsConfig{Authorize: func(_ context.Context, c aura.Credentials) (aura.User, error) {
			if c.Username != "demo" || string(c.Password) != password {
				return aura.User{}, aura.ErrInvalidCredentials
			}
			return aura.User{Subject: "demo", Name: "Demo User", Email: "demo@example.com", Image: "https://example.com/d.png"}, nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = auth
	server.Start()
	return address
}

// sharesSessions proves both directions, and that neither accepts anything.
func sharesSessions(t *testing.T, s sharer, a *app, password string) {
	t.Helper()
	ours := wireClient{visitor: newVisitor(t), app: a}
	body, err := json.Marshal(map[string]string{"username": "demo", "password": password})
	if err != nil {
		t.Fatal(err)
	}
	ours.call(wireCall{function: "signInCredentials", csrf: true, method: "POST", path: "/signIn/credentials?redirect=false", body: string(body), status: 200})
	user, _ := ours.session(200)["user"].(map[string]any)
	token := ours.token()
	claims := s.open(token)
	for _, name := range []string{"sub", "name", "email", "image"} {
		if claims[name] != user[name] || user["sub"] != "demo" {
			t.Errorf("the recipe reads %s = %v, /session %v", name, claims[name], user[name])
		}
	}
	cut := strings.LastIndexByte(token, '.') + 1
	flipped := map[bool]string{true: "B", false: "A"}[token[cut] == 'A']
	if s.run(map[string]any{"token": token[:cut] + flipped + token[cut+1:]}, &struct{}{}) {
		t.Error("the recipe opens a token with another signature")
	}

	theirs := map[string]any{"sub": "typescript-1", "name": `Zoë "Z" O'Neill & <Söhne>`, "email": "zoe@example.com", "image": "https://example.com/z.png?a=1&b=2"}
	guest := wireClient{visitor: newVisitor(t), app: a}
	guest.present(s.mint(theirs))
	if got := guest.session(200)["user"]; !reflect.DeepEqual(got, any(theirs)) {
		t.Errorf("/session shows %v for a token of the recipe, want %v", got, theirs)
	}
	guest.call(wireCall{function: "updateSession", csrf: true, method: "PATCH", path: "/session?redirect=false", body: `{"user":{"name":"Re-issued"}}`, status: 200})
	reissued := s.open(guest.token())
	if claim, _ := reissued["aura"].(map[string]any); reissued["sub"] != "typescript-1" || reissued["name"] != "Re-issued" || claim["sid"] == nil {
		t.Errorf("our re-issue of their token has the claims %v", reissued)
	}

	stranger := s
	stranger.secret = strongSecret()
	salted := s
	salted.salt = strongSecret()
	for what, refused := range map[string]string{
		"another secret":  stranger.mint(theirs),
		"another salt":    salted.mint(theirs),
		"an expired one":  s.mint(map[string]any{"sub": "typescript-1", "exp": 1700000000}),
		"one for later":   s.mint(map[string]any{"sub": "typescript-1", "nbf": 4000000000, "iat": 4000000000}),
		"one without sub": s.mint(map[string]any{"name": "Nobody"}),
	} {
		other := wireClient{visitor: newVisitor(t), app: a}
		other.present(refused)
		if got := other.session(401); got != nil {
			t.Errorf("a token with %s is the session %v", what, got)
		}
	}
	for mode := range tokenHeaders {
		other := wireClient{visitor: newVisitor(t), app: a}
		minter := s
		minter.mode = mode
		other.present(minter.mint(theirs))
		other.session(map[bool]int{true: 200, false: 401}[mode == s.mode])
	}
}

// session reads /session, which must have this status, and returns the session.
func (c wireClient) session(status int) map[string]any {
	c.t.Helper()
	ans := c.call(wireCall{function: "getSession", method: "GET", path: "/session", status: status})
	session, _ := ans.json["session"].(map[string]any)
	return session
}

// token is the session cookie that the visitor holds.
func (c wireClient) token() string {
	c.t.Helper()
	for _, cookie := range c.client.Jar.Cookies(c.origin()) {
		if cookie.Name == sessionCookie {
			return cookie.Value
		}
	}
	c.t.Fatalf("no cookie %s", sessionCookie)
	return ""
}

// present gives the visitor a session cookie and nothing else.
func (c wireClient) present(token string) {
	c.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	jar.SetCookies(c.origin(), []*http.Cookie{{Name: sessionCookie, Value: token, Path: "/"}})
	c.client.Jar = jar
}

func (c wireClient) origin() *url.URL {
	c.t.Helper()
	u, err := url.Parse(c.app.url + "/")
	if err != nil {
		c.t.Fatal(err)
	}
	return u
}

// nodePath finds Node.js: any that is supported runs interop.mjs.
func nodePath(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("node"); err == nil {
		return path
	}
	_, path := nodeModules(t)
	return path
}
