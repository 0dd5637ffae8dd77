package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// ErrInvalid is wrapped by every error of Open: the token was not made by us for
// this purpose, or was altered. The reasons behind it are constant texts for
// logs; to a client they are all the same answer.
var ErrInvalid = errors.New("token: invalid")

// ErrTooLong is returned by Seal when the token would be longer than Open
// accepts: what was written could never be read again.
var ErrTooLong = errors.New("token: the payload is too large to be sealed")

// ErrNoKey is returned by Seal of a zero value, and of what a zero Ring made.
var ErrNoKey = errors.New("token: there is no key to seal with")

// errPayload is a mistake of the caller, not of a client.
var errPayload = errors.New("token: the payload is not a JSON object")

// invalid is ErrInvalid with a reason. It is a type of string constants so that
// no part of a token can get into an error.
type invalid string

func (e invalid) Error() string { return ErrInvalid.Error() + ": " + string(e) }
func (e invalid) Unwrap() error { return ErrInvalid }

const (
	errLength   invalid = "longer than the limit"
	errForm     invalid = "not in compact serialization"
	errBase64   invalid = "not canonical base64url"
	errHeader   invalid = "not the header that we write"
	errNoMatch  invalid = "no key opens it"
	errNoObject invalid = "its payload is not a JSON object"
)

// strict refuses trailing bits that are not zero: without it the last character
// of a token has up to 15 siblings that decode to the same bytes (RFC 4648 §3.5).
var strict = base64.RawURLEncoding.Strict()

// split cuts a compact serialization into exactly n segments. It counts before
// it cuts: a token of dots alone must not cost an allocation per dot.
func split(token string, n, maxLen int) ([]string, error) {
	if len(token) > maxLen {
		return nil, errLength
	}
	if strings.Count(token, ".") != n-1 {
		return nil, errForm
	}
	for i := range len(token) {
		c := token[i]
		// encoding/base64 skips CR and LF even in strict mode, which would give
		// one token many spellings.
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return nil, errBase64
		}
	}
	return strings.Split(token, "."), nil
}

// decode decodes one segment that must be size bytes long; any length for -1.
func decode(segment string, size int) ([]byte, error) {
	raw, err := strict.DecodeString(segment)
	if err != nil {
		return nil, errBase64
	}
	if size >= 0 && len(raw) != size {
		return nil, errForm
	}
	return raw, nil
}

// object lets an authenticated payload out if it is what every format of ours
// holds. A sealed token opened in encrypted mode, for one, ends here.
func object(payload []byte, key int) ([]byte, int, error) {
	if !isObject(payload) {
		return nil, -1, errNoObject
	}
	return payload, key, nil
}

// isObject reports whether payload is one JSON object and nothing else.
func isObject(payload []byte) bool {
	for _, c := range payload {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			return json.Valid(payload)
		}
		return false
	}
	return false
}
