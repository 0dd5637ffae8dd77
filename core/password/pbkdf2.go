package password

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	// The TypeScript library writes 600,000 and believes whatever it reads. Two
	// million are one to two seconds of one core.
	pbkdf2MaxIterations = 2_000_000

	pbkdf2MinSalt, pbkdf2MaxSalt = 8, 64 // bytes; the TypeScript library writes 16

	// One block of SHA-256. More would multiply the iterations and give the
	// defender alone the work (RFC 8018 §5.2), so nobody should have it.
	pbkdf2Key = sha256.Size
)

const pbkdf2Prefix = "pbkdf2-sha256:"

// pbkdf2Hash is a hash of the TypeScript library:
// pbkdf2-sha256:<iterations>:<salt>:<hash>, the last two in unpadded base64url.
type pbkdf2Hash struct {
	iterations uint32
	salt, key  []byte
}

func parsePBKDF2(hash string) (record, error) {
	const format = "pbkdf2-sha256"
	parts := strings.Split(strings.TrimPrefix(hash, pbkdf2Prefix), ":")
	if len(parts) != 3 {
		return nil, malformed(format, "want iterations, salt and hash")
	}
	var (
		h  pbkdf2Hash
		ok bool
	)
	if h.iterations, ok = number(parts[0], 1, pbkdf2MaxIterations); !ok {
		return nil, malformed(format, fmt.Sprintf("iterations: want a number from 1 to %d", pbkdf2MaxIterations))
	}
	if h.salt, ok = blob(base64.RawURLEncoding, parts[1], pbkdf2MinSalt, pbkdf2MaxSalt); !ok {
		return nil, malformed(format, "salt: want base64url of 8 to 64 bytes")
	}
	if h.key, ok = blob(base64.RawURLEncoding, parts[2], pbkdf2Key, pbkdf2Key); !ok {
		return nil, malformed(format, "hash: want base64url of 32 bytes")
	}
	return h, nil
}

func (h pbkdf2Hash) matches(password string) (bool, error) {
	// HMAC pads its key with NULs: "secret" and "secret\x00" are one key.
	refused := strings.HasSuffix(password, "\x00")
	// The error is of FIPS 140-only mode, which refuses salts under 16 bytes.
	got, err := pbkdf2.Key(sha256.New, password, h.salt, int(h.iterations), pbkdf2Key)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, h.key) == 1 && !refused, nil
}

// weakerThan holds for every count: PBKDF2 needs no memory.
func (pbkdf2Hash) weakerThan(argon2id) bool { return true }
