package devidp_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// testStart is this run's beginning, for "expired".
var testStart = time.Now().Unix()

// publicKeyForms are what a client confused about HS256 might take for a secret.
func publicKeyForms(w *wire) map[string][]byte {
	keys := keysOf(w)
	encoded, err := json.Marshal(keys[0])
	var jwk jose.JSONWebKey
	if err != nil || jwk.UnmarshalJSON(encoded) != nil {
		return nil
	}
	der, err := x509.MarshalPKIXPublicKey(jwk.Key)
	if err != nil {
		return nil
	}
	forms := map[string][]byte{"der": der, "pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
	switch key := jwk.Key.(type) {
	case *rsa.PublicKey:
		forms["number"] = key.N.Bytes()
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err == nil {
			forms["number"] = point[1:]
		}
	}
	return forms
}

func payloadEffects() map[string]effect {
	raw := func(w *wire) string {
		parts := strings.Split(w.idToken, ".")
		if len(parts) != 3 {
			return ""
		}
		b, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil || !w.signed() {
			return ""
		}
		return string(b)
	}
	has := func(piece string) effect { return func(w *wire) bool { return strings.Contains(raw(w), piece) } }
	return map[string]effect{
		"TokenFlattenedJSON": func(w *wire) bool { return strings.HasPrefix(w.idToken, `{"payload":`) },
		"TokenFiveParts":     func(w *wire) bool { return strings.Count(w.idToken, ".") == 4 && w.claims != nil },
		"TokenJoined": func(w *wire) bool {
			half := len(w.idToken) / 2
			return w.idToken[:half] == w.idToken[half:] && verifiedBy(w.idToken[:half], w.jwks.object())
		},
		"TokenTrailingSpace":  func(w *wire) bool { return strings.HasSuffix(w.idToken, " ") },
		"TokenTrailingLine":   func(w *wire) bool { return strings.HasSuffix(w.idToken, "\n") },
		"TokenNested":         func(w *wire) bool { return str(decodePart(raw(w), 1), "sub") == "demo-ada" },
		"DuplicateClaims":     func(w *wire) bool { return strings.Count(raw(w), `"sub":`) == 2 },
		"CaseVariantClaims":   has(`"Sub":"somebody-else","ISS":`),
		"PayloadBOM":          has("\xef\xbb\xbf{"),
		"PayloadInvalidUTF8":  has("\"locale\":\"\xff\xfe\""),
		"PayloadTrailingData": has("}{}"),
		"PayloadDeep":         has(strings.Repeat("[", 20000)),
		"PayloadArray":        func(w *wire) bool { return strings.HasPrefix(raw(w), "[{") },
	}
}

func metadataEffects() map[string]effect {
	issuer := func(w *wire) string { return w.discovery.text("issuer") }
	tokenIssuer := func(w *wire) string { return str(w.claims, "iss") }
	moved := func(to string) effect {
		return func(w *wire) bool {
			return w.discovery.text("token_endpoint") == to+"/token" && w.discovery.text("jwks_uri") == to+"/jwks" &&
				w.discovery.text("userinfo_endpoint") == to+"/userinfo" && strings.HasPrefix(w.discovery.text("authorization_endpoint"), issuer(w))
		}
	}
	member := func(name, want string) effect {
		return func(w *wire) bool {
			value, ok := w.discovery.object()[name]
			encoded, err := json.Marshal(value)
			return err == nil && (ok && string(encoded) == want || !ok && want == "")
		}
	}
	weak := func(w *wire) bool {
		algs, _ := w.discovery.object()["id_token_signing_alg_values_supported"].([]any)
		return len(algs) == 3 && algs[0] == "none" && algs[1] == "HS256"
	}
	keys := func(check func(keys []any, w *wire) bool) effect {
		return func(w *wire) bool { return w.jwks.object() != nil && check(keysOf(w), w) }
	}
	return map[string]effect{
		"DiscoveryWrongIssuer":   member("issuer", `"https://attacker.example"`),
		"DiscoveryTrailingSlash": func(w *wire) bool { return issuer(w) == tokenIssuer(w)+"/" },
		"DiscoveryOtherScheme":   func(w *wire) bool { return issuer(w) == strings.Replace(tokenIssuer(w), "http://", "https://", 1) },
		"DiscoveryNoIssuer":      member("issuer", ""),
		"DiscoveryLinkLocal":     moved("http://169.254.169.254/latest"),
		"DiscoveryPlainHTTP":     moved("http://attacker.invalid"),
		"DiscoveryFileScheme":    moved("file:///etc"),
		"DiscoveryNoToken":       member("token_endpoint", ""),
		"DiscoveryNoJWKS":        member("jwks_uri", ""),
		"DiscoveryNoPKCE":        member("code_challenge_methods_supported", ""),
		"DiscoveryPlainPKCE":     member("code_challenge_methods_supported", `["plain"]`),
		"DiscoveryWeakAlgs":      both(weak, (*wire).signed),
		"WeakAlgNone":            both(weak, headerEffects()["AlgNone"]),
		"WeakAlgHS256":           both(weak, headerEffects()["HS256PublicPEM"]),

		"EmptyKeySet": keys(func(k []any, w *wire) bool { return k != nil && len(k) == 0 }),
		"KeySetNotArray": func(w *wire) bool {
			_, object := w.jwks.object()["keys"].(map[string]any)
			return object
		},
		"WrongKey": keys(func(k []any, w *wire) bool {
			return len(k) == 1 && str(k[0].(map[string]any), "kid") == str(w.header, "kid") && !w.signed()
		}),
		"DuplicateKid": keys(func(k []any, w *wire) bool {
			return len(k) == 2 && k[0].(map[string]any)["kid"] == k[1].(map[string]any)["kid"] && verifiedBy(w.idToken, map[string]any{"keys": k[1:]}) && !verifiedBy(w.idToken, map[string]any{"keys": k[:1]})
		}),
		"JunkKeys":        keys(func(k []any, w *wire) bool { return len(k) == 8 && w.signed() }),
		"TenThousandKeys": keys(func(k []any, w *wire) bool { return len(k) == 10001 && w.signed() }),
	}
}

func authorizeEffects() map[string]effect {
	param := func(name string, want ...string) effect {
		return func(w *wire) bool { return strings.Join(w.callback[name], "|") == strings.Join(want, "|") }
	}
	second := func(name, want string) effect {
		return func(w *wire) bool { return len(w.callback[name]) == 2 && w.callback[name][1] == want }
	}
	unannounced := func(w *wire) bool {
		_, has := w.discovery.object()["authorization_response_iss_parameter_supported"]
		return !has
	}
	failed := func(code string) effect { return both(param("error", code), param("code")) }
	return map[string]effect{
		"ResponseWrongIssuer":         both(param("iss", "https://attacker.example"), func(w *wire) bool { return !unannounced(w) }),
		"ResponseMissingIssuer":       both(param("iss"), func(w *wire) bool { return !unannounced(w) }),
		"ResponseIssuerUnannounced":   both(param("iss", "https://attacker.example"), unannounced),
		"ResponseNoIssuerUnannounced": both(param("iss"), unannounced),
		"ResponseRepeatedIssuer":      second("iss", "https://attacker.example"),
		"ResponseWrongState":          param("state", "another-state"),
		"ResponseMissingState":        param("state"),
		"ResponseRepeatedState":       second("state", "another-state"),
		"ResponseMissingCode":         both(param("code"), param("error")),
		"ResponseEmptyCode":           func(w *wire) bool { return w.callback.Has("code") && w.callback.Get("code") == "" },
		"ResponseRepeatedCode":        second("code", "another-code"),
		"ResponseForeignCode":         both(param("code", "never-issued"), func(w *wire) bool { return w.token.text("error") == "invalid_grant" }),
		"ResponseCodeAndError":        both(param("error", "access_denied"), func(w *wire) bool { return w.callback.Get("code") != "" }),
		"HugeCode":                    func(w *wire) bool { return len(w.callback.Get("code")) == 100<<10 },
		"OddCode": func(w *wire) bool {
			return strings.Contains(w.callback.Get("code"), "\r\n") && strings.Contains(w.callback.Get("code"), "\x00&") && w.token.status == 200
		},
		"AccessDenied":           failed("access_denied"),
		"ServerError":            failed("server_error"),
		"TemporarilyUnavailable": failed("temporarily_unavailable"),
		"ErrorWithMarkup":        both(failed("server_error"), both(param("error_description", "<script>alert(1)</script>"), param("error_uri", "javascript:alert(1)"))),
	}
}

func tokenEffects() map[string]effect {
	no := func(name string) effect {
		return func(w *wire) bool {
			_, has := w.token.object()[name]
			return w.token.status == 200 && len(w.token.object()) > 0 && !has
		}
	}
	refreshed := func(name, want string) effect {
		return func(w *wire) bool { return str(w.refreshedClaims, name) == want && str(w.claims, name) != want }
	}
	return map[string]effect{
		"NoIDToken":     no("id_token"),
		"IDTokenNumber": func(w *wire) bool { return w.token.object()["id_token"] == float64(7) },
		"NoAccessToken": no("access_token"),
		"EmptyAccessToken": func(w *wire) bool {
			return w.token.object()["access_token"] == "" && w.idToken != ""
		},
		"TokenTypeMissing": no("token_type"),
		"TokenTypeMAC":     func(w *wire) bool { return w.token.text("token_type") == "mac" && w.signed() },
		"EmptyObject":      func(w *wire) bool { return string(w.token.body) == "{}" },
		"CodeReuse":        func(w *wire) bool { return w.token.status == 200 && w.replay.status == 200 },

		"RefreshWrongIssuer":   refreshed("iss", "https://attacker.example"),
		"RefreshWrongSubject":  refreshed("sub", "somebody-else"),
		"RefreshWrongAudience": refreshed("aud", "another-client"),
		"RefreshInvalidGrant":  func(w *wire) bool { return w.token.status == 200 && w.refresh.text("error") == "invalid_grant" },
		"RefreshUnavailable": func(w *wire) bool {
			return w.token.status == 200 && w.refresh.status == 503 && w.refresh.header.Get("Retry-After") != ""
		},
		"RefreshNotRotated": func(w *wire) bool { return w.refresh.status == 200 && w.refresh.text("refresh_token") == "" },

		"UserInfoWrongSubject":   func(w *wire) bool { return w.signed() && w.userInfo.text("sub") == "somebody-else" },
		"UserInfoMissingSubject": func(w *wire) bool { _, has := w.userInfo.object()["sub"]; return w.userInfo.status == 200 && !has },
		"UserInfoNumberSubject":  func(w *wire) bool { return w.userInfo.object()["sub"] == float64(7) },
		"UserInfoArray": func(w *wire) bool {
			return bytes.HasPrefix(w.userInfo.body, []byte(`[{`)) && json.Valid(w.userInfo.body)
		},
		"UserInfoNoContent": func(w *wire) bool { return w.userInfo.status == 204 && len(w.userInfo.body) == 0 },
		"UserInfoUnsignedJWT": func(w *wire) bool {
			return w.userInfo.header.Get("Content-Type") == "application/jwt" && str(decodePart(string(w.userInfo.body), 1), "sub") == "demo-ada"
		},
	}
}
