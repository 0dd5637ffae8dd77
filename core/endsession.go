package aura

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/aura-stack-go/auth/core/internal/flow"
	"github.com/aura-stack-go/auth/core/internal/rp"
)

// signedOutInfo derives the key that seals the way back from a provider. It is
// a key of its own: no other value of ours opens as a way back.
const signedOutInfo = "aura:signed-out"

// endSessionTimeout bounds how long a sign-out waits for the provider's
// metadata: the browser has its session until the answer comes.
const endSessionTimeout = 3 * time.Second

// leavesAtProvider reports whether some provider is told of sign-outs.
func (c *Config) leavesAtProvider() bool {
	for i := range c.Providers {
		if c.Providers[i].Logout.AtProvider {
			return true
		}
	}
	return false
}

// An exit is how a session is left at its provider.
type exit struct {
	party *party
	hint  string // the ID token; "" for none
}

// exitOf returns it; nil when the provider is not to be told. The issuer has to
// fit, too: whoever now has the ID in our configuration has no business with
// what another provider has issued.
func (a *Auth) exitOf(v *visit, s *Session) *exit {
	if s == nil || v.bearer.present { // no browser, nobody to send on
		return nil
	}
	p := a.parties[s.Provider]
	if p == nil || !p.Logout.AtProvider || !p.Issues(s.Issuer) {
		return nil
	}
	e := &exit{party: p}
	if p.Logout.SendIDTokenHint {
		if t := a.heldOf(v, s, p.ID); t != nil {
			e.hint = t.IDToken
		}
	}
	return e
}

// elsewhere returns where to send the browser, "" when the provider has no such
// endpoint (OpenID Connect RP-Initiated Logout §2).
func (a *Auth) elsewhere(v *visit, e *exit, target string) (string, error) {
	state, err := flow.WayBack{RedirectTo: a.safe(v, target), Created: v.now}.Seal(a.waysBack)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(v.ctx(), endSessionTimeout)
	defer cancel()
	address, err := e.party.EndSessionURL(ctx, rp.EndSession{
		IDTokenHint: e.hint, PostLogoutRedirectURI: a.publicURL(v) + "/signedOut", State: state,
	})
	if errors.Is(err, rp.ErrNotSupported) {
		return "", nil
	}
	return address, providerError(err)
}

// left answers a sign-out: here the session has ended, whatever the provider
// says. Where its address cannot be found out, the browser stays with us.
func (a *Auth) left(v *visit, e *exit) (answer, error) {
	members := map[string]any{"success": true}
	if v.bearer.present {
		// There is no cookie to clear: without a store the token is good until it
		// expires, and only the client can forget it.
		members["ended"] = a.cfg.Store != nil
	}
	if e == nil {
		return a.acted(v, http.StatusAccepted, members)
	}
	address, err := a.elsewhere(v, e, v.target)
	if err != nil {
		a.report(v, asError(err))
	} else if address == "" {
		a.log.LogAttrs(v.ctx(), levelFailure, "aura: the provider has no end_session_endpoint: the session has ended here alone",
			slog.String("event", "endSessionUnsupported"), slog.String("provider", e.party.ID))
	}
	if err != nil || address == "" {
		return a.acted(v, http.StatusAccepted, members)
	}
	if v.body.isForm && v.follow {
		ans := newAnswer(0)
		return ans, ans.redirect(http.StatusSeeOther, address)
	}
	// As in acted, a redirect must have been asked for with a target: a script
	// that did not could not follow one to another site.
	follow := v.follow && v.target != ""
	members["redirect"], members["redirectURL"] = follow, address
	ans, err := jsonAnswer(http.StatusAccepted, members)
	if err != nil || !follow {
		return ans, err
	}
	return ans, ans.redirect(http.StatusFound, address)
}

// getSignedOut: GET /signedOut, where the provider sends the browser back. It
// ends nothing and begins nothing: anybody can send a browser here. What is not
// the way back that we have sealed, lately and for one use, leads to "/".
func (a *Auth) getSignedOut(v *visit) (answer, error) {
	target := ""
	if states := v.query["state"]; len(states) == 1 {
		w, err := flow.OpenWayBack(a.waysBack, states[0], v.now)
		if err == nil && a.spent.Consume("signedOut:"+flow.ID(states[0]), v.now) {
			target = w.RedirectTo
		}
	}
	ans := newAnswer(0)
	return ans, ans.redirect(http.StatusSeeOther, a.safe(v, target))
}
