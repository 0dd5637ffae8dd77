package password

import (
	"errors"
	"fmt"
)

// MaxLength is how many bytes a password may have. It is above every phrase that
// a person or a password manager makes, and keeps the price of an attempt
// independent of what is sent (OWASP ASVS 5.0, 6.2.9 asks for 64 at least).
const MaxLength = 1024

// What callers branch on. No error of this package contains a password, a hash
// or a part of one.
var (
	// ErrTooLong refuses a password of more than MaxLength bytes, before any
	// hashing and whether or not the user exists.
	ErrTooLong = errors.New("password: longer than 1024 bytes; refuse it as input")

	// ErrBusy says that no hashing slot became free within Hasher.MaxWait.
	// Nothing was decided: answer 503 or 429 with Retry-After.
	ErrBusy = errors.New("password: all hashing slots are taken; answer 503 or 429 and let the client try again")

	// ErrMalformedHash says that a stored hash is damaged, of an unknown format,
	// or asks for parameters out of bounds. The password may well be right: answer
	// 503 and look at the row. Nothing was hashed.
	ErrMalformedHash = errors.New("password: stored hash is not one that can be verified")
)

// malformed is ErrMalformedHash with the format and the field that is wrong.
func malformed(format, reason string) error {
	return fmt.Errorf("%w: %s: %s", ErrMalformedHash, format, reason)
}
