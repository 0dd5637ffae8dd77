package token

import (
	"errors"
	"fmt"
)

// Options say what a session token looks like. The zero value is a sealed token
// of at most DefaultMaxLen bytes under the keys of the Ring.
type Options struct {
	// Mode is the form of the token; the default is Sealed.
	Mode Mode
	// MaxLen is the length in bytes above which a token is neither written nor
	// read; 0 stands for DefaultMaxLen. Raise it with the room for cookies.
	MaxLen int
	// Signing and Encryption replace the Ring's keys by PEM key pairs, for
	// readers that must not be able to write. Signed mode takes the first,
	// encrypted mode the second, sealed mode both or none.
	Signing    *SigningKeys
	Encryption *EncryptionKeys
	// DangerouslyEncryptOnly allows encrypted mode with a key pair, which the
	// TypeScript library has. Whoever knows the public key can then make a
	// session of anybody, so it must be kept as secret as the private one.
	DangerouslyEncryptOnly bool
}

// Codec writes and reads session tokens. It is safe for concurrent use. The zero
// value seals and opens nothing.
type Codec struct {
	mode Mode
	sign interface {
		Seal(payload []byte) (string, error)
		Open(token string) (payload []byte, key int, err error)
		openWith(token string, key int) ([]byte, error)
	}
	encrypt interface {
		seal(plaintext []byte) (string, error)
		open(token string) (plaintext []byte, key int, err error)
	}
}

// Codec returns the codec of the session token.
func (r *Ring) Codec(opts Options) (*Codec, error) {
	if opts.MaxLen < 0 {
		return nil, fmt.Errorf("token: MaxLen is %d, which is less than nothing; leave it out for %d", opts.MaxLen, DefaultMaxLen)
	}
	if len(r.roots) == 0 {
		return nil, ErrNoKey
	}
	if err := opts.checkKeys(); err != nil {
		return nil, err
	}
	maxLen := opts.MaxLen
	if maxLen == 0 {
		maxLen = DefaultMaxLen
	}
	c := &Codec{mode: opts.Mode}
	c.sign = r.signing.Limit(maxLen)
	if opts.Signing != nil {
		c.sign = opts.Signing.limit(maxLen)
	}
	c.encrypt = r.Box(infoEncryption).Limit(maxLen)
	if opts.Encryption != nil {
		c.encrypt = opts.Encryption.limit(maxLen)
	}
	return c, nil
}

// checkKeys refuses a key pair that the mode would leave unused: somebody
// believes in a protection that is not there.
func (o Options) checkKeys() error {
	switch o.Mode {
	case Sealed:
		if (o.Signing == nil) != (o.Encryption == nil) {
			return errors.New("token: sealed mode needs a signing and an encryption key pair, or neither")
		}
	case Signed:
		if o.Encryption != nil {
			return errors.New("token: signed mode has no use for an encryption key pair; choose sealed, or drop the pair")
		}
	case Encrypted:
		if o.Signing != nil {
			return errors.New("token: encrypted mode has no use for a signing key pair; choose sealed, or drop the pair")
		}
		if o.Encryption != nil && !o.DangerouslyEncryptOnly {
			return errors.New("token: encrypted mode with a key pair lets anyone who has the public key make sessions; choose sealed or signed")
		}
	default:
		return fmt.Errorf("token: unknown mode %s", o.Mode)
	}
	return nil
}

// Seal writes payload, a JSON object, under the newest key.
func (c *Codec) Seal(payload []byte) (string, error) {
	if c.sign == nil || c.encrypt == nil {
		return "", ErrNoKey
	}
	switch c.mode {
	case Signed:
		return c.sign.Seal(payload)
	case Encrypted:
		if !isObject(payload) {
			return "", errPayload
		}
		return c.encrypt.seal(payload)
	}
	signed, err := c.sign.Seal(payload)
	if err != nil {
		return "", err
	}
	return c.encrypt.seal([]byte(signed))
}

// Open returns the payload of a token and the index of the secret that opened
// it, 0 being the newest (and the only one of a key pair): a token with another
// index is due for a new seal. Errors wrap [ErrInvalid], and the index is -1 then.
//
// Only the codec's own mode is read. A server that changes its mode logs
// everybody out; one that read all three would be as weak as the weakest.
func (c *Codec) Open(token string) (payload []byte, key int, err error) {
	if c.sign == nil || c.encrypt == nil {
		return nil, -1, errNoMatch
	}
	if c.mode == Signed {
		return c.sign.Open(token)
	}
	plaintext, key, err := c.encrypt.open(token)
	if err != nil {
		return nil, -1, err
	}
	if c.mode == Encrypted {
		return object(plaintext, key)
	}
	// Both keys of a sealed token come from one secret, so the inner signature
	// is checked under the secret that decrypted and no other.
	payload, err = c.sign.openWith(string(plaintext), key)
	if err != nil {
		return nil, -1, err
	}
	return payload, key, nil
}
