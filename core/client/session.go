package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// A Session is what the server tells about the visitor's session.
type Session struct {
	// User is who is signed in, with the application's extra claims. A Subject
	// is unique within its provider only; which one that is stays on the server.
	User aura.User `json:"user"`
	// Expires is when the session ends unless it is renewed before, in UTC.
	Expires time.Time `json:"expires"`
}

// Claims reads the session's user, with its extra claims, into a type of the
// application's own, as [aura.Claims] does on the server. Of a nil Session it
// returns ErrNoSession.
func Claims[T any](s *Session) (T, error) {
	if s == nil {
		var none T
		return none, ErrNoSession
	}
	return aura.Claims[T](&aura.Session{User: s.User, ExpiresAt: s.Expires})
}

// lacksSession is call.lacks of the routes that answer a session.
func lacksSession(s success) string {
	switch {
	case s.Session == nil:
		return "session"
	case s.Session.User.Subject == "":
		return "session.user"
	case s.Session.Expires.IsZero():
		return "session.expires"
	}
	return ""
}

// Session returns the visitor's session, or ErrNoSession. Where the server's
// policy renews sessions, this renews it.
func (c *Client) Session(ctx context.Context) (*Session, error) {
	s, err := c.do(ctx, call{method: http.MethodGet, path: "/session", lacks: lacksSession})
	return s.Session, err
}

// UpdateSession changes fields of the session's user and returns the session
// as it is then. user is a map or a struct that JSON writes as an object: name,
// email, image, or an extra claim. Fields that the server's UpdatableFields do
// not list are refused, with Details for each, unless they are sent with the
// value they have; so a changed [aura.User] can be sent whole.
func (c *Client) UpdateSession(ctx context.Context, user any) (*Session, error) {
	fields, err := object("user", user)
	if err != nil {
		return nil, err
	}
	body, err := object("user", map[string]json.RawMessage{"user": fields})
	if err != nil {
		return nil, err
	}
	s, err := c.do(ctx, call{
		method: http.MethodPatch, path: "/session", query: After{}.query(), protected: true,
		body: body, lacks: lacksSession,
	})
	return s.Session, err
}

// SignOut ends the session. Without one it returns ErrNoSession.
func (c *Client) SignOut(ctx context.Context, o After) (Result, error) {
	query := o.query()
	query.Set("token_type_hint", "session_token") // a TypeScript server insists on it
	s, err := c.do(ctx, call{method: http.MethodPost, path: "/signOut", query: query, protected: true})
	return Result{RedirectURL: s.RedirectURL, TokenOutlives: s.Ended != nil && !*s.Ended}, err
}
