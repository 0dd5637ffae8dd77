package aura

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// SignUpConfig turns on POST /signUp.
type SignUpConfig struct {
	// Create makes a new user of what was sent, after checking it, and returns
	// them; they are then signed in. FieldErrors go to the client as 422 with the
	// reason for each field, ErrUserExists as 409, an *Error with its code, 403 if
	// the code is the application's own; any other error is 500, or 503 when the
	// context has ended. A User without a Subject is refused. Nil turns the route
	// off.
	Create func(ctx context.Context, form SignUpForm) (User, error)
}

// A SignUpForm is what a client has sent: a JSON object, or a form, whose fields
// are then strings. Nothing of it has been checked, and nothing of it reaches
// the session but what Create returns.
type SignUpForm struct{ members map[string]json.RawMessage }

// Decode reads the fields into v, as json.Unmarshal does.
func (f SignUpForm) Decode(v any) error {
	raw, err := marshal(f.members)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

// Field returns a field that is a string, "" otherwise.
func (f SignUpForm) Field(name string) string {
	var s string
	_ = json.Unmarshal(f.members[name], &s) // what is no string stays empty
	return s
}

// Format keeps what was sent, passwords above all, out of every fmt verb.
func (SignUpForm) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// FieldErrors says what is wrong with which fields of a sign-up. The texts are
// shown to the client.
type FieldErrors map[string]string

// Error names the fields; the texts are the client's.
func (e FieldErrors) Error() string { return fmt.Sprintf("fields %q", sortedKeys(e)) }

// ErrUserExists is what Create answers for a user that exists already. The
// client is told: an application that must not tell who its users are answers
// with a User and a message to that address instead.
var ErrUserExists error = &Error{Code: CodeUserExists}

// postSignUp: POST /signUp.
func (a *Auth) postSignUp(v *visit) (answer, error) {
	if err := a.enterable(v); err != nil {
		return answer{}, err
	}
	form := SignUpForm{members: map[string]json.RawMessage{}}
	for name, raw := range v.body.json {
		form.members[name] = raw
	}
	for name, values := range v.body.form {
		raw, err := marshal(values[0])
		if err != nil {
			return answer{}, err
		}
		form.members[name] = raw
	}
	delete(form.members, "csrfToken")
	delete(form.members, "redirectTo")
	s, err := a.signUp(v, form)
	if err != nil {
		return answer{}, err
	}
	return a.acted(v, http.StatusOK, v.handed(map[string]any{"success": true}, s))
}

// signUp has the application make a user, and begins their session.
func (a *Auth) signUp(v *visit, form SignUpForm) (*Session, error) {
	if err := a.take(v, true, a.byAddress(v, "signUp", a.cfg.Limits.SignUp)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(v.ctx(), callbackTimeout)
	defer cancel()
	u, err := a.cfg.SignUp.Create(ctx, form)
	var fields FieldErrors
	var known *Error
	switch {
	case errors.As(err, &fields):
		return nil, &Error{Code: CodeUnprocessable, Err: err, details: fields}
	case errors.As(err, &known):
		if _, ours := meanings[known.Code]; ours {
			return nil, known
		}
		return nil, refused(err) // a code of the application's own
	case err != nil && ctx.Err() != nil:
		return nil, unavailable(ctx.Err())
	case err != nil:
		return nil, &Error{Code: CodeServerError, Err: fmt.Errorf("SignUp.Create: %w", err)}
	case u.Subject == "":
		return nil, fail(CodeServerError, "SignUp.Create returned neither a user with a subject nor an error")
	}
	return a.enter(v, &Attempt{Provider: "signUp", sessionProvider: credentialsProvider, Issuer: a.credentialsIssuer(v), User: &u})
}
