package client_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/client"
)

var sentinels = map[string]error{
	"no session": client.ErrNoSession, "unavailable": client.ErrUnavailable,
	"rate limited": client.ErrRateLimited, "protocol": client.ErrProtocol,
}

// What GET /session answers, and what callers see of it. Each row names the
// sentinels that match; no other may.
func TestErrors(t *testing.T) {
	after := func(seconds string) http.Header { return http.Header{"Retry-After": {seconds}} }
	rows := []struct {
		name   string
		answer line
		want   client.Error
		is     string
		text   string // of the message, besides what want says
	}{
		{
			name:   "nobody is signed in",
			answer: line{status: 401, body: `{"success":false,"authenticated":false,"session":null,"error":{"code":"SESSION_NOT_FOUND","message":"You are not signed in.","id":"aB3-_x"}}`},
			want:   client.Error{Status: 401, Code: aura.CodeNoSession, Message: "You are not signed in.", ID: "aB3-_x"},
			is:     "no session",
		},
		{
			name:   "nobody is signed in, says a TypeScript server",
			answer: line{status: 401, body: `{"success":false,"session":null}`},
			want:   client.Error{Status: 401, Code: aura.CodeNoSession},
			is:     "no session",
		},
		{
			name:   "another 401",
			answer: line{status: 401, body: `{"success":false,"tokens":null,"error":{"code":"COOKIE_INVALID_VALUE","message":"Not connected.","id":"i"}}`},
			want:   client.Error{Status: 401, Code: "COOKIE_INVALID_VALUE", Message: "Not connected.", ID: "i"},
		},
		{
			name:   "the code of no session with another status",
			answer: line{status: 500, body: `{"error":{"code":"SESSION_NOT_FOUND"}}`},
			want:   client.Error{Status: 500, Code: aura.CodeNoSession},
		},
		{
			name:   "the CSRF token is wrong",
			answer: line{status: 403, body: `{"success":false,"error":{"code":"CSRF_TOKEN_MISMATCH","message":"Reload.","id":"i"}}`},
			want:   client.Error{Status: 403, Code: aura.CodeCSRFMismatch, Message: "Reload.", ID: "i"},
		},
		{
			name:   "rejected fields",
			answer: line{status: 422, body: `{"success":false,"error":{"code":"UPDATE_SESSION_INVALID","message":"No.","id":"i"},"type":"VALIDATION","code":"UPDATE_SESSION_INVALID","message":"No.","details":{"user.email":{"code":"invalid_value","message":"may not be changed"},"user.name":"must be a string"}}`},
			want: client.Error{Status: 422, Code: aura.CodeUpdateNotAllowed, Message: "No.", ID: "i",
				Details: map[string]string{"user.email": "may not be changed", "user.name": "must be a string"}},
		},
		{
			name:   "top-level members alone",
			answer: line{status: 404, body: `{"type":"ROUTER_FLOW","code":"NOT_FOUND","message":"Nothing here"}`},
			want:   client.Error{Status: 404, Code: aura.CodeNotFound, Message: "Nothing here"},
		},
		{
			name:   "unavailable",
			answer: line{status: 503, header: after("5"), body: `{"success":false,"error":{"code":"SESSION_STORE_UNAVAILABLE","message":"Later.","id":"i"}}`},
			want:   client.Error{Status: 503, Code: aura.CodeUnavailable, Message: "Later.", ID: "i", RetryAfter: 5 * time.Second},
			is:     "unavailable",
		},
		{
			name:   "too many requests",
			answer: line{status: 429, header: after("7"), body: `{"success":false,"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Slow down.","id":"i","retryAfter":6400,"resetAt":1700000000000}}`},
			want:   client.Error{Status: 429, Code: "RATE_LIMIT_EXCEEDED", Message: "Slow down.", ID: "i", RetryAfter: 7 * time.Second},
			is:     "rate limited",
		},
		{
			name:   "too many requests, without the header",
			answer: line{status: 429, body: `{"error":{"code":"RATE_LIMIT_EXCEEDED","retryAfter":6400}}`},
			want:   client.Error{Status: 429, Code: "RATE_LIMIT_EXCEEDED", RetryAfter: 6400 * time.Millisecond},
			is:     "rate limited",
		},
		{
			name:   "too many requests, says a TypeScript server",
			answer: line{status: 429, body: `{"error":"Too Many Requests","retryAfter":1500.5,"resetAt":1700000000000}`},
			want:   client.Error{Status: 429, Message: "Too Many Requests", RetryAfter: 1500 * time.Millisecond},
			is:     "rate limited",
		},
		{
			name:   "a date to wait for counts from the server's own clock",
			answer: line{status: 503, header: http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:50:37 GMT"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}}, body: `{}`},
			want:   client.Error{Status: 503, RetryAfter: time.Minute},
			is:     "unavailable",
		},
		{
			name:   "a date that is past",
			answer: line{status: 503, header: http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:49:30 GMT"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}}, body: `{}`},
			want:   client.Error{Status: 503},
			is:     "unavailable",
		},
		{
			name:   "a wait beyond all bounds",
			answer: line{status: 503, header: after("2000000000"), body: `{}`},
			want:   client.Error{Status: 503, RetryAfter: 365 * 24 * time.Hour},
			is:     "unavailable",
		},
		{
			name:   "a wait that is no number",
			answer: line{status: 429, header: after("-5"), body: `{"retryAfter":-1}`},
			want:   client.Error{Status: 429},
			is:     "rate limited",
		},
		{
			name:   "a proxy's page: unavailable, and never signed out",
			answer: line{status: 503, kind: "text/html; charset=utf-8", header: after("30"), body: `<h1>Service Unavailable</h1>`},
			want:   client.Error{Status: 503, RetryAfter: 30 * time.Second},
			is:     "unavailable, protocol", text: "text/html, not application/json; do BaseURL and BasePath",
		},
		{
			name:   "a gateway's own 401",
			answer: line{status: 401, kind: "text/plain", body: `{"error":{"code":"SESSION_NOT_FOUND"}}`},
			want:   client.Error{Status: 401},
			is:     "protocol", text: "text/plain",
		},
		{
			name:   "a page of the application",
			answer: line{kind: "text/html", body: sessionBody},
			want:   client.Error{Status: 200},
			is:     "protocol", text: "text/html",
		},
		{
			name:   "no content type",
			answer: line{kind: "none", body: sessionBody},
			want:   client.Error{Status: 200},
			is:     "protocol", text: "no content type",
		},
		{
			name:   "nothing",
			answer: line{status: 200, body: ``},
			want:   client.Error{Status: 200},
			is:     "protocol", text: "cannot be read",
		},
		{
			name:   "half of it",
			answer: line{body: sessionBody[:60]},
			want:   client.Error{Status: 200},
			is:     "protocol", text: "cannot be read",
		},
		{
			name:   "and something behind it",
			answer: line{body: sessionBody + "{}"},
			want:   client.Error{Status: 200},
			is:     "protocol", text: "cannot be read",
		},
		{
			name:   "a failure that is no object",
			answer: line{status: 500, body: `"oops"`},
			want:   client.Error{Status: 500},
			is:     "protocol", text: "failure's JSON object",
		},
		{
			name:   "success: false with 200",
			answer: line{body: `{"success":false,"session":{"user":{"sub":"u"},"expires":"2026-03-01T12:00:00.500Z"}}`},
			want:   client.Error{Status: 200},
			is:     "protocol", text: "lacks success: true",
		},
		{
			name:   "success without a session",
			answer: line{body: `{"success":true,"session":null}`},
			want:   client.Error{Status: 200},
			is:     "protocol", text: "lacks session",
		},
		{
			name:   "a session of nobody",
			answer: line{body: `{"success":true,"session":{"expires":"2026-03-01T12:00:00.500Z"}}`},
			want:   client.Error{Status: 200},
			is:     "protocol", text: "lacks session.user",
		},
		{
			name:   "a session without an end",
			answer: line{body: `{"success":true,"session":{"user":{"sub":"u"}}}`},
			want:   client.Error{Status: 200},
			is:     "protocol", text: "lacks session.expires",
		},
		{
			name:   "members of another type",
			answer: line{body: `{"success":true,"session":{"user":{"sub":"u"},"expires":"2026-03-01T12:00:00.500Z"},"tokens":{"accessToken":8001}}`},
			want:   client.Error{Status: 200},
			is:     "protocol", text: "tokens.accessToken has the wrong type",
		},
		{
			name:   "what would forge lines of a log",
			answer: line{status: 500, body: `{"error":{"code":"A\nB","message":"one\ntwo\u001b[31m` + strings.Repeat("x", 400) + `","id":"a b"}}`},
			want:   client.Error{Status: 500, Message: "onetwo[31m" + strings.Repeat("x", 290)},
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := newScript(t, map[string]line{"GET /auth/session": row.answer})
			session, err := s.client().Session(t.Context())
			var e *client.Error
			if !errors.As(err, &e) || session != nil {
				t.Fatalf("got session %v and error %v, want no session and an *Error", session, err)
			}
			got := client.Error{Status: e.Status, Code: e.Code, Message: e.Message, ID: e.ID, Details: e.Details, RetryAfter: e.RetryAfter}
			if have, want := toJSON(t, got), toJSON(t, row.want); have != want {
				t.Errorf("got  %s\nwant %s", have, want)
			}
			for name, sentinel := range sentinels {
				if want := strings.Contains(row.is, name); errors.Is(err, sentinel) != want {
					t.Errorf("is %q: %v, want %v", name, !want, want)
				}
			}
			text := err.Error()
			for _, part := range []string{"GET /session", string(row.want.Code), row.want.Message, row.want.ID, row.text} {
				if !strings.Contains(text, part) {
					t.Errorf("%q does not name %q", text, part)
				}
			}
			if strings.Contains(text, "8001") || strings.ContainsAny(text, "\n\x1b") {
				t.Errorf("the error shows what it must not: %q", text)
			}
		})
	}
}

// A 401 without a code says that nobody is signed in on GET /session alone:
// elsewhere it may be about something else, a password say.
func TestUnauthorizedWithoutCode(t *testing.T) {
	s := newScript(t, map[string]line{"POST /auth/signIn/credentials": {status: 401, body: `{"success":false,"redirect":false,"redirectURL":null}`}})
	_, err := s.client().SignInCredentials(t.Context(), "ada", "wrong", client.After{})
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 401 || e.Code != "" || errors.Is(err, client.ErrNoSession) {
		t.Errorf("error %v, want a 401 without a code that is not ErrNoSession", err)
	}
	if strings.Contains(err.Error(), "wrong") {
		t.Errorf("the error shows the password: %v", err)
	}
}
