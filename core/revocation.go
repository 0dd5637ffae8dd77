package aura

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Sessions are sealed into cookies, and a copy of a cookie is as good as the
// cookie. What ends a session before its time is therefore a record in the
// store, found by what every re-issue of its token keeps: the session's id, the
// session at the provider, or the account. jti and the token itself change with
// each re-issue, and iat too: nothing is found by them, and only the time of the
// sign-in is compared.

const (
	// endedLeeway is how long a record outlives the sessions that it ends: other
	// processes' clocks may be behind.
	endedLeeway = 5 * time.Minute
	// handover is how long a session lives on after its user has signed in
	// again in the same browser, so that requests of other tabs finish.
	handover = 30 * time.Second
)

// ErrNeedsStore says that a function can do nothing without Config.Store.
var ErrNeedsStore error = &Error{Code: CodeNeedsStore, Err: errors.New("set Config.Store: without one nothing can end a session that is sealed into a cookie")}

// An ending is what the store holds about sessions that have ended.
type ending struct {
	// At is the time in milliseconds from which a session has ended or, for an
	// account, up to which its sign-ins have.
	At int64 `json:"at"`
}

// storeKey names a record. What it is about is hashed: stores, and who reads
// them, learn no addresses and no ids, and keys have one form and length. Parts
// are counted, so that no two lists of parts are one key.
func storeKey(purpose string, parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return purpose + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func sessionKey(id string) string { return storeKey("sid", id) }

func providerSessionKey(issuer, id string) string { return storeKey("osid", issuer, id) }

func accountKey(account Account) string { return storeKey("all", account.Issuer, account.Subject) }

// ended reports whether a session has been ended before its time. An error says
// that the store did not tell: then nobody is signed out, and nobody let in.
func (a *Auth) ended(ctx context.Context, c *claims, now time.Time) (bool, error) {
	if a.cfg.Store == nil {
		return false, nil
	}
	byID, byAccount := sessionKey(c.aura.SessionID), accountKey(Account{c.aura.Issuer, c.user.Subject})
	keys := []string{byID, byAccount}
	byProvider := ""
	if c.aura.ProviderID != "" {
		byProvider = providerSessionKey(c.aura.Issuer, c.aura.ProviderID)
		keys = append(keys, byProvider)
	}
	var records []Record
	err := a.asking(ctx, func(ctx context.Context) (err error) {
		records, err = a.cfg.Store.Get(ctx, keys...)
		return err
	})
	if err != nil {
		return false, err
	}
	for _, r := range records {
		var e ending
		if err := json.Unmarshal(r.Value, &e); err != nil {
			return false, storeFailed(fmt.Errorf("a record cannot be read: %w", err))
		}
		switch r.Key {
		case byID, byProvider:
			if e.At <= now.UnixMilli() {
				return true, nil
			}
		case byAccount:
			if c.aura.At <= e.At {
				return true, nil
			}
		default:
			return false, storeFailed(errors.New("Store.Get returned a record that was not asked for"))
		}
	}
	return false, nil
}

// endSession ends a session from a time on, in every process, before it returns.
// Renewals that are under way lose: the token that they write has the same id.
func (a *Auth) endSession(ctx context.Context, s *Session, at, now time.Time) error {
	if a.cfg.Store == nil {
		return nil
	}
	expires := now.Add(a.sessionLife())
	if s.ExpiresAt.After(expires) { // made when MaxAge was longer, or elsewhere
		expires = s.ExpiresAt
	}
	return a.put(ctx, sessionKey(s.ID), at, expires)
}

// sessionLife is how long a token that has just been written can be good for.
// What is ended without its token at hand is remembered for that long.
func (a *Auth) sessionLife() time.Duration { return max(a.cfg.Session.MaxAge, defaultMaxAge) }

// put writes an ending.
func (a *Auth) put(ctx context.Context, key string, at, expires time.Time) error {
	value, err := marshal(ending{At: at.UnixMilli()})
	if err != nil {
		return err
	}
	return a.asking(ctx, func(ctx context.Context) error {
		return a.cfg.Store.Put(ctx, Record{
			Key: key, Value: value, Version: AnyVersion, Expires: expires.Add(endedLeeway).Truncate(time.Second),
		})
	})
}

// asking asks the store, within a time of our own: whoever waits for a session
// check waits for nothing else.
func (a *Auth) asking(ctx context.Context, ask func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = storeFailed(fmt.Errorf("the store panicked: %v", p))
		}
	}()
	err = ask(ctx)
	if err == nil || errors.Is(err, ErrConflict) {
		return err
	}
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err) // a client that has left is no outage
	}
	return storeFailed(err)
}

func storeFailed(err error) error {
	return &Error{Code: CodeUnavailable, Err: fmt.Errorf("Config.Store: %w", err), retryAfter: retryAfter}
}

// outgoing returns the session that a sign-in is about to take the place of. It
// matters only where there is a store to end it in.
func (a *Auth) outgoing(v *visit) (*Session, error) {
	if a.cfg.Store == nil {
		return nil, nil
	}
	return a.current(v)
}

// succeed ends the session that a new sign-in in the same browser takes the
// place of: somebody else's at once, the same user's after the handover.
func (a *Auth) succeed(v *visit, old, next *Session) error {
	if old == nil || old.ID == next.ID {
		return nil
	}
	at := v.now
	if old.Account() == next.Account() {
		at = at.Add(handover)
	}
	return a.endSession(v.ctx(), old, at, v.now)
}

// RevokeSession ends the session with this ID ([Session.ID]), wherever its token
// is. It is durable when it returns, and holds for tokens that are renewed at
// the same time. An id that no session has is no error. Without Config.Store it
// returns ErrNeedsStore; when the store does not answer, ErrUnavailable, and the
// session may live.
func (a *Auth) RevokeSession(ctx context.Context, sessionID string) error {
	if a.cfg.Store == nil {
		return ErrNeedsStore
	}
	now := a.cfg.Now()
	return a.put(ctx, sessionKey(sessionID), now, now.Add(a.sessionLife()))
}

// RevokeAll ends every session of the account that began before now: after a
// password was changed, or when a user is shut out (who could sign in again: see
// Hooks.SignIn). It is durable when it returns. Errors are those of RevokeSession.
//
// Whoever lowers Session.MaxAge, from above 15 days, should do so after the
// sessions of before have ended: what has been revoked is remembered for as long
// as a session can live by the configuration of now.
func (a *Auth) RevokeAll(ctx context.Context, account Account) error {
	if a.cfg.Store == nil {
		return ErrNeedsStore
	}
	now := a.cfg.Now()
	return a.put(ctx, accountKey(account), now, now.Add(a.sessionLife()))
}
