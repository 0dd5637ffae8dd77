package rp

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

const maxRequestURI = 2 << 10

// push hands the authorization request to the provider (RFC 9126 §2) and
// returns the address that refers to it. Nothing of the request travels through
// the browser then, where it could be read or changed.
func (p *Party) push(ctx context.Context, m *metadata, params map[string]string) (string, error) {
	if m.PushedAuthorizationEndpoint == "" {
		return "", failure(CodePARUnsupported,
			"pushed authorization request: %w: there is no pushed_authorization_request_endpoint; unset PushedAuthorization, or set PushedAuthorizationEndpoint",
			ErrNotSupported)
	}
	if err := p.optionalEndpoint("pushed_authorization_request_endpoint", m.PushedAuthorizationEndpoint, p.config.PushedAuthorizationEndpoint); err != nil {
		return "", err
	}
	form := url.Values{}
	for name, value := range params {
		if value != "" {
			form.Set(name, value)
		}
	}
	a, hide, err := p.postForm(ctx, m, formRequest{
		what: "pushed authorization request", address: m.PushedAuthorizationEndpoint, methods: m.AuthMethods, form: form,
		unreachable: CodePARUnreachable, invalid: CodePARRejected,
		hide: secrets{params["state"], params["nonce"], params["login_hint"]},
	})
	if err != nil {
		return "", err
	}
	reference, err := pushed(a, hide)
	if err != nil {
		return "", err
	}
	return withQuery(m.AuthorizationEndpoint, map[string]string{"client_id": p.config.ClientID, "request_uri": reference}), nil
}

// pushed reads the answer of RFC 9126 §2.2: 201, a reference, and for how long.
func pushed(a *answer, hide secrets) (string, error) {
	if a.down() {
		e := failure(CodePARUnreachable, "pushed authorization request: %w", newRefusal(a, hide))
		e.unreachable = true
		return "", e
	}
	if a.status != http.StatusCreated {
		return "", failure(CodePARRejected, "pushed authorization request: %w", newRefusal(a, hide))
	}
	malformed := func(text string) error {
		return failure(CodePARMalformed, "pushed authorization request: %s", text)
	}
	if !a.isJSON() {
		return "", malformed("the answer is not application/json")
	}
	members, err := strictObject(a.body, []string{"request_uri", "expires_in"})
	if err != nil {
		return "", malformed("the answer is not a JSON object")
	}
	reference, _, err := stringMember(members, "request_uri")
	if err != nil || !printable(reference, maxRequestURI) || strings.Contains(reference, " ") {
		return "", malformed("request_uri is not a URI of at most 2 KiB")
	}
	if seconds, err := lifetime(members["expires_in"]); err != nil || seconds == 0 {
		return "", malformed("expires_in is not a number of seconds above zero")
	}
	return reference, nil
}

// printable reports whether s is printable ASCII of 1 to limit bytes.
func printable(s string, limit int) bool {
	return s != "" && len(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f })
}
