package aura

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CredentialsConfig turns on POST /signIn/credentials: sign-in by user name and
// password.
type CredentialsConfig struct {
	// Authorize says who the credentials belong to. It answers wrong ones with
	// ErrInvalidCredentials, for an unknown user as for a wrong password, and
	// after the same work (package password does it for an empty hash), and a
	// locked account with ErrAccountLocked: clients cannot tell the three apart.
	// Any other error, and a context that has ended, means that it could not be
	// found out: 503, and nobody's password is called wrong. A User without a
	// Subject is refused. Nil turns the route off.
	Authorize func(ctx context.Context, c Credentials) (User, error)
	// Issuer vouches for the subjects of these users: with the subject it is their
	// account. Default: the public origin, so that the same user under another
	// name of the host is another account; set a constant to be free of that.
	Issuer string
	// Canonical makes one spelling of a user name out of all that mean the same
	// user; Authorize and the rate limits see no other. An empty result is
	// refused. Default: CanonicalUsername.
	Canonical func(username string) string
}

// Credentials are what a user has typed.
type Credentials struct {
	Username string // canonical
	Password Secret // 1 to 1,024 bytes, as typed
}

// What Authorize answers.
var (
	// ErrInvalidCredentials says that user name and password do not go together.
	ErrInvalidCredentials error = &Error{Code: CodeInvalidCredentials}
	// ErrAccountLocked says that this account may not sign in now. Clients are
	// told what they are told about wrong credentials; the log knows.
	ErrAccountLocked error = &Error{Code: CodeAccountLocked}
)

const (
	maxUsername = 320
	maxPassword = 1024
	// credentialsProvider stands as the provider of sessions that begin with a
	// password. No provider may have this id.
	credentialsProvider = "credentials"
)

// CanonicalUsername trims white space, makes letters lower case and full-width
// forms of ASCII plain ones. Names that are not UTF-8, hold a control or
// formatting character, or are over 320 bytes become "".
func CanonicalUsername(name string) string {
	if len(name) > maxUsername || !utf8.ValidString(name) {
		return ""
	}
	odd := false
	name = strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		odd = odd || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
		return unicode.ToLower(r)
	}, strings.TrimSpace(name))
	if odd {
		return ""
	}
	return name
}

// postCredentials: POST /signIn/credentials.
func (a *Auth) postCredentials(v *visit) (answer, error) {
	if err := a.enterable(v); err != nil {
		return answer{}, err
	}
	c, err := a.credentials(v.body)
	if err != nil {
		return answer{}, err
	}
	s, err := a.signInCredentials(v, c)
	if err != nil {
		return answer{}, err
	}
	return a.acted(v, http.StatusOK, v.handed(map[string]any{"success": true}, s))
}

// credentials reads user name and password from the body.
func (a *Auth) credentials(b body) (Credentials, error) {
	username, password := b.text("username"), b.text("password")
	details := map[string]string{}
	c := Credentials{}
	switch {
	case username == nil:
		details["username"] = "is missing"
	case len(*username) > maxUsername:
		details["username"] = "is longer than 320 bytes"
	default:
		if c.Username = a.cfg.Credentials.Canonical(*username); c.Username == "" {
			details["username"] = "cannot be a user name"
		}
	}
	switch {
	case password == nil:
		details["password"] = "is missing"
	case *password == "":
		details["password"] = "is empty"
	case len(*password) > maxPassword:
		details["password"] = "is longer than 1024 bytes"
	default:
		c.Password = Secret(*password)
	}
	if len(details) > 0 {
		return Credentials{}, &Error{Code: CodeUnprocessable, Err: errors.New("credentials are incomplete"), details: details}
	}
	return c, nil
}

// text returns the one string that a body has under a name, nil if there is
// none, or several, or something else than a string.
func (b body) text(name string) *string {
	if values := b.form[name]; len(values) == 1 {
		return &values[0]
	}
	var s *string
	if raw, ok := b.json[name]; !ok || json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return s
}

// signInCredentials asks the application who this is, and begins the session.
func (a *Auth) signInCredentials(v *visit, c Credentials) (*Session, error) {
	refund, err := a.limitCredentials(v, c.Username)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(v.ctx(), callbackTimeout)
	defer cancel()
	u, err := a.cfg.Credentials.Authorize(ctx, c)
	switch {
	case ctx.Err() != nil:
		giveBack(v, refund)
		return nil, unavailable(ctx.Err())
	case errors.Is(err, ErrInvalidCredentials), errors.Is(err, ErrAccountLocked):
		return nil, &Error{Code: CodeInvalidCredentials, Err: err}
	case err != nil:
		giveBack(v, refund)
		return nil, unavailable(err)
	case u.Subject == "":
		return nil, fail(CodeInvalidCredentials, "Credentials.Authorize returned neither a user nor an error")
	}
	s, err := a.enter(v, &Attempt{Provider: credentialsProvider, Issuer: a.credentialsIssuer(v), User: &u})
	if err == nil {
		refund() // the limits are about guessing
	}
	return s, err
}

// giveBack refunds an attempt that an outage has cut short: it is no failure of
// the user's. One that the client has cut short is not refunded, or whoever
// hangs up in time could try without end.
func giveBack(v *visit, refund func()) {
	if !errors.Is(v.ctx().Err(), context.Canceled) {
		refund()
	}
}

// credentialsIssuer vouches for the subjects of password users.
func (a *Auth) credentialsIssuer(v *visit) string {
	return cmp.Or(a.cfg.Credentials.Issuer, v.public.Origin)
}

// unavailable says that the application could not find something out.
func unavailable(err error) error {
	return &Error{Code: CodeAuthorizeUnavailable, Err: err, retryAfter: retryAfter}
}

// enter begins the session of an attempt that has succeeded, unless the hook
// refuses it. Until the session's cookie is written, nothing is: what fails
// leaves the earlier session as it was.
func (a *Auth) enter(v *visit, attempt *Attempt) (*Session, error) {
	provider, issuer := cmp.Or(attempt.sessionProvider, attempt.Provider), attempt.Issuer // not the hook's to change
	if err := a.admit(v.ctx(), attempt); err != nil {
		return nil, err
	}
	old, err := a.outgoing(v)
	if err != nil {
		return nil, err
	}
	s := a.begin(v, attempt.User.checked(), provider, issuer, attempt.providerSession)
	before := v.lines.Clone()
	if err := a.store(v, s); err != nil {
		return nil, err
	}
	if err := a.succeed(v, old, s); err != nil {
		v.lines = before
		return nil, err
	}
	if !v.bearer.inBody() {
		if _, err := a.issueCSRF(v, s); err != nil {
			return nil, err
		}
		a.forgetTokens(v)
	}
	a.succeeded(v, "signIn", s)
	return s, nil
}
