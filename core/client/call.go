package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
)

// A call is one request below the base path.
type call struct {
	method    string
	path      string
	query     url.Values
	body      json.RawMessage // nil for none
	protected bool            // needs a CSRF token
	visitor   bool            // asks as nobody in particular: without a bearer token
	enters    bool            // signs in; of visitors
	polls     bool            // may be told to wait

	// lacks names what a success must hold and this one does not, or is "".
	// Nil: nothing beyond success itself.
	lacks func(success) string
}

// op is how errors name the call. The query stays out of it.
func (k call) op() string { return k.method + " " + k.path }

// do makes a call, with the CSRF token before it if it needs one, within the
// timeout.
func (c *Client) do(ctx context.Context, k call) (success, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if c.bearer != nil {
		return c.doBearer(ctx, k)
	}
	token := ""
	if k.protected {
		var err error
		if token, err = c.csrfToken(ctx); err != nil {
			return success{}, err
		}
	}
	return c.exchange(ctx, k, token, "")
}

// object writes a body. The server reads nothing but JSON objects: what is none
// is refused before a request is spent on it.
func object(field string, v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("client: %s: %w", field, err)
	}
	if raw[0] != '{' {
		return nil, fmt.Errorf("client: %s: is a %T, which JSON does not write as an object; give a map or a struct", field, v)
	}
	return raw, nil
}

// CSRFToken fetches the token that belongs to the session, or to the visitor
// without one. The Client's own functions fetch theirs by themselves: this one
// is for requests to other routes that [aura.Auth.Verify] guards, with the token
// in X-CSRF-Token and the cookies of the Jar. Requests with a bearer token need
// none.
func (c *Client) CSRFToken(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.csrfToken(ctx)
}

// csrfToken fetches one at a time: of a visitor without a session the server
// wants the token of the last cookie, and first fetches in parallel would each
// be given another.
func (c *Client) csrfToken(ctx context.Context) (string, error) {
	k := call{method: http.MethodGet, path: "/csrfToken", visitor: true, lacks: func(s success) string {
		if s.CSRFToken == "" {
			return "csrfToken"
		}
		return ""
	}}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return "", fmt.Errorf("client: %s: %w", k.op(), ctx.Err())
	}
	defer func() { <-c.turn }()
	s, err := c.exchange(ctx, k, "", "")
	if err != nil {
		return "", err
	}
	return s.CSRFToken, nil
}

// exchange sends one request and reads its answer. bearer, if there is one, goes
// in place of the cookies.
func (c *Client) exchange(ctx context.Context, k call, token, bearer string) (success, error) {
	req, err := c.request(ctx, k, token, bearer)
	if err != nil {
		return success{}, fmt.Errorf("client: %s: %w", k.op(), err)
	}
	// The transport, not an http.Client: nothing here follows a redirect, and
	// the errors of http.Client quote addresses with their queries.
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return success{}, unreached(ctx, k, err)
	}
	defer resp.Body.Close()
	if cookies := resp.Cookies(); len(cookies) > 0 {
		c.jar.SetCookies(req.URL, cookies)
	}
	return read(ctx, k, resp)
}

// ownHeaders are set by the Client. A Cookie of the caller's would mix one
// user's cookies with those that the Client keeps.
var ownHeaders = []string{"Accept", "Content-Type", "Cookie", "Host", "User-Agent", "X-Csrf-Token"}

func (c *Client) request(ctx context.Context, k call, token, bearer string) (*http.Request, error) {
	address := *c.base
	address.Path += k.path // provider ids are checked: nothing in it needs escaping
	address.RawQuery = k.query.Encode()
	req, err := http.NewRequestWithContext(ctx, k.method, address.String(), bytes.NewReader(k.body))
	if err != nil {
		return nil, errors.New("the request cannot be made") // err quotes the address
	}
	if c.header != nil {
		more, err := c.header(ctx)
		if err != nil {
			return nil, fmt.Errorf("Header: %w", err)
		}
		for name, values := range more {
			for _, value := range values {
				req.Header.Add(name, value)
			}
		}
	}
	for _, name := range slices.Concat(ownHeaders, []string{"Authorization"}) {
		if len(req.Header[name]) > 0 && (name != "Authorization" || c.bearer != nil) {
			return nil, fmt.Errorf("Header: returned %s, which the Client sets itself; cookies belong into a Jar, one for each user", name)
		}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("X-CSRF-Token", token)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
		return req, nil
	}
	for _, cookie := range c.jar.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
	return req, nil
}

// unreached is the error of a request that has no answer. A caller that has
// given up finds its context's error in it.
func unreached(ctx context.Context, k call, err error) error {
	var addressed *url.Error
	if errors.As(err, &addressed) {
		err = addressed.Err // a transport of the caller's may quote the address
	}
	var garbled textproto.ProtocolError
	if errors.As(err, &garbled) {
		err = fmt.Errorf("%w: its header cannot be read", ErrProtocol) // garbled quotes the line, a Set-Cookie say
	}
	if gone := ctx.Err(); gone != nil && !errors.Is(err, gone) {
		err = fmt.Errorf("%w: %w", gone, err)
	}
	return fmt.Errorf("client: %s: %w", k.op(), err)
}
