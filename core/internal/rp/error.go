package rp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Codes of an Error. They are the stable codes of the wire contract.
const (
	CodeBadRequest            = "SERVER_ERROR"                          // the caller broke the contract of this package
	CodeCallbackIncomplete    = "AUTH_CALLBACK_MISSING_PARAMETERS"      // no usable code
	CodeIssuerMismatch        = "OIDC_RESPONSE_ISSUER_MISMATCH"         // RFC 9207: the response is another server's
	CodeDiscoveryUnreachable  = "OIDC_DISCOVERY_NETWORK_FAILED"         // no answer to the discovery request
	CodeDiscoveryInvalid      = "OIDC_DISCOVERY_INVALID_RESPONSE"       // an answer that is not usable metadata
	CodeDiscoveryIssuer       = "OIDC_DISCOVERY_ISSUER_MISMATCH"        // metadata of another issuer
	CodeKeysInvalid           = "OIDC_JWKS_INVALID_RESPONSE"            // no usable answer from jwks_uri
	CodeIDTokenInvalid        = "OIDC_ID_TOKEN_INVALID"                 // missing, forged, expired or not for us
	CodeLogoutTokenInvalid    = "OIDC_LOGOUT_TOKEN_INVALID"             // forged, old, not for us or not a logout token
	CodeEndSessionUnsupported = "OIDC_END_SESSION_UNSUPPORTED"          // there is no end_session_endpoint: ErrNotSupported
	CodeNonceMismatch         = "OIDC_NONCE_MISMATCH"                   // the ID token belongs to another sign-in
	CodeTokenUnreachable      = "UNKNOWN_OAUTH_ACCESS_TOKEN_ERROR"      // no answer from the token endpoint
	CodeTokenRejected         = "INVALID_OAUTH_ACCESS_TOKEN_RESPONSE"   // an error answer of the token endpoint
	CodeTokenMalformed        = "INVALID_OAUTH_ACCESS_TOKEN_RES_FORMAT" // an answer without a usable token
	CodeRefreshRejected       = "OAUTH_INVALID_REFRESH_TOKEN_RESPONSE"  // the refresh token is dead
	CodeRevokeUnreachable     = "OAUTH_INVALID_REVOKE_TOKEN_PROCESS"    // no answer from the revocation endpoint
	CodeRevokeRejected        = "OAUTH_INVALID_REVOKE_TOKEN_RESPONSE"   // an error answer of the revocation endpoint
	CodeRevokeUnsupported     = "OAUTH_INVALID_REVOKE_TOKEN_CONFIG"     // there is nothing to revoke with: ErrNotSupported
	CodeContentType           = "OAUTH_INVALID_CONTENT_TYPE"            // token or userinfo answer that is not JSON by type
	CodeUserInfoUnreachable   = "UNKNOWN_OAUTH_USER_INFO_ERROR"         // no answer from the userinfo endpoint
	CodeUserInfoRejected      = "INVALID_OAUTH_USER_INFO_RESPONSE"      // an error answer of the userinfo endpoint
	CodeUserInfoMalformed     = "INVALID_OAUTH_USER_INFO_RES_FORMAT"    // an answer that is not the JSON asked for
	CodeUserInfoMismatch      = "INVALID_USER_INFO"                     // the answer speaks of somebody else, or of nobody
	CodeUserInfoUnsupported   = "UNSUPPORTED_OAUTH_CONFIGURATION"       // there is no userinfo endpoint: ErrNotSupported

	CodeParamInvalid      = "UNPROCESSABLE_ENTITY"                // a parameter that the browser brought has no usable value
	CodeClientAuth        = "OAUTH_CLIENT_AUTHENTICATION_FAILED"  // MakeClientSecret, or signing, failed
	CodePARUnreachable    = "OAUTH_PUSHED_REQUEST_NETWORK_FAILED" // no answer to a pushed authorization request
	CodePARRejected       = "OAUTH_PUSHED_REQUEST_REJECTED"       // an error answer to it
	CodePARMalformed      = "OAUTH_PUSHED_REQUEST_INVALID"        // an answer without a usable request_uri
	CodePARUnsupported    = "OAUTH_PUSHED_REQUEST_UNSUPPORTED"    // there is no endpoint for it: ErrNotSupported
	CodeDeviceUnreachable = "OAUTH_DEVICE_NETWORK_FAILED"         // no answer from the device authorization endpoint
	CodeDeviceRejected    = "OAUTH_DEVICE_REJECTED"               // an error answer of it
	CodeDeviceMalformed   = "OAUTH_DEVICE_INVALID_RESPONSE"       // an answer without usable codes and addresses
	CodeDeviceUnsupported = "OAUTH_DEVICE_UNSUPPORTED"            // there is no such endpoint: ErrNotSupported
	CodeDevicePending     = "OAUTH_DEVICE_PENDING"                // the person has not decided yet
	CodeDeviceSlowDown    = "OAUTH_DEVICE_SLOW_DOWN"              // the same, and we ask too often
	CodeDeviceExpired     = "OAUTH_DEVICE_EXPIRED"                // the person took too long
	CodeDeviceDenied      = "AUTH_PROVIDER_REJECTED"              // the person, or the provider, said no
)

// ErrNotSupported is in the tree of errors that say: this provider does not
// offer what was asked for, today or tomorrow.
var ErrNotSupported = errors.New("not supported by the provider")

// An Error is a failed conversation with a provider. Its text is for logs and
// holds no secret; the client of the application is told the code only.
type Error struct {
	Code string
	Err  error

	unreachable  bool
	invalidGrant bool
}

func (e *Error) Error() string { return e.Code + ": " + e.Err.Error() }

// Unwrap returns the cause. Of the errors of transports only
// context.Canceled and context.DeadlineExceeded are kept in the tree.
func (e *Error) Unwrap() error { return e.Err }

// Unreachable tells "could not be reached" (503 with Retry-After: trying again
// helps) from "answered badly" (502, or the status of the code).
func (e *Error) Unreachable() bool { return e.unreachable }

// InvalidGrant reports that the provider has refused the refresh token for
// good: the tokens of this grant are to be dropped. Only Refresh fails so. After
// any other failure they are to be kept: Unreachable ones pass by themselves,
// the rest when somebody mends the registration or the provider.
func (e *Error) InvalidGrant() bool { return e.invalidGrant }

func failure(code, format string, args ...any) *Error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// failed gives an error of send or of a cache the code of the desk that asked.
func failed(code, what string, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	var wire *wireError
	unreachable := isContext(err) || errors.As(err, &wire) && wire.unreachable
	return &Error{Code: code, Err: fmt.Errorf("%s: %w", what, err), unreachable: unreachable}
}

// named puts the provider's id in front. It copies, because a cached failure
// is handed to many callers.
func (p *Party) named(err error) error {
	if err == nil {
		return nil
	}
	e := *failed(CodeBadRequest, "internal", err)
	e.Err = fmt.Errorf("provider %q: %w", p.config.ID, e.Err)
	return &e
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// A wireError is what became of one request, in words that hold no secret. It
// does not wrap what the transport returned: the text of a url.Error holds the
// whole URL, and applications bring transports whose errors quote more.
type wireError struct {
	text        string
	unreachable bool
	context     error // context.Canceled or context.DeadlineExceeded, if that was the cause
}

func (e *wireError) Error() string { return e.text }
func (e *wireError) Unwrap() error { return e.context }

// A refusal is an error answer in the form of RFC 6749 §5.2. Its code is empty
// when there is none, or none that errorCode lets into our logs.
type refusal struct {
	status int
	code   string
	down   bool
}

func newRefusal(a *answer, hide secrets) *refusal {
	r := &refusal{status: a.status, down: a.down()}
	members, err := strictObject(a.body, nil)
	if err != nil {
		return r
	}
	if code, _, err := stringMember(members, "error"); err == nil && errorCode(code) {
		r.code = hide.redact(code)
	}
	return r
}

func (r *refusal) Error() string {
	if r.code == "" {
		return fmt.Sprintf("answered %d", r.status)
	}
	return fmt.Sprintf("answered %d with error %s", r.status, r.code)
}

// errorCode is the form of the registered codes of RFC 6749 §5.2; anything
// else is the stranger's free text and stays out of our logs.
func errorCode(code string) bool {
	return code != "" && len(code) <= 64 && strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// secrets are the values that a text must not contain.
type secrets []string

// redact replaces every secret in text, in plain and in form encoding. Values
// under four bytes are left: they would take ordinary words with them.
func (s secrets) redact(text string) string {
	for _, secret := range s {
		if len(secret) < 4 {
			continue
		}
		text = strings.ReplaceAll(text, secret, "[redacted]")
		text = strings.ReplaceAll(text, url.QueryEscape(secret), "[redacted]")
	}
	return text
}

// Format keeps the client secret out of every fmt verb.
func (c Config) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "rp.Config(%s)", c.ID) }

// Format keeps the client secret out of every fmt verb.
func (p *Party) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "rp.Party(%s)", p.config.ID) }
