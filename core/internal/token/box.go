package token

import (
	"crypto/aes"
	"crypto/cipher"

	"github.com/go-jose/go-jose/v4"
)

const (
	ivSize  = 12 // RFC 7518 §5.3
	tagSize = 16
)

// Box writes and reads a compact JWE with "dir" and A256GCM (RFC 7516 §3.1):
// nobody without the key can read it, make one or alter one. It is safe for
// concurrent use. The zero value seals and opens nothing.
//
// A key may seal 2³² tokens (NIST SP 800-38D §8.3, random 96-bit IVs); beyond
// that, rotate the secret.
type Box struct {
	keys   []boxKey // newest first
	header header
	maxLen int
}

// boxKey is a key with its cipher ready: expanding an AES key and its GCM table
// costs more than sealing a session.
type boxKey struct {
	raw  []byte
	aead cipher.AEAD
}

func newBox(keys [][]byte) *Box {
	b := &Box{header: jweHeader("dir"), maxLen: DefaultMaxLen}
	for _, key := range keys {
		aead, err := newGCM(key)
		if err != nil {
			return &Box{} // as in Ring.derive: cannot happen, and refuses everything
		}
		b.keys = append(b.keys, boxKey{raw: key, aead: aead})
	}
	return b
}

// newGCM returns A256GCM that puts a random IV in front of what it seals. The IV
// comes from inside the crypto module, so there is no way to repeat one by
// mistake.
func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Limit returns a Box of the same keys that refuses tokens of more than maxLen
// bytes.
func (b *Box) Limit(maxLen int) *Box {
	limited := *b
	limited.maxLen = maxLen
	return &limited
}

// Seal encrypts payload, a JSON object, with the newest key.
func (b *Box) Seal(payload []byte) (string, error) {
	if len(b.keys) == 0 {
		return "", ErrNoKey
	}
	if !isObject(payload) {
		return "", errPayload
	}
	return b.seal(payload)
}

// Open returns the payload of a token and the index of the key that opened it, 0
// being the newest. Errors wrap [ErrInvalid], and the index is -1 then.
func (b *Box) Open(token string) (payload []byte, key int, err error) {
	plaintext, key, err := b.open(token)
	if err != nil {
		return nil, -1, err
	}
	return object(plaintext, key)
}

func (b *Box) seal(plaintext []byte) (string, error) {
	if len(b.keys) == 0 {
		return "", ErrNoKey
	}
	return writeJWE(b.header, nil, b.keys[0].aead, plaintext, b.maxLen)
}

func (b *Box) open(token string) (plaintext []byte, key int, err error) {
	parsed, err := parseJWE(token, b.header, jose.DIRECT, 0, b.maxLen)
	if err != nil {
		return nil, -1, err
	}
	for i := range b.keys {
		if plaintext, err := parsed.Decrypt(b.keys[i].raw); err == nil {
			return plaintext, i, nil
		}
	}
	return nil, -1, errNoMatch
}

// writeJWE is RFC 7516 §5.1 for A256GCM: the header segment is the additional
// data, and aead's output is cut into IV, ciphertext and tag.
func writeJWE(h header, encryptedKey []byte, aead cipher.AEAD, plaintext []byte, maxLen int) (string, error) {
	sealed := aead.Seal(nil, nil, plaintext, []byte(h.encoded)) //nolint:gosec // the AEAD makes its own random nonce
	tag := len(sealed) - tagSize
	token := h.encoded + "." +
		strict.EncodeToString(encryptedKey) + "." +
		strict.EncodeToString(sealed[:ivSize]) + "." +
		strict.EncodeToString(sealed[ivSize:tag]) + "." +
		strict.EncodeToString(sealed[tag:])
	if len(token) > maxLen {
		return "", ErrTooLong
	}
	return token, nil
}

// parseJWE hands to go-jose only what has our own header, one spelling and
// segments of the right sizes.
func parseJWE(token string, want header, alg jose.KeyAlgorithm, keyLen, maxLen int) (*jose.JSONWebEncryption, error) {
	segments, err := split(token, 5, maxLen)
	if err != nil {
		return nil, err
	}
	if err := want.check(segments[0]); err != nil {
		return nil, err
	}
	for i, size := range []int{keyLen, ivSize, -1, tagSize} {
		if _, err := decode(segments[i+1], size); err != nil {
			return nil, err
		}
	}
	parsed, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{alg}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, errForm
	}
	return parsed, nil
}
