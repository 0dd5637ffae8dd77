package aura

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Session is one sign-in of one user in one browser. It is a value of its
// own for each request: changing it changes nothing but that request's copy.
type Session struct {
	ID         string    // names this sign-in; kept through every renewal
	User       User      //
	Provider   string    // id of the provider that signed the user in
	Issuer     string    // who vouches for User.Subject; see Account
	SignedInAt time.Time //
	ExpiresAt  time.Time // when it ends unless it is renewed before

	claims   claims
	key      int    // which secret opened it; 0 is the newest
	replaced bool   // a new sign-in has taken its place: it ends within the handover
	token    Secret // see BearerToken
}

// An Account identifies a user: a subject is unique only within its issuer
// (OpenID Connect Core §5.7). Use it, and never an e-mail address or a bare
// subject, as the key of the application's own data.
type Account struct {
	Issuer  string
	Subject string
}

// Account returns the key under which the application should store what it
// knows about this user. Sessions made by a TypeScript server have no issuer:
// theirs match no other account, but one another wherever subjects are equal.
func (s *Session) Account() Account { return Account{s.Issuer, s.User.Subject} }

// isoMillis is JavaScript's Date.prototype.toISOString.
const isoMillis = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes {"user":…,"expires":…}, as the endpoints answer it. The
// session's ID is left out: it is nobody's business but the server's.
func (s Session) MarshalJSON() ([]byte, error) {
	var o object
	o.add("user", s.User)
	o.add("expires", s.ExpiresAt.UTC().Format(isoMillis))
	return o.close()
}

// Claims reads the session's user, with its extra claims, into a type of the
// application's own. Member names are those of the JSON endpoints: sub, name,
// email, email_verified, image, and whatever [User.Set] added.
func Claims[T any](s *Session) (T, error) {
	var t T
	if s == nil {
		return t, ErrNoSession
	}
	b, err := s.User.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err != nil {
		return t, fmt.Errorf("aura: Claims: %w", err)
	}
	return t, nil
}

// contextKey is the type of this package's context keys.
type contextKey struct{}

// loaded is what is known about the request's session, once Load or Require has
// looked: also that there is none, so that a second look does not open the
// cookie again. What a server-side function changes is noted in it, so that the
// next one in the same request sees it.
type loaded struct {
	auth    *Auth    // another Auth must look for itself
	outer   *loaded  // what another Auth's Load has found around this one
	cookies []string // what it was decided on
	bearers []string // and the Authorization that came, where that counts

	mu      sync.Mutex
	session *Session
	csrf    string                 // the CSRF token that was issued in this request
	tokens  map[string]*heldTokens // what has become of provider tokens; nil values are gone
}

// get returns a copy of the session.
func (l *loaded) get() *Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == nil {
		return nil
	}
	s := *l.session
	return &s
}

// set notes what the session is now.
func (l *loaded) set(s *Session) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session = nil
	if s != nil {
		c := *s
		l.session = &c
	}
}

// tokensNow returns what has become of a provider's tokens in this request.
func (l *loaded) tokensNow(provider string) (t *heldTokens, changed bool) {
	if l == nil {
		return nil, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t, changed = l.tokens[provider]
	return t, changed
}

// noteTokens notes it; nil means that they are gone.
func (l *loaded) noteTokens(provider string, t *heldTokens) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tokens == nil {
		l.tokens = make(map[string]*heldTokens)
	}
	l.tokens[provider] = t
}

// loadedBy returns what this Auth knows about the request already, or nil. A
// request that has taken another's context over, with other cookies or another
// Authorization, is looked at anew.
func (a *Auth) loadedBy(r *http.Request) *loaded {
	l, _ := r.Context().Value(contextKey{}).(*loaded)
	for l != nil && l.auth != a {
		l = l.outer
	}
	if l == nil || !slices.Equal(l.cookies, r.Header["Cookie"]) || !slices.Equal(l.bearers, r.Header["Authorization"]) {
		return nil
	}
	return l
}

// SessionFrom returns the session that [Auth.Load] or [Auth.Require] put into
// the context; with several Auths, the innermost one's. Without either, and for
// anonymous requests, it returns false.
func SessionFrom(ctx context.Context) (*Session, bool) {
	l, _ := ctx.Value(contextKey{}).(*loaded)
	if l == nil {
		return nil, false
	}
	s := l.get()
	return s, s != nil
}
