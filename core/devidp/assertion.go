package devidp

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// assertionLifetime bounds exp, and with it how long a jti is remembered.
	assertionLifetime = 10 * time.Minute
	// assertionLeeway is for the clock of a client on another machine's time.
	assertionLeeway = 30 * time.Second
)

// assertionAlgs are those that a client may sign with. No HMAC: a client whose
// secret signs has client_secret_basic already.
func assertionAlgs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}
}

// checkAssertion is private_key_jwt (RFC 7523 §3, OpenID Connect Core §9), or
// says why the assertion does not prove the client.
func (p *Provider) checkAssertion(clientID, assertion string, audiences []string) (reason string) {
	keys := p.clientKeys[clientID]
	if len(keys) == 0 {
		return "the client has no PublicKeys to check an assertion with"
	}
	token, err := jwt.ParseSigned(assertion, assertionAlgs())
	if err != nil {
		return "client_assertion is not a JWT that is signed with one of the supported algorithms"
	}
	var claims jwt.Claims
	if !verifiedByOne(token, keys, &claims) {
		return "client_assertion is not signed by a key of the client"
	}
	now := p.now()
	switch {
	case claims.Issuer != clientID || claims.Subject != clientID:
		return "client_assertion's iss and sub must both be the client_id"
	case len(claims.Audience) != 1 || !slices.Contains(audiences, claims.Audience[0]):
		return "client_assertion's aud must be the issuer or the endpoint, alone"
	case claims.Expiry == nil:
		return "client_assertion has no exp"
	case now.After(claims.Expiry.Time().Add(assertionLeeway)):
		return "client_assertion has expired"
	case claims.Expiry.Time().After(now.Add(assertionLifetime)):
		return "client_assertion's exp is more than ten minutes ahead"
	case claims.NotBefore != nil && claims.NotBefore.Time().After(now.Add(assertionLeeway)):
		return "client_assertion's nbf is in the future"
	case claims.IssuedAt != nil && claims.IssuedAt.Time().After(now.Add(assertionLeeway)):
		return "client_assertion's iat is in the future"
	case claims.ID == "":
		return "client_assertion has no jti"
	case !p.ledger.firstUse(clientID, claims.ID, claims.Expiry.Time().Add(assertionLeeway)):
		return "client_assertion's jti was used before"
	}
	return ""
}

// verifiedByOne tries the key that kid names, or each one when it names none.
func verifiedByOne(token *jwt.JSONWebToken, keys []jose.JSONWebKey, claims *jwt.Claims) bool {
	kid := token.Headers[0].KeyID
	for _, key := range keys {
		if kid != "" && key.KeyID != "" && kid != key.KeyID {
			continue
		}
		if token.Claims(key, claims) == nil {
			return true
		}
	}
	return false
}

// parsePublicKeys reads a JWK set, or PEM blocks of type PUBLIC KEY.
func parsePublicKeys(text string) ([]jose.JSONWebKey, error) {
	var set jose.JSONWebKeySet
	if json.Unmarshal([]byte(text), &set) != nil {
		var err error
		if set.Keys, err = parsePEM([]byte(text)); err != nil {
			return nil, err
		}
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("holds no key: want a JWK set, or PEM blocks of type PUBLIC KEY")
	}
	for _, key := range set.Keys {
		if reason := weakness(key.Key); reason != "" {
			return nil, errors.New(reason)
		}
	}
	return set.Keys, nil
}

func parsePEM(rest []byte) ([]jose.JSONWebKey, error) {
	var keys []jose.JSONWebKey
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return keys, nil
		}
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("has a PEM block of type %s, want PUBLIC KEY", block.Type)
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, errors.New("has a PEM block that is no public key")
		}
		keys = append(keys, jose.JSONWebKey{Key: key})
	}
}

func weakness(key any) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return "has an RSA key of less than 2048 bits"
		}
	case *ecdsa.PublicKey:
		if !slices.Contains([]elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}, k.Curve) {
			return "has an EC key that is not on P-256, P-384 or P-521"
		}
	case ed25519.PublicKey:
	default:
		return fmt.Sprintf("has a %T, want a public RSA, EC or Ed25519 key", key)
	}
	return ""
}

// unverifiedSubject finds the client whose keys the assertion is then checked
// with; nothing else is believed before that.
func unverifiedSubject(assertion string) string {
	token, err := jwt.ParseSigned(assertion, assertionAlgs())
	if err != nil {
		return ""
	}
	var claims jwt.Claims
	if token.UnsafeClaimsWithoutVerification(&claims) != nil {
		return ""
	}
	return claims.Subject
}
