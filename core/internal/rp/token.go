package rp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// A tokenRequest is one request to the token endpoint.
type tokenRequest struct {
	ask    func(context.Context, *oauth2.Config) (*oauth2.Token, error)
	unsaid []string // the scopes that an answer without scope grants
	hide   secrets  // beside our own credentials
}

// requestToken sends r, once, and returns a Grant of checked tokens without an
// identity. The error of a request that was refused holds a *refusal.
func (p *Party) requestToken(ctx context.Context, m *metadata, r tokenRequest) (*Grant, error) {
	made, err := p.prove(m, m.AuthMethods)
	if err != nil {
		return nil, err
	}
	config := &oauth2.Config{
		ClientID:     made.clientID,
		ClientSecret: made.secret,
		Endpoint:     oauth2.Endpoint{TokenURL: m.TokenEndpoint, AuthStyle: made.style()},
	}
	transport := &tokenTransport{party: p, proof: made, hide: made.hide(r.hide)}
	token, err := r.ask(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport}), config)
	if err != nil {
		return nil, tokenFailure(transport, err)
	}
	if err := p.checkToken(token, transport.members); err != nil {
		return nil, failure(CodeTokenMalformed, "token endpoint: %w", err)
	}
	return &Grant{
		Token:         token,
		RefreshExpiry: p.refreshExpiry(transport.members["refresh_token_expires_in"]),
		Scopes:        p.grantedScopes(transport.members["scope"], r.unsaid),
	}, nil
}

// tokenFailure maps the errors of x/oauth2. None is wrapped: they hold the
// URL and the body of the answer.
func tokenFailure(t *tokenTransport, err error) error {
	if t.err != nil {
		return t.err
	}
	if refused := new(oauth2.RetrieveError); !errors.As(err, &refused) {
		return failure(CodeTokenMalformed, "token endpoint: the answer holds no access token, or a member of the wrong type")
	}
	return failure(CodeTokenRejected, "token endpoint: %w", newRefusal(t.answer, t.hide))
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
	proof proof
	hide  secrets

	answer  *answer
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
	sent, err := t.outgoing(req)
	if err != nil {
		return nil, failure(CodeBadRequest, "token endpoint: the request cannot be made")
	}
	maps.Copy(sent.Header, t.party.config.TokenHeader)
	// Always: GitHub, for one, answers with a form unless asked for JSON.
	sent.Header.Set("Accept", "application/json")
	sent.Header.Set("User-Agent", userAgent)

	a, err := t.party.out.send(sent, t.hide)
	if err != nil {
		return nil, failed(wireCode(err, CodeTokenUnreachable, CodeTokenRejected), "token endpoint", err)
	}
	t.answer = a
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

// outgoing is what is sent in req's place. x/oauth2 knows no private_key_jwt;
// for it the request is made anew, so that nothing can send the old body.
func (t *tokenTransport) outgoing(req *http.Request) (*http.Request, error) {
	if t.proof.method != methodKey {
		return req.Clone(req.Context()), nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	t.proof.assert(form)
	sent, err := http.NewRequestWithContext(req.Context(), req.Method, req.URL.String(), strings.NewReader(form.Encode())) //nolint:gosec // the token endpoint, which endpoint.go has judged
	if err != nil {
		return nil, err
	}
	sent.Header = req.Header.Clone()
	return sent, nil
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

// refreshExpiry reads a member that no standard defines: what cannot be read
// was not said.
func (p *Party) refreshExpiry(raw json.RawMessage) time.Time {
	seconds, err := lifetime(raw)
	if err != nil || seconds == 0 {
		return time.Time{}
	}
	return p.config.Now().Add(time.Duration(seconds) * time.Second)
}

// grantedScopes decodes the member scope: one string with spaces (RFC 6749
// §3.3), as some write it with commas, or an array of such strings. What cannot
// be read yields nil and is no failure: a scope is a remark on the token, and
// the token itself is good.
func (p *Party) grantedScopes(raw json.RawMessage, unsaid []string) []string {
	if raw == nil || string(raw) == "null" {
		return slices.Clone(unsaid)
	}
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil {
		texts = make([]string, 1)
		if err := json.Unmarshal(raw, &texts[0]); err != nil {
			return nil
		}
	}
	// A comma may be part of a scope. GitHub and Strava separate by it; so it
	// separates unless we ask for a scope that has one.
	comma := !strings.Contains(strings.Join(p.config.Scopes, " "), ",")
	scopes := []string{}
	for _, text := range texts {
		for _, s := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' && comma }) {
			if scopeToken(s) {
				scopes = append(scopes, s)
			}
		}
	}
	return scopes
}
