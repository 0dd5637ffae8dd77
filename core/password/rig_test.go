package password

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// expect verifies, and fails the test unless the answer is want, without error.
func expect(t *testing.T, h *Hasher, password, hash string, want bool) {
	t.Helper()
	ok, _, err := h.Verify(t.Context(), password, hash)
	if err != nil || ok != want {
		t.Errorf("Verify = %v, %v; want %v", ok, err, want)
	}
}

// argon2idOf makes a hash with the cheapest parameters that verify.
func argon2idOf(password string) string {
	a := argon2id{memory: 8, time: 1, parallelism: 1, salt: []byte("0123456789abcdef")}
	a.key = a.derive(password, argon2idKey)
	return a.String()
}

func bcryptOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func pbkdf2Of(t *testing.T, password string) string {
	t.Helper()
	salt := []byte("0123456789abcdef")
	h := pbkdf2Hash{iterations: 2, salt: salt, key: []byte(pbkdf2Raw(t, password, salt))}
	return spell(h)
}

func pbkdf2Raw(t *testing.T, password string, salt []byte) string {
	t.Helper()
	key, err := pbkdf2.Key(sha256.New, password, salt, 2, pbkdf2Key)
	if err != nil {
		t.Fatal(err)
	}
	return string(key)
}

// A tally remembers each hash that a Hasher computed.
type tally struct {
	mu      sync.Mutex
	records []record
}

func (c *tally) add(r record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records = append(c.records, r)
}

// take returns what was computed since the last call.
func (c *tally) take() []record {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.records
	c.records = nil
	return taken
}
