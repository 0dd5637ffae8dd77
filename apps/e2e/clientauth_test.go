package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

// An oauthClient is one that a provider knows, and how an application configures it.
type oauthClient struct {
	metadata map[string]any
	apply    func(*aura.Provider)
	// spoil takes the right proof away again; nil where there is none.
	spoil func(*aura.Provider)
}

// newClient makes one for the method. The id says nothing to an application.
func newClient(t *testing.T, id, method string) oauthClient {
	t.Helper()
	c := oauthClient{metadata: map[string]any{"client_id": id, "token_endpoint_auth_method": method}}
	switch method {
	case "none":
		c.apply = func(p *aura.Provider) { p.ClientID, p.AuthMethod = id, method }
	case "private_key_jwt":
		key, jwk := newKey(t, "e2e-1")
		other, _ := newKey(t, "e2e-1")
		c.metadata["token_endpoint_auth_signing_alg"] = "ES256"
		c.metadata["jwks"] = map[string]any{"keys": []any{jwk}}
		c.apply = func(p *aura.Provider) { p.ClientID, p.PrivateKey, p.KeyID = id, key, "e2e-1" }
		c.spoil = func(p *aura.Provider) { p.PrivateKey = other }
	default:
		secret := strongSecret()
		c.metadata["client_secret"] = secret
		c.apply = func(p *aura.Provider) { p.ClientID, p.ClientSecret, p.AuthMethod = id, aura.Secret(secret), method }
		c.spoil = func(p *aura.Provider) { p.ClientSecret = aura.Secret(strongSecret()) }
	}
	return c
}

// newKey makes a key on P-256: as PEM, and its public half as a JWK (RFC 7517).
func newKey(t *testing.T, id string) (aura.Secret, map[string]any) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	point := public.Bytes() // 4, x and y
	return aura.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), map[string]any{
		"kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]),
		"y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}
}

// startOIDCProviderFor runs oidc-provider with these clients besides its own.
func startOIDCProviderFor(t *testing.T, clients []map[string]any, env ...string) *identityProvider {
	t.Helper()
	list, err := json.Marshal(clients)
	if err != nil {
		t.Fatal(err)
	}
	return startOIDCProviderWith(t, append(env, "CLIENTS="+string(list)), "http://127.0.0.1/unused")
}

// tokenSeconds is how long the access tokens of a sign-in live in the tests that
// refresh them: they are due when a quarter of it is left.
const tokenSeconds = "12"

// TestClientAuthentication signs in with oidc-provider by each method of client
// authentication, with and without a pushed authorization request, refreshes
// the tokens and revokes them. What cannot prove the client, or does not push
// where it has to, does not sign in.
func TestClientAuthentication(t *testing.T) {
	variants, clients := everyClient(t)
	idp := startOIDCProviderFor(t, clients, "TOKEN_SECONDS="+tokenSeconds)
	for _, v := range variants {
		v.party = provider.OIDC("oidc", idp.issuer)
		v.party.PushedAuthorization = v.pushed
		v.client.apply(&v.party)
		v.visitor = newVisitor(t)
		t.Run(v.name+"/signs in", func(t *testing.T) { v.signsIn(t, idp) })
	}
	for _, v := range variants {
		if v.client.spoil == nil {
			continue
		}
		v.client.spoil(&v.party)
		t.Run(v.name+"/does not when it is wrong", func(t *testing.T) { wantNoSignIn(t, v.bad, idp, v.party) })
	}
	// By now the first tokens are almost due.
	for _, v := range variants {
		t.Run(v.name+"/refreshes and revokes", func(t *testing.T) { v.refreshesRevokes(t, idp) })
	}
}

// A variant is one client, in an application that has it right and one that has
// it wrong.
type variant struct {
	name, method string
	pushed       bool
	client       oauthClient
	good, bad    *site
	party        aura.Provider
	visitor      *visitor       // signed in at good
	tokens       map[string]any // that the sign-in has brought
}

// everyClient is one client for each method, with and without pushed requests.
func everyClient(t *testing.T) (variants []*variant, clients []map[string]any) {
	t.Helper()
	for _, method := range []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"} {
		for _, pushed := range []bool{false, true} {
			v := &variant{name: method, method: method, pushed: pushed, good: newSite(t), bad: newSite(t)}
			if pushed {
				v.name += " with PAR"
			}
			v.client = newClient(t, "e2e "+v.name, method)
			v.client.metadata["redirect_uris"] = []string{v.good.at("/callback/oidc"), v.bad.at("/callback/oidc")}
			v.client.metadata["require_pushed_authorization_requests"] = pushed
			if pushed {
				v.client.spoil = func(p *aura.Provider) { p.PushedAuthorization = false }
			}
			variants, clients = append(variants, v), append(clients, v.client.metadata)
		}
	}
	return variants, clients
}

// expose lets the tests see what a session holds.
func expose(c *aura.Config) {
	c.ProviderTokens = aura.ProviderTokensConfig{ExposeRefreshToken: true, ExposeIDToken: true}
}

// browser is the application's visitor as a script of its pages.
func (v *variant) browser(t *testing.T) wireClient {
	v.visitor.t = t
	return wireClient{visitor: v.visitor, app: v.good.app}
}

func (v *variant) signsIn(t *testing.T, idp *identityProvider) {
	v.good.serve(expose, v.party)
	c := v.browser(t)
	var request url.Values // the authorization request as the browser carried it
	c.stopAt = func(next *url.URL) bool {
		request = next.Query()
		return strings.HasPrefix(next.String(), idp.issuer+"/")
	}
	held := c.signInPage(v.good)
	c.stopAt = nil
	wantRequest(t, request, v.pushed)
	c.arrives(v.good, idp, c.get(held.header.Get("Location")))

	want := []string{"/token authorization_code " + v.method}
	if v.pushed {
		want = []string{"/request " + v.method, want[0]}
	}
	wantSent(t, v.good, want...)
	v.tokens = c.tokens(200)
}

func (v *variant) refreshesRevokes(t *testing.T, idp *identityProvider) {
	c := v.browser(t)
	access := c.refreshed(v.tokens)
	wantSent(t, v.good, "/token refresh_token "+v.method)
	ans := c.call(wireCall{function: "refreshUser", csrf: true, method: "POST", path: "/providers/oidc/user/refresh", status: 200})
	if !strings.Contains(ans.body, idp.user.email) {
		t.Errorf("the user's refresh answers %s", ans.body)
	}
	if status := userInfo(t, idp, access); status != http.StatusOK {
		t.Errorf("the provider answers %d to the access token, want 200", status)
	}
	c.call(wireCall{function: "revokeTokens", csrf: true, method: "POST", path: "/providers/oidc/tokens/revoke", status: 200})
	wantSent(t, v.good, "/token/revocation "+v.method, "/token/revocation "+v.method)
	if status := userInfo(t, idp, access); status != http.StatusUnauthorized {
		t.Errorf("the provider answers %d to the access token that was revoked, want 401", status)
	}
	c.tokens(401)
	c.session(200)
}

// refreshed asks for the provider's tokens until they are others than before,
// both of them, and returns the new access token. It asks no more often than the
// application allows in the long run.
func (c wireClient) refreshed(before map[string]any) string {
	c.t.Helper()
	limit := time.Now().Add(startLimit)
	after := c.tokens(200)
	for ; after["accessToken"] == before["accessToken"]; after = c.tokens(200) {
		if time.Now().After(limit) {
			c.t.Fatal("the tokens were due, and have not been refreshed")
		}
		time.Sleep(time.Second)
	}
	if after["refreshToken"] == nil || after["refreshToken"] == before["refreshToken"] {
		c.t.Error("the refresh token was not rotated")
	}
	access, _ := after["accessToken"].(string)
	return access
}

// wantNoSignIn wants an attempt to end in an error and without a session.
func wantNoSignIn(t *testing.T, s *site, idp *identityProvider, p aura.Provider) {
	t.Helper()
	s.serve(nil, p)
	c := wireClient{visitor: newVisitor(t), app: s.app}
	pg := c.logIn(idp, c.signInPage(s), idp.user.password)
	if !strings.HasPrefix(pg.url.String(), s.at("/callback/")) || pg.status < 400 {
		t.Errorf("arrived at %s (%d), want an error of the callback:\n%s", pg.url, pg.status, pg.body)
	}
	c.session(401)
}

// signInPage presses the button on the application's page.
func (c wireClient) signInPage(s *site) *page {
	c.t.Helper()
	login := c.get(s.url + "/login?redirectTo=/dashboard")
	return c.submit(login.form(c.t, "/signIn/oidc"), button{}, nil)
}

// arrives goes through the provider's pages and wants the protected page.
func (c wireClient) arrives(s *site, idp *identityProvider, pg *page) {
	c.t.Helper()
	pg = c.logIn(idp, pg, idp.user.password)
	if pg.url.String() != s.url+"/dashboard" || pg.status != http.StatusOK {
		c.t.Fatalf("arrived at %s (%d):\n%s", pg.url, pg.status, pg.body)
	}
	if got := decodeMe(c.t, c.get(s.url+"/api/me").body); got.Name != idp.user.name || got.Email != idp.user.email {
		c.t.Errorf("/api/me = %+v, want %q and %q", got, idp.user.name, idp.user.email)
	}
}

// tokens are those of the provider that the session holds.
func (c wireClient) tokens(status int) map[string]any {
	c.t.Helper()
	ans := c.call(wireCall{function: "getAccessToken", csrf: true, method: "GET", path: "/providers/oidc/tokens", status: status})
	tokens, _ := ans.json["tokens"].(map[string]any)
	return tokens
}

// wantSent wants exactly these forms to have gone to the provider since the last
// look.
func wantSent(t *testing.T, s *site, want ...string) {
	t.Helper()
	if got := s.wire.notes(); !slices.Equal(got, want) {
		t.Errorf("the provider was sent %q, want %q", got, want)
	}
}

// wantRequest wants a browser to have carried the whole request, or nothing but
// the reference to it (RFC 9126 §4).
func wantRequest(t *testing.T, request url.Values, pushed bool) {
	t.Helper()
	if !pushed {
		if request.Get("code_challenge") == "" || request.Has("request_uri") {
			t.Errorf("the authorization request is %v", request)
		}
		return
	}
	if len(request) != 2 || request.Get("client_id") == "" || !strings.HasPrefix(request.Get("request_uri"), "urn:ietf:params:oauth:request_uri:") {
		t.Errorf("the authorization request is %v, want client_id and request_uri alone", request)
	}
}

// userInfo asks oidc-provider who the token's user is, and returns the status.
func userInfo(t *testing.T, idp *identityProvider, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, idp.issuer+"/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
