package devidp

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	requestURIPrefix = "urn:ietf:params:oauth:request_uri:"
	// pushedLifetime is between the push and the browser's arrival (RFC 9126 §2.2).
	pushedLifetime = time.Minute
)

// pushed is an authorization request that came by the back channel.
type pushed struct {
	form    url.Values
	expires time.Time
}

// push is the pushed authorization request endpoint (RFC 9126 §2). What the
// authorization endpoint would refuse is refused here already (§2.3).
func (p *Provider) push(c *call) reply {
	if name := repeated(c.form); name != "" {
		return oauthError(http.StatusBadRequest, "invalid_request", name+" is repeated")
	}
	client, no, ok := p.authenticate(c)
	if !ok {
		return no
	}
	if c.form.Has("request_uri") {
		return oauthError(http.StatusBadRequest, "invalid_request", "request_uri cannot be pushed")
	}
	form := url.Values{}
	for name, values := range c.form {
		// How the client proved itself is not part of what it asks for.
		if !strings.HasPrefix(name, "client_assertion") && name != "client_secret" {
			form[name] = values
		}
	}
	form.Set("client_id", client.ID)
	// prompt=none and the like are for the browser to hear about, at the client.
	if _, no := p.readRequest(form); no != nil && no.code != "login_required" {
		code := no.code
		if code == "" {
			code = "invalid_request"
		}
		return oauthError(http.StatusBadRequest, code, no.reason)
	}
	return objectReply(http.StatusCreated, map[string]any{
		"request_uri": p.ledger.push(form),
		"expires_in":  int64(pushedLifetime / time.Second),
	})
}

// readAuthorization is readRequest for a request that came by the browser, and
// that may be no more than a reference to what was pushed (RFC 9126 §4).
func (p *Provider) readAuthorization(form url.Values) (authRequest, *refusal) {
	if strings.HasPrefix(form.Get("request_uri"), requestURIPrefix) {
		if len(form["request_uri"]) != 1 || len(form["client_id"]) != 1 {
			return authRequest{}, &refusal{reason: "client_id and request_uri are required, once each"}
		}
		stored, ok := p.ledger.pulled(form.Get("request_uri"), form.Get("client_id"))
		if !ok {
			return authRequest{}, &refusal{reason: "request_uri is unknown, of another client, expired, or was used before"}
		}
		return p.readRequest(stored)
	}
	req, no := p.readRequest(form)
	if p.config.RequirePushedAuthorization && (no == nil || no.code != "") {
		return req, &refusal{"invalid_request", "this provider requires pushed authorization requests: send the request to pushed_authorization_request_endpoint first"}
	}
	return req, no
}

func (l *ledger) push(form url.Values) (requestURI string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep()
	requestURI = requestURIPrefix + randomToken()
	l.pushed[requestURI] = pushed{form, l.now().Add(pushedLifetime)}
	return requestURI
}

// pulled takes a pushed request out: a request_uri works once (RFC 9126 §4), so
// that a client which sends it twice is found out.
func (l *ledger) pulled(requestURI, clientID string) (url.Values, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	request, ok := l.pushed[requestURI]
	if !ok || request.form.Get("client_id") != clientID || !l.now().Before(request.expires) {
		return nil, false
	}
	delete(l.pushed, requestURI)
	return request.form, true
}
