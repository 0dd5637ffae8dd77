package aura

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/aura-stack-go/auth/core/internal/cookie"
	"github.com/aura-stack-go/auth/core/internal/flow"
	"github.com/aura-stack-go/auth/core/internal/rp"
)

// flowInfo derives the key that seals flows.
const flowInfo = "aura:flow"

// maxFlows is how many sign-ins one browser may have under way.
const maxFlows = 12

// A party is a provider with what this process holds for it.
type party struct {
	Provider
	*rp.Party
}

// getSignIn: GET /signIn/:provider. With redirect=false it answers the URL to
// navigate to, which is its own; otherwise it starts a flow and sends the
// browser to the provider.
func (a *Auth) getSignIn(v *visit) (answer, error) {
	if err := v.readTarget(); err != nil {
		return answer{}, err
	}
	if !v.follow {
		return jsonAnswer(http.StatusOK, map[string]any{
			"success": true, "redirect": false, "signInURL": a.signInURL(v, v.provider, v.target, v.params()),
		})
	}
	if err := checkStart(v.r); err != nil {
		return answer{}, err
	}
	if err := a.take(v, false, a.byAddress(v, "signIn", a.cfg.Limits.SignIn)); err != nil {
		return answer{}, err
	}
	ans := newAnswer(0)
	if a.origins.StrayLoopback(v.r) && !v.query.Has("moved") {
		// Cookies of localhost do not reach 127.0.0.1, where the provider will
		// send the browser: start over at the public origin.
		params := v.params()
		params["moved"] = "1" // once: a proxy may always name another host
		return ans, ans.redirect(http.StatusSeeOther, a.signInURL(v, v.provider, v.target, params))
	}
	location, err := a.start(v, "")
	if err != nil {
		return answer{}, err
	}
	ans, err = jsonAnswer(http.StatusFound, map[string]any{"success": true, "redirect": true, "signInURL": location})
	if err != nil {
		return answer{}, err
	}
	return ans, ans.redirect(http.StatusFound, location)
}

// start makes a flow, seals it into a cookie and returns the authorization URL.
// A session's id makes it a flow of Link.
func (a *Auth) start(v *visit, session string) (string, error) {
	f := flow.New(v.provider.ID, a.publicURL(v)+"/callback/"+v.provider.ID, a.safe(v, v.target), v.now)
	if f.Session = session; session != "" {
		f.Kind = flow.Link
	}
	kind := cookie.Flow
	if v.provider.posts() {
		kind, f.Kind = cookie.PostedFlow, flow.Posted
	}
	extra := v.params()
	f.MaxAge = v.provider.MaxAge(extra) // sealed: the browser can take it out of the request, and not out of the check
	location, err := v.provider.AuthorizationURL(v.ctx(), rp.AuthorizationRequest{
		State: f.State(), Nonce: f.Nonce(), CodeVerifier: f.CodeVerifier(), RedirectURI: f.RedirectURI, Extra: extra,
	})
	if err != nil {
		return "", providerError(err)
	}
	sealed, err := f.Seal(a.flows)
	if err != nil {
		return "", err
	}
	id := flow.ID(f.State())
	if err := a.wardrobe.Set(&v.lines, kind, id, v.public.Secure, sealed, flow.Lifetime, v.now); err != nil {
		return "", err
	}
	a.makeRoom(v)
	return location, nil
}

// sessionRoom is kept free for the session and the CSRF token that a browser
// without a session is about to get, in bytes of the Cookie header.
const sessionRoom = 1500

// makeRoom expires the oldest flows, so that a browser never holds more than
// maxFlows, nor cookies of ours that a server would refuse to read. Flows that
// no key of ours opens are another process's during a rotation: they stay, and
// end by themselves in ten minutes.
func (a *Auth) makeRoom(v *visit) {
	type live struct {
		kind    cookie.Kind
		id      string
		created time.Time
	}
	var flows []live
	secure := v.public.Secure
	count := 1 // the new one
	for _, kind := range []cookie.Kind{cookie.Flow, cookie.PostedFlow} {
		for _, id := range a.wardrobe.IDs(v.jar, kind, secure) {
			count++
			value, _, _ := v.jar.Value(a.wardrobe.Name(kind, id, secure))
			if f, err := flow.Open(a.flows, value, v.now); err == nil || errors.Is(err, flow.ErrExpired) {
				flows = append(flows, live{kind, id, f.Created})
			}
		}
	}
	slices.SortFunc(flows, func(x, y live) int { return x.created.Compare(y.created) })
	room := a.cfg.Cookies.MaxBytes
	if _, signedIn, _ := v.jar.Chunked(a.wardrobe.Name(cookie.Session, "", secure)); !signedIn {
		room -= sessionRoom
	}
	for ; len(flows) > 0 && (count > maxFlows || a.wardrobe.Projected(&v.lines, v.jar, secure) > room); count-- {
		a.wardrobe.Expire(&v.lines, flows[0].kind, flows[0].id, secure)
		flows = flows[1:]
	}
}

// params are the query's keys that the provider lets through.
func (v *visit) params() map[string]string {
	return allowedParams(v.provider, v.query.Get)
}

func allowedParams(p *party, get func(string) string) map[string]string {
	params := map[string]string{}
	for _, name := range p.AllowedParams {
		if value := get(name); value != "" {
			params[name] = value
		}
	}
	return params
}

// publicURL is the address of our routes as the browser sees it.
func (a *Auth) publicURL(v *visit) string { return v.public.Origin + a.publicPath }

// signInURL is the address at which a sign-in starts. A target that is not
// safe is left out.
func (a *Auth) signInURL(v *visit, p *party, target string, params map[string]string) string {
	query := url.Values{}
	if safe, ok := a.redirects.Safe(v.public.Origin, target); ok {
		query.Set("redirectTo", safe)
	}
	for name, value := range params {
		query.Set(name, value)
	}
	address := a.publicURL(v) + "/signIn/" + p.ID
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// providerError gives an error of the embassy its code and status: a provider
// that cannot be reached is 503, one that answers badly 502.
func providerError(err error) error {
	var e *rp.Error
	if !errors.As(err, &e) {
		return err
	}
	out := &Error{Code: Code(e.Code), Err: e}
	if e.Unreachable() {
		out.retryAfter = retryAfter
	}
	return out
}
