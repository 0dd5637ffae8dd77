package rp

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// maxCode bounds an authorization code; the longest in use are near 2 KiB.
const maxCode = 8 << 10

// A Response is the provider's answer to an authorization request, after state
// has been matched, with what the flow remembers of the request.
type Response struct {
	Code   string
	Iss    string // RFC 9207
	HasIss bool   // the response held the parameter iss, even if empty

	CodeVerifier, Nonce, RedirectURI string
}

// A Grant is what a sign-in at the provider has brought.
type Grant struct {
	Token   *oauth2.Token // Expiry by Config.Now; zero when the provider did not say
	IDToken string        // empty for OAuth 2.0
	// Issuer, Subject and SessionID are the ID token's iss, sub and sid; empty
	// for OAuth 2.0.
	Issuer, Subject, SessionID string
	// Profile is a JSON object: for OAuth 2.0 the userinfo answer, for OIDC the
	// ID token's claims with userinfo's laid over them.
	Profile json.RawMessage
}

// Exchange redeems the code, once, and finds out who has signed in. It ends
// within ten seconds. Every failure is an *Error.
func (p *Party) Exchange(ctx context.Context, r Response) (*Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	grant, err := p.exchange(ctx, r)
	if err != nil {
		return nil, p.named(err)
	}
	return grant, nil
}

func (p *Party) exchange(ctx context.Context, r Response) (*Grant, error) {
	if r.Code == "" || len(r.Code) > maxCode {
		return nil, failure(CodeCallbackIncomplete, "the response holds no code, or one of more than 8 KiB")
	}
	if p.config.OIDC && r.Nonce == "" {
		return nil, failure(CodeBadRequest, "exchange: Nonce is missing")
	}
	if !verifierForm(r.CodeVerifier) {
		return nil, failure(CodeBadRequest, "exchange: CodeVerifier is not 43 to 128 characters of RFC 7636 §4.1")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	// Before the token call: a code must never be shown to a server that did
	// not issue it (mix-up, RFC 9700 §4.4).
	if err := p.checkResponseIssuer(m, r); err != nil {
		return nil, err
	}
	token, err := p.redeem(ctx, m, r)
	if err != nil {
		return nil, err
	}
	if !p.config.OIDC {
		profile, err := p.plainProfile(ctx, m, token.AccessToken)
		if err != nil {
			return nil, err
		}
		return &Grant{Token: token, Profile: profile}, nil
	}

	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" {
		return nil, failure(CodeIDTokenInvalid, "the token answer holds no ID token; is openid among the scopes that the provider grants?")
	}
	id, err := p.verifyIDToken(ctx, m, raw, token.AccessToken, r.Nonce)
	if err != nil {
		return nil, err
	}
	profile, err := p.oidcProfile(ctx, m, id, token.AccessToken)
	if err != nil {
		return nil, err
	}
	return &Grant{
		Token: token, IDToken: raw, Profile: profile,
		Issuer: id.issuer, Subject: id.subject, SessionID: id.sessionID,
	}, nil
}

// checkResponseIssuer is RFC 9207 §2.4. Plain OAuth 2.0 providers have no
// issuer configured here, so theirs is not compared; that each provider has a
// redirect_uri of its own protects them.
func (p *Party) checkResponseIssuer(m *metadata, r Response) error {
	if !p.config.OIDC {
		return nil
	}
	if r.HasIss && r.Iss != p.config.Issuer {
		return failure(CodeIssuerMismatch, "the response names another issuer than %q", p.config.Issuer)
	}
	if !r.HasIss && m.ResponseIssuer {
		return failure(CodeIssuerMismatch, "the response lacks iss, which the provider promises to send")
	}
	return nil
}

// redeem is the token request (RFC 6749 §4.1.3). It is sent once: a second
// attempt with the same code has the provider revoke what the first brought.
func (p *Party) redeem(ctx context.Context, m *metadata, r Response) (*oauth2.Token, error) {
	config := oauth2.Config{
		ClientID:     p.config.ClientID,
		ClientSecret: p.config.ClientSecret,
		RedirectURL:  r.RedirectURI,
		Endpoint:     oauth2.Endpoint{TokenURL: m.TokenEndpoint, AuthStyle: p.config.authStyle(m.AuthMethods)},
	}
	transport := &tokenTransport{party: p, hide: secrets{
		r.Code, r.CodeVerifier, r.Nonce, p.config.ClientSecret, basicCredentials(p.config),
	}}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport})
	token, err := config.Exchange(ctx, r.Code, oauth2.VerifierOption(r.CodeVerifier))
	if err != nil {
		return nil, tokenFailure(transport, err)
	}
	if err := p.checkToken(token, transport.members); err != nil {
		return nil, failure(CodeTokenMalformed, "token endpoint: %w", err)
	}
	return token, nil
}

// basicCredentials is how the secret travels by client_secret_basic.
func basicCredentials(c Config) string {
	if c.ClientSecret == "" {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(c.ClientID) + ":" + url.QueryEscape(c.ClientSecret)))
}

// tokenFailure maps the errors of x/oauth2. None is wrapped: they hold the
// URL and the body of the answer.
func tokenFailure(t *tokenTransport, err error) error {
	if t.err != nil {
		return t.err
	}
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return failure(CodeTokenMalformed, "token endpoint: the answer holds no access token, or a member of the wrong type")
	}
	status := refused.Response.StatusCode
	if code := refused.ErrorCode; errorCode(code) {
		return failure(CodeTokenRejected, "token endpoint: answered %d with error %s", status, t.hide.redact(code))
	}
	return failure(CodeTokenRejected, "token endpoint: answered %d", status)
}

// errorCode is the form of the registered codes of RFC 6749 §5.2; anything
// else is the stranger's free text and stays out of our logs.
func errorCode(code string) bool {
	return code != "" && len(code) <= 64 && strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// tokenMembers are what x/oauth2 reads of a token answer, regardless of case.
var tokenMembers = []string{
	"access_token", "token_type", "refresh_token", "expires_in", "id_token", "scope",
	"error", "error_description", "error_uri",
}

// tokenTransport sends the token request for x/oauth2 within our bounds and
// judges the form of the answer before x/oauth2 reads it: that would also take
// a form for an answer, and the last of two members for the right one.
type tokenTransport struct {
	party *Party
	hide  secrets

	members map[string]json.RawMessage // of a successful answer
	err     error
}

// RoundTrip implements http.RoundTripper.
func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.roundTrip(req)
	t.err = err
	return res, err
}

func (t *tokenTransport) roundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	maps.Copy(sent.Header, t.party.config.TokenHeader)
	// Always: GitHub, for one, answers with a form unless asked for JSON.
	sent.Header.Set("Accept", "application/json")
	sent.Header.Set("User-Agent", userAgent)

	a, err := t.party.out.send(sent, t.hide)
	if err != nil {
		return nil, failed(wireCode(err, CodeTokenUnreachable, CodeTokenRejected), "token endpoint", err)
	}
	if a.ok() {
		if !a.isJSON() {
			return nil, failure(CodeContentType, "token endpoint: answered %q instead of application/json", brief(a.mediaType))
		}
		if t.members, err = strictObject(a.body, tokenMembers); err != nil {
			return nil, failure(CodeTokenMalformed, "token endpoint: %w", err)
		}
	}
	return &http.Response{
		Status:     strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode: a.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: int64(len(a.body)),
		Request:       req,
	}, nil
}

// checkToken checks what x/oauth2 leaves open and sets Expiry by our clock.
func (p *Party) checkToken(token *oauth2.Token, members map[string]json.RawMessage) error {
	if strings.ContainsFunc(token.AccessToken, func(r rune) bool { return r < 0x20 || r >= 0x7f }) {
		return errors.New("access_token holds characters outside printable ASCII (RFC 6749 appendix A.12)")
	}
	// token_type is required, and a type that we do not know must not be used
	// (RFC 6749 §5.1 and §7.1).
	if token.TokenType == "" && !p.config.OptionalTokenType {
		return errors.New("token_type is missing")
	}
	if token.TokenType != "" && !strings.EqualFold(token.TokenType, "bearer") {
		return errors.New("token_type is not Bearer")
	}
	seconds, err := lifetime(members["expires_in"])
	if err != nil {
		return err
	}
	token.ExpiresIn, token.Expiry = seconds, time.Time{}
	if seconds > 0 {
		token.Expiry = p.config.Now().Add(time.Duration(seconds) * time.Second)
	}
	return nil
}

// lifetime decodes expires_in: a number or, as some send it, a number in a
// string. Absent, null and 0 (Mailchimp's "never") are 0: not known.
func lifetime(raw json.RawMessage) (int64, error) {
	if raw == nil || string(raw) == "null" {
		return 0, nil
	}
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return 0, errors.New("expires_in is not a number")
	}
	seconds, err := n.Int64()
	if err != nil || seconds < 0 {
		return 0, errors.New("expires_in is not a number of seconds")
	}
	return min(seconds, math.MaxInt32), nil
}
