package rp

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// identityClaims are the members of a profile that applications decide on.
// Spellings that differ in case only are refused in userinfo answers of OIDC.
var identityClaims = []string{
	"sub", "name", "preferred_username", "email", "email_verified", "phone_number", "phone_number_verified",
}

// UserInfo asks again who the user of an access token is, with the checks of a
// sign-in, within ten seconds. Every failure is an *Error.
//
// For OIDC the answer must be about subject, and holds what userinfo says: no
// claims of an ID token, and no statement that an address is verified without
// the address. Without a userinfo endpoint it is ErrNotSupported.
//
// For OAuth 2.0 the answer is what Exchange calls Profile, and subject is
// unused: only who maps the profile knows which member to compare with the
// session's subject, and must.
func (p *Party) UserInfo(ctx context.Context, accessToken, subject string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	profile, err := p.currentProfile(ctx, accessToken, subject)
	if err != nil {
		return nil, p.named(err)
	}
	return profile, nil
}

func (p *Party) currentProfile(ctx context.Context, accessToken, subject string) (json.RawMessage, error) {
	if accessToken == "" {
		return nil, failure(CodeBadRequest, "userinfo: the access token is missing")
	}
	if p.config.OIDC && subject == "" {
		return nil, failure(CodeBadRequest, "userinfo: subject is missing")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	if !p.config.OIDC {
		return p.plainProfile(ctx, m, accessToken)
	}
	if m.UserInfoEndpoint == "" {
		return nil, failure(CodeUserInfoUnsupported, "userinfo: %w: discovery names no userinfo_endpoint", ErrNotSupported)
	}
	info, err := p.userInfoOf(ctx, m, subject, accessToken)
	if err != nil {
		return nil, err
	}
	profile := map[string]json.RawMessage{"sub": info["sub"]}
	overlay(profile, info)
	return encodeProfile(profile)
}

// plainProfile asks a plain OAuth 2.0 provider who the token belongs to.
func (p *Party) plainProfile(ctx context.Context, m *metadata, accessToken string) (json.RawMessage, error) {
	if m.UserInfoEndpoint == "" {
		return p.introspect(ctx, m, accessToken)
	}
	_, body, err := p.userInfo(ctx, m.UserInfoEndpoint, accessToken, nil)
	return body, err
}

// oidcProfile lays userinfo over the ID token's claims. The answer must speak
// of the same subject (OpenID Connect Core §5.3.2): userinfo is not signed, and
// a token substitution shows here and nowhere else.
func (p *Party) oidcProfile(ctx context.Context, m *metadata, id *idToken, accessToken string) (json.RawMessage, error) {
	profile := id.claims
	if m.UserInfoEndpoint != "" {
		info, err := p.userInfoOf(ctx, m, id.subject, accessToken)
		if err != nil {
			return nil, err
		}
		overlay(profile, info)
	}
	return encodeProfile(profile)
}

// userInfoOf asks an OpenID provider about one subject, which is not empty: so
// a missing sub differs from it.
func (p *Party) userInfoOf(ctx context.Context, m *metadata, subject, accessToken string) (map[string]json.RawMessage, error) {
	info, _, err := p.userInfo(ctx, m.UserInfoEndpoint, accessToken, slices.Concat(protocolClaims, identityClaims))
	if err != nil {
		return nil, err
	}
	if sub, _, err := stringMember(info, "sub"); err != nil || sub != subject {
		return nil, failure(CodeUserInfoMismatch, "userinfo endpoint: sub is missing, or another than the ID token's")
	}
	return info, nil
}

// encodeProfile leaves <, > and & as they are: profiles are data, not HTML.
func encodeProfile(profile map[string]json.RawMessage) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(profile); err != nil {
		return nil, failure(CodeUserInfoMalformed, "profile: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// overlay replaces claims by info's, except those that speak of the ID token.
// An address and the statement that it is verified belong together: the ID
// token's statement says nothing about userinfo's address, nor the other way
// round.
func overlay(claims, info map[string]json.RawMessage) {
	for _, pair := range [][2]string{{"email", "email_verified"}, {"phone_number", "phone_number_verified"}} {
		value, verified := pair[0], pair[1]
		fresh, ok := info[value]
		if !ok {
			delete(info, verified)
			continue
		}
		if !bytes.Equal(fresh, claims[value]) { //nolint:forbidigo // an address, not a secret
			delete(claims, verified)
		}
	}
	for name, v := range info {
		if !slices.Contains(protocolClaims, name) {
			claims[name] = v
		}
	}
}

// userInfo returns the answer of a userinfo endpoint, decoded and as it came.
func (p *Party) userInfo(ctx context.Context, endpoint, accessToken string, exact []string) (map[string]json.RawMessage, json.RawMessage, error) {
	a, err := p.ask(ctx, p.config.UserInfoMethod, endpoint, accessToken, "userinfo endpoint")
	if err != nil {
		return nil, nil, err
	}
	members, err := strictObject(a.body, exact)
	if err != nil {
		return nil, nil, failure(CodeUserInfoMalformed, "userinfo endpoint: %w", err)
	}
	// Some answer 200 and put the failure into the body.
	if _, present, err := stringMember(members, "error"); present && err == nil {
		return nil, nil, failure(CodeUserInfoRejected, "userinfo endpoint: answered %d with an error in the body", a.status)
	}
	return members, a.body, nil
}

// GetJSON asks one more question with the access token, for providers whose
// profile leaves something out: GitHub's e-mail addresses. An empty accessToken
// sends no Authorization. The answer may be any JSON value. Its bounds are
// those of every other call; a deadline over the whole callback is ctx's.
func (p *Party) GetJSON(ctx context.Context, address, accessToken string) (json.RawMessage, error) {
	if err := p.rules.check("address", address); err != nil {
		return nil, p.named(failure(CodeBadRequest, "%w", err))
	}
	a, err := p.ask(ctx, http.MethodGet, address, accessToken, "further request")
	if err != nil {
		return nil, p.named(err)
	}
	if err := strictValue(a.body); err != nil {
		return nil, p.named(failure(CodeUserInfoMalformed, "further request: %w", err))
	}
	return a.body, nil
}

// ask sends a request with a bearer token (RFC 6750 §2.1) and accepts a
// successful JSON answer.
func (p *Party) ask(ctx context.Context, method, address, accessToken, what string) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, failure(CodeBadRequest, "%s: the address cannot be used", what)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	maps.Copy(req.Header, p.config.UserInfoHeader)
	if accessToken != "" {
		req.Header.Set("Authorization", "Bearer "+accessToken)
	}
	a, err := p.out.send(req, secrets{accessToken, p.config.ClientSecret})
	if err != nil {
		return nil, failed(wireCode(err, CodeUserInfoUnreachable, CodeUserInfoRejected), what, err)
	}
	if a.down() {
		e := failure(CodeUserInfoUnreachable, "%s: %s answered %d", what, hostOf(address), a.status)
		e.unreachable = true
		return nil, e
	}
	if !a.ok() {
		return nil, failure(CodeUserInfoRejected, "%s: %s answered %d", what, hostOf(address), a.status)
	}
	// application/jwt, a signed or encrypted userinfo answer, is not JSON:
	// taking it unverified would be worse than refusing it.
	if !a.isJSON() {
		return nil, failure(CodeContentType, "%s: answered %q instead of application/json", what, brief(a.mediaType))
	}
	return a, nil
}

// hostOf shortens an address for error texts: paths and queries can hold
// tokens.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the server"
	}
	return u.Scheme + "://" + u.Host
}
