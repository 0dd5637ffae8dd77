package aura

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aura-stack-go/auth/core/internal/cookie"
)

const levelFailure = slog.LevelWarn

// An answer is a response that has been decided and not been written: the same
// value goes out through every framework.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// securityHeaders stand on every answer of ours.
var securityHeaders = map[string]string{
	"Cache-Control":           "no-store",
	"Pragma":                  "no-cache",
	"Expires":                 "0",
	"Vary":                    "Cookie",
	"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
	"X-Content-Type-Options":  "nosniff",
	"X-Frame-Options":         "DENY",
	// Codes and states are in the addresses of callbacks (RFC 9700 §4.2.4).
	"Referrer-Policy": "no-referrer",
}

func newAnswer(status int) answer {
	h := make(http.Header, len(securityHeaders)+3)
	for name, value := range securityHeaders {
		h[name] = []string{value}
	}
	return answer{status: status, header: h}
}

// jsonAnswer is an answer with a JSON object as its body.
func jsonAnswer(status int, members map[string]any) (answer, error) {
	ans := newAnswer(status)
	var err error
	ans.header.Set("Content-Type", "application/json")
	ans.body, err = marshal(members)
	return ans, err
}

// redirect sends the browser to a target that has been judged safe, or to a
// provider. The bytes go out as they are: cleaning them once more is how
// another target comes about.
func (ans *answer) redirect(status int, target string) error {
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f {
			return fail(CodeServerError, "a redirect target holds a byte that may not stand in a header")
		}
	}
	ans.status = status
	ans.header.Set("Location", target)
	return nil
}

// ServeHTTP answers everything below the base path. It is safe for concurrent
// use, reads at most 64 KiB of a body, and answers every failure itself.
func (a *Auth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.decide(r).write(w, r)
}

// decide turns a request into an answer. A panic on the way, in a hook of the
// application say, is one failed request.
func (a *Auth) decide(r *http.Request) (ans answer) {
	var v *visit
	defer func() {
		if p := recover(); p != nil {
			ans = a.failed(v, a.panicked(r, p))
		}
	}()
	v, err := a.arrive(r)
	if err == nil {
		ans, err = a.hall(v)
	} else {
		found, _ := a.find(r)
		v.route, _ = choose(r, found) // the failure has its route's form all the same
	}
	if err != nil {
		ans = a.failed(v, err)
	}
	a.vary(ans.header)
	if r.Method == http.MethodHead || v.bearer.present {
		return ans // HEAD has no effects, cookies among them; bearers have no cookies
	}
	cookie.Apply(ans.header, v.lines.Header())
	return ans
}

// write sends the answer. Cookies that the application has set stay; of two
// with one name the answer's is sent.
func (ans answer) write(w http.ResponseWriter, r *http.Request) {
	Apply(w.Header(), ans.header)
	if ans.status != http.StatusNoContent && ans.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(ans.body)))
	}
	w.WriteHeader(ans.status)
	if r.Method != http.MethodHead && len(ans.body) > 0 {
		_, _ = w.Write(ans.body) // the client has left: nobody to tell
	}
}

// Apply puts header lines that a function of this package returned into a
// response. Set-Cookie lines replace those of the same cookie name, so that a
// renewal followed by a sign-out sends one line, the sign-out; Vary values are
// merged. It must run before the first byte of the body is written.
func Apply(dst, lines http.Header) { cookie.Apply(dst, lines) }

// failed turns an error into the answer of the visit's route: the route's own
// failure members, and the one error shape. The cause goes to the log only.
func (a *Auth) failed(v *visit, err error) answer {
	e := asError(err)
	id := a.report(v, e)
	m := e.Code.meaning()
	if e.retryAfter > 0 {
		m.status = http.StatusServiceUnavailable
	}
	if e.status != 0 {
		m.status, m.message = e.status, CodeSignInDenied.meaning().message
	}
	ans := a.failurePage(v, e, m, id)
	if ans.header == nil {
		ans = a.failureJSON(v, e, m, id)
	}
	if m.status == http.StatusServiceUnavailable {
		ans.header.Set("Retry-After", strconv.Itoa(int(max(e.retryAfter, time.Second)/time.Second)))
	}
	if e.limit != nil {
		maps.Copy(ans.header, e.limit.Header())
	}
	a.vary(ans.header)
	return ans
}

// failureJSON writes the two shapes of a failure: error beside the route's failure
// members, and the older top-level members for generic failures.
func (a *Auth) failureJSON(v *visit, e *Error, m meaning, id string) answer {
	shape := map[string]any{"code": string(e.Code), "message": m.message, "id": id}
	if e.limit != nil {
		shape["retryAfter"], shape["resetAt"] = e.limit.RetryAfter.Milliseconds(), e.limit.Reset.UnixMilli()
	}
	members := map[string]any{"success": false, "error": shape}
	if v != nil && v.route != nil {
		for name, value := range v.route.failure {
			members[name] = value
		}
	}
	switch m.status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusInternalServerError:
		members["type"], members["code"], members["message"] = m.kind, e.Code, m.message
		details := map[string]any{}
		for field, reason := range e.details {
			details[field] = map[string]string{"code": "invalid_value", "message": reason}
		}
		members["details"] = details
	}
	ans, err := jsonAnswer(m.status, members)
	if err != nil { // strings and maps of strings always encode
		return newAnswer(http.StatusInternalServerError)
	}
	return ans
}

// report logs a failure once and returns the id that ties log and answer
// together. Being signed out is no failure.
func (a *Auth) report(v *visit, e *Error) (id string) {
	id = randomID(9)
	if e.Code == CodeNoSession {
		return id
	}
	level := levelFailure
	switch status := e.Code.meaning().status; {
	case errors.Is(e.Err, context.Canceled):
		level = slog.LevelDebug // the client has left
	case status == http.StatusInternalServerError || e.retryAfter > 0:
		level = slog.LevelError
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		level = slog.LevelDebug // any scanner can cause these at will
	}
	attrs := []slog.Attr{slog.String("event", "failure"), slog.String("code", string(e.Code)), slog.String("id", id)}
	if e.Err != nil {
		attrs = append(attrs, slog.String("cause", e.Err.Error()))
	}
	ctx := context.Background()
	if v != nil {
		ctx = v.ctx()
		attrs = append(attrs, slog.String("method", v.r.Method))
		if v.route != nil {
			attrs = append(attrs, slog.String("route", v.route.path))
		}
		if v.provider != nil {
			attrs = append(attrs, slog.String("provider", v.provider.ID))
		}
	}
	a.log.LogAttrs(ctx, level, "aura: request refused", attrs...)
	a.hookError(ctx, e)
	return id
}

// navigation reports whether a browser is loading a page, so that a person
// will look at the answer.
func navigation(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return (mode == "" || mode == "navigate") && strings.Contains(r.Header.Get("Accept"), "text/html")
}
