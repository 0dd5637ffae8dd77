package aura

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aura-stack-go/auth/core/internal/cookie"
	"github.com/aura-stack-go/auth/core/internal/flow"
	"github.com/aura-stack-go/auth/core/internal/rp"
)

// callbackTimeout bounds what a callback asks of the provider and of hooks:
// somebody is looking at an empty page meanwhile.
const callbackTimeout = 10 * time.Second

// getCallback: GET /callback/:provider, where the provider sends the browser
// back. Nothing is asked of the provider before the request has been found to
// belong to a sign-in that this browser started, with this provider, less than
// ten minutes ago, and whose answer has not been used.
func (a *Auth) getCallback(v *visit) (answer, error) {
	response, err := authorizationResponse(v.query)
	if err != nil {
		return answer{}, err
	}
	f, err := a.pending(v, cookie.Flow, response.state)
	if err != nil {
		return answer{}, err
	}
	if err := response.posted(f.Response); err != nil {
		return answer{}, err
	}
	v.target = f.RedirectTo
	linking, err := a.linking(v, &f)
	if err != nil {
		return answer{}, err
	}
	if !a.spent.Consume(f.State(), v.now) {
		return answer{}, fail(CodeStateInvalid, "this callback has been used")
	}
	a.wardrobe.Expire(&v.lines, cookie.Flow, flow.ID(response.state), v.public.Secure)
	switch response.err {
	case "":
	case "access_denied":
		return answer{}, fail(CodeAccessDenied, "the provider answered access_denied")
	default:
		return answer{}, fail(CodeProviderError, fmt.Sprintf("the provider answered with error=%.64q", response.err))
	}
	if response.code == "" {
		return answer{}, fail(CodeCallbackIncomplete, "neither code nor error came with the callback")
	}
	ctx, cancel := context.WithTimeout(v.ctx(), callbackTimeout)
	defer cancel()
	v.r = v.r.WithContext(ctx)
	grant, err := v.provider.Exchange(ctx, rp.Response{
		Code: response.code, Iss: response.iss, HasIss: response.hasIss,
		CodeVerifier: f.CodeVerifier(), Nonce: f.Nonce(), RedirectURI: f.RedirectURI, MaxAge: f.MaxAge,
	})
	if err != nil {
		return answer{}, providerError(err)
	}
	profile := &Profile{Subject: grant.Subject, Raw: grant.Profile, Posted: f.Response.Object(), fetch: a.fetcher(v.provider, grant.Token.AccessToken)}
	if linking != nil {
		err = a.linked(v, linking, grant, profile)
	} else {
		_, err = a.signedIn(v, grant, profile)
	}
	if err != nil {
		return answer{}, err
	}
	ans, err := jsonAnswer(http.StatusFound, map[string]any{"oauth": v.provider.ID})
	if err != nil {
		return answer{}, err
	}
	return ans, ans.redirect(http.StatusFound, a.safe(v, f.RedirectTo))
}

// response is an authorization response (RFC 6749 §4.1.2, RFC 9207 §2).
type response struct {
	state, code, err, iss string
	hasIss                bool
}

// authorizationResponse reads the query of a callback. No parameter may come
// twice (RFC 6749 §3.1), and a code and an error exclude each other.
func authorizationResponse(query map[string][]string) (response, error) {
	var r response
	for name, into := range map[string]*string{"state": &r.state, "code": &r.code, "error": &r.err, "iss": &r.iss} {
		switch values := query[name]; len(values) {
		case 0:
		case 1:
			*into = values[0]
		default:
			return r, fail(CodeStateInvalid, name+" came more than once")
		}
	}
	r.hasIss = len(query["iss"]) > 0
	switch {
	case r.state == "":
		return r, fail(CodeStateInvalid, "state is missing")
	case r.code != "" && r.err != "":
		return r, fail(CodeStateInvalid, "both code and error came with the callback")
	}
	return r, nil
}

// pending finds the flow that the state names, in this browser's cookies.
// A flow of another purpose is none: whoever could swap cookies could not swap
// what they are for.
func (a *Auth) pending(v *visit, kind cookie.Kind, state string) (flow.Flow, error) {
	value, ok := a.value(v, kind, flow.ID(state))
	if !ok {
		return flow.Flow{}, fail(CodeStateInvalid, "this browser has no sign-in under way with this state")
	}
	f, err := flow.Open(a.flows, value, v.now)
	switch {
	case errors.Is(err, flow.ErrExpired):
		return f, fail(CodeStateInvalid, "the sign-in took longer than ten minutes")
	case err != nil:
		return f, fail(CodeStateInvalid, "the flow cookie cannot be opened")
	case !f.Matches(state):
		return f, fail(CodeStateInvalid, "the state is not the flow's")
	case kind == cookie.PostedFlow && f.Kind != flow.Posted,
		kind == cookie.Flow && f.Kind != flow.SignIn && f.Kind != flow.Link:
		return f, fail(CodeStateInvalid, "the flow was started for something else")
	case f.Provider != v.provider.ID:
		return f, fail(CodeStateInvalid, "the flow was started with another provider")
	}
	return f, nil
}

// mapProfile turns the provider's answer into a user.
func (a *Auth) mapProfile(ctx context.Context, p *party, profile *Profile) (User, error) {
	u, err := p.Profile(ctx, profile)
	if err != nil {
		var known *Error
		if errors.As(err, &known) {
			return User{}, err
		}
		return User{}, &Error{Code: CodeProfileIncomplete, Err: fmt.Errorf("Profile of provider %q: %w", p.ID, err)}
	}
	switch {
	case u.Subject == "":
		return User{}, fail(CodeProfileIncomplete, "the profile has no identifier for the user")
	case p.OIDC && u.Subject != profile.Subject:
		return User{}, fail(CodeProfileIncomplete, "Profile returned another subject than the ID token has")
	}
	return u.checked(), nil
}

// signedIn begins the session of a sign-in with a provider.
func (a *Auth) signedIn(v *visit, grant *rp.Grant, profile *Profile) (*Session, error) {
	p := v.provider
	u, err := a.mapProfile(v.ctx(), p, profile)
	if err != nil {
		return nil, err
	}
	s, err := a.enter(v, &Attempt{
		Provider: p.ID, Issuer: cmp.Or(grant.Issuer, p.Issuer), User: &u, Profile: profile, providerSession: grant.SessionID,
	})
	if err != nil {
		return nil, err
	}
	a.keepGrant(v, s, p.ID, grant)
	return s, nil
}
