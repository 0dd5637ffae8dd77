package aura

import (
	"encoding/json"
	"net/http"

	"golang.org/x/oauth2"
)

// This file is what applications call for credentials, sign-up and provider
// tokens on routes of their own. As in app.go, header lines are for Apply.

// SignInCredentials signs in with user name and password, as POST
// /signIn/credentials does: it asks Credentials.Authorize, within the limits.
// It runs both layers against CSRF and refuses GET. Errors have the route's
// codes; errors.Is(err, ErrInvalidCredentials) is the one that users cause.
func (a *Auth) SignInCredentials(r *http.Request, username, password string) (*Session, http.Header, error) {
	if a.cfg.Credentials.Authorize == nil {
		return nil, nil, fail(CodeNotFound, "Credentials.Authorize is not configured")
	}
	v, err := a.actAnyway(r)
	if err != nil {
		return nil, nil, err
	}
	c, err := a.credentials(body{form: map[string][]string{"username": {username}, "password": {password}}})
	if err != nil {
		return nil, nil, err
	}
	s, err := a.signInCredentials(v, c)
	if err != nil {
		return nil, nil, err
	}
	v.loaded.set(s)
	return s, v.sent(), nil
}

// SignUp makes a user and signs them in, as POST /signUp does: it asks
// SignUp.Create, within the limits. fields must marshal to a JSON object. It
// runs both layers against CSRF and refuses GET. FieldErrors are found with
// errors.As.
func (a *Auth) SignUp(r *http.Request, fields any) (*Session, http.Header, error) {
	if a.cfg.SignUp.Create == nil {
		return nil, nil, fail(CodeNotFound, "SignUp.Create is not configured")
	}
	v, err := a.actAnyway(r)
	if err != nil {
		return nil, nil, err
	}
	raw, err := marshal(fields)
	var members map[string]json.RawMessage
	if err == nil {
		members, err = decodeObject(raw)
	}
	if err != nil {
		return nil, nil, &Error{Code: CodeMalformed, Err: err}
	}
	s, err := a.signUp(v, SignUpForm{members})
	if err != nil {
		return nil, nil, err
	}
	v.loaded.set(s)
	return s, v.sent(), nil
}

// ProviderTokens returns the tokens that a provider has issued for the user of
// the request's session, refreshed if they are due. Apply the header lines in any
// case: beside an error, too, they may carry a rotated refresh token. Without them the error has
// CodeNotConnected; when the provider has ended the grant, CodeRefreshRejected,
// and the header lines forget the tokens.
func (a *Auth) ProviderTokens(r *http.Request, provider string) (*ProviderTokens, http.Header, error) {
	v, s, p, err := a.lookProvider(r, provider)
	if err != nil {
		return nil, nil, err
	}
	t, err := a.freshTokens(v, s, p)
	if err != nil {
		return nil, v.sent(), err
	}
	return t.public(), v.sent(), nil
}

// AccessToken is ProviderTokens for those who want the access token alone.
func (a *Auth) AccessToken(r *http.Request, provider string) (Secret, http.Header, error) {
	t, lines, err := a.ProviderTokens(r, provider)
	if err != nil {
		return "", lines, err
	}
	return t.AccessToken, lines, nil
}

// TokenSource is ProviderTokens for libraries that take an oauth2.TokenSource.
// It refreshes now, if that is due, and then always returns the same token: one
// that refreshed later could not hand the rotated refresh token to the browser.
func (a *Auth) TokenSource(r *http.Request, provider string) (oauth2.TokenSource, http.Header, error) {
	t, lines, err := a.ProviderTokens(r, provider)
	if err != nil {
		return nil, lines, err
	}
	return oauth2.StaticTokenSource(&oauth2.Token{
		AccessToken: string(t.AccessToken), TokenType: t.TokenType, Expiry: t.ExpiresAt,
	}), lines, nil
}

// Connected reports whether the request's session holds tokens of a provider.
func (a *Auth) Connected(r *http.Request, provider string) (bool, error) {
	v, s, p, err := a.lookProvider(r, provider)
	if err != nil {
		return false, err
	}
	return a.tokensOf(v, s, p.ID) != nil, nil
}

// RefreshUser asks the provider once more who the user is, and returns the
// session with what it answered. It runs both layers against CSRF and refuses
// GET. Apply the header lines in any case: beside an error they may carry a
// rotated refresh token.
func (a *Auth) RefreshUser(r *http.Request, provider string) (*Session, http.Header, error) {
	v, s, p, err := a.actProvider(r, provider)
	if err != nil {
		return nil, nil, err
	}
	if err := a.refreshUser(v, s, p); err != nil {
		return nil, v.sent(), err
	}
	v.loaded.set(s)
	return s, v.sent(), nil
}

// RevokeTokens has the provider revoke the tokens it has issued (RFC 7009), and
// forgets them. When the provider has not revoked them, they are kept. It runs
// both layers against CSRF and refuses GET.
func (a *Auth) RevokeTokens(r *http.Request, provider string) (http.Header, error) {
	return a.lose(r, provider, a.revoke)
}

// Disconnect forgets a provider's tokens without telling the provider. It runs
// both layers against CSRF and refuses GET.
func (a *Auth) Disconnect(r *http.Request, provider string) (http.Header, error) {
	return a.lose(r, provider, a.disconnect)
}

func (a *Auth) lose(r *http.Request, provider string, how func(*visit, *Session, *party) error) (http.Header, error) {
	v, s, p, err := a.actProvider(r, provider)
	if err == nil {
		err = how(v, s, p)
	}
	if err != nil {
		return nil, err
	}
	return v.sent(), nil
}

// lookProvider is look for a session and a provider that must be there.
func (a *Auth) lookProvider(r *http.Request, provider string) (*visit, *Session, *party, error) {
	v, s, err := a.look(r)
	return a.withProvider(v, s, provider, err)
}

// actProvider is act for a session and a provider that must be there.
func (a *Auth) actProvider(r *http.Request, provider string) (*visit, *Session, *party, error) {
	v, s, err := a.act(r)
	return a.withProvider(v, s, provider, err)
}

func (a *Auth) withProvider(v *visit, s *Session, provider string, err error) (*visit, *Session, *party, error) {
	p := a.parties[provider]
	switch {
	case err != nil:
		return nil, nil, nil, err
	case p == nil:
		return nil, nil, nil, fail(CodeUnknownProvider, "no such provider")
	case s == nil:
		return nil, nil, nil, ErrNoSession
	}
	return v, s, p, nil
}

// actAnyway is act for functions that need no session: without one, the token
// must be the one in the cookie, and a bearer token does not stand for it.
func (a *Auth) actAnyway(r *http.Request) (*visit, error) {
	if !changing(r.Method) {
		return nil, fail(CodeMethodNotAllowed, "a "+r.Method+" request may not change anything; use a form post")
	}
	v, s, err := a.look(r)
	if err == nil {
		err = a.verify(v, s, (*Auth).checkToken)
	}
	return v, err
}
