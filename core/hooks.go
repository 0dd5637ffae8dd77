package aura

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
)

// Hooks are functions of the application that run at turning points. They get
// the request's context, with values that earlier middleware has set, and ten
// seconds, at a callback shared with the provider's answers; one that does not
// look at its context cannot be interrupted, but comes too late. They may run concurrently; a panic in one fails the one request.
// Nil hooks do nothing.
type Hooks struct {
	// SignIn runs after a user has proved who they are and before the session
	// begins. It may change what Attempt.User holds, except the subject. An
	// error refuses the sign-in with 403: its code if it is an *Error, else
	// CodeSignInDenied. ErrUnavailable, and what Profile.Fetch returns when the
	// provider cannot be reached, are answered 503. The text of the error goes to
	// the log only. SignInHooks makes one hook of several.
	SignIn func(ctx context.Context, attempt *Attempt) error
	// Link runs when the user of a session has proved to own an account at one
	// more provider, which POST /link/:provider has started; without it there is
	// no such route. The application stores that attempt.Account() belongs to
	// session.Account(); core stores nothing, and the session stays its user's.
	// An error refuses with 403, as it does in SignIn.
	Link func(ctx context.Context, session *Session, attempt *Attempt) error
	// SignOut runs after a session has been ended by its user.
	SignOut func(ctx context.Context, session *Session)
	// Renew runs when a session is about to be renewed or updated. It may
	// change what session.User holds, except the subject. An error leaves the
	// session as it was.
	Renew func(ctx context.Context, session *Session) error
	// Error runs for each failure that is logged, after it has been logged.
	Error func(ctx context.Context, err *Error)
}

// An Attempt is a sign-in that is about to succeed.
type Attempt struct {
	Provider string   // the provider's id, "credentials", or "signUp" for one that has just been made
	Issuer   string   // who vouches for User.Subject
	User     *User    // to be changed at will, but for the subject
	Profile  *Profile // what the provider answered; nil without a provider

	providerSession string // the ID token's sid
	sessionProvider string // the session's, where it is not Provider
}

// admit runs the SignIn hook.
func (a *Auth) admit(ctx context.Context, attempt *Attempt) error {
	hook := a.cfg.Hooks.SignIn
	if hook == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	subject := attempt.User.Subject
	err := hook(ctx, attempt)
	if err == nil && ctx.Err() != nil {
		return unavailable(fmt.Errorf("Hooks.SignIn took too long: %w", ctx.Err()))
	}
	if err == nil && attempt.User.Subject != subject {
		return fail(CodeServerError, "Hooks.SignIn has changed User.Subject: it is the identity, and stays")
	}
	return refused(err)
}

// SignInHooks makes one SignIn hook of several. They run in their order, and
// the first error refuses the sign-in; nil ones are left out.
func SignInHooks(hooks ...func(ctx context.Context, attempt *Attempt) error) func(context.Context, *Attempt) error {
	hooks = slices.Clone(hooks)
	return func(ctx context.Context, attempt *Attempt) error {
		for _, hook := range hooks {
			if hook == nil {
				continue
			}
			if err := hook(ctx, attempt); err != nil {
				return err
			}
		}
		return nil
	}
}

// refused turns a hook's error into the answer 403, unless it says that
// something is out of order: a provider that cannot be reached, asked by
// Profile.Fetch, has not said that the user may not come in.
func refused(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	out := &Error{Code: CodeSignInDenied, Err: err, status: http.StatusForbidden}
	var known *Error
	if errors.As(err, &known) {
		if known.retryAfter > 0 {
			return err
		}
		out.Code = known.Code
	}
	return out
}

// hookError runs the Error hook, whose own panics must not hide the failure.
func (a *Auth) hookError(ctx context.Context, e *Error) {
	if a.cfg.Hooks.Error == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			a.log.LogAttrs(ctx, slog.LevelError, "aura: panic in Hooks.Error", slog.String("event", "panic"), slog.String("panic", fmt.Sprint(p)))
		}
	}()
	// The request may have ended, and so have brought the failure about.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callbackTimeout)
	defer cancel()
	a.cfg.Hooks.Error(ctx, e)
}

// signedOut runs the SignOut hook.
func (a *Auth) signedOut(ctx context.Context, s *Session) {
	if a.cfg.Hooks.SignOut == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callbackTimeout)
	defer cancel()
	a.cfg.Hooks.SignOut(ctx, s)
}

// renewing runs the Renew hook on a session that is about to be written.
func (a *Auth) renewing(ctx context.Context, s *Session) error {
	if a.cfg.Hooks.Renew == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	subject := s.User.Subject
	if err := a.cfg.Hooks.Renew(ctx, s); err != nil {
		return fmt.Errorf("Hooks.Renew: %w", err)
	}
	if ctx.Err() != nil {
		return unavailable(fmt.Errorf("Hooks.Renew took too long: %w", ctx.Err()))
	}
	if s.User.Subject != subject {
		return fail(CodeServerError, "Hooks.Renew has changed User.Subject: it is the identity, and stays")
	}
	s.claims.user = s.User
	return nil
}
