package aura

import (
	"errors"
	"log/slog"
	"time"

	"github.com/aura-stack-go/auth/core/internal/cookie"
	"github.com/aura-stack-go/auth/core/internal/token"
)

// The vault: sessions in and out of the cookie.

// current returns the visit's session, nil when there is none. A cookie that
// no key opens is ignored and left alone: during a rolling rotation another
// process can open it. An error means that it cannot be told.
func (a *Auth) current(v *visit) (*Session, error) {
	name := a.wardrobe.Name(cookie.Session, "", v.public.Secure)
	sealed, ok := a.presented(v, name)
	if !ok {
		return nil, nil
	}
	payload, key, err := a.codec.Open(sealed)
	if err != nil {
		return nil, nil
	}
	c, err := decodeClaims(payload)
	if err == nil {
		err = c.check(v.now, &a.cfg.Session)
	}
	if err != nil {
		return nil, nil
	}
	if end := c.end(&a.cfg.Session); end != 0 {
		c.expires = min(c.expires, end)
	}
	stand, err := a.standing(v.ctx(), &c, v.now)
	if stand == over || err != nil {
		return nil, err
	}
	s := c.session(key)
	s.replaced = stand == replaced
	return s, nil
}

// value returns a cookie of ours that is never split.
func (a *Auth) value(v *visit, kind cookie.Kind, id string) (string, bool) {
	name := a.wardrobe.Name(kind, id, v.public.Secure)
	value, ok, ambiguous := v.jar.Value(name)
	if ambiguous {
		a.ambiguous(v, name)
	}
	return value, ok
}

// ambiguous logs that a cookie came with two values: somebody has planted one.
func (a *Auth) ambiguous(v *visit, name string) {
	a.log.LogAttrs(v.ctx(), levelFailure, "aura: one cookie came with two different values; neither is used",
		slog.String("event", "cookieAmbiguous"), slog.String("cookie", name))
}

// begin makes the session of a sign-in that has just succeeded. Nothing of an
// earlier session is taken over: an attacker may have planted it.
func (a *Auth) begin(v *visit, u User, provider, issuer, providerSession string) *Session {
	now := v.now.Unix()
	c := claims{
		user: u, issuer: a.cfg.Session.Issuer,
		issuedAt: now, notBefore: now, expires: now + int64(a.cfg.Session.MaxAge/time.Second),
		aura: signIn{SessionID: randomID(16), Provider: provider, Issuer: issuer, ProviderID: providerSession, At: v.now.UnixMilli()},
	}
	if aud := a.cfg.Session.Audience; aud != "" {
		c.audience = []string{aud}
	}
	if d := a.cfg.Session.MaxDuration; d > 0 {
		c.maxExpires = now + int64(d/time.Second)
	}
	return c.session(0)
}

// store writes the session's token under the newest secret, with a new jti.
func (a *Auth) store(v *visit, s *Session) error {
	s.claims.id = randomID(32)
	return a.reseal(v, s)
}

// reseal writes the session's token as it is, under the newest secret.
func (a *Auth) reseal(v *visit, s *Session) error {
	c := &s.claims
	if end := c.end(&a.cfg.Session); end != 0 {
		c.maxExpires = end
		c.expires = min(c.expires, end)
	}
	s.ExpiresAt = time.Unix(c.expires, 0)
	payload, err := c.encode()
	if err != nil {
		return err
	}
	sealed, err := a.codec.Seal(payload)
	if errors.Is(err, token.ErrTooLong) {
		return &Error{Code: CodeSessionTooLarge, Err: err}
	}
	if err != nil {
		return err
	}
	if v.bearer.inBody() {
		return a.hand(v, s, sealed)
	}
	left := s.ExpiresAt.Sub(v.now)
	if err := a.wardrobe.SetChunked(&v.lines, v.jar, cookie.Session, "", v.public.Secure, sealed, left, v.now); err != nil {
		return &Error{Code: CodeSessionTooLarge, Err: err}
	}
	return nil
}

// renew extends the session as the configured policy has it, and moves a
// session under an older secret to the newest. After an error, what the browser
// holds is as good as it was.
func (a *Auth) renew(v *visit, s *Session) error {
	if s.replaced {
		return nil // the browser has another cookie by now, which must stay
	}
	c, maxAge := &s.claims, int64(a.cfg.Session.MaxAge/time.Second)
	now := v.now.Unix()
	extend := false
	switch a.cfg.Session.Expiration {
	case RollingExpiration:
		extend = true
	case SlidingExpiration:
		extend = float64(c.expires-now) < float64(maxAge)*a.cfg.Session.SlidingThreshold
	}
	if end := c.end(&a.cfg.Session); end != 0 && c.expires >= end {
		extend = false // there is nothing left to extend
	}
	if extend {
		if err := a.renewing(v.ctx(), s); err != nil {
			return err
		}
		if a.cfg.Hooks.Renew != nil {
			if err := a.still(v, s); err != nil {
				return err
			}
		}
		c.expires, c.issuedAt = now+maxAge, now
		return a.store(v, s)
	}
	if s.key > 0 {
		return a.reseal(v, s)
	}
	return nil
}

// clear expires the cookies of the session, of its CSRF token and of providers.
func (a *Auth) clear(v *visit) {
	a.forgetTokens(v)
	a.wardrobe.Expire(&v.lines, cookie.CSRF, "", v.public.Secure)
	a.wardrobe.ExpireAll(&v.lines, v.jar, cookie.Session, "", v.public.Secure)
}
