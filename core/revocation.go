package aura

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aura-stack-go/auth/core/internal/cookie"
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
	// At is a time in milliseconds. For an account: up to which its sign-ins have
	// ended. For a session: from which on it has, 0 being at once. At once is no
	// time of the clock, or a process whose clock is behind would wait for it.
	At int64 `json:"at,omitempty"`
}

// A standing is what the store says about a session.
type standing int

const (
	stands   standing = iota
	replaced          // by a new sign-in: it ends when the handover does
	over
)

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

// standing asks whether a session has been ended before its time. An error says
// that the store did not tell: then nobody is signed out, and nobody let in.
func (a *Auth) standing(ctx context.Context, c *claims, now time.Time) (standing, error) {
	if a.cfg.Store == nil {
		return stands, nil
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
		return over, err
	}
	result := stands
	for _, r := range records {
		var e ending
		if err := json.Unmarshal(r.Value, &e); err != nil {
			return over, storeFailed(fmt.Errorf("a record cannot be read: %w", err))
		}
		switch {
		case r.Key != byID && r.Key != byAccount && (r.Key != byProvider || byProvider == ""):
			return over, storeFailed(errors.New("Store.Get returned a record that was not asked for"))
		case r.Key == byAccount && c.aura.At > e.At:
		case r.Key == byAccount, e.At <= now.UnixMilli():
			result = over
		default:
			result = max(result, replaced)
		}
	}
	return result, nil
}

// still asks once more before something of a session is written anew, where
// what lies between the look-up and the writing can take long: a call to a
// provider, a hook, a function of the application. Security does not hang on it:
// what a late answer writes has the id of the session that has ended. But it
// would overwrite the cookies of the sign-in that has come in between, tell its
// client that an update was made, and hand out tokens of a provider. A renewal
// without a hook follows the look-up at once and does not ask.
//
// When the session has ended, or been replaced, nothing that was decided for it
// is written.
func (a *Auth) still(v *visit, s *Session) error {
	stand, err := a.standing(v.ctx(), &s.claims, a.cfg.Now())
	if err == nil && stand != stands {
		v.lines = cookie.Lines{}
		v.loaded.set(nil)
		return ErrNoSession
	}
	return err
}

// endSession ends a session at once, in every process, before it returns.
// Renewals that are under way lose: the token that they write has the same id.
func (a *Auth) endSession(ctx context.Context, s *Session, now time.Time) error {
	if a.cfg.Store == nil {
		return nil
	}
	return a.put(ctx, sessionKey(s.ID), ending{}, AnyVersion, a.lastUse(s, now))
}

// lastUse is when the session's last token ends.
func (a *Auth) lastUse(s *Session, now time.Time) time.Time {
	expires := now.Add(a.sessionLife())
	if s.ExpiresAt.After(expires) { // made when MaxAge was longer, or elsewhere
		return s.ExpiresAt
	}
	return expires
}

// endAccount ends what has begun up to now. A time that is there already and is
// later, by another process's clock, stays: what has ended does not come back.
func (a *Auth) endAccount(ctx context.Context, account Account, now time.Time) error {
	return a.asking(ctx, func(ctx context.Context) error {
		for { // until nobody was faster, or the time is up
			r := Record{Key: accountKey(account), Expires: keptUntil(now.Add(a.sessionLife()))}
			e := ending{At: now.UnixMilli()}
			found, err := a.cfg.Store.Get(ctx, r.Key)
			if err != nil {
				return err
			}
			for _, old := range found {
				var before ending
				if json.Unmarshal(old.Value, &before) == nil {
					e.At = max(e.At, before.At)
				}
				if old.Expires.After(r.Expires) {
					r.Expires = old.Expires
				}
				r.Version = old.Version
			}
			if r.Value, err = marshal(e); err != nil {
				return err
			}
			if err = a.cfg.Store.Put(ctx, r); !errors.Is(err, ErrConflict) {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	})
}

// sessionLife is how long a token that has just been written can be good for.
// What is ended without its token at hand is remembered for that long.
func (a *Auth) sessionLife() time.Duration { return max(a.cfg.Session.MaxAge, defaultMaxAge) }

// put writes an ending.
func (a *Auth) put(ctx context.Context, key string, e ending, version int64, expires time.Time) error {
	value, err := marshal(e)
	if err != nil {
		return err
	}
	return a.asking(ctx, func(ctx context.Context) error {
		return a.cfg.Store.Put(ctx, Record{Key: key, Value: value, Version: version, Expires: keptUntil(expires)})
	})
}

// keptUntil is how long a record stays that is of use until t.
func keptUntil(t time.Time) time.Time { return t.Add(endedLeeway).Truncate(time.Second) }

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
// place of: somebody else's at once, the same user's after the handover. A
// session that has been ended already does not get the handover as a present.
func (a *Auth) succeed(v *visit, old, next *Session) error {
	switch {
	case old == nil || old.ID == next.ID:
		return nil
	case old.Account() != next.Account():
		return a.endSession(v.ctx(), old, v.now)
	}
	err := a.put(v.ctx(), sessionKey(old.ID), ending{At: v.now.Add(handover).UnixMilli()}, 0, a.lastUse(old, v.now))
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
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
	return a.put(ctx, sessionKey(sessionID), ending{}, AnyVersion, now.Add(a.sessionLife()))
}

// RevokeAll ends every session of the account that began before now: after a
// password was changed, or when a user is shut out (who could sign in again: see
// Hooks.SignIn). It is durable when it returns. Errors are those of RevokeSession.
//
// "Before" is a matter of clocks, that of the process which signed in and that of
// this one: where they differ, a sign-in of just now may be ended or live.
//
// Whoever lowers Session.MaxAge, from above 15 days, should do so after the
// sessions of before have ended: what has been revoked is remembered for as long
// as a session can live by the configuration of now.
func (a *Auth) RevokeAll(ctx context.Context, account Account) error {
	if a.cfg.Store == nil {
		return ErrNeedsStore
	}
	return a.endAccount(ctx, account, a.cfg.Now())
}
