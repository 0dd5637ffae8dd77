package devidp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// keyring holds the key that signs, those that the JWK set shows, and all there
// ever were, since an id_token_hint may be older than the last rotation.
type keyring struct {
	alg string
	// attacker is a key that no JWK set of ours ever shows, of the same kind, so
	// that only trust and not the algorithm tells them apart. Made when wanted.
	attacker func() (signingKey, error)

	mu      sync.Mutex
	current signingKey
	shown   []signingKey
	all     []signingKey
}

type signingKey struct {
	id  string
	alg string
	key crypto.Signer
}

func newKeyring(alg string) (*keyring, error) {
	first, err := newSigningKey(alg)
	if err != nil {
		return nil, err
	}
	return &keyring{
		alg:      alg,
		attacker: sync.OnceValues(func() (signingKey, error) { return newSigningKey(alg) }),
		current:  first,
		shown:    []signingKey{first},
		all:      []signingKey{first},
	}, nil
}

func newSigningKey(alg string) (signingKey, error) {
	var key crypto.Signer
	var err error
	if alg == "ES256" {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		return signingKey{}, fmt.Errorf("devidp: a signing key could not be made: %w", err)
	}
	return signingKey{id: randomToken()[:16], alg: alg, key: key}, nil
}

// RotateKeys makes a new key and signs with it from now on. The old ones stay in
// the JWK set, as real providers keep them for a while; DropOldKeys ends that.
func (p *Provider) RotateKeys() error {
	// Made outside the lock: an RSA key takes a tenth of a second.
	next, err := newSigningKey(p.keys.alg)
	if err != nil {
		return err
	}
	p.keys.mu.Lock()
	defer p.keys.mu.Unlock()
	p.keys.current = next
	p.keys.shown = append(p.keys.shown, next)
	p.keys.all = append(p.keys.all, next)
	return nil
}

// DropOldKeys leaves only the signing key in the JWK set.
func (p *Provider) DropOldKeys() {
	p.keys.mu.Lock()
	defer p.keys.mu.Unlock()
	p.keys.shown = []signingKey{p.keys.current}
}

func (k *keyring) signer() signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}

func (k *keyring) published() []signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.shown)
}

// verify opens a token of ours, whatever key signed it and however long ago it
// expired.
func (k *keyring) verify(token string) (map[string]any, error) {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(k.alg)})
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	keys := slices.Clone(k.all)
	k.mu.Unlock()
	for _, key := range keys {
		payload, err := jws.Verify(key.key.Public())
		if err != nil {
			continue
		}
		var claims map[string]any
		err = json.Unmarshal(payload, &claims)
		return claims, err
	}
	return nil, jose.ErrCryptoFailure
}

// publicJWK is the key as a JSON object that faults can change.
func (k signingKey) publicJWK() (map[string]any, error) {
	encoded, err := json.Marshal(jose.JSONWebKey{Key: k.key.Public(), KeyID: k.id, Algorithm: k.alg, Use: "sig"})
	if err != nil {
		return nil, err
	}
	var object map[string]any
	err = json.Unmarshal(encoded, &object)
	return object, err
}

// sign is the honest way to a token.
func (k signingKey) sign(payload []byte) (string, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.alg), Key: jose.JSONWebKey{Key: k.key, KeyID: k.id}},
		(&jose.SignerOptions{}).WithType("JWT"),
	)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}
