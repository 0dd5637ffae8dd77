package token

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// EncryptionKeys encrypt session tokens to a public key and decrypt them with
// its private half. They are safe for concurrent use. They keep a token secret
// and prove nothing about who made it.
type EncryptionKeys struct {
	public  *rsa.PublicKey
	private *rsa.PrivateKey
	header  header
	maxLen  int
}

// oaep256 is RSAES-OAEP with SHA-256 (RFC 7518 §4.3).
const oaep256 = "RSA-OAEP-256"

// ParseEncryptionKeys takes an SPKI and a PKCS #8 block of an RSA key in PEM
// form. alg is RSA-OAEP-256, which is also what an empty one stands for.
func ParseEncryptionKeys(publicPEM, privatePEM, alg string) (*EncryptionKeys, error) {
	if alg != "" && alg != oaep256 {
		return nil, fmt.Errorf("token: encryption algorithm %q is not supported; use %s", alg, oaep256)
	}
	public, private, err := parsePair(publicPEM, privatePEM)
	if err != nil {
		return nil, err
	}
	rsaPublic, ok := public.(*rsa.PublicKey)
	rsaPrivate, alsoOK := private.(*rsa.PrivateKey)
	if !ok || !alsoOK {
		return nil, fmt.Errorf("token: %s needs an RSA key, this is %T", oaep256, public)
	}
	return &EncryptionKeys{public: rsaPublic, private: rsaPrivate, header: jweHeader(oaep256), maxLen: DefaultMaxLen}, nil
}

func (k *EncryptionKeys) limit(maxLen int) *EncryptionKeys {
	limited := *k
	limited.maxLen = maxLen
	return &limited
}

// seal encrypts under a key of its own, which is encrypted to the public key.
func (k *EncryptionKeys) seal(plaintext []byte) (string, error) {
	if k.public == nil {
		return "", ErrNoKey
	}
	contentKey := make([]byte, keySize)
	rand.Read(contentKey) // never fails: the process ends instead
	aead, err := newGCM(contentKey)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	encryptedKey, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, k.public, contentKey, nil)
	if err != nil {
		return "", fmt.Errorf("token: the public key cannot encrypt: %w", err)
	}
	return writeJWE(k.header, encryptedKey, aead, plaintext, k.maxLen)
}

func (k *EncryptionKeys) open(token string) (plaintext []byte, key int, err error) {
	if k.private == nil {
		return nil, -1, errNoMatch
	}
	parsed, err := parseJWE(token, k.header, jose.RSA_OAEP_256, k.public.Size(), k.maxLen)
	if err != nil {
		return nil, -1, err
	}
	plaintext, err = parsed.Decrypt(k.private)
	if err != nil {
		return nil, -1, errNoMatch
	}
	return plaintext, 0, nil
}
