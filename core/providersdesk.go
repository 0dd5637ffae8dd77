package aura

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aura-stack-go/auth/core/internal/refresh"
	"github.com/aura-stack-go/auth/core/internal/rp"
)

// getConnected: GET /providers/:provider.
func (a *Auth) getConnected(v *visit) (answer, error) {
	s, err := a.present(v)
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, map[string]any{"success": true, "connected": a.tokensOf(v, s, v.provider.ID) != nil})
}

// getTokens: GET /providers/:provider/tokens. It hands secrets to the page, and
// so asks for the CSRF token like a POST.
func (a *Auth) getTokens(v *visit) (answer, error) {
	s, err := a.acting(v)
	if err != nil {
		return answer{}, err
	}
	t, err := a.freshTokens(v, s, v.provider)
	if err != nil {
		return answer{}, err
	}
	tokens := map[string]any{"accessToken": t.AccessToken, "tokenType": t.TokenType, "scopes": t.Scopes, "issuedAt": t.IssuedAt}
	if t.Scopes == nil {
		tokens["scopes"] = []string{}
	}
	if t.ExpiresAt != 0 {
		tokens["expiresAt"] = t.ExpiresAt
	}
	if a.cfg.ProviderTokens.ExposeRefreshToken && t.RefreshToken != "" {
		tokens["refreshToken"] = t.RefreshToken
	}
	if a.cfg.ProviderTokens.ExposeIDToken && t.IDToken != "" {
		tokens["idToken"] = t.IDToken
	}
	return jsonAnswer(http.StatusOK, map[string]any{"success": true, "tokens": tokens})
}

// postRevoke: POST /providers/:provider/tokens/revoke.
func (a *Auth) postRevoke(v *visit) (answer, error) {
	s, err := a.acting(v)
	if err == nil {
		err = a.revoke(v, s, v.provider)
	}
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, map[string]any{"success": true})
}

// deleteProvider: DELETE /providers/:provider. The provider is not told.
func (a *Auth) deleteProvider(v *visit) (answer, error) {
	s, err := a.acting(v)
	if err == nil {
		err = a.disconnect(v, s, v.provider)
	}
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, map[string]any{"success": true})
}

// postRefreshUser: POST /providers/:provider/user/refresh.
func (a *Auth) postRefreshUser(v *visit) (answer, error) {
	s, err := a.acting(v)
	if err == nil {
		err = a.refreshUser(v, s, v.provider)
	}
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, v.handed(map[string]any{"success": true, "session": s}, s))
}

// present returns the visit's session, ErrNoSession if there is none.
func (a *Auth) present(v *visit) (*Session, error) {
	s, err := a.current(v)
	if err == nil && s == nil {
		err = ErrNoSession
	}
	return s, err
}

// acting is present for routes that change or reveal something: the CSRF token
// must be the session's, and not too much may be asked of it.
func (a *Auth) acting(v *visit) (*Session, error) {
	s, err := a.present(v)
	if err != nil {
		return nil, err
	}
	if err := a.checkActing(v, s, nil); err != nil {
		return nil, err
	}
	return s, a.limitSession(v, s)
}

// refresher makes one refresh for all who ask. A dead token is as final as a
// new one: asking again would only be taken for theft again.
func (a *Auth) refresher(p *party, s *Session, t *heldTokens) func(context.Context) (refreshed, time.Duration, error) {
	issuer, subject, refreshToken := "", "", t.RefreshToken
	switch {
	case p.OIDC && t.Subject != "":
		issuer, subject = t.Issuer, t.Subject
	case p.OIDC:
		issuer, subject = s.Issuer, s.User.Subject
	}
	return func(ctx context.Context) (refreshed, time.Duration, error) {
		grant, err := p.Refresh(ctx, refreshToken, issuer, subject)
		answer := refreshed{grant, a.cfg.Now()}
		var e *rp.Error
		switch {
		case errors.As(err, &e) && e.InvalidGrant():
			return answer, refresh.Memory, err
		case err != nil:
			return answer, 0, err
		case grant.Token.RefreshToken == refreshToken && !grant.Token.Expiry.IsZero():
			// Not rotated: it may be used again, and must be when this has run out.
			return answer, min(refresh.Memory, grant.Token.Expiry.Sub(answer.at)/2), nil
		}
		return answer, refresh.Memory, nil
	}
}

// revoke has the provider revoke the tokens (RFC 7009): the refresh token, which
// ends the grant, and the access token. What the provider has not revoked is
// kept, so that one can try again.
func (a *Auth) revoke(v *visit, s *Session, p *party) error {
	if s.replaced {
		return ErrNoSession
	}
	t := a.tokensOf(v, s, p.ID)
	if t == nil {
		return fail(CodeNotConnected, "the session holds no tokens of this provider")
	}
	t = a.latest(v, s, t)
	ctx, cancel := context.WithTimeout(v.ctx(), callbackTimeout)
	defer cancel()
	var err error
	if t.RefreshToken != "" {
		err = p.Revoke(ctx, t.RefreshToken, "refresh_token")
	}
	if err == nil {
		err = p.Revoke(ctx, t.AccessToken, "access_token")
		if t.RefreshToken != "" && errors.Is(err, rp.ErrNotSupported) {
			err = nil // the grant has ended; RFC 7009 §2.2.1 lets access tokens run out
		}
	}
	if errors.Is(err, rp.ErrNotSupported) {
		return &Error{Code: CodeRevokeUnsupported, Err: err}
	}
	if err != nil {
		return providerError(err)
	}
	return a.disconnect(v, s, p)
}

// disconnect forgets the provider's tokens.
func (a *Auth) disconnect(v *visit, s *Session, p *party) error {
	if s.replaced { // the cookie that would be cleared is the new session's
		return ErrNoSession
	}
	if a.tokensOf(v, s, p.ID) == nil {
		return fail(CodeNotConnected, "the session holds no tokens of this provider")
	}
	a.forgetTokensOf(v, p.ID)
	return nil
}

// refreshUser asks the provider once more who the user is and updates the
// session. Extra claims that the provider's profile does not set are kept.
func (a *Auth) refreshUser(v *visit, s *Session, p *party) error {
	if s.Provider != p.ID {
		return fail(CodeNotConnected, "the session was begun with another provider")
	}
	t, err := a.freshTokens(v, s, p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(v.ctx(), callbackTimeout)
	defer cancel()
	subject := ""
	if p.OIDC {
		subject = s.User.Subject
	}
	raw, err := p.UserInfo(ctx, t.AccessToken, subject)
	if err != nil {
		return providerError(err)
	}
	u, err := a.mapProfile(ctx, p, &Profile{Subject: subject, Raw: raw, fetch: a.fetcher(p, t.AccessToken)})
	if err != nil {
		return err
	}
	if u.Subject != s.User.Subject {
		return fail(CodeProfileIncomplete, "the provider now describes another user")
	}
	// Userinfo may say less than the ID token did at sign-in.
	u.Name, u.Image = cmp.Or(u.Name, s.User.Name), cmp.Or(u.Image, s.User.Image)
	if u.Email == "" {
		u.Email, u.EmailVerified = s.User.Email, s.User.EmailVerified
	}
	for name, value := range s.User.extra {
		if _, set := u.extra[name]; !set {
			if err := u.Set(name, value); err != nil {
				return err
			}
		}
	}
	return a.update(v, s, u)
}
