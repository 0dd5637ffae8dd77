package token

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// Whatever opens has been authenticated: the oracle, which shares no code with
// the package, reads the same payload out of it.
func FuzzOpen(f *testing.F) {
	file := vectors(f)
	signingKey := hkdfKey(f, file.Secret, file.Salt, "aura:signing")
	encryptionKey := hkdfKey(f, file.Secret, file.Salt, "aura:encryption")
	boxKey := hkdfKey(f, file.Secret, file.Salt, "aura:flow")
	for _, v := range file.Vectors {
		f.Add(v.Token)
		f.Add(v.Token + ".")
		f.Add(v.Token[1:])
	}
	f.Add(forgeJWE(f, boxKey, headerJWE, "", claims))
	f.Add(forgeJWE(f, encryptionKey, `{"alg":"dir","enc":"A256GCM","cty":"JWT","zip":"DEF"}`, "", claims))
	f.Add(forgeJWS(signingKey, `{"alg":"none","typ":"JWT"}`, claims))
	f.Add(`{"protected":"","iv":"","ciphertext":"","tag":""}`)
	f.Add(strings.Repeat(".", 100))

	r := ring(f, file.Secret)
	all := formats(f, r)
	read := map[string]func(t *testing.T, token string) (string, bool){
		"signed":        func(_ *testing.T, token string) (string, bool) { return readJWS(signingKey, token) },
		"csrf":          func(_ *testing.T, token string) (string, bool) { return readJWS(signingKey, token) },
		"encrypted":     func(t *testing.T, token string) (string, bool) { return readJWE(t, encryptionKey, token) },
		"box aura:flow": func(t *testing.T, token string) (string, bool) { return readJWE(t, boxKey, token) },
		"sealed": func(t *testing.T, token string) (string, bool) {
			inner, ok := readJWE(t, encryptionKey, token)
			if !ok {
				return "", false
			}
			return readJWS(signingKey, inner)
		},
	}
	f.Fuzz(func(t *testing.T, token string) {
		for _, format := range all {
			payload, key, err := format.open(token)
			if err != nil {
				if payload != nil || key != -1 {
					t.Fatalf("%s: an error, and yet %q (key %d)", format.name, payload, key)
				}
				continue
			}
			oracle, ok := read[format.name]
			if !ok {
				t.Fatalf("%s opens %q, for which no seed was made", format.name, token)
			}
			if want, ok := oracle(t, token); !ok || want != string(payload) || !json.Valid(payload) {
				t.Fatalf("%s opens %q as %q; the oracle reads %q (%v)", format.name, token, payload, want, ok)
			}
		}
	})
}

// The fuzzer cannot forge, so here it is given the keys: of all headers that are
// correctly authenticated, only those that say the same as ours open.
func FuzzHeader(f *testing.F) {
	for _, header := range []string{
		headerJWS, headerJWE, `{"typ":"JWT","alg":"HS256"}`, `{"alg":"dir","enc":"A256GCM","cty":"JWT"}`,
		`{"alg":"dir","enc":"A256GCM","cty":"JWT","typ":"JWT","zip":"DEF"}`, `{"alg":"none"}`, `{}`, `null`,
	} {
		f.Add(header, claims)
	}
	f.Add(headerJWE, "[]")
	file := vectors(f)
	r := ring(f, file.Secret)
	signingKey := hkdfKey(f, file.Secret, file.Salt, "aura:signing")
	boxKey := hkdfKey(f, file.Secret, file.Salt, "aura:flow")
	box := r.Box("aura:flow")
	f.Fuzz(func(t *testing.T, header, payload string) {
		got, _, err := r.VerifyJWS(forgeJWS(signingKey, header, payload))
		if err == nil {
			checkFuzzed(t, header, payload, got, "", map[string]string{"alg": "HS256", "typ": "JWT"})
		}
		got, _, err = box.Open(forgeJWE(t, boxKey, header, "", payload))
		if err == nil {
			checkFuzzed(t, header, payload, got, "typ", map[string]string{"alg": "dir", "enc": "A256GCM", "cty": "JWT", "typ": "JWT"})
		}
	})
}

func checkFuzzed(t *testing.T, header, payload string, got []byte, optional string, want map[string]string) {
	t.Helper()
	var members map[string]string
	err := json.Unmarshal([]byte(header), &members)
	if _, present := members[optional]; !present {
		delete(want, optional)
	}
	if err != nil || !maps.Equal(members, want) {
		t.Fatalf("a token with the header %q opens", header)
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(payload), &object); err != nil || object == nil || string(got) != payload {
		t.Fatalf("%q opens as %q", payload, got)
	}
}
