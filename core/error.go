package aura

import (
	"errors"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

// An Error is a failure with a stable Code. What the client is told follows
// from the code alone; Err, the cause, is for the application and the log.
type Error struct {
	Code Code
	Err  error

	details    map[string]string // field → reason, for 422 answers
	retryAfter time.Duration     // > 0: answered as 503 with Retry-After
	status     int               // answered instead of the code's own status
	limit      *ratelimit.Decision
}

// Sentinels for errors.Is. Any *Error with the same code matches.
var (
	// ErrNoSession says that there is no valid session: nobody is signed in.
	ErrNoSession error = &Error{Code: CodeNoSession}
	// ErrUnavailable says that it could not be found out whether there is a
	// session. It must never be treated as "signed out".
	ErrUnavailable error = &Error{Code: CodeUnavailable}
)

// Error returns the code and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return "aura: " + string(e.Code)
	}
	return "aura: " + string(e.Code) + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error with the same code, so that
// errors.Is(err, ErrNoSession) holds for every error with CodeNoSession.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf returns the code of the first *Error in err's tree, CodeServerError
// for any other error, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return asError(err).Code
}

// asError finds the *Error in err's tree, or wraps err as CodeServerError.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeServerError, Err: err}
}

// fail makes an *Error whose cause is a sentence of ours.
func fail(code Code, cause string) *Error { return &Error{Code: code, Err: errors.New(cause)} }
