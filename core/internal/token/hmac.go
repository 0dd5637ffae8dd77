package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// hmacKey is a key for HMAC-SHA256, ready for use. Setting up an HMAC hashes one
// block for each of its two pads, as much work as a short message itself; Reset
// restores that state from a copy, so finished instances are kept.
type hmacKey struct {
	key  []byte
	pool *sync.Pool
}

func newHMACKey(key []byte) hmacKey {
	return hmacKey{key: key, pool: &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (k hmacKey) sum(data []byte) []byte {
	h := k.pool.Get().(hash.Hash) //nolint:errcheck // the pool holds nothing else
	defer k.pool.Put(h)
	h.Reset()
	h.Write(data)
	return h.Sum(nil)
}
