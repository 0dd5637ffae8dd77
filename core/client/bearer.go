package client

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"

	aura "github.com/aura-stack-go/auth/core"
)

// maxToken bounds a session token, in bytes.
const maxToken = 64 << 10

// A bearer is the session of a Client with Options.Bearer.
type bearer struct {
	mu    sync.Mutex
	token string // "": nobody is signed in
}

// Token returns the session's token as it is now, "" when nobody is signed in
// or the Client has no Bearer: to keep it for the next start of the program, as
// carefully as a password. Renewals change it, so ask after the last call.
func (c *Client) Token() aura.Secret {
	if c.bearer == nil {
		return ""
	}
	return aura.Secret(c.bearer.get())
}

func (b *bearer) get() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.token
}

// set replaces a token by the one that follows it. What an answer to an older
// one says comes too late: another call has signed in or out meanwhile.
func (b *bearer) set(before, token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.token == before {
		b.token = token
	}
}

// enter begins another session.
func (b *bearer) enter(token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.token = token
}

// isToken reports whether s may be a session token: it goes into a header.
func isToken(s string) bool {
	return s != "" && len(s) <= maxToken && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// doBearer is do for a Client with Bearer. Visitors' calls go with the cookies
// of the Jar (the CSRF token's, a flow's) and without the session; all others
// with the token, and without cookies or a CSRF token.
func (c *Client) doBearer(ctx context.Context, k call) (success, error) {
	if k.enters || k.visitor {
		return c.doVisitor(ctx, k)
	}
	before := c.bearer.get()
	if before == "" {
		return success{}, &Error{Status: http.StatusUnauthorized, Code: aura.CodeNoSession, Message: "You are not signed in.", op: k.op()}
	}
	s, err := c.exchange(ctx, k, "", before)
	switch {
	case err != nil:
	case k.path == "/signOut":
		c.bearer.set(before, "")
	case s.Token != "":
		c.bearer.set(before, s.Token)
	}
	return s, err
}

// doVisitor asks for the token where the call signs in.
func (c *Client) doVisitor(ctx context.Context, k call) (success, error) {
	token := ""
	if k.protected {
		var err error
		if token, err = c.csrfToken(ctx); err != nil {
			return success{}, err
		}
	}
	if k.enters {
		query := url.Values{"token": {"true"}}
		maps.Copy(query, k.query)
		k.query = query
		lacks := k.lacks
		k.lacks = func(s success) string {
			switch {
			case k.polls && s.Pending:
			case s.Token == "":
				return "token; has the server set Config.Bearer?"
			}
			if lacks != nil {
				return lacks(s)
			}
			return ""
		}
	}
	s, err := c.exchange(ctx, k, token, "")
	if err == nil && k.enters && s.Token != "" {
		c.bearer.enter(s.Token)
	}
	return s, err
}

// checkToken is part of parse.
func checkToken(s success) error {
	if s.Token != "" && !isToken(s.Token) {
		return errors.New("its token cannot be one")
	}
	return nil
}
