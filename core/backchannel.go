package aura

import (
	"context"
	"errors"
	"net/http"

	"github.com/aura-stack-go/auth/core/internal/rp"
)

// orders reports whether the provider may order sessions to end.
func (p *party) orders() bool { return p.Logout.Backchannel }

// postBackchannelLogout: POST /backchannelLogout/:provider, by which a
// provider's server says that a session of its own has ended (OpenID Connect
// Back-Channel Logout §2.5). There is no browser, and no cookie: the signed
// token is all that speaks for the request. Sessions here that began with that
// one end with it.
func (a *Auth) postBackchannelLogout(v *visit) (answer, error) {
	tokens := v.body.form["logout_token"]
	if len(tokens) != 1 || tokens[0] == "" {
		return answer{}, fail(CodeLogoutTokenInvalid, "the request holds no logout_token, or several")
	}
	ctx, cancel := context.WithTimeout(v.ctx(), callbackTimeout)
	defer cancel()
	t, err := v.provider.VerifyLogoutToken(ctx, tokens[0])
	if err != nil {
		return answer{}, providerError(err)
	}
	if err := a.obey(ctx, v, t); err != nil {
		return answer{}, err
	}
	a.log.InfoContext(v.ctx(), "aura: back-channel logout", "event", "backchannelLogout", "provider", v.provider.ID, "issuer", t.Issuer, "subject", t.Subject)
	return jsonAnswer(http.StatusOK, map[string]any{"success": true})
}

// obey ends what the token says has ended, and then remembers the token: one
// that was remembered first, and not obeyed because the store went down in
// between, would be refused when the provider sends it again.
func (a *Auth) obey(ctx context.Context, v *visit, t *rp.LogoutToken) error {
	used := storeKey("jti", t.Issuer, t.ID)
	var before []Record
	err := a.asking(ctx, func(ctx context.Context) (err error) {
		before, err = a.cfg.Store.Get(ctx, used)
		return err
	})
	if err != nil {
		return err
	}
	if len(before) > 0 {
		return errReplayed
	}
	// A token that names both means the one session, not all of the user's (§2.4).
	if t.SessionID != "" {
		err = a.put(ctx, providerSessionKey(t.Issuer, t.SessionID), ending{}, AnyVersion, v.now.Add(a.sessionLife()))
	} else {
		err = a.endAccount(ctx, Account{t.Issuer, t.Subject}, v.now)
	}
	if err != nil {
		return err
	}
	err = a.asking(ctx, func(ctx context.Context) error {
		return a.cfg.Store.Put(ctx, Record{Key: used, Value: []byte("{}"), Expires: keptUntil(t.Expires)})
	})
	if errors.Is(err, ErrConflict) {
		return errReplayed
	}
	return err
}

var errReplayed = fail(CodeLogoutTokenInvalid, "the logout token has been used")
