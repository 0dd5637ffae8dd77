package devidp

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// Header and signature of the ID token.
var (
	BadSignature = Fault{Name: "BadSignature", Verdict: Refuse, Endpoint: Token,
		About: "The ID token's signature is not that of its content.", JWS: breakSignature}
	OtherKey = draftFault("OtherKey", Refuse, "The ID token is signed by a key outside the JWK set, under the kid of the right one.", func(p *Provider, d *draft) error {
		attacker, err := p.keys.attacker()
		d.key = attacker.key
		return err
	})

	AlgNone               = draftFault("AlgNone", Refuse, "The ID token has alg none and no signature.", unsigned("none"))
	AlgNoneMixedCase      = draftFault("AlgNoneMixedCase", Refuse, "The ID token has alg nOnE and no signature.", unsigned("nOnE"))
	AlgEmpty              = draftFault("AlgEmpty", Refuse, "The ID token has an empty alg and no signature.", unsigned(""))
	AlgAbsent             = draftFault("AlgAbsent", Refuse, "The ID token has neither alg nor signature.", unsigned(nil))
	AlgNoneKeepsSignature = headerFault("AlgNoneKeepsSignature", Refuse, "The ID token has alg none and a signature that would fit its content.", put("alg", "none"))

	HS256ClientSecret = draftFault("HS256ClientSecret", Refuse, "The ID token is signed with HS256 and the client secret.", func(_ *Provider, d *draft) error { return d.hs256([]byte(d.client.Secret), nil) })
	HS256PublicPEM    = draftFault("HS256PublicPEM", Refuse, "The ID token is signed with HS256 and the public key in PEM as secret.", func(_ *Provider, d *draft) error {
		der, err := x509.MarshalPKIXPublicKey(d.key.Public())
		return d.hs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err)
	})
	HS256PublicDER = draftFault("HS256PublicDER", Refuse, "The ID token is signed with HS256 and the public key in DER as secret.", func(_ *Provider, d *draft) error {
		return d.hs256(x509.MarshalPKIXPublicKey(d.key.Public()))
	})
	HS256PublicNumber = draftFault("HS256PublicNumber", Refuse, "The ID token is signed with HS256 and the public key's n (or x and y) as secret.", func(_ *Provider, d *draft) error {
		return d.hs256(publicNumber(d.key.Public()))
	})
	AlgRS512 = headerFault("AlgRS512", Refuse, "The ID token is signed with RS512, which discovery does not list.", put("alg", "RS512"))
	AlgPS256 = headerFault("AlgPS256", Refuse, "The ID token is signed with PS256, which discovery does not list.", put("alg", "PS256"))

	HeaderJWK = draftFault("HeaderJWK", Refuse, "The ID token brings the key that it is signed with in its header.", func(p *Provider, d *draft) error {
		attacker, err := d.signedByAttacker(p)
		if err != nil {
			return err
		}
		d.header["jwk"], err = attacker.publicJWK()
		return err
	})
	HeaderJKU = draftFault("HeaderJKU", Refuse, "The ID token's jku points to the JWK set of the key that it is signed with (Counts.Trap).", attackerURL("jku"))
	HeaderX5U = draftFault("HeaderX5U", Refuse, "The ID token's x5u points to the key that it is signed with (Counts.Trap).", attackerURL("x5u"))

	CritUnknown      = headerFault("CritUnknown", Refuse, "The ID token's header makes an unknown extension critical.", func(h map[string]any) { h["crit"], h["x"] = []string{"x"}, true })
	UnencodedPayload = headerFault("UnencodedPayload", Refuse, "The ID token's header claims an unencoded payload (RFC 7797).", func(h map[string]any) { h["crit"], h["b64"] = []string{"b64"}, false })

	KidAbsent         = headerFault("KidAbsent", Accept, "The ID token has no kid, and the JWK set has one key.", drop("kid"))
	KidAbsentManyKeys = together(Fault{Name: "KidAbsentManyKeys", Verdict: Either, Endpoint: Token, About: "The ID token has no kid, and the JWK set has three keys that fit, the right one last."},
		headerFault("", Either, "", drop("kid")), Fault{Endpoint: JWKS, JSON: decoysFirst})
	UnknownKid       = headerFault("UnknownKid", Refuse, "The ID token's kid is in no JWK set.", put("kid", "no-such-key"))
	KidPathTraversal = headerFault("KidPathTraversal", Refuse, "The ID token's kid is a path.", put("kid", "../../etc/passwd"))
	KidInjection     = headerFault("KidInjection", Refuse, "The ID token's kid is a piece of SQL.", put("kid", "' OR 1=1 --"))
	KidControlBytes  = headerFault("KidControlBytes", Refuse, "The ID token's kid has a line break and a terminal escape, to forge a log line.", put("kid", "k\n\x1b[31mlevel=ERROR msg=forged"))
	KidHuge          = headerFault("KidHuge", Refuse, "The ID token's kid has 64 KiB.", put("kid", strings.Repeat("k", 64<<10)))
	KidNumber        = headerFault("KidNumber", Refuse, "The ID token's kid is a number.", put("kid", int64(7)))
	KidObject        = headerFault("KidObject", Refuse, "The ID token's kid is an object.", put("kid", map[string]any{"a": true}))

	RotateBeforeSigning = Fault{Name: "RotateBeforeSigning", Verdict: Accept, Endpoint: Token,
		About: "The key is replaced just before the ID token is signed, and the old one is gone from the JWK set.",
		before: func(p *Provider) error {
			if err := p.RotateKeys(); err != nil {
				return err
			}
			p.DropOldKeys()
			return nil
		}}
)

func headerFaults() []Fault {
	return []Fault{
		BadSignature, OtherKey, AlgNone, AlgNoneMixedCase, AlgEmpty, AlgAbsent, AlgNoneKeepsSignature,
		HS256ClientSecret, HS256PublicPEM, HS256PublicDER, HS256PublicNumber, AlgRS512, AlgPS256,
		HeaderJWK, HeaderJKU, HeaderX5U, CritUnknown, UnencodedPayload,
		KidAbsent, KidAbsentManyKeys, UnknownKid, KidPathTraversal, KidInjection, KidControlBytes,
		KidHuge, KidNumber, KidObject, RotateBeforeSigning,
	}
}

func headerFault(name string, v Verdict, about string, change func(header map[string]any)) Fault {
	return Fault{Name: name, About: about, Verdict: v, Endpoint: Token, IDToken: func(_, header map[string]any) { change(header) }}
}

func draftFault(name string, v Verdict, about string, change func(*Provider, *draft) error) Fault {
	return Fault{Name: name, About: about, Verdict: v, Endpoint: Token, draft: change}
}

// unsigned: alg nil leaves the member out.
func unsigned(alg any) func(*Provider, *draft) error {
	return func(_ *Provider, d *draft) error {
		d.unsigned = true
		d.header["alg"] = alg
		if alg == nil {
			delete(d.header, "alg")
		}
		return nil
	}
}

func (d *draft) hs256(secret []byte, err error) error {
	d.header["alg"] = "HS256"
	d.hmacKey = secret
	return err
}

// signedByAttacker changes key and kid: with the right kid a client would take
// the right key, and never look at what else the header offers.
func (d *draft) signedByAttacker(p *Provider) (signingKey, error) {
	attacker, err := p.keys.attacker()
	if err != nil {
		return signingKey{}, err
	}
	d.key = attacker.key
	d.header["kid"] = attacker.id
	return attacker, nil
}

func attackerURL(member string) func(*Provider, *draft) error {
	return func(p *Provider, d *draft) error {
		_, err := d.signedByAttacker(p)
		d.header[member] = p.base + "/trap/attacker-jwks"
		return err
	}
}

func publicNumber(public any) ([]byte, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return key.N.Bytes(), nil
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			return nil, err
		}
		return point[1:], nil // without the byte that says "uncompressed"
	}
	return nil, fmt.Errorf("no number of a %T", public)
}

// breakSignature changes one bit in the middle. Not at the end, where base64 may
// have spare bits that decode to the same signature.
func breakSignature(compact string) string {
	at := strings.LastIndexByte(compact, '.') + 10
	if at >= len(compact) {
		return compact
	}
	flipped := byte('A')
	if compact[at] == 'A' {
		flipped = 'B'
	}
	return compact[:at] + string(flipped) + compact[at+1:]
}
