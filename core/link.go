package aura

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/aura-stack-go/auth/core/internal/flow"
	"github.com/aura-stack-go/auth/core/internal/rp"
)

// Account returns who has proved who they are, as Session.Account does.
func (t *Attempt) Account() Account { return Account{t.Issuer, t.User.Subject} }

// postLink: POST /link/:provider sends the user of a session to one more
// provider. Both layers against CSRF stand before it: else another site could
// have its own account linked to the visitor's.
func (a *Auth) postLink(v *visit) (answer, error) {
	s, err := a.present(v)
	if err != nil {
		return answer{}, err
	}
	if err := a.checkToken(v, s, v.body.form["csrfToken"]); err != nil {
		return answer{}, err
	}
	if err := a.take(v, false, a.byAddress(v, "signIn", a.cfg.Limits.SignIn)); err != nil {
		return answer{}, err
	}
	location, err := a.start(v, s.ID)
	if err != nil {
		return answer{}, err
	}
	return a.sentOn(v, http.StatusOK, location)
}

// sentOn answers an action whose next step is at a provider: a form with 303, a
// script with JSON, and with a redirect unless it has asked for none.
func (a *Auth) sentOn(v *visit, status int, location string) (answer, error) {
	if v.body.isForm && v.follow {
		ans := newAnswer(0)
		return ans, ans.redirect(http.StatusSeeOther, location)
	}
	ans, err := jsonAnswer(status, map[string]any{"success": true, "redirect": v.follow, "redirectURL": location})
	if err != nil || !v.follow {
		return ans, err
	}
	return ans, ans.redirect(http.StatusFound, location)
}

// linking returns the session that a flow of Link was started for; nil for
// other flows. It must be the one that the browser has now: after a sign-out, or
// when somebody else has signed in meanwhile, nobody is left to link to.
func (a *Auth) linking(v *visit, f *flow.Flow) (*Session, error) {
	if f.Kind != flow.Link {
		return nil, nil
	}
	s, err := a.current(v)
	if err != nil {
		return nil, err
	}
	if s == nil || f.Session == "" || s.ID != f.Session || a.cfg.Hooks.Link == nil {
		return nil, errNotLinkable
	}
	return s, nil
}

var errNotLinkable = fail(CodeStateInvalid, "the session that was to be linked is not the browser's any more")

// linked tells the application that one more account is the user's. The session
// stays as it is; what the provider has issued is kept beside it.
func (a *Auth) linked(v *visit, s *Session, grant *rp.Grant, profile *Profile) error {
	p := v.provider
	u, err := a.mapProfile(v.ctx(), p, profile)
	if err != nil {
		return err
	}
	attempt := &Attempt{Provider: p.ID, Issuer: cmp.Or(grant.Issuer, p.Issuer), User: &u, Profile: profile, providerSession: grant.SessionID}
	account := attempt.Account()
	before := v.lines.Clone()
	if err := a.still(v, s); errors.Is(err, ErrNoSession) {
		v.lines = before // the flow is over in any case
		return errNotLinkable
	} else if err != nil {
		return err
	}
	if err := a.mayLink(v.ctx(), s, attempt); err != nil {
		return err
	}
	// The tokens of the provider that has signed the session in are those of its
	// user: another account's at the same provider do not take their place.
	if s.Provider != p.ID || s.Account() == account {
		a.keepLinked(v, s, grant)
	}
	a.log.LogAttrs(v.ctx(), slog.LevelInfo, "aura: link", slog.String("event", "link"), slog.String("subject", s.User.Subject),
		slog.String("provider", p.ID), slog.String("linkedIssuer", account.Issuer), slog.String("linkedSubject", account.Subject))
	return nil
}

// mayLink runs the Link hook.
func (a *Auth) mayLink(ctx context.Context, s *Session, attempt *Attempt) error {
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	own := *s // a copy: what the hook does to it changes nothing
	err := a.cfg.Hooks.Link(ctx, &own, attempt)
	if err == nil && ctx.Err() != nil {
		return unavailable(fmt.Errorf("Hooks.Link took too long: %w", ctx.Err()))
	}
	return refused(err)
}

// keepLinked is keepGrant for tokens whose subject is not the session's.
func (a *Auth) keepLinked(v *visit, s *Session, grant *rp.Grant) {
	if a.cfg.ProviderTokens.Discard {
		return
	}
	t := held(s, v.provider.ID, grant, v.now)
	t.Issuer, t.Subject = grant.Issuer, grant.Subject
	if err := a.keepTokens(v, s, t); err != nil {
		a.tokensDropped(v, v.provider.ID)
	}
}
