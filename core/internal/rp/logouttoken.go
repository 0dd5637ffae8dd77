package rp

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

const (
	backchannelEvent = "http://schemas.openid.net/event/backchannel-logout"
	// logoutAge is how long after iat a logout token is accepted, whatever its
	// exp. It is sent at once, and its jti must be remembered for that long.
	logoutAge = 10 * time.Minute
)

// A LogoutToken is a verified logout token: at Issuer, the session SessionID
// has ended, or all of Subject's if SessionID is empty. One of the two is set.
type LogoutToken struct {
	Issuer, Subject, SessionID string
	// ID is its jti, by which the caller tells a token that comes again.
	ID string
	// Expires is when it stops being accepted here, with the leeway: until
	// then ID is to be remembered.
	IssuedAt, Expires time.Time
}

// VerifyLogoutToken holds raw to OpenID Connect Back-Channel Logout 1.0 §2.6,
// but for the jti, which takes a memory. Every failure is an *Error.
func (p *Party) VerifyLogoutToken(ctx context.Context, raw string) (*LogoutToken, error) {
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	t, err := p.verifyLogoutToken(ctx, raw)
	if err != nil {
		return nil, p.named(err)
	}
	return t, nil
}

func (p *Party) verifyLogoutToken(ctx context.Context, raw string) (*LogoutToken, error) {
	if !p.config.OIDC {
		return nil, failure(CodeBadRequest, "logout token: the provider speaks OAuth 2.0 only")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	o, err := p.open(ctx, m, raw, logoutTokens, secrets{raw})
	if err != nil {
		return nil, err
	}
	t, err := p.readLogout(o.claims)
	if err != nil {
		return nil, failure(CodeLogoutTokenInvalid, "logout token: %w", err)
	}
	t.Issuer = o.issuer
	return t, nil
}

// readLogout is §2.6(3) to (7). Audience and times are judged as in ID tokens;
// azp has no part here, because only we can be told to end our sessions.
func (p *Party) readLogout(claims map[string]json.RawMessage) (*LogoutToken, error) {
	if err := p.checkLogoutAudience(claims); err != nil {
		return nil, err
	}
	now := p.config.Now()
	if err := checkTimes(claims, now); err != nil {
		return nil, err
	}
	t := new(LogoutToken)
	t.IssuedAt, _ = numericDate(claims["iat"]) // checkTimes has read both
	exp, _ := numericDate(claims["exp"])
	t.Expires = exp.Add(leeway)
	if end := t.IssuedAt.Add(logoutAge + leeway); end.Before(t.Expires) {
		t.Expires = end
	}
	if !now.Before(t.Expires) {
		return nil, errors.New("iat lies too far back; a logout token is accepted for ten minutes")
	}
	if !isLogout(claims) {
		return nil, errors.New("events has no object of the name " + backchannelEvent)
	}
	// So that no ID token can pass for a logout token: §2.4.
	if _, ok := claims["nonce"]; ok {
		return nil, errors.New("it holds a nonce")
	}
	for _, c := range []struct {
		name  string
		into  *string
		named bool // must be there
	}{{"jti", &t.ID, true}, {"sub", &t.Subject, false}, {"sid", &t.SessionID, false}} {
		value, present, err := stringMember(claims, c.name)
		if err != nil || (present || c.named) && !identifier(value, 1) {
			return nil, errors.New(c.name + " is not a string of 1 to 255 bytes without control characters")
		}
		*c.into = value
	}
	if t.Subject == "" && t.SessionID == "" {
		return nil, errors.New("it names neither sub nor sid")
	}
	return t, nil
}

func (p *Party) checkLogoutAudience(claims map[string]json.RawMessage) error {
	audience, err := audienceOf(claims["aud"])
	if err != nil {
		return err
	}
	return p.checkParties(audience)
}

// isLogout reports whether claims holds the event of §2.4: a JSON object, whose
// content is of no consequence.
func isLogout(claims map[string]json.RawMessage) bool {
	var events map[string]json.RawMessage
	if json.Unmarshal(claims["events"], &events) != nil {
		return false
	}
	var event map[string]json.RawMessage
	return json.Unmarshal(events[backchannelEvent], &event) == nil && event != nil
}
