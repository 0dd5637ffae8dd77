package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// maxAnswer bounds an answer's body, decompressed, in bytes. A session is a few
// thousand.
const maxAnswer = 1 << 20

// success holds the members of every route's success.
type success struct {
	Success     bool     `json:"success"`
	CSRFToken   string   `json:"csrfToken"`
	Session     *Session `json:"session"`
	SignInURL   string   `json:"signInURL"`
	RedirectURL string   `json:"redirectURL"`
	Tokens      *tokens  `json:"tokens"`
	Connected   bool     `json:"connected"`

	Token string `json:"token"` // of a server with Config.Bearer
	Ended *bool  `json:"ended"` // of a sign-out by such a token
	Nonce string `json:"nonce"`
	deviceMembers
}

// read reads an answer to its end and judges it.
func read(ctx context.Context, k call, resp *http.Response) (success, error) {
	e := &Error{Status: resp.StatusCode, op: k.op()}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return success{}, unreached(ctx, k, err)
	}
	if err := acceptable(resp, raw); err != nil {
		e.Err = fmt.Errorf("%w: %w", ErrProtocol, err)
		e.RetryAfter = retryAfter(resp.Header) // of a proxy's 503, say
		return success{}, e
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		if err := e.read(resp.Header, raw); err != nil {
			e.Err = fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		if e.Code == "" && e.Err == nil && e.Status == http.StatusUnauthorized && k.op() == "GET /session" {
			e.Code = aura.CodeNoSession // a TypeScript server says it by the status alone
		}
		return success{}, e
	}
	s, err := parse(k, raw)
	if err != nil {
		e.Err = fmt.Errorf("%w: %w", ErrProtocol, err)
		return success{}, e
	}
	return s, nil
}

// acceptable refuses what no route of the library answers.
func acceptable(resp *http.Response, raw []byte) error {
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return fmt.Errorf("it leads elsewhere%s, and redirects are not followed; set BaseURL to the address that answers by itself", whereto(resp))
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		if err != nil {
			kind = "no content type"
		}
		return fmt.Errorf("it is %s, not application/json; do BaseURL and BasePath lead to the library's routes?", printable(kind))
	}
	if len(raw) > maxAnswer {
		return errors.New("it is larger than 1 MiB")
	}
	return nil
}

// whereto names the origin that a redirect leads to. The rest of the address
// may hold codes and tokens.
func whereto(resp *http.Response) string {
	location, err := resp.Location()
	if err != nil || location.Host == "" {
		return ""
	}
	return ", to " + printable(location.Scheme+"://"+location.Host)
}

// parse reads a success, and checks that it holds what its route promises.
func parse(k call, raw []byte) (success, error) {
	var s success
	if err := json.Unmarshal(raw, &s); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return s, fmt.Errorf("its member %s has the wrong type", printable(wrong.Field)) // err may quote the value
		}
		return s, errors.New("its body cannot be read as the route's JSON")
	}
	switch {
	case k.lacks != nil && k.lacks(s) != "":
		return s, errors.New("it lacks " + k.lacks(s))
	case !s.Success && !(k.polls && s.Pending) && k.path != "/csrfToken": // that one says nothing of success
		return s, errors.New("it lacks success: true")
	case s.RedirectURL != "" && !navigable(s.RedirectURL, true):
		return s, errors.New("its redirectURL is neither a path nor an http or https address")
	}
	return s, checkToken(s)
}

// navigable reports whether a browser may be sent to address: programs hand it
// to the system, where file: or worse would do something else.
func navigable(address string, pathToo bool) bool {
	u, err := url.Parse(address)
	if err != nil || strings.Contains(address, `\`) { // which browsers read as a slash
		return false
	}
	if pathToo && u.Scheme == "" && u.Host == "" {
		return strings.HasPrefix(address, "/")
	}
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}
