package rp

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
)

// claim returns an edit that sets one claim, or removes it for nil.
func claim(name string, value any) func(*fakeIDP) {
	return func(f *fakeIDP) {
		f.claims = func(c map[string]any) {
			if value == nil {
				delete(c, name)
				return
			}
			c[name] = value
		}
	}
}

func head(name string, value any) func(*fakeIDP) {
	return func(f *fakeIDP) {
		f.header[name] = value
		if value == nil {
			delete(f.header, name)
		}
	}
}

// payload replaces the claims' bytes and signs the result properly.
func payload(edit func([]byte) []byte) func(*fakeIDP) {
	return func(f *fakeIDP) {
		f.idToken = func(h, c []byte) string { return signRS256(rsaKey(), h, edit(c)) }
	}
}

// whole replaces the finished token.
func whole(edit func(string) string) func(*fakeIDP) {
	return func(f *fakeIDP) {
		f.idToken = func(h, c []byte) string { return edit(signRS256(rsaKey(), h, c)) }
	}
}

func all(edits ...func(*fakeIDP)) func(*fakeIDP) {
	return func(f *fakeIDP) {
		for _, e := range edits {
			e(f)
		}
	}
}

// published gives the good key and the token the same key id: only its form
// can be the reason to refuse.
func published(kid string) func(*fakeIDP) {
	return func(f *fakeIDP) { f.header["kid"], f.keys[0]["kid"] = kid, kid }
}

func aud(names ...string) func(*fakeIDP) { return claim("aud", names) }

func audAzp(azp any, names ...string) func(*fakeIDP) {
	return func(f *fakeIDP) {
		f.claims = func(c map[string]any) { c["aud"], c["azp"] = names, azp }
	}
}

// at sets a claim relative to the clock.
func at(name string, seconds float64) func(*fakeIDP) {
	return func(f *fakeIDP) { claim(name, float64(f.clock.now().Unix())+seconds)(f) }
}

func replace(old, new string) func([]byte) []byte {
	return func(b []byte) []byte {
		out := bytes.Replace(b, []byte(old), []byte(new), 1)
		if bytes.Equal(out, b) {
			panic("the test replaces nothing")
		}
		return out
	}
}

func TestIDToken(t *testing.T) {
	half := func(token string) string { s := sha256.Sum256([]byte(token)); return b64(s[:16]) }
	const bad, mismatch, ok = CodeIDTokenInvalid, CodeNonceMismatch, ""
	for _, row := range []struct {
		name string
		edit func(*fakeIDP)
		want string
	}{
		{"ID-01 other host", claim("iss", "http://127.0.0.1:1"), bad},
		{"ID-01 trailing slash", func(f *fakeIDP) { claim("iss", f.URL+"/")(f) }, bad},
		{"ID-01 case", func(f *fakeIDP) { claim("iss", strings.ToUpper(f.URL))(f) }, bad},
		{"ID-01 prefix", func(f *fakeIDP) { claim("iss", f.URL[:len(f.URL)-1])(f) }, bad},
		{"ID-01 missing", claim("iss", nil), bad},

		{"ID-02 missing", claim("aud", nil), bad},
		{"ID-02 other client", claim("aud", "other"), bad},
		{"ID-02 empty array", aud(), bad},
		{"ID-02 object", claim("aud", map[string]any{testClient: 1}), bad},
		{"ID-02 array with null", claim("aud", []any{testClient, nil}), bad},
		{"ID-02 array with number", claim("aud", []any{testClient, 1}), bad},
		{"ID-02 only a trusted other", claim("aud", "friend"), bad},
		{"ID-02 only a trusted other, azp ours", audAzp(testClient, "friend"), bad},
		{"ID-02 array of one", aud(testClient), ok},

		{"ID-03 several without azp", aud(testClient, "friend"), bad},
		{"ID-03 several, azp another", audAzp("friend", testClient, "friend"), bad},
		{"ID-03 several, azp ours, other trusted", audAzp(testClient, testClient, "friend"), ok},
		{"ID-03 several, azp ours, other not trusted", audAzp(testClient, testClient, "stranger"), bad},
		{"ID-03 one, azp another", claim("azp", "friend"), bad},
		{"ID-03 one, azp ours", claim("azp", testClient), ok},
		{"ID-03 azp number", claim("azp", 7), bad},
		{"ID-03 azp empty", claim("azp", ""), bad},

		{"ID-04 missing", claim("sub", nil), bad},
		{"ID-04 empty", claim("sub", ""), bad},
		{"ID-04 number", claim("sub", 1), bad},
		{"ID-04 null", payload(replace(`"sub":"user-1"`, `"sub":null`)), bad},
		{"ID-04 256 bytes", claim("sub", strings.Repeat("x", 256)), bad},
		{"ID-04 NUL", claim("sub", "user-1\x00"), bad},
		{"ID-04 newline", claim("sub", "user-1\n"), bad},

		{"ID-05 missing", claim("iat", nil), bad},
		{"ID-05 61 s ahead", at("iat", 61), bad},
		{"ID-05 59 s ahead", at("iat", 59), ok},
		{"ID-05 negative", claim("iat", -1), bad},
		{"ID-05 string", claim("iat", "1"), bad},

		{"ID-06 missing", claim("exp", nil), bad},
		{"ID-06 60 s ago", at("exp", -60), bad},
		{"ID-06 59 s ago", at("exp", -59), ok},
		{"ID-06 string", claim("exp", "99999999999"), bad},
		{"ID-06 1e300", payload(replace(`"exp":`, `"exp":1e300,"unused":`)), bad},
		{"ID-06 1e999", payload(replace(`"exp":`, `"exp":1e999,"unused":`)), bad},
		{"ID-06 negative", claim("exp", -1), bad},
		{"ID-06 null", payload(replace(`"exp":`, `"exp":null,"unused":`)), bad},
		{"ID-06 fraction", at("exp", 0.5), ok},

		{"ID-07 61 s ahead", at("nbf", 61), bad},
		{"ID-07 59 s ahead", at("nbf", 59), ok},
		{"ID-07 1e300", payload(replace(`"exp":`, `"nbf":1e300,"exp":`)), bad},
		{"ID-07 string", claim("nbf", "0"), bad},

		{"ID-08 missing", claim("nonce", nil), mismatch},
		{"ID-08 wrong", claim("nonce", "other"), mismatch},
		{"ID-08 empty", claim("nonce", ""), mismatch},
		{"ID-08 prefix", claim("nonce", testNonce[:5]), mismatch},
		{"ID-08 array", claim("nonce", []string{testNonce}), bad},

		{"ID-09 RS256 by another key", func(f *fakeIDP) {
			f.idToken = func(h, c []byte) string { return signRS256(otherRSA(), h, c) }
		}, bad},
		{"ID-09 payload of another token", func(f *fakeIDP) {
			f.idToken = func(h, c []byte) string {
				real := strings.Split(signRS256(rsaKey(), h, c), ".")
				return real[0] + "." + b64(replace("user-1", "user-2")(c)) + "." + real[2]
			}
		}, bad},
		{"ID-09 ES256 bit flipped", all(head("alg", "ES256"), head("kid", "e1"), func(f *fakeIDP) {
			f.keys = append(f.keys, ecJWK("e1", &ecKey().PublicKey))
			f.idToken = func(h, c []byte) string {
				s := signES256(ecKey(), h, c)
				return s[:len(s)-40] + map[bool]string{true: "A", false: "B"}[s[len(s)-40] == 'B'] + s[len(s)-39:]
			}
		}), bad},
		{"ID-09 ES256 good", all(head("alg", "ES256"), head("kid", "e1"), func(f *fakeIDP) {
			f.keys = append(f.keys, ecJWK("e1", &ecKey().PublicKey))
			f.idToken = func(h, c []byte) string { return signES256(ecKey(), h, c) }
		}), ok},

		{"ID-10 none, unsigned", all(head("alg", "none"), whole(unsigned)), bad},
		{"ID-10 None", all(head("alg", "None"), whole(unsigned)), bad},
		{"ID-10 nOnE with signature", head("alg", "nOnE"), bad},
		{"ID-10 none with signature", head("alg", "none"), bad},
		{"ID-10 empty", head("alg", ""), bad},
		{"ID-10 absent", head("alg", nil), bad},
		{"ID-10 RS256 without signature", whole(unsigned), bad},

		{"ID-11 HS256 by PEM", hmacBy(func() []byte {
			return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))})
		}), bad},
		{"ID-11 HS256 by DER", hmacBy(func() []byte { return must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)) }), bad},
		{"ID-11 HS256 by n", hmacBy(func() []byte { return rsaKey().N.Bytes() }), bad},
		{"ID-11 HS256 by client secret", hmacBy(func() []byte { return []byte(testSecret) }), bad},

		{"ID-12 RS512 not configured", head("alg", "RS512"), bad},
		{"ID-12 PS256 not configured", head("alg", "PS256"), bad},
		{"ID-12 EdDSA not configured", head("alg", "EdDSA"), bad},
		{"ID-12 discovery cannot add", all(head("alg", "RS512"), func(f *fakeIDP) {
			f.metadata = func(m map[string]any) {
				m["id_token_signing_alg_values_supported"] = []string{"none", "HS256", "RS512"}
			}
		}), bad},

		{"ID-13 jwk", func(f *fakeIDP) {
			f.header["jwk"] = rsaJWK("k1", &otherRSA().PublicKey)
			f.idToken = func(h, c []byte) string { return signRS256(otherRSA(), h, c) }
		}, bad},
		{"ID-13 jwk beside a good signature", func(f *fakeIDP) { f.header["jwk"] = rsaJWK("k1", &rsaKey().PublicKey) }, bad},
		{"ID-13 jku", func(f *fakeIDP) { f.header["jku"] = f.URL + "/evil" }, bad},
		{"ID-13 x5u", func(f *fakeIDP) { f.header["x5u"] = f.URL + "/evil" }, bad},
		{"ID-13 x5c", head("x5c", []string{"AAAA"}), bad},
		{"ID-14 crit", head("crit", []string{"x"}), bad},
		{"ID-14 crit b64", all(head("crit", []string{"b64"}), head("b64", true)), bad},
		{"ID-14 b64", head("b64", false), bad},

		{"ID-17 64 KiB", head("kid", strings.Repeat("k", 64<<10)), bad},
		{"ID-17 257 bytes", published(strings.Repeat("k", 257)), bad},
		{"ID-17 ANSI", published("k1\x1b[2J"), bad},
		{"ID-17 newline", published("k1\n"), bad},
		{"ID-17 number", head("kid", 1), bad},
		{"ID-17 object", head("kid", map[string]any{}), bad},
		{"ID-17 path", head("kid", "../../etc/passwd"), bad},
		{"ID-17 SQL", head("kid", "' OR 1=1"), bad},
		{"ID-17 typ of another token", head("typ", "logout+jwt"), bad},
		{"ID-17 256 bytes", published(strings.Repeat("k", 256)), ok},
		{"ID-17 no typ", head("typ", nil), ok},

		{"ID-19 JSON serialization", whole(func(s string) string {
			p := strings.Split(s, ".")
			return `{"payload":"` + p[1] + `","protected":"` + p[0] + `","signature":"` + p[2] + `"}`
		}), bad},
		{"ID-19 five parts", whole(func(s string) string { return s + ".AAAA.AAAA" }), bad},
		{"ID-19 two joined", whole(func(s string) string { return s + s }), bad},
		{"ID-19 two with dot", whole(func(s string) string { return s + "." + s }), bad},
		{"ID-19 nested", payload(func(c []byte) []byte { return []byte(signRS256(rsaKey(), []byte(`{"alg":"RS256","kid":"k1"}`), c)) }), bad},
		{"ID-19 trailing newline", whole(func(s string) string { return s + "\n" }), bad},
		{"ID-19 trailing space", whole(func(s string) string { return s + " " }), bad},
		{"ID-19 leading space", whole(func(s string) string { return " " + s }), bad},
		{"ID-19 newline inside", whole(func(s string) string { return s[:10] + "\n" + s[10:] }), bad},
		{"ID-19 padding", whole(func(s string) string { return s + "==" }), bad},
		{"ID-19 other last character", whole(sibling), bad},
		{"ID-19 over 16 KiB", claim("big", strings.Repeat("x", 16<<10)), bad},
		{"ID-19 empty", whole(func(string) string { return "" }), bad},

		{"ID-20 sub twice", payload(replace(`"sub":`, `"sub":"admin","sub":`)), bad},
		{"ID-20 Sub beside sub", claim("Sub", "admin"), bad},
		{"ID-20 ISS beside iss", func(f *fakeIDP) { claim("ISS", f.URL)(f) }, bad},
		{"ID-20 only NONCE", payload(replace(`"nonce":`, `"NONCE":`)), bad},
		{"ID-20 only Sub", payload(replace(`"sub":`, `"Sub":`)), bad},
		{"ID-20 long s", payload(replace(`"sub":`, `"ſub":"admin","sub":`)), bad},
		{"ID-20 duplicate deep down", payload(replace(`"sub":`, `"x":[{"a":1,"a":2}],"sub":`)), bad},
		{"ID-20 BOM", payload(func(c []byte) []byte { return append([]byte("\xef\xbb\xbf"), c...) }), bad},
		{"ID-20 invalid UTF-8", payload(replace(`user-1`, "user-\xff")), bad},
		{"ID-20 trailing bytes", payload(func(c []byte) []byte { return append(c, "{}"...) }), bad},
		{"ID-20 depth", payload(replace(`"sub":`, `"x":`+strings.Repeat("[", 3000)+strings.Repeat("]", 3000)+`,"sub":`)), bad},
		{"ID-20 array", payload(func(c []byte) []byte { return []byte("[" + string(c) + "]") }), bad},
		{"ID-20 header alg twice", func(f *fakeIDP) {
			f.idToken = func(h, c []byte) string { return signRS256(rsaKey(), replace(`"alg":`, `"alg":"none","alg":`)(h), c) }
		}, bad},
		{"ID-20 header ALG", head("ALG", "RS256"), bad},

		{"ID-21 at_hash wrong", claim("at_hash", half("other")), bad},
		{"ID-21 at_hash right", claim("at_hash", half(testAccess)), ok},
		{"ID-21 at_hash empty", claim("at_hash", ""), bad},
		{"ID-21 at_hash null", payload(replace(`"sub":`, `"at_hash":null,"sub":`)), bad},
		{"ID-21 at_hash number", claim("at_hash", 1), bad},

		{"sid number", claim("sid", 1), bad},
		{"sid with newline", claim("sid", "a\n"), bad},
		{"sid absent", claim("sid", nil), ok},
		{"plain", func(*fakeIDP) {}, ok},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			row.edit(f)
			f.overrides["/evil"] = func(w http.ResponseWriter, _ *http.Request) {
				writeJSON(w, map[string]any{"keys": []any{rsaJWK("k1", &otherRSA().PublicKey)}})
			}
			g, err := exchange(t, f.party(t, func(c *Config) { c.TrustedAudiences = []string{"friend"} }))
			if e := expect(t, err, row.want); e != nil && e.Unreachable() {
				t.Error("a bad token was taken for an outage")
			}
			if f.count("/evil") != 0 {
				t.Error("a URL of the token's header was fetched")
			}
			if f.count("/token") != 1 {
				t.Errorf("%d token requests", f.count("/token"))
			}
			if row.want == ok {
				if g.Subject == "" {
					t.Error("no subject")
				}
				return
			}
			if g != nil {
				t.Error("a grant came with an error")
			}
			if f.count("/userinfo") != 0 {
				t.Error("userinfo was asked although the ID token was bad")
			}
		})
	}
}

// ID-01: go-oidc lets Google leave out the scheme; we must not.
func TestGoogleIssuerWithoutScheme(t *testing.T) {
	f := newIDP(t)
	f.issuer = "https://accounts.google.com"
	f.metadata = func(m map[string]any) {
		for name, v := range m {
			m[name] = strings.Replace(v.(string), f.URL, f.issuer, 1)
		}
	}
	transport := func(c *Config) { c.HTTPClient = &http.Client{Transport: rewrite{f.URL}} }
	_, err := exchange(t, f.party(t, transport))
	expect(t, err, "")
	claim("iss", "accounts.google.com")(f)
	_, err = exchange(t, f.party(t, transport))
	expect(t, err, CodeIDTokenInvalid)
}

// ID-12: what is configured is accepted.
func TestConfiguredAlgorithms(t *testing.T) {
	f := newIDP(t)
	p := f.party(t, func(c *Config) { c.SigningAlgs = []string{"ES256"} })
	_, err := exchange(t, p)
	expect(t, err, CodeIDTokenInvalid)
	for _, alg := range []string{"HS256", "none", "rs256", ""} {
		if _, err := New(Config{ID: "x", OIDC: true, Issuer: "https://idp.example", ClientID: "c", SigningAlgs: []string{alg}}); err == nil {
			t.Errorf("New accepts the algorithm %q", alg)
		}
	}
}

// FL-28: an OpenID provider that sends no ID token.
func TestIDTokenMissing(t *testing.T) {
	for name, edit := range map[string]func(map[string]any){
		"absent": func(a map[string]any) { delete(a, "id_token") },
		"number": func(a map[string]any) { a["id_token"] = 1 },
		"empty":  func(a map[string]any) { a["id_token"] = "" },
	} {
		f := newIDP(t)
		f.answer = edit
		_, err := exchange(t, f.party(t))
		t.Log(name)
		expect(t, err, CodeIDTokenInvalid)
	}
}

func unsigned(s string) string { return s[:strings.LastIndexByte(s, '.')+1] }

func hmacBy(key func() []byte) func(*fakeIDP) {
	return func(f *fakeIDP) {
		f.header["alg"] = "HS256"
		f.idToken = func(h, c []byte) string { return signHS256(key(), h, c) }
	}
}

// sibling changes the unused bits of the last character: the same signature to
// a lenient decoder.
func sibling(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, s[len(s)-1])
	return s[:len(s)-1] + string(alphabet[i^1])
}

// A Response without the flow's nonce must not turn the check off.
func TestNonceRequired(t *testing.T) {
	f := newIDP(t)
	claim("nonce", "")(f)
	r := response()
	r.Nonce = ""
	_, err := f.party(t).Exchange(t.Context(), r)
	expect(t, err, CodeBadRequest)
	if err := f.party(t).checkClaims(map[string]json.RawMessage{
		"iss": must(json.Marshal(f.URL)), "sub": json.RawMessage(`"u"`), "aud": must(json.Marshal(testClient)),
		"exp": must(json.Marshal(f.clock.now().Unix())), "iat": json.RawMessage("1"),
	}, bond{}); err == nil {
		t.Error("an empty nonce equals a missing one")
	}
}
