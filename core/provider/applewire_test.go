package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

// newP8 is a private key as Apple hands it out, for the table of presets; empty
// when none could be made, which the preset then reports.
func newP8() aura.Secret {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return ""
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return ""
	}
	return aura.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// What the table of presets shows of the others: Apple answers by a POST, and
// its client secret is another one each time.
func TestAppleOnTheWire(t *testing.T) {
	key := newCurveKey(t, elliptic.P256())
	p := provider.Apple("TEAM123456", "KEY1234567", p8(t, key))
	p.ClientID = "client-id"
	h := newOIDCHost(t, newKey(t), p, p.Issuer, appleSub, "")
	app := newApplication(t, p, h)
	_, q := app.start("")
	want := url.Values{
		"response_type": {"code"}, "client_id": {"client-id"}, "redirect_uri": {"https://app.example/auth/callback/apple"},
		"scope": {"openid name email"}, "response_mode": {"form_post"}, "code_challenge_method": {"S256"},
		"state": q["state"], "nonce": q["nonce"], "code_challenge": q["code_challenge"],
	}
	if !reflect.DeepEqual(q, want) || len(q.Get("state")) < 43 || len(q.Get("nonce")) != 43 || len(q.Get("code_challenge")) != 43 {
		t.Errorf("authorization request\n%v, want\n%v", q, want)
	}
	h.claims["nonce"] = q.Get("nonce")
	if r := app.postBack(url.Values{"code": {"the-code"}, "state": {q.Get("state")}}); r.StatusCode != http.StatusFound {
		t.Fatalf("callback: status %d, code %s", r.StatusCode, code(t, r))
	}
	asked := h.asked("https://op.example/token")
	if len(asked) != 1 || asked[0].header.Get("Authorization") != "" {
		t.Fatalf("the token endpoint was asked %v", asked)
	}
	form := asked[0].form
	if names := slices.Sorted(maps.Keys(form)); !slices.Equal(names, []string{"client_id", "client_secret", "code", "code_verifier", "grant_type", "redirect_uri"}) {
		t.Errorf("token request with %q", names)
	}
	if form.Get("client_id") != "client-id" || form.Get("code") != "the-code" || form.Get("redirect_uri") != "https://app.example/auth/callback/apple" {
		t.Errorf("token request %v", form)
	}
	checkAppleSecretIsFresh(t, key, form.Get("client_secret"))
	if got := app.user(); !reflect.DeepEqual(got, map[string]any{"sub": appleSub}) {
		t.Errorf("signed in as %v", got)
	}
}

// checkAppleSecretIsFresh verifies a secret that was made within the last minute.
func checkAppleSecretIsFresh(t *testing.T, key *ecdsa.PrivateKey, secret string) {
	t.Helper()
	made := issuedAt(t, secret)
	if age := time.Since(made); age < -time.Minute || age > time.Minute {
		t.Errorf("the client secret is %v old", age)
	}
	checkAppleSecret(t, key, secret, made)
}

func issuedAt(t *testing.T, jwt string) time.Time {
	t.Helper()
	signed, err := jose.ParseSignedCompact(jwt, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Iat int64 `json:"iat"`
	}
	if err := json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &c); err != nil {
		t.Fatal(err)
	}
	return time.Unix(c.Iat, 0)
}
