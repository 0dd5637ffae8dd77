package devidp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// The JWK set.
var (
	EmptyKeySet     = keySetFault("EmptyKeySet", Refuse, "The JWK set is empty.", put("keys", []any{}))
	KeySetNotArray  = keySetFault("KeySetNotArray", Refuse, "The JWK set's keys is an object.", put("keys", map[string]any{}))
	WrongKey        = keySetFault("WrongKey", Refuse, "The JWK set has another key under the right kid.", wrongKey)
	DuplicateKid    = keySetFault("DuplicateKid", Either, "The JWK set has two keys under one kid, the right one last.", duplicateKid)
	JunkKeys        = keySetFault("JunkKeys", Accept, "The JWK set has unusable keys before the right one: unknown kty, for encryption, symmetric, RSA of 512 bits and with e=1, a point off its curve.", junkFirst)
	TenThousandKeys = keySetFault("TenThousandKeys", Either, "The JWK set has 10,000 keys of unknown kty before the right one, about 400 KiB.", manyFirst)
)

func keySetFaults() []Fault {
	return []Fault{EmptyKeySet, KeySetNotArray, WrongKey, DuplicateKid, JunkKeys, TenThousandKeys}
}

func keySetFault(name string, v Verdict, about string, change func(map[string]any)) Fault {
	return Fault{Name: name, About: about, Verdict: v, Endpoint: JWKS, JSON: change}
}

func keysOf(set map[string]any) []any {
	keys, _ := set["keys"].([]any)
	return keys
}

// decoy looks like a usable key of the same kind as like; nobody knows its
// private half. An RSA modulus need not have known factors to look right.
func decoy(like any, kid string) map[string]any {
	model, _ := like.(map[string]any)
	key := map[string]any{"kid": kid, "use": "sig", "kty": model["kty"], "alg": model["alg"]}
	if model["kty"] != "EC" {
		modulus := make([]byte, 256)
		rand.Read(modulus)
		modulus[0] |= 0x80
		modulus[255] |= 1
		key["n"], key["e"] = encodePart(modulus), "AQAB"
		return key
	}
	point, err := newPoint()
	if err != nil {
		return key
	}
	key["crv"], key["x"], key["y"] = "P-256", encodePart(point[1:33]), encodePart(point[33:])
	return key
}

func newPoint() ([]byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return private.PublicKey.Bytes()
}

func decoysFirst(set map[string]any) {
	keys := keysOf(set)
	if len(keys) == 0 {
		return
	}
	set["keys"] = append([]any{decoy(keys[0], "decoy-1"), decoy(keys[0], "decoy-2")}, keys...)
}

func kidOf(key any) string {
	model, _ := key.(map[string]any)
	kid, _ := model["kid"].(string)
	return kid
}

func wrongKey(set map[string]any) {
	keys := keysOf(set)
	for i, key := range keys {
		keys[i] = decoy(key, kidOf(key))
	}
}

func duplicateKid(set map[string]any) {
	var doubled []any
	for _, key := range keysOf(set) {
		doubled = append(doubled, decoy(key, kidOf(key)), key)
	}
	set["keys"] = doubled
}

func junkFirst(set map[string]any) {
	short := bytes.Repeat([]byte{0xff}, 64)
	long := bytes.Repeat([]byte{0xff}, 256)
	junk := []any{
		map[string]any{"kty": "QUANTUM", "kid": "junk-kty"},
		map[string]any{"kid": "junk-no-kty"},
		map[string]any{"kty": "oct", "kid": "junk-oct", "alg": string(jose.HS256), "k": encodePart(short)},
		map[string]any{"kty": "RSA", "kid": "junk-enc", "use": "enc", "alg": "RSA-OAEP", "n": encodePart(long), "e": "AQAB"},
		map[string]any{"kty": "RSA", "kid": "junk-512", "use": "sig", "n": encodePart(short), "e": "AQAB"},
		map[string]any{"kty": "RSA", "kid": "junk-e1", "use": "sig", "n": encodePart(long), "e": "AQ"},
		map[string]any{"kty": "EC", "kid": "junk-off-curve", "use": "sig", "crv": "P-256", "x": encodePart(short[:32]), "y": encodePart(short[:32])},
	}
	set["keys"] = append(junk, keysOf(set)...)
}

func manyFirst(set map[string]any) {
	many := make([]any, 0, 10001)
	for i := range 10000 {
		many = append(many, map[string]any{"kty": "QUANTUM", "kid": fmt.Sprint("many-", i)})
	}
	set["keys"] = append(many, keysOf(set)...)
}
