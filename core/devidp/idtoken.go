package devidp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// idToken is OpenID Connect Core §2, honest unless a fault wants otherwise.
func (p *Provider) idToken(c *call, g *grant, access, nonce string) (string, error) {
	now := p.now()
	claims := profile(g)
	claims["iss"] = p.issuer
	claims["sub"] = g.user.Subject
	claims["aud"] = g.client.ID
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(p.config.Lifetimes.IDToken).Unix()
	claims["auth_time"] = g.authTime.Unix()
	claims["sid"] = g.sid
	claims["at_hash"] = halfHash(access)
	if nonce != "" {
		claims["nonce"] = nonce
	}
	for _, f := range c.faults {
		if f.before == nil {
			continue
		}
		if err := f.before(p); err != nil {
			return "", err
		}
	}
	if !slices.ContainsFunc(c.faults, Fault.forges) {
		return p.signHonest(claims)
	}
	d := newDraft(p.keys.signer(), g.client, claims)
	token, err := p.forgeWith(c.faults, d)
	if err != nil {
		return "", fmt.Errorf("devidp: the fault could not be put into an ID token: %w", err)
	}
	if d.subject != nil {
		p.ledger.pretend(g, d.subject)
	}
	return token, nil
}

func (p *Provider) signHonest(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", errors.New("devidp: User.Claims holds a value that JSON cannot encode")
	}
	return p.keys.signer().sign(payload)
}

// SignJWT signs any claims with the current key, for tokens that the provider
// itself does not issue. Entries of header are added to
// alg, kid and typ or replace them; nil ones are removed.
func (p *Provider) SignJWT(header, claims map[string]any) (string, error) {
	d := newDraft(p.keys.signer(), Client{}, maps.Clone(claims))
	for name, value := range header {
		d.header[name] = value
		if value == nil {
			delete(d.header, name)
		}
	}
	return d.compact()
}

// profile is what scope and User.Claims say about the user.
func profile(g *grant) map[string]any {
	claims := map[string]any{}
	if slices.Contains(g.scopes, "profile") {
		set(claims, "name", g.user.Name)
		set(claims, "picture", g.user.Picture)
	}
	if slices.Contains(g.scopes, "email") && g.user.Email != "" {
		claims["email"] = g.user.Email
		claims["email_verified"] = g.user.EmailVerified
	}
	maps.Copy(claims, g.user.Claims)
	return claims
}

// set leaves out what is unknown: an empty name is not a name.
func set(claims map[string]any, name, value string) {
	if value != "" {
		claims[name] = value
	}
}

// halfHash is at_hash for RS256 and ES256 (OpenID Connect Core §3.1.3.6).
func halfHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
