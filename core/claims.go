package aura

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Clock allowances between processes that share tokens: nbf and iat may lie
// this far ahead, exp and mexp have none.
const clockLead = 150 * time.Second

// claims are a session token's payload (docs/wire.md). Times are whole
// seconds since 1970, as JWT's NumericDate (RFC 7519 §2).
type claims struct {
	user       User
	issuer     string   // iss
	audience   []string // aud
	issuedAt   int64    // iat
	notBefore  int64    // nbf
	expires    int64    // exp
	maxExpires int64    // mexp, 0: none
	id         string   // jti: changes with each re-issue
	aura       signIn
	foreign    bool // minted elsewhere, without the claim aura
}

// signIn is the claim "aura": what every re-issue copies unchanged.
type signIn struct {
	SessionID  string `json:"sid"`
	Provider   string `json:"idp"`
	Issuer     string `json:"iss"`
	ProviderID string `json:"osid,omitempty"` // the ID token's sid
	At         int64  `json:"at"`             // milliseconds
}

// encode writes the payload. Where aud, iss or mexp are in use they come
// first, with exp, as the TypeScript library has it.
func (c *claims) encode() ([]byte, error) {
	var o object
	front := c.issuer != "" || len(c.audience) > 0 || c.maxExpires != 0
	switch len(c.audience) {
	case 0:
	case 1:
		o.add("aud", c.audience[0])
	default:
		o.add("aud", c.audience)
	}
	o.addIf(c.issuer != "", "iss", c.issuer)
	o.addIf(front, "exp", c.expires)
	o.addIf(c.maxExpires != 0, "mexp", c.maxExpires)
	c.user.writeTo(&o)
	o.add("iat", c.issuedAt)
	o.add("nbf", c.notBefore)
	o.addIf(!front, "exp", c.expires)
	o.add("jti", c.id)
	o.addIf(c.aura != signIn{}, "aura", c.aura)
	return o.close()
}

// decodeClaims reads a payload that has been authenticated. Claims of the
// wrong type make it unreadable, and so does the shape of a sibling token
// (CSRF) that is signed with the same key.
func decodeClaims(payload []byte) (claims, error) {
	members, err := decodeObject(payload)
	if err != nil {
		return claims{}, err
	}
	if _, csrf := members["token"]; csrf {
		return claims{}, errors.New("this is a CSRF token")
	}
	var c claims
	for name, into := range map[string]any{
		"iat": &c.issuedAt, "nbf": &c.notBefore, "exp": &c.expires, "jti": &c.id,
	} {
		if err := required(members, name, into); err != nil {
			return claims{}, err
		}
	}
	for name, into := range map[string]any{"iss": &c.issuer, "mexp": &c.maxExpires, "aura": &c.aura} {
		if raw, ok := members[name]; ok {
			if err := json.Unmarshal(raw, into); err != nil {
				return claims{}, fmt.Errorf("claim %s: %w", name, err)
			}
		}
	}
	if c.audience, err = audience(members["aud"]); err != nil {
		return claims{}, err
	}
	if err := c.user.take(members); err != nil {
		return claims{}, err
	}
	if c.aura.SessionID == "" { // minted elsewhere: it counts as signed in when issued
		c.aura, c.foreign = signIn{SessionID: c.id, At: c.issuedAt * 1000}, true
	}
	return c, nil
}

func required(members map[string]json.RawMessage, name string, into any) error {
	raw, ok := members[name]
	if !ok || string(raw) == "null" {
		return fmt.Errorf("claim %s: missing", name)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("claim %s: %w", name, err)
	}
	return nil
}

// audience reads the two forms of RFC 7519 §4.1.3: a string, or several.
func audience(raw json.RawMessage) ([]string, error) {
	if raw == nil {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var several []string
	if err := json.Unmarshal(raw, &several); err != nil {
		return nil, fmt.Errorf("claim aud: %w", err)
	}
	return several, nil
}

// check judges the claims at a time, for a configuration. The bound on the
// whole lifetime holds for tokens that were made before it was configured.
func (c *claims) check(now time.Time, s *SessionConfig) error {
	at, lead := now.Unix(), int64(clockLead/time.Second)
	switch {
	case c.id == "":
		return errors.New("claim jti: empty")
	case c.expires <= at:
		return errors.New("claim exp: expired")
	case c.notBefore > at+lead:
		return errors.New("claim nbf: not valid yet")
	case c.issuedAt > at+lead:
		return errors.New("claim iat: in the future")
	case c.end(s) != 0 && c.end(s) <= at:
		return errors.New("claim mexp: the session has reached its greatest age")
	case s.Issuer != "" && c.issuer != s.Issuer:
		return errors.New("claim iss: not ours")
	case s.Audience != "" && !slices.Contains(c.audience, s.Audience):
		return errors.New("claim aud: not ours")
	}
	return nil
}

// end returns the time at which the session ends however often it is renewed,
// or 0 where there is no such time. A token that was minted elsewhere with a
// bound of its own keeps that one.
func (c *claims) end(s *SessionConfig) int64 {
	if s.MaxDuration == 0 || c.foreign && c.maxExpires != 0 {
		return c.maxExpires
	}
	end := c.aura.At/1000 + int64(s.MaxDuration/time.Second)
	if c.maxExpires != 0 {
		end = min(end, c.maxExpires)
	}
	return end
}

// session is the claims as the application sees them.
func (c *claims) session(key int) *Session {
	return &Session{
		ID: c.aura.SessionID, User: c.user, Provider: c.aura.Provider, Issuer: c.aura.Issuer,
		SignedInAt: time.UnixMilli(c.aura.At), ExpiresAt: time.Unix(c.expires, 0),
		claims: *c, key: key,
	}
}

// randomID returns n random bytes, base64url.
func randomID(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}
