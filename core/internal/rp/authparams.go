package rp

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// MaxAge returns the max_age that an authorization request with extra will
// carry, "" for none. The flow remembers it for Response.MaxAge: a browser must
// not be able to leave out afterwards what was asked for.
func (p *Party) MaxAge(extra map[string]string) string {
	if constant, ok := p.config.AuthParams["max_age"]; ok {
		return constant
	}
	return extra["max_age"]
}

// paramProblems judges the parameters of AuthParams that have a form.
func (c Config) paramProblems() []error {
	var errs []error
	if maxAge, ok := c.AuthParams["max_age"]; ok {
		if _, err := parseMaxAge(maxAge); err != nil {
			errs = append(errs, fmt.Errorf("AuthParams: max_age: %w", err))
		}
		if !c.OIDC {
			errs = append(errs, errors.New("AuthParams: max_age: only an ID token can say when the user last signed in, so it needs OpenID Connect"))
		}
	}
	if claims, ok := c.AuthParams["claims"]; ok {
		if _, err := strictObject([]byte(claims), nil); err != nil {
			errs = append(errs, errors.New("AuthParams: claims: must be a JSON object (OpenID Connect Core §5.5)"))
		}
	}
	switch c.ResponseMode {
	case "", "query", "form_post":
	default:
		errs = append(errs, fmt.Errorf("ResponseMode: %q is neither query nor form_post", c.ResponseMode))
	}
	if c.PushedAuthorization && !c.OIDC && c.PushedAuthorizationEndpoint == "" {
		errs = append(errs, errors.New("PushedAuthorization: needs PushedAuthorizationEndpoint, which OAuth 2.0 does not discover"))
	}
	return errs
}

// parseMaxAge reads whole seconds, digits alone, up to 68 years.
func parseMaxAge(text string) (time.Duration, error) {
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, errors.New("must be a whole number of seconds, 0 or more")
	}
	return time.Duration(seconds) * time.Second, nil
}

// checkExtraMaxAge judges a max_age that came with the request.
func (p *Party) checkExtraMaxAge(extra map[string]string) error {
	text := extra["max_age"]
	if text == "" {
		return nil
	}
	if !p.config.OIDC {
		return failure(CodeParamInvalid, "authorization request: max_age needs OpenID Connect")
	}
	if _, err := parseMaxAge(text); err != nil {
		return failure(CodeParamInvalid, "authorization request: max_age: %w", err)
	}
	return nil
}
