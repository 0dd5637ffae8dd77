package devidp

import "net/http"

// revoke is RFC 7009. A refresh token takes its whole family with it; an unknown
// token is a success (§2.2). token_type_hint is not needed.
func (p *Provider) revoke(c *call) reply {
	if name := repeated(c.form); name != "" {
		return oauthError(http.StatusBadRequest, "invalid_request", name+" is repeated")
	}
	client, no, ok := p.authenticate(c)
	if !ok {
		return no
	}
	if c.form.Get("token") == "" {
		return oauthError(http.StatusBadRequest, "invalid_request", "token is missing")
	}
	if !p.ledger.revoke(c.form.Get("token"), client.ID) {
		return oauthError(http.StatusBadRequest, "unauthorized_client", "the token was issued to another client")
	}
	return emptyReply(http.StatusOK)
}
