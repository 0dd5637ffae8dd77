package aura

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// A User is who is signed in, as the provider described them at sign-in.
//
// Subject alone does not identify a user: two providers may give the same
// subject to two people. [Session.Account] does. Nor does Email: an address is
// not an identity, and only EmailVerified says that the provider vouches for
// it.
type User struct {
	Subject       string // the provider's identifier for the user; never empty in a session
	Name          string
	Email         string // "" or a well-formed address
	EmailVerified bool   // the provider has said, explicitly, that the address was verified
	Image         string // URL of a picture

	extra map[string]json.RawMessage // copied on write: users are passed by value
}

// reservedClaims belong to the session token, to its sibling tokens under the
// same keys, or to User's own fields. An extra claim may not take their names.
var reservedClaims = map[string]bool{
	"sub": true, "name": true, "email": true, "email_verified": true, "image": true,
	"iss": true, "aud": true, "exp": true, "nbf": true, "iat": true, "jti": true, "mexp": true, "aura": true,
	"token": true, "bound": true, "__proto__": true, "constructor": true, "prototype": true,
}

// Set adds an extra claim, which appears in the session's JSON beside the
// user's fields and is read back with [Claims]. It costs room in the session
// cookie. Names of the user's own fields and of the token's claims are refused.
func (u *User) Set(name string, value any) error {
	if name == "" || reservedClaims[name] {
		return fmt.Errorf("aura: User.Set: %q is a reserved name; choose another", name)
	}
	raw, err := marshal(value)
	if err != nil {
		return fmt.Errorf("aura: User.Set %q: %w", name, err)
	}
	u.extra = maps.Clone(u.extra)
	if u.extra == nil {
		u.extra = make(map[string]json.RawMessage)
	}
	u.extra[name] = raw
	return nil
}

// checked returns u without an address that is not one.
func (u User) checked() User {
	if !validEmail(u.Email) {
		u.Email, u.EmailVerified = "", false
	}
	return u
}

// MarshalJSON writes the user as the endpoints answer it: sub, name, email,
// image, email_verified and the extra claims; empty fields are left out.
func (u User) MarshalJSON() ([]byte, error) {
	var o object
	u.writeTo(&o)
	return o.close()
}

// UnmarshalJSON reads what MarshalJSON writes. Member names match exactly.
func (u *User) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	return u.take(members)
}

// writeTo appends the user's members in the order that the TypeScript library
// writes them: sub, name, email, image, then the rest.
func (u *User) writeTo(o *object) {
	o.add("sub", u.Subject)
	o.addIf(u.Name != "", "name", u.Name)
	o.addIf(validEmail(u.Email), "email", u.Email)
	o.addIf(u.Image != "", "image", u.Image)
	o.addIf(u.EmailVerified && validEmail(u.Email), "email_verified", true)
	for _, name := range sortedKeys(u.extra) {
		o.add(name, u.extra[name])
	}
}

// take fills u from members and removes from them what it used; what is left
// and not reserved becomes an extra claim.
func (u *User) take(members map[string]json.RawMessage) error {
	*u = User{}
	for name, into := range map[string]*string{"sub": &u.Subject, "name": &u.Name, "email": &u.Email, "image": &u.Image} {
		raw, ok := members[name]
		if !ok || string(raw) == "null" {
			continue
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return fmt.Errorf("claim %s: %w", name, err)
		}
	}
	if u.Subject == "" {
		return errors.New("claim sub: missing or empty")
	}
	u.EmailVerified = u.Email != "" && string(members["email_verified"]) == "true"
	for name, raw := range members {
		if reservedClaims[name] {
			continue
		}
		if u.extra == nil {
			u.extra = make(map[string]json.RawMessage)
		}
		u.extra[name] = raw
	}
	return nil
}

// emailForm is the form that the TypeScript library's schema accepts; it drops
// the whole session over an address of any other form. Linear time (RE2).
var emailForm = regexp.MustCompile(`^[A-Za-z0-9_'+\-.]*[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$`)

// validEmail reports whether s may be written as an address: at most 254 bytes
// (RFC 5321 §4.5.3.1.3), exactly one @, nothing that a second reader could
// read differently.
func validEmail(s string) bool {
	return len(s) <= 254 && emailForm.MatchString(s) && s[0] != '.' && !strings.Contains(s, "..")
}
