package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// The providers are proved first by code that is not ours, x/oauth2 and go-oidc:
// a failure of the tests that sign in through an application is then the
// application's.
func TestHarnessOIDCProvider(t *testing.T) { proveIdentityProvider(t, startOIDCProvider) }
func TestHarnessDex(t *testing.T)          { proveIdentityProvider(t, startDex) }

// callbackServer answers every callback with 200, so that the visitor's last
// page is the callback itself.
func callbackServer(t *testing.T) (redirectURI string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "back") }))
	t.Cleanup(srv.Close)
	return srv.URL + "/callback"
}

type relyingParty struct {
	idp      *identityProvider
	provider *oidc.Provider
	config   oauth2.Config
}

func proveIdentityProvider(t *testing.T, start func(*testing.T, ...string) *identityProvider) {
	t.Helper()
	redirect := callbackServer(t)
	idp := start(t, redirect)
	provider, err := oidc.NewProvider(t.Context(), idp.issuer)
	if err != nil {
		t.Fatal(err)
	}
	rp := &relyingParty{idp: idp, provider: provider, config: oauth2.Config{
		ClientID:     idp.clientID,
		ClientSecret: idp.clientSecret,
		RedirectURL:  redirect,
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
		Endpoint:     provider.Endpoint(),
	}}
	rp.config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader

	t.Run("code and PKCE lead to the user", rp.signsIn)
	t.Run("a refresh token is rotated and works once", rp.rotates)
	t.Run("the code needs its verifier", rp.wantsVerifier)
	t.Run("the code needs the client's secret", rp.wantsSecret)
	t.Run("a request without PKCE gets no code", rp.wantsChallenge)
	t.Run("a wrong password gets no code", rp.wantsPassword)
	t.Run("an unregistered redirect URI gets no redirect", rp.wantsRegistration)
}

// authorize runs the browser's part, as a visitor whom the provider has not seen
// before, and returns the page on which it ends.
func (rp *relyingParty) authorize(t *testing.T, nonce, password string, options ...oauth2.AuthCodeOption) *page {
	t.Helper()
	v := newVisitor(t)
	options = append(options, oidc.Nonce(nonce))
	return v.logIn(rp.idp, v.get(rp.config.AuthCodeURL("the-state", options...)), password)
}

func (rp *relyingParty) code(t *testing.T, nonce, verifier string) url.Values {
	t.Helper()
	pg := rp.authorize(t, nonce, rp.idp.user.password, oauth2.S256ChallengeOption(verifier))
	q := pg.url.Query()
	if !strings.HasPrefix(pg.url.String(), rp.config.RedirectURL+"?") || q.Get("code") == "" {
		t.Fatalf("no code: arrived at %s (%d):\n%s", pg.url, pg.status, pg.body)
	}
	return q
}

func (rp *relyingParty) token(t *testing.T) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	q := rp.code(t, "the-nonce", verifier)
	token, err := rp.config.Exchange(t.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (rp *relyingParty) signsIn(t *testing.T) {
	verifier := oauth2.GenerateVerifier()
	q := rp.code(t, "the-nonce", verifier)
	if q.Get("state") != "the-state" {
		t.Errorf("state = %q", q.Get("state"))
	}
	wantIssuer := ""
	if rp.idp.sendsIssuer {
		wantIssuer = rp.idp.issuer
	}
	if q.Get("iss") != wantIssuer {
		t.Errorf("iss = %q, want %q", q.Get("iss"), wantIssuer)
	}
	token, err := rp.config.Exchange(t.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := rp.provider.Verifier(&oidc.Config{ClientID: rp.idp.clientID}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if idToken.Nonce != "the-nonce" {
		t.Errorf("nonce = %q", idToken.Nonce)
	}
	info, err := rp.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Name string }
	if err := info.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if info.Subject != idToken.Subject || info.Email != rp.idp.user.email || claims.Name != rp.idp.user.name {
		t.Errorf("userinfo = %q %q %q, want the ID token's subject %q, %q and %q", info.Subject, info.Email, claims.Name,
			idToken.Subject, rp.idp.user.email, rp.idp.user.name)
	}
}

func (rp *relyingParty) rotates(t *testing.T) {
	first := rp.token(t)
	refresh := func(refreshToken string) (*oauth2.Token, error) {
		ctx, cancel := context.WithTimeout(t.Context(), startLimit)
		defer cancel()
		return rp.config.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
	}
	second, err := refresh(first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if second.RefreshToken == first.RefreshToken || second.RefreshToken == "" {
		t.Error("the refresh token was not rotated")
	}
	if _, err := refresh(first.RefreshToken); err == nil {
		t.Error("the old refresh token was accepted again")
	}
}

func (rp *relyingParty) wantsVerifier(t *testing.T) {
	q := rp.code(t, "the-nonce", oauth2.GenerateVerifier())
	if _, err := rp.config.Exchange(t.Context(), q.Get("code"), oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Error("another verifier was accepted")
	}
}

func (rp *relyingParty) wantsSecret(t *testing.T) {
	verifier := oauth2.GenerateVerifier()
	q := rp.code(t, "the-nonce", verifier)
	other := rp.config
	other.ClientSecret = strongSecret()
	if _, err := other.Exchange(t.Context(), q.Get("code"), oauth2.VerifierOption(verifier)); err == nil {
		t.Error("another client secret was accepted")
	}
}

func (rp *relyingParty) wantsChallenge(t *testing.T) {
	if pg := rp.authorize(t, "the-nonce", rp.idp.user.password); pg.url.Query().Has("code") {
		t.Errorf("arrived at %s", pg.url)
	}
}

func (rp *relyingParty) wantsPassword(t *testing.T) {
	pg := rp.authorize(t, "the-nonce", "not the password", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	if strings.HasPrefix(pg.url.String(), rp.config.RedirectURL) {
		t.Errorf("arrived at %s", pg.url)
	}
}

func (rp *relyingParty) wantsRegistration(t *testing.T) {
	other := rp.config
	other.RedirectURL += "/elsewhere"
	v := newVisitor(t)
	pg := v.get(other.AuthCodeURL("the-state", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	if pg.status != http.StatusBadRequest || !strings.HasPrefix(pg.url.String(), rp.idp.issuer) {
		t.Errorf("status %d at %s, want 400 at the provider", pg.status, pg.url)
	}
}
