package rp

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// ReservedParam reports whether a parameter of an authorization request is
// set by the protocol (or would replace the request, as request and
// request_uri do) and so can be neither configured nor passed on from a
// browser.
func ReservedParam(name string) bool {
	switch strings.ToLower(name) {
	case "response_type", "client_id", "redirect_uri", "state", "nonce", "scope", "response_mode",
		"code_challenge", "code_challenge_method", "code_verifier", "code", "grant_type",
		"request", "request_uri", "registration", "iss", "error",
		"client_secret", "client_assertion", "client_assertion_type",
		"access_token", "id_token", "refresh_token", "dpop_jkt":
		return true
	}
	return name == ""
}

// An AuthorizationRequest is one start of a sign-in.
type AuthorizationRequest struct {
	State, Nonce, CodeVerifier, RedirectURI string
	// Extra are parameters of this request, such as login_hint. Empty values
	// are left out, reserved names are an error.
	Extra map[string]string
}

// AuthorizationURL returns the address to send the browser to, for which a
// pushed request goes to the provider first (RFC 9126). PKCE is always
// S256, whatever discovery says or leaves out: RFC 9700 §4.8.2 has downgrades
// in mind, and servers without PKCE ignore the parameters.
func (p *Party) AuthorizationURL(ctx context.Context, a AuthorizationRequest) (string, error) {
	address, err := p.authorizationURL(ctx, a)
	if err != nil {
		return "", p.named(err)
	}
	return address, nil
}

func (p *Party) authorizationURL(ctx context.Context, a AuthorizationRequest) (string, error) {
	switch {
	case a.State == "":
		return "", failure(CodeBadRequest, "authorization request: State is missing")
	case a.RedirectURI == "":
		return "", failure(CodeBadRequest, "authorization request: RedirectURI is missing")
	case p.config.OIDC && a.Nonce == "":
		return "", failure(CodeBadRequest, "authorization request: Nonce is missing")
	case !verifierForm(a.CodeVerifier):
		return "", failure(CodeBadRequest, "authorization request: CodeVerifier is not 43 to 128 characters of RFC 7636 §4.1")
	}
	params := maps.Clone(a.Extra)
	if params == nil {
		params = map[string]string{}
	}
	for name := range params {
		if ReservedParam(name) {
			return "", failure(CodeBadRequest, "authorization request: Extra holds %q, which the protocol sets", name)
		}
	}
	if err := p.checkExtraMaxAge(params); err != nil {
		return "", err
	}
	maps.Copy(params, p.config.AuthParams)

	m, err := p.metadata(ctx)
	if err != nil {
		return "", err
	}
	params["response_type"] = "code"
	params["client_id"] = p.config.ClientID
	params["redirect_uri"] = a.RedirectURI
	params["state"] = a.State
	if !p.config.WithoutPKCE { // the developer has said so, not the provider
		params["code_challenge"] = oauth2.S256ChallengeFromVerifier(a.CodeVerifier)
		params["code_challenge_method"] = "S256"
	}
	params["scope"] = strings.Join(p.config.Scopes, " ")
	if p.config.OIDC {
		params["nonce"] = a.Nonce
	}
	if p.config.ResponseMode == "form_post" {
		params["response_mode"] = "form_post"
	}
	if p.config.PushedAuthorization || m.RequirePushed {
		return p.push(ctx, m, params)
	}
	return withQuery(m.AuthorizationEndpoint, params), nil
}

// withQuery appends params in the order of docs/wire.md, further ones
// by name, after the query that the endpoint has. x/oauth2's AuthCodeURL sorts
// all of them.
func withQuery(endpoint string, params map[string]string) string {
	names := []string{
		"response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method",
		"scope", "prompt", "response_mode", "login_hint", "nonce", "display", "audience",
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var b strings.Builder
	b.WriteString(endpoint)
	separator := byte('?')
	if strings.Contains(endpoint, "?") {
		separator = '&'
	}
	if strings.HasSuffix(endpoint, "?") || strings.HasSuffix(endpoint, "&") {
		separator = 0
	}
	for _, name := range names {
		if params[name] == "" {
			continue
		}
		if separator != 0 {
			b.WriteByte(separator)
		}
		separator = '&'
		b.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(params[name]))
	}
	return b.String()
}

// verifierForm is the grammar of RFC 7636 §4.1.
func verifierForm(v string) bool {
	return len(v) >= 43 && len(v) <= 128 && !strings.ContainsFunc(v, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~", r))
	})
}
