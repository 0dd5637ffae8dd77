package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// SigningKeys sign session tokens with a private key and verify them with its
// public half. They are safe for concurrent use.
type SigningKeys struct {
	alg    jose.SignatureAlgorithm
	public crypto.PublicKey
	signer jose.Signer
	header header
	maxLen int
}

// ParseSigningKeys takes an SPKI and a PKCS #8 block in PEM form. alg is RS256
// when it is empty; RS, PS, ES (each 256, 384, 512) and EdDSA are known, and
// must suit the key. The algorithm is fixed here and never taken from a token.
func ParseSigningKeys(publicPEM, privatePEM, alg string) (*SigningKeys, error) {
	if alg == "" {
		alg = "RS256"
	}
	public, private, err := parsePair(publicPEM, privatePEM)
	if err != nil {
		return nil, err
	}
	if !suits(alg, public) {
		return nil, fmt.Errorf("token: signing algorithm %q is unknown or does not suit the key (%T)", alg, public)
	}
	algorithm := jose.SignatureAlgorithm(alg)
	// go-jose sorts the members of a header, and alg before typ is the order of
	// docs/wire.md.
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: private}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("token: signing keys: %w", err)
	}
	return &SigningKeys{alg: algorithm, public: public, signer: signer, header: jwsHeader(alg), maxLen: DefaultMaxLen}, nil
}

func suits(alg string, public crypto.PublicKey) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		switch alg {
		case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
			return true
		}
	case *ecdsa.PublicKey:
		// RFC 7518 §3.4: each ES algorithm has one curve.
		return map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[alg] == key.Curve.Params().Name
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

func (k *SigningKeys) limit(maxLen int) *SigningKeys {
	limited := *k
	limited.maxLen = maxLen
	return &limited
}

// Seal signs payload, a JSON object.
func (k *SigningKeys) Seal(payload []byte) (string, error) {
	if k.signer == nil {
		return "", ErrNoKey
	}
	if !isObject(payload) {
		return "", errPayload
	}
	signed, err := k.signer.Sign(payload)
	if err != nil {
		return "", errors.New("token: the private key cannot sign")
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	if len(token) > k.maxLen {
		return "", ErrTooLong
	}
	return token, nil
}

// Open returns the payload of a token; the index is always 0. Errors wrap
// [ErrInvalid], and the index is -1 then.
func (k *SigningKeys) Open(token string) (payload []byte, key int, err error) {
	parsed, err := parseJWS(token, k.header, k.alg, k.maxLen)
	if err != nil {
		return nil, -1, err
	}
	payload, err = parsed.Verify(k.public)
	if err != nil {
		return nil, -1, errNoMatch
	}
	return object(payload, 0)
}

func (k *SigningKeys) openWith(token string, _ int) ([]byte, error) {
	payload, _, err := k.Open(token)
	return payload, err
}
