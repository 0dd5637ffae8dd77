package provider_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	aura "github.com/aura-stack-go/auth/core"
)

// An oidcHost is an OpenID provider at the addresses of a preset. Claims are
// those of the next ID token.
type oidcHost struct {
	*internet
	key    *rsa.PrivateKey
	claims map[string]any
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// place is an address as internet knows it.
func place(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host + u.Path
}

// newOIDCHost serves discovery with the issuer and endpoints below root; without
// a profile there is no userinfo endpoint.
func newOIDCHost(t *testing.T, key *rsa.PrivateKey, p aura.Provider, issuer, sub, profile string) *oidcHost {
	t.Helper()
	const root = "https://op.example"
	metadata := map[string]any{
		"issuer": issuer, "authorization_endpoint": root + "/authorize", "token_endpoint": root + "/token", "jwks_uri": root + "/keys",
	}
	h := &oidcHost{key: key, claims: map[string]any{
		"iss": issuer, "aud": "client-id", "sub": sub, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Use: "sig", Algorithm: "RS256"}}})
	if err != nil {
		t.Fatal(err)
	}
	h.internet = &internet{hosts: map[string]http.HandlerFunc{
		"op.example/keys": answer(200, string(keys)),
		"op.example/token": func(w http.ResponseWriter, r *http.Request) {
			body, err := json.Marshal(map[string]any{
				"ok": true, "access_token": "at-synthetic", "expires_in": 3600, "token_type": "Bearer", "id_token": h.idToken(t),
			})
			if err != nil {
				t.Error(err)
			}
			answer(200, string(body))(w, r)
		},
	}}
	if profile != "" {
		metadata["userinfo_endpoint"] = root + "/userinfo"
		h.hosts["op.example/userinfo"] = answer(200, profile)
	}
	document, err := json.Marshal(metadata)
	if err != nil {
		t.Fatal(err)
	}
	discovery := p.DiscoveryURL
	if discovery == "" {
		discovery = strings.TrimSuffix(p.Issuer, "/") + "/.well-known/openid-configuration"
	}
	h.hosts[place(t, discovery)] = answer(200, string(document))
	return h
}

func (h *oidcHost) idToken(t *testing.T) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: h.key, KeyID: "k1"}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Error(err)
		return ""
	}
	payload, err := json.Marshal(h.claims)
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
