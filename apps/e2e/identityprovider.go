package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
)

// identityProvider is a running OpenID provider with one confidential client
// and one user, who logs in by form.
type identityProvider struct {
	issuer       string
	clientID     string
	clientSecret string
	user         user
	// sendsIssuer says that authorization responses carry iss (RFC 9207).
	sendsIssuer bool
}

type user struct {
	email, name, password string
}

// kinds of identity provider that the applications are tested against. They
// share no code and differ on purpose: one answers with iss and leaves the name
// to userinfo, the other puts the name into the ID token.
var identityProviders = []struct {
	name  string
	start func(t *testing.T, redirectURIs ...string) *identityProvider
}{
	{"oidc-provider", startOIDCProvider},
	{"dex", startDex},
}

func newIdentityProvider() *identityProvider {
	return &identityProvider{
		clientID:     "aura-e2e",
		clientSecret: strongSecret(),
		// Not ASCII, with a quote and an ampersand: the name crosses an ID token,
		// a sealed cookie, JSON and HTML.
		user: user{email: "zoe@example.test", name: `Zoë "Z" O'Neill & Söhne`, password: rand.Text()},
	}
}

// startOIDCProvider runs npm's oidc-provider, the one with RFC 9207.
func startOIDCProvider(t *testing.T, redirectURIs ...string) *identityProvider {
	t.Helper()
	return startOIDCProviderWith(t, nil, redirectURIs...)
}

// startOIDCProviderWith adds to its environment.
func startOIDCProviderWith(t *testing.T, env []string, redirectURIs ...string) *identityProvider {
	t.Helper()
	modules, node := nodeModules(t)
	idp := newIdentityProvider()
	idp.sendsIssuer = true
	p := spawn(t, "oidc-provider", append([]string{
		"MODULES=" + modules,
		"REDIRECT_URIS=" + strings.Join(redirectURIs, ","),
		"CLIENT_ID=" + idp.clientID,
		"CLIENT_SECRET=" + idp.clientSecret,
		"USER_EMAIL=" + idp.user.email,
		"USER_NAME=" + idp.user.name,
		"USER_PASSWORD=" + idp.user.password,
	}, env...), node, "oidcprovider.mjs")
	idp.issuer = p.line("issuer ")
	return idp
}

// startDex runs Dex. Its module is not part of go.work, so it is built without
// the workspace.
func startDex(t *testing.T, redirectURIs ...string) *identityProvider {
	t.Helper()
	return startDexWith(t, nil, redirectURIs...)
}

// startDexWith adds to its arguments.
func startDexWith(t *testing.T, args []string, redirectURIs ...string) *identityProvider {
	t.Helper()
	idp := newIdentityProvider()
	binary := built.path(t, "dex-server", "dex", []string{"GOWORK=off"}, nil)
	p := spawn(t, "dex", []string{
		"DEX_CLIENT_SECRET=" + idp.clientSecret,
		"DEX_PASSWORD=" + idp.user.password,
	}, binary, append([]string{
		"-redirect-uris", strings.Join(redirectURIs, ","),
		"-client-id", idp.clientID,
		"-email", idp.user.email,
		"-name", idp.user.name,
	}, args...)...)
	idp.issuer = p.line("issuer ")
	return idp
}

// strongSecret returns 48 random bytes in base64, as "openssl rand -base64 48".
func strongSecret() string {
	b := make([]byte, 48)
	// crypto/rand.Read never returns an error (Go 1.24).
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}
