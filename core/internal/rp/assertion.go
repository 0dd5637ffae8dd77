package rp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

const (
	assertionType     = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLifetime = 60 * time.Second
)

// An assertionKey signs assertions for private_key_jwt.
type assertionKey struct {
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
	kid       string
}

// newAssertionKey reads a PEM key: PKCS#8, PKCS#1 or SEC1. The algorithm is the
// key's own: what is to be configured once cannot disagree. No error of a
// decoder is wrapped, for it may quote what it could not read.
func newAssertionKey(text, kid string) (*assertionKey, error) {
	block, rest := pem.Decode([]byte(strings.TrimSpace(text)))
	if block != nil && block.Type == "EC PARAMETERS" { // openssl ecparam writes them in front
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("PrivateKey: is not a PEM block; give the whole file, BEGIN and END lines and line breaks included")
	}
	if strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("PrivateKey: holds more than one key; give the PEM block of the private key alone")
	}
	if strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("PrivateKey: is encrypted; decrypt it first, for example with openssl pkey")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, errors.New("PrivateKey: the PEM block is not a private key (PKCS#8, PKCS#1 or SEC1)")
	}
	if err != nil {
		return nil, errors.New("PrivateKey: the PEM block cannot be read as the kind of key that it names")
	}
	return signerOf(key, kid)
}

// signerOf chooses the algorithm: RFC 7518 §3.1 and, for Ed25519, RFC 8037.
func signerOf(key any, kid string) (*assertionKey, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return nil, fmt.Errorf("PrivateKey: RSA keys must have %d to %d bits", minRSABits, maxRSABits)
		}
		return &assertionKey{jose.RS256, k, kid}, nil
	case *ecdsa.PrivateKey:
		switch k.Curve {
		case elliptic.P256():
			return &assertionKey{jose.ES256, k, kid}, nil
		case elliptic.P384():
			return &assertionKey{jose.ES384, k, kid}, nil
		case elliptic.P521():
			return &assertionKey{jose.ES512, k, kid}, nil
		}
	case ed25519.PrivateKey:
		return &assertionKey{jose.EdDSA, k, kid}, nil
	}
	return nil, errors.New("PrivateKey: must be an RSA, EC (P-256, P-384 or P-521) or Ed25519 key")
}

// sign makes one assertion of RFC 7523 §2.2 and OpenID Connect Core §9. It
// serves one request: its jti is new, and it ends a minute later.
func (k *assertionKey) sign(clientID, audience string, now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{
		"iss": clientID, "sub": clientID, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(),
	})
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if k.kid != "" {
		options = options.WithHeader("kid", k.kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.algorithm, Key: k.private}, options)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

// assertionAudience is one string, the issuer identifier: an assertion that
// names the address it is sent to is one that another server can pass on, once
// it has us believe that its address is ours. Plain OAuth 2.0 has no issuer to
// name, and a template of issuers is none; there it is the token endpoint (RFC
// 7523 §3).
func (p *Party) assertionAudience(m *metadata) string {
	if p.config.OIDC && !p.config.manyTenants() {
		return p.config.Issuer
	}
	return m.TokenEndpoint
}
