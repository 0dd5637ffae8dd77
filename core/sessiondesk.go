package aura

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"
)

// getSession: GET /session.
func (a *Auth) getSession(v *visit) (answer, error) {
	s, err := a.current(v)
	if err != nil {
		return answer{}, err
	}
	if s == nil {
		return answer{}, ErrNoSession
	}
	a.renewed(v, s)
	return jsonAnswer(http.StatusOK, v.handed(map[string]any{"success": true, "authenticated": true, "session": s}, s))
}

// renewed renews the session where the policy says so. A renewal that fails
// costs nobody the session that is valid now.
func (a *Auth) renewed(v *visit, s *Session) {
	if s == nil || v.r.Method == http.MethodHead {
		return
	}
	before := *s
	if err := a.renew(v, s); err != nil {
		*s = before
		a.report(v, asError(err))
		return
	}
	if len(v.lines.Header()) > 0 {
		a.retainTokens(v, s)
	}
}

// patchSession: PATCH /session, {"user":{…}}. Fields that may not be changed
// are refused unless they are sent with the value they have, because the
// published client sends the whole user.
func (a *Auth) patchSession(v *visit) (answer, error) {
	s, err := a.current(v)
	if err != nil {
		return answer{}, err
	}
	if s == nil {
		return answer{}, ErrNoSession
	}
	if err := a.checkActing(v, s, nil); err != nil {
		return answer{}, err
	}
	if err := a.limitSession(v, s); err != nil {
		return answer{}, err
	}
	u, err := a.patched(s.User, v.body.json["user"])
	if err != nil {
		return answer{}, err
	}
	err = a.update(v, s, u)
	if CodeOf(err) == CodeSessionTooLarge {
		return answer{}, &Error{Code: CodeUpdateNotAllowed, Err: err, details: map[string]string{"user": "is larger than a session may be"}}
	}
	if err != nil {
		return answer{}, err
	}
	return a.acted(v, http.StatusOK, v.handed(map[string]any{"success": true, "session": s}, s))
}

// update gives the session another user value, renewing it as PATCH does:
// rolling and sliding sessions start over, the others keep their end.
func (a *Auth) update(v *visit, s *Session, u User) error {
	c := &s.claims
	now := v.now.Unix()
	switch a.cfg.Session.Expiration {
	case RollingExpiration, SlidingExpiration:
		c.expires = now + int64(a.cfg.Session.MaxAge/time.Second)
		c.issuedAt = now
	case FixedExpiration:
		c.issuedAt = now
	}
	s.User = u.checked()
	c.user = s.User
	if err := a.renewing(v.ctx(), s); err != nil {
		return err
	}
	if err := a.still(v, s); err != nil {
		return err
	}
	if err := a.store(v, s); err != nil {
		return err
	}
	a.retainTokens(v, s)
	return nil
}

// patched returns u with the changes that a browser asked for.
func (a *Auth) patched(u User, raw json.RawMessage) (User, error) {
	if raw == nil || string(raw) == "null" {
		return u, nil
	}
	wanted, err := decodeObject(raw)
	if err != nil {
		return u, fail(CodeMalformed, "user is not a JSON object")
	}
	before, err := u.MarshalJSON()
	if err != nil {
		return u, err
	}
	members, err := decodeObject(before)
	if err != nil {
		return u, err
	}
	details := map[string]string{}
	for name, value := range wanted {
		switch {
		case equalJSON(value, members[name]):
		case !slices.Contains(a.cfg.Session.UpdatableFields, name):
			details["user."+name] = "may not be changed"
		case textFields[name] && !isText(value):
			details["user."+name] = "must be a string"
		default:
			members[name] = value
		}
	}
	var changed User
	if err := changed.take(members); err != nil {
		details["user"] = "cannot be read"
	}
	if changed.Email != "" && changed.Email != u.Email && !validEmail(changed.Email) {
		details["user.email"] = "is not an e-mail address"
	}
	if len(details) > 0 {
		return u, &Error{Code: CodeUpdateNotAllowed, Err: fmt.Errorf("fields %q", sortedKeys(details)), details: details}
	}
	return changed.unvouched(u), nil
}

// unvouched is u after a change of before that no provider has made: a new
// address is nobody's to vouch for.
func (u User) unvouched(before User) User {
	u.EmailVerified = u.EmailVerified && u.Email == before.Email
	return u
}

// textFields names the fields of a user that are strings.
var textFields = map[string]bool{"name": true, "email": true, "image": true}

// isText reports whether a JSON value is a string, or null for none.
func isText(value json.RawMessage) bool {
	var s *string
	return json.Unmarshal(value, &s) == nil
}

// equalJSON compares two JSON values; a member that is not there equals null.
func equalJSON(a, b json.RawMessage) bool {
	if b == nil {
		b = json.RawMessage("null")
	}
	if bytes.Equal(a, b) { //nolint:forbidigo // members of a user, not secrets
		return true
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// acted answers an action that a script or a form asked for: with JSON, with a
// redirect that carries JSON, or, for a form, with a plain redirect.
func (a *Auth) acted(v *visit, status int, members map[string]any) (answer, error) {
	if v.body.isForm && v.follow {
		ans := newAnswer(0)
		return ans, ans.redirect(http.StatusSeeOther, a.safe(v, v.target))
	}
	follow := v.follow && v.target != ""
	members["redirect"], members["redirectURL"] = follow, nil
	if !v.follow && v.target != "" {
		members["redirectURL"] = a.safe(v, v.target)
	}
	ans, err := jsonAnswer(status, members)
	if err != nil || !follow {
		return ans, err
	}
	return ans, ans.redirect(http.StatusFound, a.safe(v, v.target))
}

// postSignOut: POST /signOut.
func (a *Auth) postSignOut(v *visit) (answer, error) {
	s, err := a.current(v)
	if err != nil {
		return answer{}, err
	}
	if s == nil && v.bearer.present {
		return answer{}, ErrNoSession
	}
	if s == nil && v.body.isForm {
		a.clear(v) // another process may be able to open what this one cannot
		return a.acted(v, http.StatusAccepted, map[string]any{"success": true})
	}
	if err := a.checkActing(v, s, v.body.form["csrfToken"]); err != nil {
		return answer{}, err
	}
	if s == nil {
		return answer{}, ErrNoSession
	}
	exit := a.exitOf(v, s)
	if err := a.end(v, s); err != nil {
		return answer{}, err
	}
	return a.left(v, exit)
}

// end signs the session out: first in the store, so that nobody is told that
// they are signed out while a copy of the token is still good.
func (a *Auth) end(v *visit, s *Session) error {
	if err := a.endSession(v.ctx(), s, v.now); err != nil {
		return err
	}
	a.clear(v)
	a.succeeded(v, "signOut", s)
	a.signedOut(v.ctx(), s)
	return nil
}
