package aura

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aura-stack-go/auth/core/internal/token"
)

// JOSE makes and reads tokens for the application's own purposes, under keys
// that are derived from the secrets for one purpose: what was made for one
// cannot be read for another, and no session can be made with it. Secrets rotate
// as everywhere. Payloads are JSON objects. Safe for concurrent use.
type JOSE struct {
	signed, encrypted, sealed *token.Codec
	now                       func() time.Time
	maxAge                    time.Duration
	issuer, audience          string // the session's, for its own keys
	err                       error  // the purpose cannot be used
}

var purposeForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// JOSE returns the token functions of a purpose, a name of the application's
// choice that matches [a-z0-9][a-z0-9-]{0,63}; with any other name each of them
// returns an error. Keys are derived at each call: keep what it returns.
func (a *Auth) JOSE(purpose string) JOSE {
	if !purposeForm.MatchString(purpose) {
		return JOSE{err: fmt.Errorf("aura: JOSE: the purpose %q must match %s", purpose, purposeForm)}
	}
	return a.jose(a.keys.Purpose("aura:app:" + purpose))
}

// DangerouslySessionJOSE returns the token functions with the session's own
// keys, which other servers that share the secret and the salt have too. Whoever
// encodes a payload with a sub here has made a session for that user.
func (a *Auth) DangerouslySessionJOSE() JOSE {
	j := a.jose(a.keys)
	j.issuer, j.audience = a.cfg.Session.Issuer, a.cfg.Session.Audience
	return j
}

func (a *Auth) jose(keys *token.Ring) JOSE {
	j := JOSE{now: a.cfg.Now, maxAge: a.cfg.Session.MaxAge}
	maxLen := a.maxTokenLen()
	for mode, codec := range map[token.Mode]**token.Codec{token.Signed: &j.signed, token.Encrypted: &j.encrypted, token.Sealed: &j.sealed} {
		var err error
		if *codec, err = keys.Codec(token.Options{Mode: mode, MaxLen: maxLen}); err != nil {
			j.err = err
		}
	}
	return j
}

// SignJWS returns payload, marshalled, as a signed token (HS256): anyone can
// read it, nobody can change it. It does not expire.
func (j JOSE) SignJWS(payload any) (string, error) { return j.seal(j.signed, payload) }

// VerifyJWS reads what SignJWS made into a value.
func (j JOSE) VerifyJWS(jws string, into any) error { return j.open(j.signed, jws, into) }

// EncryptJWE returns payload, marshalled, as an encrypted token (dir, A256GCM).
// It does not expire.
func (j JOSE) EncryptJWE(payload any) (string, error) { return j.seal(j.encrypted, payload) }

// DecryptJWE reads what EncryptJWE made into a value.
func (j JOSE) DecryptJWE(jwe string, into any) error { return j.open(j.encrypted, jwe, into) }

// EncodeJWT returns claims as a signed and encrypted token with a lifetime: iat,
// nbf and jti are added where they are missing, and exp, Session.MaxAge from
// now. claims must marshal to a JSON object.
func (j JOSE) EncodeJWT(claims any) (string, error) {
	if err := j.usable(); err != nil {
		return "", err
	}
	raw, err := marshal(claims)
	if err != nil {
		return "", fmt.Errorf("aura: EncodeJWT: %w", err)
	}
	members, err := decodeObject(raw)
	if err != nil {
		return "", fmt.Errorf("aura: EncodeJWT: claims: %w", err)
	}
	now := j.now().Unix()
	for name, value := range map[string]any{
		"iat": now, "nbf": now, "exp": now + int64(j.maxAge/time.Second), "jti": randomID(32), "iss": j.issuer, "aud": j.audience,
	} {
		if _, set := members[name]; set || value == "" {
			continue
		}
		if members[name], err = marshal(value); err != nil {
			return "", err
		}
	}
	return j.seal(j.sealed, members)
}

// DecodeJWT reads what EncodeJWT made into a value, if it has not expired: exp
// is judged without tolerance, nbf and iat with 150 seconds.
func (j JOSE) DecodeJWT(jwt string, into any) error {
	var times struct {
		Expires  int64 `json:"exp"`
		Before   int64 `json:"nbf"`
		IssuedAt int64 `json:"iat"`
		MaxEnd   int64 `json:"mexp"`
	}
	if err := j.open(j.sealed, jwt, &times); err != nil {
		return err
	}
	at, lead := j.now().Unix(), int64(clockLead/time.Second)
	switch {
	case times.Expires <= at, times.MaxEnd != 0 && times.MaxEnd <= at:
		return errors.New("aura: DecodeJWT: the token has expired")
	case times.Before > at+lead, times.IssuedAt > at+lead:
		return errors.New("aura: DecodeJWT: the token is not valid yet")
	}
	return j.open(j.sealed, jwt, into)
}

// usable says why the functions cannot work: a bad purpose, or the zero JOSE.
func (j JOSE) usable() error {
	if j.err == nil && j.sealed == nil {
		return errors.New("aura: JOSE: the zero value holds no keys; get one from Auth.JOSE")
	}
	return j.err
}

func (j JOSE) seal(codec *token.Codec, payload any) (string, error) {
	if err := j.usable(); err != nil {
		return "", err
	}
	raw, err := marshal(payload)
	if err != nil {
		return "", fmt.Errorf("aura: JOSE: %w", err)
	}
	return codec.Seal(raw)
}

func (j JOSE) open(codec *token.Codec, sealed string, into any) error {
	if err := j.usable(); err != nil {
		return err
	}
	payload, _, err := codec.Open(sealed)
	if err != nil {
		return fmt.Errorf("aura: JOSE: %w", err)
	}
	if err := json.Unmarshal(payload, into); err != nil {
		return fmt.Errorf("aura: JOSE: %w", err)
	}
	return nil
}
