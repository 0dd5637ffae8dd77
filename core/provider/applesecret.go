package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	aura "github.com/aura-stack-go/auth/core"
)

// appleSecretLife is how long a client secret is good for. Apple takes six
// months; one that is made for each request needs minutes.
const appleSecretLife = 5 * time.Minute

// parseAppleKey reads the .p8 file that Apple issues: PKCS #8, P-256. The errors
// hold nothing of it.
func parseAppleKey(privateKey aura.Secret) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(privateKey))
	if block == nil {
		return nil, errors.New("it is not a PEM block")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is not a PKCS #8 private key")
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("it is not a key on the curve P-256")
	}
	return key, nil
}

// appleSecret signs what Apple takes for a client secret: a JWT by which the
// team says that this client asks, now.
func appleSecret(teamID, keyID string, key *ecdsa.PrivateKey) func(string, time.Time) (aura.Secret, error) {
	return func(clientID string, now time.Time) (aura.Secret, error) {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, nil)
		if err != nil {
			return "", fmt.Errorf("apple: client secret: %w", err)
		}
		claims, err := json.Marshal(map[string]any{
			"iss": teamID, "sub": clientID, "aud": "https://appleid.apple.com",
			"iat": now.Unix(), "exp": now.Add(appleSecretLife).Unix(),
		})
		if err != nil {
			return "", fmt.Errorf("apple: client secret: %w", err)
		}
		signed, err := signer.Sign(claims)
		if err != nil {
			return "", fmt.Errorf("apple: client secret: %w", err)
		}
		compact, err := signed.CompactSerialize()
		return aura.Secret(compact), err
	}
}
