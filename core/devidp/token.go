package devidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// verifierPattern is RFC 7636 §4.1.
var verifierPattern = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

func verifies(challenge, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(sum[:])
	return verifierPattern.MatchString(verifier) && subtle.ConstantTimeCompare([]byte(challenge), []byte(computed)) == 1
}

// token is RFC 6749 §3.2 and OpenID Connect Core §3.1.3.
func (p *Provider) token(c *call) reply {
	if name := repeated(c.form); name != "" {
		return oauthError(http.StatusBadRequest, "invalid_request", name+" is repeated")
	}
	client, no, ok := p.authenticate(c)
	if !ok {
		return no
	}
	switch c.form.Get("grant_type") {
	case "authorization_code":
		return p.exchange(c, client)
	case "refresh_token":
		return p.renew(c, client)
	case deviceGrant:
		return p.pollDevice(c, client)
	case "":
		return oauthError(http.StatusBadRequest, "invalid_request", "grant_type is missing: the body must be application/x-www-form-urlencoded")
	}
	return oauthError(http.StatusBadRequest, "unsupported_grant_type", "grant_type must be authorization_code, refresh_token or "+deviceGrant)
}

func (p *Provider) exchange(c *call, client Client) reply {
	reuse := slices.ContainsFunc(c.faults, func(f Fault) bool { return f.codeReuse })
	g, reason := p.ledger.redeem(c.form.Get("code"), client.ID, c.form.Get("redirect_uri"), c.form.Get("code_verifier"), reuse)
	if reason != "" {
		return oauthError(http.StatusBadRequest, "invalid_grant", reason)
	}
	return p.firstTokens(c, g, g.nonce)
}

// firstTokens are those of a grant that has just been redeemed.
func (p *Provider) firstTokens(c *call, g *grant, nonce string) reply {
	answer := p.tokens(c, g, g.scopes, nonce)
	if answer.Status == http.StatusOK && (!p.config.RequireOfflineAccess || slices.Contains(g.scopes, "offline_access")) {
		answer.object["refresh_token"] = p.ledger.issueRefresh(g)
	}
	return answer
}

// renew is RFC 6749 §6. The ID token has no nonce, which is the authorization
// request's (OpenID Connect Core §12.2).
func (p *Provider) renew(c *call, client Client) reply {
	keep := slices.ContainsFunc(c.faults, func(f Fault) bool { return f.noRotation })
	presented := c.form.Get("refresh_token")
	g, reason := p.ledger.rotate(presented, client.ID, keep)
	if reason != "" {
		return oauthError(http.StatusBadRequest, "invalid_grant", reason)
	}
	answer := p.tokens(c, g, g.scopes, "")
	if answer.Status == http.StatusOK && !keep {
		answer.object["refresh_token"] = p.ledger.issueRefresh(g)
	}
	return answer
}

func (p *Provider) tokens(c *call, g *grant, scopes []string, nonce string) reply {
	access := p.ledger.issue(g)
	idToken, err := p.idToken(c, g, access, nonce)
	if err != nil {
		return oauthError(http.StatusInternalServerError, "server_error", err.Error())
	}
	return objectReply(http.StatusOK, map[string]any{
		"access_token": access,
		"token_type":   "Bearer",
		"expires_in":   int64(p.config.Lifetimes.AccessToken / time.Second),
		"scope":        strings.Join(scopes, " "),
		"id_token":     idToken,
	})
}
