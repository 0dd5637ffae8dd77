package password

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// maxHashLength is above the longest hash that any format here can have (an
// argon2id of 64 + 64 bytes is about 220 characters). Longer ones are not even
// split.
const maxHashLength = 256

// A record is a stored hash whose parameters were found within bounds.
type record interface {
	// matches spends the whole cost of the record's parameters, whatever the
	// password is, and compares in constant time. An error says that the hash
	// could not be computed, never that it is another one.
	matches(password string) (bool, error)
	// weakerThan reports whether a hash made with want is an improvement.
	weakerThan(want argon2id) bool
}

// parse reads a stored hash. It computes nothing: what it costs is independent
// of the parameters found. Each format has one spelling, so that no two strings
// are the same record.
func parse(hash string) (record, error) {
	if len(hash) > maxHashLength {
		return nil, malformed("unknown format", "too long")
	}
	switch {
	case strings.HasPrefix(hash, argon2idPrefix):
		return parseArgon2id(hash)
	case strings.HasPrefix(hash, pbkdf2Prefix):
		return parsePBKDF2(hash)
	case strings.HasPrefix(hash, "$2a$"), strings.HasPrefix(hash, "$2b$"), strings.HasPrefix(hash, "$2y$"):
		return parseBcrypt(hash)
	}
	// $2x$ is deliberately not among them: it marks hashes of a crypt_blowfish
	// bug, under which different passwords collide.
	return nil, malformed("unknown format", "want $argon2id$v=19$, $2a$, $2b$, $2y$ or pbkdf2-sha256:")
}

// number reads a decimal without sign or leading zero from low to high.
func number(s string, low, high uint32) (uint32, bool) {
	if len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n < uint64(low) || n > uint64(high) {
		return 0, false
	}
	return uint32(n), true
}

// blob reads unpadded base64 of low to high bytes.
func blob(encoding *base64.Encoding, s string, low, high int) ([]byte, bool) {
	// encoding/base64 skips line breaks even when strict.
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := encoding.Strict().DecodeString(s)
	if err != nil || len(b) < low || len(b) > high {
		return nil, false
	}
	return b, true
}
