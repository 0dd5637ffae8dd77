package aura

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	maxBody  = 64 << 10
	maxQuery = 16 << 10
)

// guard decides whether a request may act at all: it reads the query and the
// body within their limits and runs the origin layer. The CSRF token is the
// desk's to check, once it knows whose session this is.
func (a *Auth) guard(v *visit) error {
	if len(v.r.URL.RawQuery) > maxQuery {
		return fail(CodeURITooLong, "the query is longer than 16 KiB")
	}
	query, err := url.ParseQuery(v.r.URL.RawQuery)
	if err != nil {
		return fail(CodeMalformed, "the query cannot be read") // err would repeat it
	}
	v.query = query
	if v.route.caller == providerPost || v.route.caller == server {
		v.body, err = readPosted(v.r)
		return err
	}
	if v.route.caller != sameOrigin {
		return nil
	}
	if err := a.checkOrigin(v.r, v.public.Origin); err != nil {
		return err
	}
	if v.body, err = readBody(v.r, v.route.form); err != nil {
		return err
	}
	return v.readTarget()
}

// checkOrigin is the origin layer: has a page of our own origin, or of a
// trusted one, sent this request? Full origins are compared: a scheme or a port
// that differs is another origin. Where a browser tells nothing, the token
// decides alone; callers without a browser are not cross-site.
func (a *Auth) checkOrigin(r *http.Request, own string) error {
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "X-Csrf-Token"} {
		if len(r.Header[name]) > 1 {
			return fail(CodeOriginRejected, name+" was sent more than once")
		}
	}
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	trusted := false
	if origin != "" && origin != "null" {
		trusted = a.trusted.MatchOrigin(origin)
		if origin != own && !trusted {
			return fail(CodeOriginRejected, "Origin is neither the public origin nor one of TrustedOrigins")
		}
	}
	if site != "" && site != "same-origin" && site != "none" && !trusted {
		return fail(CodeOriginRejected, "Sec-Fetch-Site is neither same-origin nor none")
	}
	// Pages with Referrer-Policy: no-referrer send Origin: null to themselves.
	if origin == "null" && site != "same-origin" {
		return fail(CodeOriginRejected, "Origin is null and Sec-Fetch-Site is not same-origin")
	}
	return nil
}

// checkStart refuses sign-ins that another site starts from within a page of
// its own: they would fill the browser with flows, and nobody would see them.
// Links and redirects from other sites are page loads and pass.
func checkStart(r *http.Request) error {
	if strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") || strings.EqualFold(r.Header.Get("Purpose"), "prefetch") {
		return fail(CodeFetchRejected, "this is a prefetch")
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return nil
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		return fail(CodeFetchRejected, "another site's page asked for this with Sec-Fetch-Mode "+mode)
	}
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
		return fail(CodeFetchRejected, "another site's page asked for this with Sec-Fetch-Dest "+dest)
	}
	return nil
}

// A body is what came with a request: nothing, a JSON object or a form.
type body struct {
	isForm bool
	json   map[string]json.RawMessage
	form   url.Values
}

// readBody reads at most maxBody bytes. The content type is judged only where
// there is a body, or where a form says that it is one.
func readBody(r *http.Request, formAllowed bool) (body, error) {
	kind, err := mediaType(r.Header)
	form := err == nil && kind == "application/x-www-form-urlencoded"
	if form && formAllowed && r.PostForm != nil {
		return body{isForm: true, form: r.PostForm}, nil // an earlier middleware has read it
	}
	raw, readErr := readLimited(r.Body)
	if readErr != nil {
		return body{}, readErr
	}
	switch {
	case form && formAllowed:
		values, err := url.ParseQuery(string(raw))
		if err != nil {
			return body{}, fail(CodeMalformed, "the form cannot be read")
		}
		return body{isForm: true, form: values}, nil
	case len(raw) == 0:
		return body{}, nil
	case err != nil:
		return body{}, fail(CodeUnsupportedMedia, err.Error())
	case kind == "application/json", kind == "text/plain" && r.Header.Get("X-Csrf-Token") != "":
		members, err := decodeObject(raw)
		if err != nil {
			return body{}, fail(CodeMalformed, "the body is not one JSON object")
		}
		return body{json: members}, nil
	case kind == "text/plain":
		// A page of any site can send text/plain; a header of ours it cannot.
		return body{}, fail(CodeUnsupportedMedia, "text/plain is accepted only with X-CSRF-Token")
	}
	return body{}, fail(CodeUnsupportedMedia, "the content type is not accepted here; send application/json")
}

func readLimited(r io.Reader) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case len(raw) > maxBody:
		return nil, fail(CodeBodyTooLarge, "the body is larger than 64 KiB")
	}
	return raw, nil
}

// unreadable is a body that ended in an error: the limit of an earlier
// middleware, or a client that went away.
func unreadable(err error) *Error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &Error{Code: CodeBodyTooLarge, Err: err}
	}
	return &Error{Code: CodeMalformed, Err: err}
}

// mediaType returns the one media type that the headers name.
func mediaType(h http.Header) (string, error) {
	if len(h["Content-Type"]) > 1 {
		return "", errors.New("Content-Type was sent more than once")
	}
	if enc := h.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return "", errors.New("encoded bodies are not accepted")
	}
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return "", errors.New("Content-Type is missing or cannot be read")
	}
	return kind, nil
}

// formToken returns the csrfToken field of a form that was posted to a route of
// the application, and leaves the body as readable as it was. Other bodies, and
// forms over 64 KiB, are left alone: their callers send the header.
func formToken(r *http.Request) ([]string, error) {
	if kind, err := mediaType(r.Header); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, nil
	}
	if r.PostForm != nil && r.Method != http.MethodDelete { // of DELETE ParseForm reads no body
		return r.PostForm["csrfToken"], nil
	}
	if r.Body == nil {
		return nil, nil
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(raw), r.Body), r.Body}
	if err != nil {
		return nil, unreadable(err)
	}
	if len(raw) > maxBody {
		return nil, nil
	}
	values, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, fail(CodeMalformed, "the form cannot be read")
	}
	return values["csrfToken"], nil
}

// readTarget settles where to go afterwards: the one redirectTo that came with
// the request, in the query, the form or the JSON body, and whether redirect
// asks for JSON instead. "undefined" is what the published client writes for
// none. Nothing has changed yet when it fails.
func (v *visit) readTarget() error {
	targets := slices.Concat(v.query["redirectTo"], v.body.form["redirectTo"])
	if raw, ok := v.body.json["redirectTo"]; ok && string(raw) != "null" {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return fail(CodeMalformed, "redirectTo is not a string")
		}
		targets = append(targets, s)
	}
	if len(targets) > 1 {
		return fail(CodeRedirectRepeated, "redirectTo was given more than once")
	}
	if len(targets) == 1 && targets[0] != "undefined" {
		v.target = targets[0]
	}
	switch strings.ToLower(v.query.Get("redirect")) {
	case "", "true", "1", "yes", "on", "y", "enabled":
		v.follow = true
	case "false", "0", "no", "off", "n", "disabled":
	default:
		return &Error{Code: CodeUnprocessable, Err: errors.New("query redirect"),
			details: map[string]string{"redirect": "must be true or false"}}
	}
	return nil
}

// safe turns a target into one that stays with us.
func (a *Auth) safe(v *visit, target string) string {
	safe, _ := a.redirects.Safe(v.public.Origin, target)
	return safe
}
