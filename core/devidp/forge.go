package devidp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// draft is a token that a fault is working on. It is put together by hand, since
// no JOSE library agrees to write what faults want written.
type draft struct {
	client   Client
	header   map[string]any
	claims   map[string]any
	key      crypto.Signer
	hmacKey  []byte // of alg HS256
	unsigned bool   // an empty signature part
	// payload works on the encoded claims, for what a map cannot express.
	payload func([]byte) []byte
	// subject, when set, is what userinfo answers for this grant as well.
	subject any
}

// absent as a subject leaves the claim out.
type absent struct{}

func newDraft(key signingKey, client Client, claims map[string]any) *draft {
	return &draft{
		client:  client,
		header:  map[string]any{"alg": key.alg, "kid": key.id, "typ": "JWT"},
		claims:  claims,
		key:     key.key,
		hmacKey: []byte(client.Secret),
	}
}

// forgeWith lets the faults change the draft, signs it, and lets them change that.
func (p *Provider) forgeWith(faults []Fault, d *draft) (token string, err error) {
	for _, f := range faults {
		if f.IDToken != nil {
			f.IDToken(d.claims, d.header)
		}
		if f.draft == nil {
			continue
		}
		if err := f.draft(p, d); err != nil {
			return "", err
		}
	}
	if d.subject != nil {
		putSubject(d.claims, d.subject)
	}
	if token, err = d.compact(); err != nil {
		return "", err
	}
	for _, f := range faults {
		if f.JWS != nil {
			token = f.JWS(token)
		}
	}
	return token, nil
}

func putSubject(claims map[string]any, subject any) {
	claims["sub"] = subject
	if subject == (absent{}) {
		delete(claims, "sub")
	}
}

func (d *draft) compact() (string, error) {
	header, err := json.Marshal(d.header)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(d.claims)
	if err != nil {
		return "", err
	}
	if d.payload != nil {
		payload = d.payload(payload)
	}
	input := encodePart(header) + "." + encodePart(payload)
	signature, err := d.sign([]byte(input))
	if err != nil {
		return "", err
	}
	return input + "." + encodePart(signature), nil
}

// sign goes by what the header says, as far as the key can; otherwise by what the
// key can: the header of a forged token need not be true.
func (d *draft) sign(input []byte) ([]byte, error) {
	alg, _ := d.header["alg"].(string)
	if d.unsigned {
		return nil, nil
	}
	if alg == "HS256" {
		mac := hmac.New(sha256.New, d.hmacKey)
		mac.Write(input)
		return mac.Sum(nil), nil
	}
	hash := crypto.SHA256
	if alg == "RS512" {
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write(input)
	switch key := d.key.(type) {
	case *rsa.PrivateKey:
		if alg == "PS256" {
			return rsa.SignPSS(rand.Reader, key, hash, h.Sum(nil), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(rand.Reader, key, hash, h.Sum(nil))
	case *ecdsa.PrivateKey:
		return signECDSA(key, h.Sum(nil))
	}
	return nil, fmt.Errorf("no way to sign with a %T", d.key)
}

// signECDSA is r and s, 32 bytes each (RFC 7518 §3.4).
func signECDSA(key *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, key, digest)
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature, nil
}

func encodePart(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
