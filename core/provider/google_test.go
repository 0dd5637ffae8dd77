package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/aura-stack-go/auth/core/provider"
)

// A google is Google as recorded, with keys of its own. Claims are those of the
// next ID token.
type google struct {
	*internet
	key    *ecdsa.PrivateKey
	claims map[string]any
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	// Google signs with RSA; a curve is as good here and quicker to make.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Use: "sig", Algorithm: "ES256"}}})
	if err != nil {
		t.Fatal(err)
	}
	g := &google{key: key, claims: map[string]any{
		"iss": "https://accounts.google.com", "aud": "client-id", "azp": "client-id", "sub": "109876543210987654321",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}}
	g.internet = &internet{hosts: map[string]http.HandlerFunc{
		"accounts.google.com/.well-known/openid-configuration": answer(200, recorded(t, "google_discovery.json")),
		"www.googleapis.com/oauth2/v3/certs":                   answer(200, string(keys)),
		"openidconnect.googleapis.com/v1/userinfo":             answer(200, recorded(t, "google.json")),
		"oauth2.googleapis.com/token": func(w http.ResponseWriter, r *http.Request) {
			body, err := json.Marshal(map[string]any{
				"access_token": "ya29.synthetic", "expires_in": 3599, "token_type": "Bearer",
				"scope": "openid email profile", "id_token": g.idToken(t),
			})
			if err != nil {
				t.Error(err)
			}
			answer(200, string(body))(w, r)
		},
	}}
	return g
}

func (g *google) idToken(t *testing.T) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: g.key, KeyID: "k1"}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Error(err)
		return ""
	}
	payload, err := json.Marshal(g.claims)
	if err != nil {
		t.Error(err)
		return ""
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Error(err)
		return ""
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Error(err)
	}
	return compact
}

func TestGoogleOnTheWire(t *testing.T) {
	g := newGoogle(t)
	app := newApplication(t, provider.Google(), g)
	endpoint, q := app.start("&login_hint=mona@octo.example&hd=octo.example&prompt=none")
	if endpoint != "https://accounts.google.com/o/oauth2/v2/auth" || len(q.Get("nonce")) != 43 || q.Has("prompt") {
		t.Errorf("the browser is sent to %s with %v", endpoint, q)
	}
	for name, value := range map[string]string{
		"client_id": "client-id", "redirect_uri": "https://app.example/auth/callback/google", "response_type": "code",
		"scope": "openid profile email", "code_challenge_method": "S256", "login_hint": "mona@octo.example", "hd": "octo.example",
	} {
		if q.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, q.Get(name), value)
		}
	}
	g.claims["nonce"] = q.Get("nonce")
	if r := app.back(q.Get("state"), "&scope=openid&authuser=0&hd=octo.example&prompt=consent"); r.StatusCode != 302 {
		t.Fatalf("callback: status %d, code %s", r.StatusCode, code(t, r))
	}
	token := g.asked("https://oauth2.googleapis.com/token")[0]
	// RFC 6749 §2.3.1: both are form-encoded before they are joined.
	id, secret, ok := (&http.Request{Header: token.header}).BasicAuth()
	if !ok || id != "client-id" || secret != "s3cret%3A%25%2B+%2F%C3%BC" || token.form.Has("client_secret") {
		t.Errorf("the client proves itself with %q %q %v, form %v", id, secret, ok, token.form)
	}
	info := g.asked("https://openidconnect.googleapis.com/v1/userinfo")
	if len(info) != 1 || info[0].header.Get("Authorization") != "Bearer ya29.synthetic" {
		t.Errorf("userinfo was asked %v", info)
	}
}

func TestGoogleProfile(t *testing.T) {
	recordedUser := map[string]any{
		"sub": "109876543210987654321", "name": "Mona Lisa", "email": "mona@octo.example", "email_verified": true,
		"image": "https://lh3.googleusercontent.com/a/synthetic=s96-c",
	}
	unverified := maps.Clone(recordedUser)
	delete(unverified, "email_verified")
	for _, c := range []struct {
		why      string
		userinfo map[string]any
		claims   map[string]any
		want     map[string]any
	}{
		{why: "as recorded", want: recordedUser},
		{why: "ID-31 not verified", userinfo: map[string]any{"email_verified": false}, want: unverified},
		{why: "ID-31 verified, in a string", userinfo: map[string]any{"email_verified": "true"}, want: unverified},
		{why: "ID-31 verified, as a number", userinfo: map[string]any{"email_verified": 1}, want: unverified},
		{why: "ID-31 verified in the ID token, for another address", userinfo: map[string]any{"email_verified": nil},
			claims: map[string]any{"email": "somebody@octo.example", "email_verified": true}, want: unverified},
		{why: "ID-33 userinfo without sub", userinfo: map[string]any{"sub": nil}},
		{why: "ID-22 userinfo of another", userinfo: map[string]any{"sub": "1"}},
		{why: "ID-33 an ID token without sub", claims: map[string]any{"sub": nil}},
		{why: "ID-33 an empty sub", claims: map[string]any{"sub": ""}, userinfo: map[string]any{"sub": ""}},
		{why: "ID-33 a sub that is a number", claims: map[string]any{"sub": 7}, userinfo: map[string]any{"sub": 7}},
		{why: "the issuer without its scheme", claims: map[string]any{"iss": "accounts.google.com"}},
	} {
		t.Run(c.why, func(t *testing.T) {
			g := newGoogle(t)
			g.hosts["openidconnect.googleapis.com/v1/userinfo"] = answer(200, edited(t, "google.json", c.userinfo))
			app := newApplication(t, provider.Google(), g)
			_, q := app.start("")
			g.claims["nonce"] = q.Get("nonce")
			for name, value := range c.claims {
				if g.claims[name] = value; value == nil {
					delete(g.claims, name)
				}
			}
			r := app.back(q.Get("state"), "")
			if c.want == nil {
				if r.StatusCode != 401 && r.StatusCode != 502 || code(t, r) == "" || app.user() != nil {
					t.Errorf("status %d, signed in as %v", r.StatusCode, app.user())
				}
				return
			}
			if got := app.user(); r.StatusCode != 302 || !reflect.DeepEqual(got, c.want) {
				t.Errorf("status %d, signed in as\n%v, want\n%v", r.StatusCode, got, c.want)
			}
		})
	}
}

// DO-08: a provider that takes the connection and never answers. The limits are
// those that an application gets without asking; the time is synthetic.
func TestHangingProvider(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, address := range []string{
		"accounts.google.com/.well-known/openid-configuration", "oauth2.googleapis.com/token",
		"www.googleapis.com/oauth2/v3/certs", "openidconnect.googleapis.com/v1/userinfo",
	} {
		t.Run(address, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGoogle(t)
				g.hosts[address] = hang
				app := newApplication(t, provider.Google(), g)
				begin := time.Now()
				r := app.get("/auth/signIn/google")
				if r.StatusCode == 302 {
					u, err := r.Location()
					if err != nil {
						t.Fatal(err)
					}
					g.claims["nonce"] = u.Query().Get("nonce")
					r = app.back(u.Query().Get("state"), "")
				}
				if took := time.Since(begin); took > 10*time.Second || r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || app.user() != nil {
					t.Errorf("status %d after %v", r.StatusCode, took)
				}
			})
		})
	}
}
