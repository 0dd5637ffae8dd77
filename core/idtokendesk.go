package aura

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/aura-stack-go/auth/core/internal/cookie"
	"github.com/aura-stack-go/auth/core/internal/flow"
)

// Sign-in with an ID token that the client has got by itself: from the
// provider's own library on a phone, or from One Tap on a page. What ties it to
// the client is a nonce of ours, whose flow is in a cookie as every flow is.

// signsInByIDToken is route.offered of these routes.
func (p *party) signsInByIDToken() bool { return p.IDToken.SignIn }

// getIDTokenNonce: GET /signIn/:provider/idToken. The nonce is what the client
// has its provider put into the ID token.
func (a *Auth) getIDTokenNonce(v *visit) (answer, error) {
	if err := checkStart(v.r); err != nil { // a prefetch; other sites have been refused
		return answer{}, err
	}
	if err := a.take(v, false, a.byAddress(v, "signIn", a.cfg.Limits.SignIn)); err != nil {
		return answer{}, err
	}
	f := flow.New(v.provider.ID, "", "/", v.now)
	f.Kind = flow.IDToken
	sealed, err := f.Seal(a.flows)
	if err != nil {
		return answer{}, err
	}
	if err := a.wardrobe.Set(&v.lines, cookie.Flow, flow.ID(f.Nonce()), v.public.Secure, sealed, flow.Lifetime, v.now); err != nil {
		return answer{}, err
	}
	a.makeRoom(v)
	return jsonAnswer(http.StatusOK, map[string]any{"success": true, "nonce": f.Nonce()})
}

// postIDToken: POST /signIn/:provider/idToken, {"idToken":…}. A token is good for
// one attempt: its flow is used up before the token is looked at.
func (a *Auth) postIDToken(v *visit) (answer, error) {
	if err := a.enterable(v); err != nil {
		return answer{}, err
	}
	raw := v.body.text("idToken")
	if raw == nil || *raw == "" {
		return answer{}, &Error{Code: CodeUnprocessable, Err: errors.New("idToken is missing"), details: map[string]string{"idToken": "is missing"}}
	}
	refund, err := a.limitIDToken(v)
	if err != nil {
		return answer{}, err
	}
	f, err := a.pendingIDToken(v, claimedNonce(*raw))
	if err != nil {
		return answer{}, err
	}
	if !a.spent.Consume(f.Nonce(), v.now) {
		return answer{}, fail(CodeStateInvalid, "this nonce has been used")
	}
	a.wardrobe.Expire(&v.lines, cookie.Flow, flow.ID(f.Nonce()), v.public.Secure)
	ctx, cancel := context.WithTimeout(v.ctx(), callbackTimeout)
	defer cancel()
	v.r = v.r.WithContext(ctx)
	grant, err := v.provider.VerifyIDToken(ctx, *raw, f.Nonce())
	if err != nil {
		return answer{}, providerError(err)
	}
	profile := &Profile{Subject: grant.Subject, Raw: grant.Profile, fetch: noFetch}
	s, err := a.signedIn(v, grant, profile)
	if err != nil {
		return answer{}, err
	}
	refund()
	return a.acted(v, http.StatusOK, v.handed(map[string]any{"success": true}, s))
}

// claimedNonce reads the nonce of an ID token that nobody has verified yet: to
// find the flow with it, which says what the nonce has to be. "" where there is
// none that could be ours.
func claimedNonce(raw string) string {
	const maxIDToken = 16 << 10
	parts := strings.Split(raw, ".")
	if len(raw) > maxIDToken || len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	members, err := decodeObject(payload)
	if err != nil {
		return ""
	}
	var nonce string
	if json.Unmarshal(members["nonce"], &nonce) != nil {
		return ""
	}
	return nonce
}

// pendingIDToken finds the flow that a nonce names, in this client's cookies.
func (a *Auth) pendingIDToken(v *visit, nonce string) (flow.Flow, error) {
	if nonce == "" {
		return flow.Flow{}, fail(CodeStateInvalid, "the ID token cannot be read, or has no nonce")
	}
	value, ok := a.value(v, cookie.Flow, flow.ID(nonce))
	if !ok {
		return flow.Flow{}, fail(CodeStateInvalid, "this client has no sign-in under way with this nonce")
	}
	f, err := flow.Open(a.flows, value, v.now)
	switch {
	case err != nil:
		return f, &Error{Code: CodeStateInvalid, Err: err}
	case f.Kind != flow.IDToken || !f.HasNonce(nonce):
		return f, fail(CodeStateInvalid, "the flow was started for something else")
	case f.Provider != v.provider.ID:
		return f, fail(CodeStateInvalid, "the flow was started with another provider")
	}
	return f, nil
}

// noFetch is Profile.Fetch where there is nothing to ask with.
func noFetch(context.Context, string) (json.RawMessage, error) {
	return nil, fail(CodeNoUserInfo, "Profile.Fetch: a sign-in with an ID token brings no access token")
}
