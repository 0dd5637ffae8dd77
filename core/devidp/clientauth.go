package devidp

import (
	"crypto/subtle"
	"net/http"
	"net/url"
)

// authenticate finds out which client is asking: client_secret_basic,
// client_secret_post, private_key_jwt, or none for a public one (RFC 6749 §2.3,
// RFC 7523 §2.2). The reply is the refusal, when ok is false.
func (p *Provider) authenticate(c *call) (client Client, no reply, ok bool) {
	if c.form.Has("client_assertion") || c.form.Has("client_assertion_type") {
		return p.authenticateByAssertion(c)
	}
	id, secret, no, ok := credentials(c)
	if !ok {
		return Client{}, no, false
	}
	client, known := p.client(id)
	same := subtle.ConstantTimeCompare([]byte(client.Secret), []byte(secret)) == 1
	if !known || !same {
		return Client{}, invalidClient("the client is unknown or its secret is wrong"), false
	}
	if client.PublicKeys != "" {
		return Client{}, invalidClient("the client has PublicKeys, so it must authenticate with private_key_jwt"), false
	}
	return client, reply{}, true
}

func (p *Provider) authenticateByAssertion(c *call) (client Client, no reply, ok bool) {
	if len(c.Header.Values("Authorization")) > 0 || c.form.Has("client_secret") {
		return Client{}, twoWays(), false
	}
	if c.form.Get("client_assertion_type") != assertionType {
		return Client{}, invalidClient("client_assertion_type must be " + assertionType), false
	}
	// RFC 7521 §4.2: client_id is optional, and must then be the assertion's sub.
	id := c.form.Get("client_id")
	if id == "" {
		id = unverifiedSubject(c.form.Get("client_assertion"))
	}
	client, known := p.client(id)
	if !known {
		return Client{}, invalidClient("the client is unknown"), false
	}
	// RFC 9126 §2 takes these three; elsewhere the endpoint is itself.
	audiences := []string{p.issuer, p.base + "/token", p.base + c.endpoint}
	if reason := p.checkAssertion(id, c.form.Get("client_assertion"), audiences); reason != "" {
		return Client{}, invalidClient(reason), false
	}
	return client, reply{}, true
}

func credentials(c *call) (id, secret string, no reply, ok bool) {
	lines := c.Header.Values("Authorization")
	if len(lines) == 0 {
		return c.form.Get("client_id"), c.form.Get("client_secret"), reply{}, true
	}
	id, secret, basic := c.BasicAuth()
	if len(lines) > 1 || !basic {
		return "", "", invalidClient("the Authorization header is not one of scheme Basic"), false
	}
	if c.form.Has("client_secret") {
		return "", "", twoWays(), false
	}
	// Both parts are form-encoded before they are joined (RFC 6749 §2.3.1).
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	if idErr != nil || secretErr != nil {
		return "", "", invalidClient("the client id and secret must be form-encoded inside Basic"), false
	}
	if c.form.Has("client_id") && c.form.Get("client_id") != id {
		return "", "", oauthError(http.StatusBadRequest, "invalid_request", "client_id differs from the one in the Authorization header"), false
	}
	return id, secret, reply{}, true
}

func twoWays() reply {
	return oauthError(http.StatusBadRequest, "invalid_request", "the client authenticates in two ways at once")
}

func invalidClient(description string) reply {
	a := oauthError(http.StatusUnauthorized, "invalid_client", description)
	a.Header.Set("WWW-Authenticate", `Basic realm="devidp"`)
	return a
}
