package token

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// parsePair reads a key pair from an SPKI and a PKCS #8 block, the forms that
// WebCrypto exports, and checks that the two belong together. Both halves are
// read so that a swapped file is found at the start and not at the first
// sign-in. All problems are reported, joined; none quotes the input.
func parsePair(publicPEM, privatePEM string) (crypto.PublicKey, crypto.Signer, error) {
	public, publicErr := parsePublic(publicPEM)
	private, privateErr := parsePrivate(privatePEM)
	if err := errors.Join(publicErr, privateErr); err != nil {
		return nil, nil, err
	}
	own, ok := private.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !own.Equal(public) {
		return nil, nil, errors.New("token: the public key does not belong to the private key")
	}
	if key, ok := public.(*rsa.PublicKey); ok && key.Size() < 256 {
		return nil, nil, fmt.Errorf("token: the RSA key has %d bits, at least 2048 are needed (RFC 7518 §3.3)", key.N.BitLen())
	}
	return public, private, nil
}

func parsePublic(text string) (crypto.PublicKey, error) {
	der, err := pemBlock(text, "PUBLIC KEY")
	if err != nil {
		return nil, fmt.Errorf("token: the public key %w", err)
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("token: the public key is not SPKI: %w", err)
	}
	return key, nil
}

func parsePrivate(text string) (crypto.Signer, error) {
	der, err := pemBlock(text, "PRIVATE KEY")
	if err != nil {
		return nil, fmt.Errorf("token: the private key %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("token: the private key is not PKCS #8: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("token: the private key is of a kind that cannot be used: %T", key)
	}
	return signer, nil
}

func pemBlock(text, kind string) ([]byte, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("is not in PEM form; it begins with -----BEGIN %s-----", kind)
	}
	if block.Type != kind {
		return nil, fmt.Errorf("is a PEM block of another type; convert it to one that begins with -----BEGIN %s-----", kind)
	}
	if strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("is followed by something else; give one PEM block")
	}
	return block.Bytes, nil
}
