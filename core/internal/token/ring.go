// Package token seals and signs what the library keeps in cookies: bytes in,
// text out, and back. It knows keys and formats (docs/wire.md) and nothing
// of claims or clocks: that a token opens says that we made it for this purpose,
// never that it is still valid.
//
// Tokens are written by hand on crypto/cipher and crypto/hmac, because other
// implementations compare header bytes and go-jose writes its members in another
// order; they are read with go-jose, behind a gate that lets exactly one header
// per format through. So none of a hostile header's members (zip, crit, jwk, kid,
// p2c, another alg) ever reaches a JOSE implementation.
package token

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// The infos of the two keys that the TypeScript library derives as well.
const (
	infoSigning    = "aura:signing"
	infoEncryption = "aura:encryption"
)

const (
	keySize    = 32 // of every derived key: A256GCM and HS256
	maxSecrets = 16
	minBytes   = 32 // of a secret and of the salt
)

// DefaultMaxLen is the length in bytes above which a token is refused unread.
const DefaultMaxLen = 16 << 10

// Ring holds what the keys of every purpose are derived from: one root per
// secret, newest first. The newest seals and signs, all of them open; that is
// what lets a secret be rotated without logging anybody out.
//
// A Ring is immutable and safe for concurrent use. The zero value holds no key:
// what is made from it seals nothing and opens nothing.
type Ring struct {
	// The output of HKDF-Extract (RFC 5869 §2.2) for each secret. Keeping it
	// instead of the secret halves the cost of every later derivation, and the
	// secret itself stays in nobody's memory but the caller's.
	roots [][]byte
	// CSRF tokens are checked on every unsafe request, so their keys are derived
	// and prepared once.
	signing Signer
}

// NewRing takes 1 to 16 secrets, newest first, and one salt, each of at least 32
// bytes. All problems are reported, joined. A text that a person chose should
// pass [CheckQuality] first; the bytes here may be random ones, whose quality no
// measure of their text could show.
func NewRing(secrets [][]byte, salt []byte) (*Ring, error) {
	var errs []error
	if len(secrets) == 0 {
		errs = append(errs, errors.New("token: no secret given, at least one is needed"))
	}
	if len(secrets) > maxSecrets {
		errs = append(errs, fmt.Errorf("token: %d secrets given, at most %d are allowed; drop the oldest", len(secrets), maxSecrets))
	}
	if len(salt) < minBytes {
		errs = append(errs, fmt.Errorf("token: the salt has %d bytes, at least %d are needed", len(salt), minBytes))
	}
	ring := &Ring{}
	for i, secret := range secrets {
		if len(secret) < minBytes {
			errs = append(errs, fmt.Errorf("token: secret %d of %d has %d bytes, at least %d are needed", i+1, len(secrets), len(secret), minBytes))
			continue
		}
		root, err := hkdf.Extract(sha256.New, secret, salt)
		if err != nil {
			errs = append(errs, fmt.Errorf("token: secret %d of %d: %w", i+1, len(secrets), err))
			continue
		}
		ring.roots = append(ring.roots, root)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	ring.signing = *ring.Signer(infoSigning)
	return ring, nil
}

// Box returns the encryption of one purpose, under keys that no other info has.
func (r *Ring) Box(info string) *Box { return newBox(r.derive(info)) }

// Signer returns the signature of one purpose, under keys that no other info
// has.
func (r *Ring) Signer(info string) *Signer { return newSigner(r.derive(info)) }

// Purpose returns a Ring of its own for one info: its signatures, boxes and
// codecs share no key with r's, nor with another purpose's.
func (r *Ring) Purpose(info string) *Ring {
	ring := &Ring{roots: r.derive(info)}
	ring.signing = *ring.Signer(infoSigning)
	return ring
}

// SignJWS signs payload, a JSON object, with the newest signing key: the format
// of the CSRF token. The keys are those of a session token in signed mode, by
// contract; the claims tell the two apart.
func (r *Ring) SignJWS(payload []byte) (string, error) {
	return r.signing.Seal(payload)
}

// VerifyJWS returns the payload of a token that SignJWS or the TypeScript
// library signed, and the index of the secret that verified it.
func (r *Ring) VerifyJWS(token string) (payload []byte, key int, err error) {
	return r.signing.Open(token)
}

// MAC returns HMAC-SHA256(HKDF(info), data) under each secret, newest first. To
// accept a value made under an older secret, compare with every element, in
// constant time.
func (r *Ring) MAC(info string, data []byte) [][]byte {
	macs := make([][]byte, 0, len(r.roots))
	for _, key := range r.derive(info) {
		macs = append(macs, newHMACKey(key).sum(data))
	}
	return macs
}

// derive returns the keys of one info, newest first.
func (r *Ring) derive(info string) [][]byte {
	keys := make([][]byte, 0, len(r.roots))
	for _, root := range r.roots {
		key, err := hkdf.Expand(sha256.New, root, info, keySize)
		if err != nil {
			// It cannot: 32 bytes are far below RFC 5869's limit of 255 hashes.
			// A ring without keys refuses everything, which is the safe answer.
			return nil
		}
		keys = append(keys, key)
	}
	return keys
}
