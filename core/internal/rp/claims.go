package rp

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"
)

// leeway is the difference between the provider's clock and ours that is
// forgiven, both ways.
const leeway = 60 * time.Second

// protocolClaims speak of the ID token itself. Userinfo never replaces them,
// and spellings that differ in case only are refused. hd is Google's: who an
// application lets in hangs on it, so it counts only where it is signed.
var protocolClaims = []string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "azp", "at_hash", "c_hash", "s_hash",
	"sid", "tid", "auth_time", "acr", "amr", "hd", "_claim_names", "_claim_sources",
}

// checkClaims checks what go-oidc does not, or does leniently. The signature,
// and the issuer have been verified.
func (p *Party) checkClaims(claims map[string]json.RawMessage, b bond) error {
	invalid := func(err error) error { return failure(CodeIDTokenInvalid, "ID token: %w", err) }

	if sub, _, err := stringMember(claims, "sub"); err != nil || !identifier(sub, 1) {
		return invalid(errors.New("sub is not a string of 1 to 255 bytes without control characters"))
	}
	check := p.checkAudience
	if b.native {
		check = p.checkNativeAudience
	}
	if err := check(claims); err != nil {
		return invalid(err)
	}
	if isLogout(claims) {
		return invalid(errors.New("it is a logout token"))
	}
	if err := checkTimes(claims, p.config.Now()); err != nil {
		return invalid(err)
	}
	return b.check(claims, p.config.Now())
}

// checkAudience is OpenID Connect Core §3.1.3.7(3) to (5).
func (p *Party) checkAudience(claims map[string]json.RawMessage) error {
	audience, err := audienceOf(claims["aud"])
	if err != nil {
		return err
	}
	if err := p.checkParties(audience); err != nil {
		return err
	}
	azp, present, err := stringMember(claims, "azp")
	if err != nil {
		return err
	}
	if len(audience) > 1 && !present {
		return errors.New("aud names several parties, and azp is missing")
	}
	if present && azp != p.config.ClientID {
		return errors.New("azp names another party")
	}
	return nil
}

// checkParties wants us among the audience, and nobody that is not trusted.
func (p *Party) checkParties(audience []string) error {
	if !slices.Contains(audience, p.config.ClientID) {
		return errors.New("aud does not name us")
	}
	for _, a := range audience {
		if a != p.config.ClientID && !slices.Contains(p.config.TrustedAudiences, a) {
			return errors.New("aud names a party beside us that is not trusted")
		}
	}
	return nil
}

// audienceOf decodes aud: a string, or an array of strings (RFC 7519 §4.1.3).
func audienceOf(raw json.RawMessage) ([]string, error) {
	var one *string
	if err := json.Unmarshal(raw, &one); err == nil && one != nil {
		return []string{*one}, nil
	}
	var many []*string
	if err := json.Unmarshal(raw, &many); err != nil || len(many) == 0 || slices.Contains(many, nil) {
		return nil, errors.New("aud is neither a string nor an array of strings")
	}
	audience := make([]string, len(many))
	for i, a := range many {
		audience[i] = *a
	}
	return audience, nil
}

// checkTimes requires exp and iat, which OpenID Connect Core §2 does too, and
// honours nbf.
func checkTimes(claims map[string]json.RawMessage, now time.Time) error {
	exp, err := numericDate(claims["exp"])
	if err != nil {
		return errors.New("exp is missing or not a time")
	}
	if !now.Before(exp.Add(leeway)) {
		return errors.New("it has expired")
	}
	iat, err := numericDate(claims["iat"])
	if err != nil {
		return errors.New("iat is missing or not a time")
	}
	if iat.After(now.Add(leeway)) {
		return errors.New("iat lies in the future; compare this machine's clock with the provider's")
	}
	raw, ok := claims["nbf"]
	if !ok {
		return nil
	}
	nbf, err := numericDate(raw)
	if err != nil {
		return errors.New("nbf is not a time")
	}
	if nbf.After(now.Add(leeway)) {
		return errors.New("it is not valid yet; compare this machine's clock with the provider's")
	}
	return nil
}

// numericDate decodes seconds since 1970, fractions allowed (RFC 7519 §2), up
// to the year 9999.
func numericDate(raw json.RawMessage) (time.Time, error) {
	const limit = 253402300800
	var seconds *float64
	if err := json.Unmarshal(raw, &seconds); err != nil || seconds == nil {
		return time.Time{}, errors.New("not a number")
	}
	if *seconds < 0 || *seconds >= limit {
		return time.Time{}, errors.New("out of range")
	}
	whole, fraction := math.Modf(*seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}

// identifier is the form of sub and sid: at most 255 bytes (OpenID Connect
// Core §2) without control characters, which would forge lines of logs and
// keys of stores.
func identifier(s string, atLeast int) bool {
	if len(s) < atLeast || len(s) > 255 {
		return false
	}
	for i := range len(s) {
		if isControl(rune(s[i])) {
			return false
		}
	}
	return true
}
