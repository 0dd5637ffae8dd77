package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	aura "github.com/aura-stack-go/auth/core"
)

// Sentinels for errors.Is.
var (
	// ErrNoSession says that nobody is signed in: 401 with the code
	// SESSION_NOT_FOUND. No other 401 is it.
	ErrNoSession = errors.New("client: nobody is signed in")
	// ErrUnavailable says that the server, or the provider behind it, cannot
	// answer now: 503. It must never be treated as "signed out".
	ErrUnavailable = errors.New("client: the service is unavailable")
	// ErrRateLimited says that there were too many requests: 429. RetryAfter of
	// the [*Error] says how long to wait.
	ErrRateLimited = errors.New("client: too many requests")
	// ErrProtocol says that the answer is none of the library's.
	ErrProtocol = errors.New("the answer is not one of the library's")
)

// An Error is an answer that is no success.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code names the failure; it is stable. "" when the server gave none.
	Code aura.Code
	// Message is the server's sentence about it, for people.
	Message string
	// ID finds the cause in the server's log.
	ID string
	// Details say for each rejected field why (status 422), sign-up's for
	// instance. Nil when there are none.
	Details map[string]string
	// RetryAfter is how long the server asks to wait, 0 when it does not say.
	RetryAfter time.Duration
	// Err is ErrProtocol with a reason, for an answer that is none of the
	// library's, and nil otherwise.
	Err error

	op string // method and path
}

// Error names method and path, status, code, sentence and reference.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "client: %s: %d", e.op, e.Status)
	if e.Code != "" {
		b.WriteString(" " + string(e.Code))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.ID != "" {
		b.WriteString(" (reference " + e.ID + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Is lets the sentinels match.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNoSession:
		return e.Status == http.StatusUnauthorized && e.Code == aura.CodeNoSession
	case ErrUnavailable:
		return e.Status == http.StatusServiceUnavailable
	case ErrRateLimited:
		return e.Status == http.StatusTooManyRequests
	}
	return false
}

// failureBody is what failures look like: the error object of our server beside
// the top-level members of generic failures, which are all that a TypeScript
// server has. Its 429 has a string for error.
type failureBody struct {
	Error   json.RawMessage            `json:"error"`
	Code    string                     `json:"code"`
	Message string                     `json:"message"`
	Details map[string]json.RawMessage `json:"details"`

	RetryAfter json.RawMessage `json:"retryAfter"`
}

type errorObject struct {
	Code       string          `json:"code"`
	Message    string          `json:"message"`
	ID         string          `json:"id"`
	RetryAfter json.RawMessage `json:"retryAfter"`
}

var (
	codeForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	idForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// read fills e from a failure's header and body. What a server writes ends in
// logs and terminals: codes and references are taken only in their form.
func (e *Error) read(h http.Header, raw []byte) error {
	var b failureBody
	if json.Unmarshal(raw, &b) != nil {
		return errors.New("the body is no failure's JSON object")
	}
	o := errorObject{Code: b.Code, Message: b.Message, RetryAfter: b.RetryAfter}
	if len(b.Error) > 0 && json.Unmarshal(b.Error, &o) != nil {
		_ = json.Unmarshal(b.Error, &o.Message) // a string, then; else it says nothing
	}
	if codeForm.MatchString(o.Code) {
		e.Code = aura.Code(o.Code)
	}
	if idForm.MatchString(o.ID) {
		e.ID = o.ID
	}
	e.Message = printable(o.Message)
	for field, reason := range b.Details {
		if e.Details == nil {
			e.Details = make(map[string]string)
		}
		e.Details[printable(field)] = reasonOf(reason)
	}
	if e.RetryAfter = retryAfter(h); e.RetryAfter == 0 {
		e.RetryAfter = milliseconds(o.RetryAfter)
	}
	return nil
}

// reasonOf reads {"code":…,"message":…} or a plain string.
func reasonOf(raw json.RawMessage) string {
	var d struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &d) != nil {
		_ = json.Unmarshal(raw, &d.Message)
	}
	return printable(d.Message)
}

// maxWait bounds what a server can ask for; beyond it nobody waits.
const maxWait = 365 * 24 * time.Hour

// retryAfter reads Retry-After (RFC 9110 §10.2.3). A date counts from the Date
// of the same answer: the server's clock is the one that it was written by.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxWait)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxWait)
}

// milliseconds reads the body's retryAfter, for answers whose header was lost.
func milliseconds(raw json.RawMessage) time.Duration {
	var ms float64
	if json.Unmarshal(raw, &ms) != nil || ms <= 0 {
		return 0
	}
	return time.Duration(min(ms, float64(maxWait/time.Millisecond))) * time.Millisecond
}

// printable keeps what may stand in a line of a log: at most 300 characters,
// none of them invisible.
func printable(s string) string {
	kept := make([]rune, 0, 64)
	for _, r := range s {
		if len(kept) == 300 {
			break
		}
		if unicode.IsPrint(r) {
			kept = append(kept, r)
		}
	}
	return string(kept)
}
