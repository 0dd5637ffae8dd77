package token

import "github.com/go-jose/go-jose/v4"

// Signer writes and reads a compact JWS with HS256 (RFC 7515 §3.1): everybody
// who sees it can read it, nobody without the key can make one. It is safe for
// concurrent use. The zero value signs and verifies nothing.
type Signer struct {
	keys   []hmacKey // newest first
	header header
	maxLen int
}

func newSigner(keys [][]byte) *Signer {
	s := &Signer{header: jwsHeader("HS256"), maxLen: DefaultMaxLen}
	for _, key := range keys {
		s.keys = append(s.keys, newHMACKey(key))
	}
	return s
}

// Limit returns a Signer of the same keys that refuses tokens of more than
// maxLen bytes.
func (s *Signer) Limit(maxLen int) *Signer {
	limited := *s
	limited.maxLen = maxLen
	return &limited
}

// Seal signs payload, a JSON object, with the newest key.
func (s *Signer) Seal(payload []byte) (string, error) {
	if len(s.keys) == 0 {
		return "", ErrNoKey
	}
	if !isObject(payload) {
		return "", errPayload
	}
	signed := s.header.encoded + "." + strict.EncodeToString(payload)
	token := signed + "." + strict.EncodeToString(s.keys[0].sum([]byte(signed)))
	if len(token) > s.maxLen {
		return "", ErrTooLong
	}
	return token, nil
}

// Open returns the payload of a token and the index of the key that verified it,
// 0 being the newest. Errors wrap [ErrInvalid], and the index is -1 then.
func (s *Signer) Open(token string) (payload []byte, key int, err error) {
	parsed, err := parseJWS(token, s.header, jose.HS256, s.maxLen)
	if err != nil {
		return nil, -1, err
	}
	for i := range s.keys {
		if payload, err := parsed.Verify(s.keys[i].key); err == nil {
			return object(payload, i)
		}
	}
	return nil, -1, errNoMatch
}

// openWith is Open with one key alone.
func (s *Signer) openWith(token string, key int) ([]byte, error) {
	one := &Signer{keys: s.keys[key : key+1], header: s.header, maxLen: s.maxLen}
	payload, _, err := one.Open(token)
	return payload, err
}

// parseJWS hands to go-jose only what has our own header and one spelling.
func parseJWS(token string, want header, alg jose.SignatureAlgorithm, maxLen int) (*jose.JSONWebSignature, error) {
	segments, err := split(token, 3, maxLen)
	if err != nil {
		return nil, err
	}
	if err := want.check(segments[0]); err != nil {
		return nil, err
	}
	for _, segment := range segments[1:] {
		if _, err := decode(segment, -1); err != nil {
			return nil, err
		}
	}
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return nil, errForm
	}
	return parsed, nil
}
