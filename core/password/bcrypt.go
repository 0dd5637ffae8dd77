package password

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

const (
	// Each step doubles the time: 15 is some two seconds of one core, 31, which
	// the format allows, more than a day.
	bcryptMinCost, bcryptMaxCost = 4, 15

	bcryptLength      = 60 // "$2b$", two digits, "$", 22 characters of salt, 31 of hash
	bcryptMaxPassword = 72 // bytes; the algorithm ignores what follows
	bcryptAlphabet    = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// bcryptHash is a whole hash, checked. The letter after $2 makes no difference:
// 2b and 2y name the algorithm that x/crypto computes for 2a as well.
type bcryptHash string

func parseBcrypt(hash string) (record, error) {
	const format = "bcrypt"
	if len(hash) != bcryptLength || hash[6] != '$' {
		return nil, malformed(format, fmt.Sprintf("want %d characters: version, cost, salt and hash", bcryptLength))
	}
	// Both digits are always written, so "05" is the one spelling of 5.
	if _, ok := number(strings.TrimPrefix(hash[4:6], "0"), bcryptMinCost, bcryptMaxCost); !ok {
		return nil, malformed(format, fmt.Sprintf("cost: want two digits from %02d to %d", bcryptMinCost, bcryptMaxCost))
	}
	if strings.Trim(hash[7:], bcryptAlphabet) != "" {
		return nil, malformed(format, "salt and hash: want bcrypt's base64")
	}
	return bcryptHash(hash), nil
}

func (h bcryptHash) matches(password string) (bool, error) {
	// See doc.go: a NUL is where bcrypt's key repeats, and what follows 72 bytes is
	// ignored. The work is done all the same, on what bcrypt would have looked at.
	refused := len(password) > bcryptMaxPassword || strings.Contains(password, "\x00")
	looked := password[:min(len(password), bcryptMaxPassword)]
	err := bcrypt.CompareHashAndPassword([]byte(h), []byte(looked))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return err == nil && !refused, err
}

// weakerThan holds for every cost: bcrypt needs 4 KiB, which fit beside a core of
// a graphics card.
func (bcryptHash) weakerThan(argon2id) bool { return true }
