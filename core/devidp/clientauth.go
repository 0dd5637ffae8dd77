package devidp

import (
	"crypto/subtle"
	"net/http"
	"net/url"
)

// authenticate finds out which client is asking: client_secret_basic,
// client_secret_post, or none for a public one (RFC 6749 §2.3). The reply is the
// refusal, when ok is false.
func (p *Provider) authenticate(c *call) (client Client, no reply, ok bool) {
	id, secret, no, ok := credentials(c)
	if !ok {
		return Client{}, no, false
	}
	client, known := p.client(id)
	same := subtle.ConstantTimeCompare([]byte(client.Secret), []byte(secret)) == 1
	if !known || !same {
		return Client{}, invalidClient("the client is unknown or its secret is wrong"), false
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
		return "", "", oauthError(http.StatusBadRequest, "invalid_request", "the client authenticates in two ways at once"), false
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

func invalidClient(description string) reply {
	a := oauthError(http.StatusUnauthorized, "invalid_client", description)
	a.Header.Set("WWW-Authenticate", `Basic realm="devidp"`)
	return a
}
