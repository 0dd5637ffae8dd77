package devidp

import (
	"net/http"
	"strings"
)

// userInfo is OpenID Connect Core §5.3. The token comes in the Authorization
// header only (RFC 6750 §2.1).
func (p *Provider) userInfo(c *call) reply {
	lines := c.Header.Values("Authorization")
	if len(lines) != 1 {
		return challenge(`Bearer realm="devidp"`)
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return challenge(`Bearer realm="devidp"`)
	}
	g, subject, ok := p.ledger.bearer(token)
	if !ok {
		return challenge(`Bearer realm="devidp", error="invalid_token", error_description="the access token is unknown, expired or revoked"`)
	}
	claims := profile(g)
	claims["sub"] = g.user.Subject
	if subject != nil {
		putSubject(claims, subject)
	}
	return objectReply(http.StatusOK, claims)
}

func challenge(value string) reply {
	a := emptyReply(http.StatusUnauthorized)
	a.Header.Set("WWW-Authenticate", value)
	return a
}
