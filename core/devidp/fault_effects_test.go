package devidp_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
)

type effect = func(*wire) bool

// effects says for each fault how it shows on the wire. Where the fault is in the
// claims, the signature must hold, or a client might refuse for another reason.
func effects() map[string]effect {
	all := map[string]effect{}
	for _, group := range []map[string]effect{claimEffects(), headerEffects(), payloadEffects(), metadataEffects(), authorizeEffects(), tokenEffects(), logoutEffects()} {
		for name, e := range group {
			all[name] = e
		}
	}
	return all
}

// claim: the ID token has this value, as JSON, under a valid signature.
func claim(name, want string) effect {
	return signedClaims(func(claims map[string]any) bool {
		value, ok := claims[name]
		encoded, err := json.Marshal(value)
		return ok && err == nil && string(encoded) == want
	})
}

func noClaim(name string) effect {
	return signedClaims(func(claims map[string]any) bool { _, ok := claims[name]; return !ok })
}

func signedClaims(check func(map[string]any) bool) effect {
	return func(w *wire) bool { return w.claims != nil && w.signed() && check(w.claims) }
}

func str(object map[string]any, name string) string { s, _ := object[name].(string); return s }
func num(object map[string]any, name string) float64 {
	n, _ := object[name].(float64)
	return n
}

// sameSubject: the ID token and userinfo agree on this sub ("" for none at all).
func sameSubject(want string) effect {
	return func(w *wire) bool {
		var members map[string]json.RawMessage
		if json.Unmarshal(w.userInfo.body, &members) != nil || string(members["sub"]) != want {
			return false
		}
		if want == "" {
			return noClaim("sub")(w)
		}
		return claim("sub", want)(w)
	}
}

func claimEffects() map[string]effect {
	issuerOf := func(w *wire) string { return w.discovery.text("issuer") }
	return map[string]effect{
		"WrongIssuer":           claim("iss", `"https://attacker.example"`),
		"IssuerTrailingSlash":   func(w *wire) bool { return w.signed() && str(w.claims, "iss") == issuerOf(w)+"/" },
		"IssuerUpperCase":       func(w *wire) bool { return w.signed() && str(w.claims, "iss") == strings.ToUpper(issuerOf(w)) },
		"IssuerPrefix":          func(w *wire) bool { return w.signed() && str(w.claims, "iss") == issuerOf(w)+".attacker.example" },
		"MissingIssuer":         noClaim("iss"),
		"WrongAudience":         claim("aud", `"another-client"`),
		"MissingAudience":       noClaim("aud"),
		"EmptyAudience":         claim("aud", `[]`),
		"AudienceObject":        claim("aud", `{"dev":true}`),
		"ManyAudiencesNoAZP":    both(claim("aud", `["dev","another-client"]`), noClaim("azp")),
		"ManyAudiencesWrongAZP": both(claim("aud", `["dev","another-client"]`), claim("azp", `"another-client"`)),
		"ManyAudiencesOurAZP":   both(claim("aud", `["dev","another-client"]`), claim("azp", `"dev"`)),
		"WrongAZP":              both(claim("aud", `"dev"`), claim("azp", `"another-client"`)),
		"MissingSubject":        sameSubject(""),
		"EmptySubject":          sameSubject(`""`),
		"NumberSubject":         sameSubject(`7`),
		"NullSubject":           sameSubject(`null`),
		"LongSubject":           sameSubject(`"` + strings.Repeat("s", 256) + `"`),
		"NULSubject":            sameSubject(`"demo\u0000ada"`),
		"MissingIssuedAt":       noClaim("iat"),
		"FutureIssuedAt":        signedClaims(func(c map[string]any) bool { return num(c, "iat") == num(c, "auth_time")+3600 }),
		"MissingExpiry":         noClaim("exp"),
		"Expired": signedClaims(func(c map[string]any) bool {
			return num(c, "exp") == num(c, "iat")+3600 && num(c, "exp") < float64(testStart)
		}),
		"ExpiryString":    claim("exp", `"4102444800"`),
		"ExpiryOverflow":  claim("exp", `1e+300`),
		"ExpiryNegative":  claim("exp", `-1`),
		"ExpiryFraction":  signedClaims(func(c map[string]any) bool { return num(c, "exp") == num(c, "iat")+3600.5 }),
		"FutureNotBefore": signedClaims(func(c map[string]any) bool { return num(c, "nbf") == num(c, "iat")+3600 }),
		"MissingNonce":    noClaim("nonce"),
		"WrongNonce":      claim("nonce", `"the-nonce-of-another-sign-in"`),
		"NonceArray":      claim("nonce", `["the-nonce"]`),
		"WrongAtHash": func(w *wire) bool {
			return w.signed() && str(w.claims, "at_hash") != "" && str(w.claims, "at_hash") != atHash(w.token.text("access_token"))
		},
		"MissingAtHash": noClaim("at_hash"),

		"MissingAuthTime": noClaim("auth_time"),
		"OldAuthTime": signedClaims(func(c map[string]any) bool {
			return num(c, "auth_time") > 0 && num(c, "auth_time") <= num(c, "iat")-86400
		}),
		"FutureAuthTime": signedClaims(func(c map[string]any) bool { return num(c, "auth_time") > num(c, "iat")+3500 }),
	}
}

func atHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func both(a, b effect) effect { return func(w *wire) bool { return a(w) && b(w) } }

func headerEffects() map[string]effect {
	head := func(name, want string) effect {
		return func(w *wire) bool {
			value, ok := w.header[name]
			encoded, err := json.Marshal(value)
			return ok && err == nil && string(encoded) == want
		}
	}
	noSignature := func(w *wire) bool { return strings.HasSuffix(w.idToken, ".") }
	unknownKid := func(w *wire) bool {
		return w.claims != nil && !bytes.Contains(w.jwks.body, []byte(str(w.header, "kid")))
	}
	byAttacker := func(w *wire) bool {
		return unknownKid(w) && !w.signed() && verifiedBy(w.idToken, w.attacker.object())
	}
	kid := func(want string) effect { return both(head("kid", want), (*wire).signed) }
	trapURL := func(name string) effect {
		return both(byAttacker, func(w *wire) bool { return strings.HasSuffix(str(w.header, name), "/trap/attacker-jwks") })
	}
	return map[string]effect{
		"BadSignature":          func(w *wire) bool { return w.claims != nil && !noSignature(w) && !w.signed() && !unknownKid(w) },
		"OtherKey":              func(w *wire) bool { return !w.signed() && !unknownKid(w) && verifiedBy(w.idToken, w.attacker.object()) },
		"AlgNone":               both(head("alg", `"none"`), noSignature),
		"AlgNoneMixedCase":      both(head("alg", `"nOnE"`), noSignature),
		"AlgEmpty":              both(head("alg", `""`), noSignature),
		"AlgAbsent":             func(w *wire) bool { _, has := w.header["alg"]; return w.header != nil && !has && noSignature(w) },
		"AlgNoneKeepsSignature": func(w *wire) bool { return head("alg", `"none"`)(w) && !noSignature(w) },
		"HS256ClientSecret":     func(w *wire) bool { return hs256(w.idToken, []byte(w.client.Secret)) },
		"HS256PublicPEM":        func(w *wire) bool { return hs256(w.idToken, publicKeyForms(w)["pem"]) },
		"HS256PublicDER":        func(w *wire) bool { return hs256(w.idToken, publicKeyForms(w)["der"]) },
		"HS256PublicNumber":     func(w *wire) bool { return hs256(w.idToken, publicKeyForms(w)["number"]) },
		"AlgRS512":              head("alg", `"RS512"`),
		"AlgPS256":              head("alg", `"PS256"`),
		"HeaderJWK": both(byAttacker, func(w *wire) bool {
			return verifiedBy(w.idToken, map[string]any{"keys": []any{w.header["jwk"]}})
		}),
		"HeaderJKU":        trapURL("jku"),
		"HeaderX5U":        trapURL("x5u"),
		"CritUnknown":      both(head("crit", `["x"]`), head("x", `true`)),
		"UnencodedPayload": both(head("crit", `["b64"]`), head("b64", `false`)),
		"KidAbsent": func(w *wire) bool {
			_, has := w.header["kid"]
			return !has && w.signed() && len(keysOf(w)) == 1
		},
		"KidAbsentManyKeys": func(w *wire) bool {
			_, has := w.header["kid"]
			return !has && w.signed() && len(keysOf(w)) == 3
		},
		"UnknownKid":       kid(`"no-such-key"`),
		"KidPathTraversal": kid(`"../../etc/passwd"`),
		"KidInjection":     kid(`"' OR 1=1 --"`),
		"KidControlBytes":  kid(`"k\n\u001b[31mlevel=ERROR msg=forged"`),
		"KidHuge":          kid(`"` + strings.Repeat("k", 64<<10) + `"`),
		"KidNumber":        head("kid", `7`),
		"KidObject":        head("kid", `{"a":true}`),
		"RotateBeforeSigning": func(w *wire) bool {
			return w.signed() && !verifiedBy(w.idToken, w.jwks.object()) && len(keysOf(w)) == 1
		},
	}
}

func keysOf(w *wire) []any { keys, _ := w.keysAfter.object()["keys"].([]any); return keys }

func hs256(token string, secret []byte) bool {
	at := strings.LastIndexByte(token, '.')
	if at < 0 || len(secret) == 0 || str(decodePart(token, 0), "alg") != "HS256" {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(token[:at]))
	return token[at+1:] == base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
