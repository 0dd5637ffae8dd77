package devidp

import (
	"net/url"
	"slices"
	"strings"
)

// endSession is OpenID Connect RP-Initiated Logout 1.0. There is no browser
// session here to ask about: it revokes the tokens of the hint's sid, and tells the client
// by the back channel as well, as a client that did not ask for it would be told.
func (p *Provider) endSession(c *call) reply {
	if name := repeated(c.form); name != "" {
		return refusedPage(name + " is repeated")
	}
	clientID, sid, reason := p.readHint(c.form)
	if reason != "" {
		return refusedPage(reason)
	}
	target := c.form.Get("post_logout_redirect_uri")
	if reason := p.mayReturn(target, clientID); reason != "" {
		return refusedPage(reason)
	}
	if sid != "" {
		p.logOut(sid)
	}
	if target == "" {
		return signedOutPage()
	}
	if c.form.Has("state") {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + url.Values{"state": {c.form.Get("state")}}.Encode()
	}
	return redirectReply(target)
}

// readHint takes an expired hint too, as §2 recommends.
func (p *Provider) readHint(form url.Values) (clientID, sid, reason string) {
	clientID = form.Get("client_id")
	hint := form.Get("id_token_hint")
	if hint == "" {
		return clientID, "", ""
	}
	claims, err := p.keys.verify(hint)
	if err != nil || claims["iss"] != p.issuer {
		return "", "", "id_token_hint is not an ID token of this provider"
	}
	audience, _ := claims["aud"].(string)
	if clientID != "" && clientID != audience {
		return "", "", "client_id differs from the audience of id_token_hint"
	}
	sid, _ = claims["sid"].(string)
	return audience, sid, ""
}

func (p *Provider) mayReturn(target, clientID string) (reason string) {
	if target == "" {
		return ""
	}
	client, ok := p.client(clientID)
	if !ok {
		return "post_logout_redirect_uri needs an id_token_hint or a known client_id"
	}
	if reason := offLoopback(target); reason != "" {
		return "post_logout_redirect_uri " + reason
	}
	if client.PostLogoutRedirectURIs != nil && !slices.Contains(client.PostLogoutRedirectURIs, target) {
		return "post_logout_redirect_uri is not registered for the client " + client.ID
	}
	return ""
}
