package rp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	jose "github.com/go-jose/go-jose/v4"
)

const (
	maxKeys    = 64   // used of one key set
	minRSABits = 2048 // RFC 7518 §3.3
	maxRSABits = 8192 // larger ones cost milliseconds per signature
)

// An algorithm is what a signature algorithm asks of its key.
type algorithm struct {
	name  jose.SignatureAlgorithm
	kty   string
	curve elliptic.Curve // EC only
	crv   string         // EC and OKP
}

// algorithms are the asymmetric ones; nothing else can be configured. It is
// written once, here.
var algorithms = map[string]algorithm{
	"RS256": {name: jose.RS256, kty: "RSA"},
	"RS384": {name: jose.RS384, kty: "RSA"},
	"RS512": {name: jose.RS512, kty: "RSA"},
	"PS256": {name: jose.PS256, kty: "RSA"},
	"PS384": {name: jose.PS384, kty: "RSA"},
	"PS512": {name: jose.PS512, kty: "RSA"},
	"ES256": {name: jose.ES256, kty: "EC", curve: elliptic.P256(), crv: "P-256"},
	"ES384": {name: jose.ES384, kty: "EC", curve: elliptic.P384(), crv: "P-384"},
	"ES512": {name: jose.ES512, kty: "EC", curve: elliptic.P521(), crv: "P-521"},
	"EdDSA": {name: jose.EdDSA, kty: "OKP", crv: "Ed25519"},
}

// A publicKey is one usable key of a set.
type publicKey struct {
	kid, alg, kty, crv string
	issuer             string // Microsoft's: whose tokens it signs; see tenancy
	key                crypto.PublicKey
}

// fits reports whether k may verify a signature by alg.
func (k publicKey) fits(alg algorithm) bool {
	return k.kty == alg.kty && k.crv == alg.crv && (k.alg == "" || k.alg == string(alg.name))
}

// jwk is RFC 7517 §4 and RFC 7518 §6, as far as signatures by public keys go.
// It is decoded here and not by go-jose, because that also judges x5c, and a
// certificate that crypto/x509 dislikes must not cost us the key beside it.
type jwk struct {
	Kty    string          `json:"kty"`
	Use    string          `json:"use"`
	KeyOps []string        `json:"key_ops"`
	Alg    string          `json:"alg"`
	Kid    string          `json:"kid"`
	Crv    string          `json:"crv"`
	Issuer json.RawMessage `json:"issuer"`
	N      string          `json:"n"`
	E      string          `json:"e"`
	X      string          `json:"x"`
	Y      string          `json:"y"`
	D      json.RawMessage `json:"d"`
	K      json.RawMessage `json:"k"`
}

// parseKeys returns the keys of a set that may verify a signature by one of
// algs. Keys that cannot are left out one by one (RFC 7517 §5): somebody
// else's bad key must not lock our users out.
func parseKeys(body []byte, algs []string) ([]publicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("the answer is not a JSON Web Key Set: %w", err)
	}
	if set.Keys == nil {
		return nil, errors.New(`the answer is not a JSON Web Key Set: it has no member "keys"`)
	}
	var keys []publicKey
	for _, raw := range set.Keys {
		k, ok := parseKey(raw, algs)
		if !ok {
			continue
		}
		if keys = append(keys, k); len(keys) == maxKeys {
			break
		}
	}
	return keys, nil
}

func parseKey(raw json.RawMessage, algs []string) (publicKey, bool) {
	var j jwk
	if err := json.Unmarshal(raw, &j); err != nil {
		return publicKey{}, false
	}
	if j.Use != "" && j.Use != "sig" || j.KeyOps != nil && !slices.Contains(j.KeyOps, "verify") {
		return publicKey{}, false
	}
	if j.D != nil || j.K != nil { // whoever publishes a private key has lost it
		return publicKey{}, false
	}
	k := publicKey{kid: j.Kid, alg: j.Alg, kty: j.Kty, crv: j.Crv}
	if j.Issuer != nil && json.Unmarshal(j.Issuer, &k.issuer) != nil {
		k.issuer = string(j.Issuer) // not a string: nobody's
	}
	if k.kty == "RSA" {
		k.crv = ""
	}
	// Before any arithmetic: only keys that an accepted algorithm can use.
	i := slices.IndexFunc(algs, func(name string) bool { return k.fits(algorithms[name]) })
	if i < 0 {
		return publicKey{}, false
	}
	switch k.kty {
	case "RSA":
		k.key = j.rsa()
	case "EC":
		k.key = j.ec(algorithms[algs[i]].curve)
	case "OKP":
		k.key = j.ed25519()
	}
	return k, k.key != nil
}

func (j jwk) rsa() crypto.PublicKey {
	n, err := base64.RawURLEncoding.DecodeString(j.N)
	if err != nil || len(n) > maxRSABits/8+1 { // one byte more: some write a leading zero
		return nil
	}
	e, err := base64.RawURLEncoding.DecodeString(j.E)
	if err != nil || len(e) == 0 || len(e) > 4 {
		return nil
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e).Int64()
	if bits := modulus.BitLen(); bits < minRSABits || bits > maxRSABits || modulus.Bit(0) == 0 {
		return nil
	}
	if exponent < 3 || exponent&1 == 0 || exponent > 1<<31-1 {
		return nil
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent)}
}

func (j jwk) ec(curve elliptic.Curve) crypto.PublicKey {
	size := (curve.Params().BitSize + 7) / 8
	x, errX := base64.RawURLEncoding.DecodeString(j.X)
	y, errY := base64.RawURLEncoding.DecodeString(j.Y)
	if errX != nil || errY != nil || len(x) != size || len(y) != size { // RFC 7518 §6.2.1.2
		return nil
	}
	point := slices.Concat([]byte{4}, x, y)
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point) // refuses points off the curve
	if err != nil {
		return nil
	}
	return key
}

func (j jwk) ed25519() crypto.PublicKey {
	x, err := base64.RawURLEncoding.DecodeString(j.X)
	if err != nil || len(x) != ed25519.PublicKeySize {
		return nil
	}
	return ed25519.PublicKey(x)
}
