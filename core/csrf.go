package aura

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/aura-stack-go/auth/core/internal/cookie"
)

// csrfInfo derives the key that ties a CSRF token to a session.
const csrfInfo = "aura:csrf"

// csrfClaims are the payload of a CSRF token. Bound ones carry a value that
// follows from the session's id; others 32 random bytes.
type csrfClaims struct {
	Token    string `json:"token"`
	Bound    bool   `json:"bound,omitempty"`
	IssuedAt int64  `json:"iat"`
	Before   int64  `json:"nbf"`
	Expires  int64  `json:"exp"`
	ID       string `json:"jti"`
	Issuer   string `json:"iss,omitempty"` // for other stacks that demand them
	Audience string `json:"aud,omitempty"`

	Subject json.RawMessage `json:"sub,omitempty"` // a session's: such a token is no CSRF token
}

// openCSRF reads a CSRF token. Only the signature and the times are judged.
func (a *Auth) openCSRF(value string, now time.Time) (csrfClaims, bool) {
	var c csrfClaims
	payload, _, err := a.keys.VerifyJWS(value)
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return c, false
	}
	at, lead := now.Unix(), int64(clockLead/time.Second)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(c.Token)
	return c, err == nil && len(raw) == 32 && c.Subject == nil && c.ID != "" &&
		c.Expires > at && c.Before <= at+lead && c.IssuedAt <= at+lead && c.IssuedAt > 0
}

// belongs reports whether the token is the one for this session, or, with no
// session, an unbound one.
func (a *Auth) belongs(c csrfClaims, s *Session) bool {
	if s == nil {
		return !c.Bound
	}
	if !c.Bound {
		return false
	}
	got, err := base64.RawURLEncoding.DecodeString(c.Token)
	if err != nil {
		return false
	}
	ok := false
	for _, want := range a.keys.MAC(csrfInfo, []byte(s.ID)) {
		ok = hmac.Equal(got, want) || ok
	}
	return ok
}

// issueCSRF returns the token for this session (or for none). The cookie's
// token is kept while it is the right one and not near its end, so that pages
// in other tabs stay valid; a new one is written to the cookie.
func (a *Auth) issueCSRF(v *visit, s *Session) (string, error) {
	lifetime := a.cfg.Session.MaxAge
	value, ok := a.value(v, cookie.CSRF, "")
	had, valid := csrfClaims{}, false
	if ok {
		had, valid = a.openCSRF(value, v.now)
		valid = valid && a.belongs(had, s)
	}
	if valid && time.Unix(had.Expires, 0).Sub(v.now) > lifetime/4 {
		return value, nil
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	if s != nil {
		raw = a.keys.MAC(csrfInfo, []byte(s.ID))[0]
	}
	now := v.now.Unix()
	c := csrfClaims{
		Token: base64.RawURLEncoding.EncodeToString(raw), Bound: s != nil,
		IssuedAt: now, Before: now, Expires: now + int64(lifetime/time.Second), ID: randomID(32),
		Issuer: a.cfg.Session.Issuer, Audience: a.cfg.Session.Audience,
	}
	if valid && s == nil {
		c.Token = had.Token // the same token, signed anew: other tabs hold it
	}
	payload, err := marshal(c)
	if err != nil {
		return "", err
	}
	if value, err = a.keys.SignJWS(payload); err != nil {
		return "", err
	}
	return value, a.wardrobe.Set(&v.lines, cookie.CSRF, "", v.public.Secure, value, lifetime, v.now)
}

// issued returns the token that was issued earlier in this request, if it is
// still the right one: two forms of one page must carry the same.
func (a *Auth) issued(v *visit, s *Session) (string, bool) {
	if v.loaded == nil {
		return "", false
	}
	v.loaded.mu.Lock()
	token := v.loaded.csrf
	v.loaded.mu.Unlock()
	c, ok := a.openCSRF(token, v.now)
	return token, ok && a.belongs(c, s)
}

// checkToken is the second layer against CSRF: the token that came in the
// X-CSRF-Token header or the form field csrfToken must be the session's own.
// Without a session there is nothing to tie it to, and it must equal the one
// in the cookie.
func (a *Auth) checkToken(v *visit, s *Session, form []string) error {
	values := append(append([]string{}, v.r.Header["X-Csrf-Token"]...), form...)
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return fail(CodeCSRFMissing, "neither X-CSRF-Token nor csrfToken came with the request")
	}
	if len(values) > 1 {
		return fail(CodeCSRFMismatch, "more than one CSRF token came with the request")
	}
	c, ok := a.openCSRF(values[0], v.now)
	if !ok {
		return fail(CodeCSRFMismatch, "the CSRF token is not one of ours, or has expired")
	}
	if !a.belongs(c, s) {
		return fail(CodeCSRFMismatch, "the CSRF token was issued for another session")
	}
	if s != nil {
		return nil
	}
	inCookie, ok := a.value(v, cookie.CSRF, "")
	if !ok {
		return fail(CodeCSRFMissing, "the CSRF cookie is missing")
	}
	have, ok := a.openCSRF(inCookie, v.now)
	if !ok || !a.belongs(have, nil) || !hmac.Equal([]byte(have.Token), []byte(c.Token)) {
		return fail(CodeCSRFMismatch, "the CSRF token is not the one in the cookie")
	}
	return nil
}

// getCSRFToken: GET /csrfToken.
func (a *Auth) getCSRFToken(v *visit) (answer, error) {
	s, err := a.current(v)
	if err != nil {
		return answer{}, err
	}
	token, err := a.issueCSRF(v, s)
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, map[string]any{"csrfToken": token})
}
