package token

import (
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestDerivedKeys(t *testing.T) {
	file := vectors(t)
	r := ring(t, file.Secret)
	for info, want := range map[string]string{"aura:signing": file.SigningKey, "aura:encryption": file.EncryptionKey} {
		if got := hex.EncodeToString(r.derive(info)[0]); got != want {
			t.Errorf("%s is derived to %s, want %s", info, got, want)
		}
	}
}

func TestVectorsOpen(t *testing.T) {
	file := vectors(t)
	r := ring(t, file.Secret)
	open := map[string]func(string) ([]byte, int, error){
		"encodeJWT":  codec(t, r, Options{Mode: Sealed}).Open,
		"encryptJWE": codec(t, r, Options{Mode: Encrypted}).Open,
		"signJWS":    codec(t, r, Options{Mode: Signed}).Open,
	}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			payload, key, err := open[v.Function](v.Token)
			if err != nil || key != 0 {
				t.Fatalf("Open: key %d, %v", key, err)
			}
			var got map[string]any
			if err := json.Unmarshal(payload, &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, v.Decoded) {
				t.Errorf("it holds %v, want %v", got, v.Decoded)
			}
			if want := v.PayloadRaw + v.InnerPayloadRaw; want != "" && string(payload) != want {
				t.Errorf("the payload is %s, want %s", payload, want)
			}
			if v.Function != "signJWS" {
				return
			}
			if again, _, err := r.VerifyJWS(v.Token); err != nil || string(again) != string(payload) {
				t.Errorf("VerifyJWS: %s, %v", again, err)
			}
		})
	}
}

// What is deterministic is reproduced byte for byte; what is not (the IV) is
// taken apart with the standard library, and its parts are compared.
func TestVectorsReproduced(t *testing.T) {
	file := vectors(t)
	r := ring(t, file.Secret)
	signed := codec(t, r, Options{Mode: Signed})
	sealed := codec(t, r, Options{Mode: Sealed})
	encrypted := codec(t, r, Options{Mode: Encrypted})
	encryptionKey := hkdfKey(t, file.Secret, file.Salt, "aura:encryption")
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			switch v.Function {
			case "signJWS":
				for name, seal := range map[string]func([]byte) (string, error){"SignJWS": r.SignJWS, "Seal": signed.Seal} {
					if got, err := seal([]byte(v.PayloadRaw)); err != nil || got != v.Token {
						t.Errorf("%s writes %s (%v), want %s", name, got, err, v.Token)
					}
				}
			case "encodeJWT":
				if got, err := r.SignJWS([]byte(v.InnerPayloadRaw)); err != nil || got != v.InnerJWS {
					t.Errorf("the inner JWS is %s (%v), want %s", got, err, v.InnerJWS)
				}
				got, err := sealed.Seal([]byte(v.InnerPayloadRaw))
				if err != nil {
					t.Fatal(err)
				}
				checkJWE(t, encryptionKey, got, v.Token, v.InnerJWS)
			case "encryptJWE":
				payload, _, err := encrypted.Open(v.Token)
				if err != nil {
					t.Fatal(err)
				}
				got, err := encrypted.Seal(payload)
				if err != nil {
					t.Fatal(err)
				}
				checkJWE(t, encryptionKey, got, v.Token, string(payload))
			default:
				t.Fatalf("unknown function %q", v.Function)
			}
		})
	}
}

func checkJWE(t *testing.T, key []byte, got, vector, wantPlaintext string) {
	t.Helper()
	gotHeader, _, _ := strings.Cut(got, ".")
	wantHeader, _, _ := strings.Cut(vector, ".")
	if gotHeader != wantHeader || len(got) != len(vector) {
		t.Errorf("the token is %s, in form unlike %s", got, vector)
	}
	if plaintext, ok := readJWE(t, key, got); !ok || plaintext != wantPlaintext {
		t.Errorf("it encrypts %q (%v), want %q", plaintext, ok, wantPlaintext)
	}
}

// The rows say what holds under our thresholds (docs/wire.md).
func TestSecretValidation(t *testing.T) {
	for _, row := range vectors(t).SecretValidation {
		if err := CheckQuality(row.S); (err == nil) != row.OK {
			t.Errorf("%s: CheckQuality says %v, want ok: %v", row.N, err, row.OK)
		}
	}
}
