package aura

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/aura-stack-go/auth/core/internal/cookie"
	"github.com/aura-stack-go/auth/core/internal/rp"
)

// providerTokensInfo derives the key that seals provider tokens.
const providerTokensInfo = "aura:provider-tokens"

// ProviderTokensConfig says what becomes of the tokens that a provider issues
// at sign-in. They are sealed into a cookie of their own, for as long as the
// session lives.
type ProviderTokensConfig struct {
	// Discard keeps none of them: what is not kept cannot leak, and takes no
	// room. The routes then say that no provider is connected. The exception is
	// the ID token that Logout.SendIDTokenHint needs.
	Discard bool
	// ExposeRefreshToken and ExposeIDToken put these tokens into the answer of
	// GET /providers/:provider/tokens, where scripts of the page can read them.
	ExposeRefreshToken bool
	ExposeIDToken      bool
	// RefreshWindow is how long before its end an access token is refreshed when
	// it is asked for, but never more than a quarter of its life. Default: 5 min.
	RefreshWindow time.Duration
}

// ProviderTokens are what a provider has issued for the user of a session.
type ProviderTokens struct {
	AccessToken  Secret
	TokenType    string // Bearer
	RefreshToken Secret // "" if there is none
	IDToken      Secret // "" for OAuth 2.0, or when it did not fit into the cookie
	Scopes       []string
	ExpiresAt    time.Time // of the access token; zero when the provider did not say
	IssuedAt     time.Time
}

// heldTokens is what the cookie holds. A cookie that was made for another
// session or another provider reads as none.
type heldTokens struct {
	SessionID    string   `json:"sid"`
	Provider     string   `json:"idp"`
	Issuer       string   `json:"iss,omitempty"` // of a linked provider: not the session's
	Subject      string   `json:"sub,omitempty"` // likewise
	AccessToken  string   `json:"accessToken"`
	TokenType    string   `json:"tokenType"`
	RefreshToken string   `json:"refreshToken,omitempty"`
	IDToken      string   `json:"idToken,omitempty"`
	Scopes       []string `json:"scopes"`
	ExpiresAt    int64    `json:"expiresAt,omitempty"` // seconds
	IssuedAt     int64    `json:"issuedAt"`
}

// held makes what is kept of a grant.
func held(s *Session, provider string, g *rp.Grant, now time.Time) *heldTokens {
	t := &heldTokens{
		SessionID: s.ID, Provider: provider, AccessToken: g.Token.AccessToken, TokenType: "Bearer",
		RefreshToken: g.Token.RefreshToken, IDToken: g.IDToken, Scopes: g.Scopes, IssuedAt: now.Unix(),
	}
	if !g.Token.Expiry.IsZero() {
		t.ExpiresAt = g.Token.Expiry.Unix()
	}
	return t
}

// public is the tokens as the application gets them.
func (t *heldTokens) public() *ProviderTokens {
	p := &ProviderTokens{
		AccessToken: Secret(t.AccessToken), TokenType: t.TokenType, RefreshToken: Secret(t.RefreshToken),
		IDToken: Secret(t.IDToken), Scopes: t.Scopes, IssuedAt: time.Unix(t.IssuedAt, 0),
	}
	if t.ExpiresAt != 0 {
		p.ExpiresAt = time.Unix(t.ExpiresAt, 0)
	}
	return p
}

// expired reports whether the access token has ended.
func (t *heldTokens) expired(now time.Time) bool {
	return t.ExpiresAt != 0 && t.ExpiresAt <= now.Unix()
}

// due reports whether it is time to refresh. Tokens that live for less than the
// window would otherwise be refreshed each time they are looked at.
func (t *heldTokens) due(now time.Time, window time.Duration) bool {
	if t.RefreshToken == "" || t.ExpiresAt == 0 {
		return false
	}
	life := time.Duration(t.ExpiresAt-t.IssuedAt) * time.Second
	return time.Unix(t.ExpiresAt, 0).Sub(now) <= min(window, life/4)
}

// tokensOf returns the provider's tokens; nil when the session is not connected
// with it.
func (a *Auth) tokensOf(v *visit, s *Session, provider string) *heldTokens {
	t := a.heldOf(v, s, provider)
	if t == nil || t.AccessToken == "" {
		return nil
	}
	return t
}

// heldOf opens the provider's cookie. Without an access token, what it holds is
// an ID token that has been kept for the sign-out, and for nothing else.
func (a *Auth) heldOf(v *visit, s *Session, provider string) *heldTokens {
	if now, changed := v.loaded.tokensNow(provider); changed {
		if now == nil || now.SessionID != s.ID {
			return nil
		}
		t := *now
		return &t
	}
	name := a.wardrobe.Name(cookie.ProviderTokens, provider, v.public.Secure)
	value, ok, ambiguous := v.jar.Chunked(name)
	if ambiguous {
		a.ambiguous(v, name)
	}
	if !ok {
		return nil
	}
	payload, _, err := a.tokenBox.Open(value)
	var t heldTokens
	if err != nil || json.Unmarshal(payload, &t) != nil || t.SessionID != s.ID || t.Provider != provider || t.AccessToken == "" && t.IDToken == "" {
		return nil
	}
	if a.cfg.ProviderTokens.Discard {
		return a.hintOf(&t)
	}
	return &t
}

// hintOf is what is left of tokens that are to be discarded: the ID token, where
// the sign-out sends it along, or nothing.
func (a *Auth) hintOf(t *heldTokens) *heldTokens {
	p := a.parties[t.Provider]
	if p == nil || !p.Logout.SendIDTokenHint || t.IDToken == "" {
		return nil
	}
	return &heldTokens{SessionID: t.SessionID, Provider: t.Provider, Subject: t.Subject, IDToken: t.IDToken, IssuedAt: t.IssuedAt}
}

// keepTokens writes the provider's cookie. Where it does not fit, the ID token
// gives way; ErrTooLarge says that the rest does not fit either.
func (a *Auth) keepTokens(v *visit, s *Session, t *heldTokens) error {
	for {
		payload, err := marshal(t)
		if err != nil {
			return err
		}
		sealed, err := a.tokenBox.Seal(payload)
		if err == nil {
			err = a.wardrobe.SetChunked(&v.lines, v.jar, cookie.ProviderTokens, t.Provider, v.public.Secure, sealed, s.ExpiresAt.Sub(v.now), v.now)
		}
		if err == nil {
			kept := *t
			v.loaded.noteTokens(t.Provider, &kept)
			return nil
		}
		if t.IDToken == "" || t.AccessToken == "" {
			return err
		}
		t.IDToken = ""
	}
}

// keepGrant keeps the tokens of a sign-in. A sign-in does not fail because they
// do not fit: the session is then not connected with its provider.
func (a *Auth) keepGrant(v *visit, s *Session, provider string, g *rp.Grant) {
	if g.Token == nil || v.bearer.inBody() {
		return // Token: of an ID token alone there are none; a bearer has no cookie for them
	}
	t := held(s, provider, g, v.now)
	if a.cfg.ProviderTokens.Discard {
		if t = a.hintOf(t); t == nil {
			return
		}
	}
	if err := a.keepTokens(v, s, t); err != nil {
		a.tokensDropped(v, provider)
	}
}

// retainTokens writes the tokens anew beside a session that has just been: for
// as long as it now lives, and under the newest secret. What a refresh has
// brought meanwhile, for another request with the same cookie, is what it
// writes: the cookie's own refresh token has then been used up. Where they no
// longer fit beside the session, the ID token gives way, and then all of them.
func (a *Auth) retainTokens(v *visit, s *Session) {
	for _, id := range a.wardrobe.IDs(v.jar, cookie.ProviderTokens, v.public.Secure) {
		t := a.heldOf(v, s, id)
		if t == nil {
			continue
		}
		t = a.latest(v, s, t)
		err := a.keepTokens(v, s, t)
		if err == nil && t.AccessToken != "" && a.wardrobe.Projected(&v.lines, v.jar, v.public.Secure) > a.cfg.Cookies.MaxBytes {
			t.IDToken = ""
			err = a.keepTokens(v, s, t)
		}
		if err != nil || a.wardrobe.Projected(&v.lines, v.jar, v.public.Secure) > a.cfg.Cookies.MaxBytes {
			a.forgetTokensOf(v, id)
			a.tokensDropped(v, id)
		}
	}
}

// latest follows the refreshes that this process remembers.
func (a *Auth) latest(v *visit, s *Session, t *heldTokens) *heldTokens {
	for range 8 {
		if t.RefreshToken == "" {
			break
		}
		answer, ok := a.refreshes.Known(v.ctx(), refreshKey(t), a.cfg.Now)
		if !ok || answer.Token.RefreshToken == t.RefreshToken {
			break
		}
		t = t.next(s, answer)
	}
	return t
}

// next is what is kept after a refresh.
func (t *heldTokens) next(s *Session, answer refreshed) *heldTokens {
	next := held(s, t.Provider, answer.Grant, answer.at)
	next.Issuer, next.Subject = t.Issuer, t.Subject
	if next.IDToken == "" {
		next.IDToken = t.IDToken
	}
	if next.Scopes == nil {
		next.Scopes = t.Scopes // RFC 6749 §5.1: as they were
	}
	return next
}

// refreshKey is what one refresh is remembered by.
func refreshKey(t *heldTokens) string { return t.Provider + "\x00" + t.RefreshToken }

func (a *Auth) tokensDropped(v *visit, provider string) {
	a.log.LogAttrs(v.ctx(), levelFailure, "aura: the provider's tokens do not fit into their cookie and are not kept",
		slog.String("event", "tokensDropped"), slog.String("provider", provider), slog.Int("maxBytes", a.cfg.Cookies.MaxBytes))
}

// forgetTokens expires the tokens of all providers: those of another session
// are of no use to this one.
func (a *Auth) forgetTokens(v *visit) {
	for _, p := range a.cfg.Providers {
		v.loaded.noteTokens(p.ID, nil)
	}
	for _, id := range a.wardrobe.IDs(v.jar, cookie.ProviderTokens, v.public.Secure) {
		a.forgetTokensOf(v, id)
	}
}

// forgetTokensOf expires the tokens of one provider.
func (a *Auth) forgetTokensOf(v *visit, provider string) {
	v.loaded.noteTokens(provider, nil)
	a.wardrobe.ExpireAll(&v.lines, v.jar, cookie.ProviderTokens, provider, v.public.Secure)
}

// freshTokens returns the provider's tokens, refreshed if they are due. However
// many requests ask at once, or come late with the cookie of before, there is
// one call; each gets the cookie. An outage costs nothing while the access token
// is valid; a refresh token that the provider no longer takes ends the
// connection.
func (a *Auth) freshTokens(v *visit, s *Session, p *party) (*heldTokens, error) {
	t := a.tokensOf(v, s, p.ID)
	if t == nil {
		return nil, fail(CodeNotConnected, "the session holds no tokens of this provider")
	}
	if s.replaced { // its cookies are another session's by now, and stay as they are
		if t.expired(v.now) {
			return nil, ErrNoSession
		}
		return t, nil
	}
	changed := false
	// What late comers get may be due itself by now: follow it, within reason.
	for range 8 {
		if !t.due(v.now, a.cfg.ProviderTokens.RefreshWindow) {
			break
		}
		if v.r.Method == http.MethodHead {
			// HEAD sends no cookies, and a rotated refresh token would be lost.
			return a.notRefreshed(v, p, t, fail(CodeTokenUnreachable, "the tokens are due, and HEAD refreshes none"))
		}
		answer, err := a.refreshes.Do(v.ctx(), refreshKey(t), a.cfg.Now, a.refresher(p, s, t))
		if err != nil {
			if changed {
				a.rescue(v, s, t)
			}
			return a.notRefreshed(v, p, t, err)
		}
		t, changed = t.next(s, answer), true
	}
	if !changed {
		return t, nil
	}
	err := a.still(v, s)
	if errors.Is(err, ErrNoSession) {
		return nil, err // the provider took its time: meanwhile the user has left
	}
	a.rescue(v, s, t)
	if err != nil {
		return nil, err
	}
	if t.expired(v.now) {
		return nil, &Error{Code: CodeTokenUnreachable, Err: errors.New("the provider's new tokens have ended already"), retryAfter: retryAfter}
	}
	return t, nil
}

// rescue keeps tokens that a refresh has brought: what the browser holds has been
// used up. Sign-ins under way give way to them. Where even that is not enough,
// the answer is remembered for ten minutes, and the log says what to raise.
func (a *Auth) rescue(v *visit, s *Session, t *heldTokens) {
	if a.keepTokens(v, s, t) == nil {
		return
	}
	before := v.lines.Clone()
	for _, kind := range []cookie.Kind{cookie.Flow, cookie.PostedFlow} {
		for _, id := range a.wardrobe.IDs(v.jar, kind, v.public.Secure) {
			a.wardrobe.Expire(&v.lines, kind, id, v.public.Secure)
			if a.keepTokens(v, s, t) == nil {
				return
			}
		}
	}
	v.lines = before // nobody's sign-in ends for nothing
	a.report(v, &Error{Code: CodeSessionTooLarge, Err: errors.New("the refreshed tokens do not fit; raise Cookies.MaxBytes")})
}

// refreshed is the answer to one refresh, with the time that it came.
type refreshed struct {
	*rp.Grant
	at time.Time
}

func (a *Auth) notRefreshed(v *visit, p *party, t *heldTokens, err error) (*heldTokens, error) {
	var e *rp.Error
	if errors.As(err, &e) && e.InvalidGrant() {
		a.forgetTokensOf(v, p.ID)
		return nil, &Error{Code: CodeRefreshRejected, Err: err}
	}
	if v.ctx().Err() != nil { // the client has left; the refresh goes on for the next request
		err = &Error{Code: CodeTokenUnreachable, Err: err, retryAfter: retryAfter}
	}
	if !t.expired(v.now) {
		if v.r.Method != http.MethodHead {
			a.report(v, asError(providerError(err)))
		}
		return t, nil
	}
	return nil, providerError(err)
}
