package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Bounds of what a stored hash may ask for, and of what a Hasher may be
// configured to. The highest cost, 1 GiB written in all, is some two seconds of
// one core; the second choice of RFC 9106 §4 (64 MiB, t=3) is a fifth of it.
const (
	argon2idMaxMemory      = 256 << 10 // KiB
	argon2idMaxTime        = 64
	argon2idMaxCost        = 1 << 20 // KiB: memory × time
	argon2idMaxParallelism = 16

	argon2idMinSalt, argon2idMaxSalt = 8, 64 // bytes; RFC 9106 §3.1 has 8 as the least
	argon2idMinKey, argon2idMaxKey   = 16, 64

	// What Hash writes, as RFC 9106 §4 recommends: 128 bits and 256 bits.
	argon2idSalt, argon2idKey = 16, 32
)

const argon2idPrefix = "$argon2id$"

// argon2id is a hash of RFC 9106 in the PHC string format, or (salt and key
// empty) the parameters of one to be made.
type argon2id struct {
	memory      uint32 // KiB
	time        uint32
	parallelism uint8
	salt, key   []byte
}

func parseArgon2id(hash string) (record, error) {
	const format = "argon2id"
	// Version 16 of Argon2 has known weaknesses, and x/crypto does not compute it.
	rest, ok := strings.CutPrefix(hash, argon2idPrefix+"v=19$")
	if !ok {
		return nil, malformed(format, "want version 19")
	}
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return nil, malformed(format, "want parameters, salt and hash")
	}
	a, err := parseArgon2idCost(parts[0])
	if err != nil {
		return nil, err
	}
	if a.salt, ok = blob(base64.RawStdEncoding, parts[1], argon2idMinSalt, argon2idMaxSalt); !ok {
		return nil, malformed(format, "salt: want base64 of 8 to 64 bytes")
	}
	if a.key, ok = blob(base64.RawStdEncoding, parts[2], argon2idMinKey, argon2idMaxKey); !ok {
		return nil, malformed(format, "hash: want base64 of 16 to 64 bytes")
	}
	return a, nil
}

// parseArgon2idCost reads "m=…,t=…,p=…". The PHC format fixes their order;
// its optional keyid and data are not used by any hash that we could verify.
func parseArgon2idCost(s string) (argon2id, error) {
	const format = "argon2id"
	parts := strings.Split(s, ",")
	if len(parts) != 3 {
		return argon2id{}, malformed(format, "want the parameters m, t and p")
	}
	var values [3]uint32
	for i, rule := range [3]struct {
		name      string
		low, high uint32
	}{
		{"m", 8, argon2idMaxMemory},
		{"t", 1, argon2idMaxTime},
		{"p", 1, argon2idMaxParallelism},
	} {
		text, named := strings.CutPrefix(parts[i], rule.name+"=")
		n, ok := number(text, rule.low, rule.high)
		if !named || !ok {
			return argon2id{}, malformed(format, fmt.Sprintf("%s: want a number from %d to %d", rule.name, rule.low, rule.high))
		}
		values[i] = n
	}
	a := argon2id{memory: values[0], time: values[1], parallelism: uint8(values[2])} //nolint:gosec // G115: at most argon2idMaxParallelism
	if a.memory < 8*uint32(a.parallelism) {
		return argon2id{}, malformed(format, "m: want at least 8 times p")
	}
	if a.memory*a.time > argon2idMaxCost {
		return argon2id{}, malformed(format, fmt.Sprintf("m × t: want at most %d", argon2idMaxCost))
	}
	return a, nil
}

// derive returns size bytes; it is where a hash's time and memory go.
func (a argon2id) derive(password string, size uint32) []byte {
	return argon2.IDKey([]byte(password), a.salt, a.time, a.memory, a.parallelism, size)
}

func (a argon2id) matches(password string) (bool, error) {
	got := a.derive(password, uint32(len(a.key))) //nolint:gosec // G115: at most argon2idMaxKey
	return subtle.ConstantTimeCompare(got, a.key) == 1, nil
}

// weakerThan looks at parallelism not at all: it is a matter of the machine.
// A hash that is stronger than asked for stays, so that instances configured
// differently during a deployment do not rewrite each other's hashes downwards.
func (a argon2id) weakerThan(want argon2id) bool {
	return a.memory < want.memory || a.time < want.time ||
		len(a.salt) < argon2idSalt || len(a.key) < argon2idKey
}

// String returns the PHC string.
func (a argon2id) String() string {
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", argon2idPrefix, argon2.Version, a.memory, a.time, a.parallelism,
		base64.RawStdEncoding.EncodeToString(a.salt), base64.RawStdEncoding.EncodeToString(a.key))
}

// salted returns the parameters with a fresh salt.
func (a argon2id) salted() argon2id {
	a.salt = random(argon2idSalt)
	return a
}

// random cannot fail: crypto/rand ends the program when the system has no
// randomness (since Go 1.24).
func random(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b)
	return b
}
