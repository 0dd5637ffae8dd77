package aura

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aura-stack-go/auth/core/internal/cookie"
	"github.com/aura-stack-go/auth/core/internal/origin"
)

// A visit is one request on its way through the rooms: what has been
// established about it so far, and the cookie lines decided so far. It belongs
// to one goroutine and is never kept.
type visit struct {
	r      *http.Request
	now    time.Time
	public origin.Public // the origin that the browser sees
	jar    cookie.Jar    // the cookies that came
	lines  cookie.Lines  // the cookies that go
	loaded *loaded       // what Load knows; nil without it
	bearer bearer        // the session's token, where it is not in a cookie
	varies string        // what answers depend on

	// Known on our own routes only, once the hall has found the desk.
	route    *route
	provider *party
	query    url.Values
	body     body
	target   string // redirectTo as it came, not judged yet; "" for none
	follow   bool   // answer with a redirect; false asks for JSON
}

// arrive starts a visit: it settles which origin the request was made to, which
// decides the names of the cookies that are looked for.
func (a *Auth) arrive(r *http.Request) (*visit, error) {
	v := &visit{r: r, now: a.cfg.Now(), jar: cookie.Read(r.Header), varies: a.varies()}
	if a.cfg.Bearer {
		v.bearer = bearerOf(r.Header)
	}
	if v.bearer.present {
		v.jar = cookie.Read(nil)
	}
	public, err := a.origins.Resolve(r)
	if err != nil {
		return v, hostError(err)
	}
	v.public = public
	if a.origins.UntrustedForwarding(r) && !a.warnedForwarding.Swap(true) {
		a.log.LogAttrs(r.Context(), levelFailure, "aura: ignoring forwarding headers from a peer that is not a trusted proxy: if it is yours, add it to TrustedProxies (said once)")
	}
	return v, nil
}

func hostError(err error) error {
	var e *origin.Error
	if errors.As(err, &e) && e.Status == http.StatusBadRequest {
		return &Error{Code: CodeHostMalformed, Err: err}
	}
	if e != nil && e.Host != "" {
		err = fmt.Errorf("%w: %q", err, e.Host) // what TrustedHosts or BaseURL may lack
	}
	return &Error{Code: CodeHostNotTrusted, Err: err}
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// changing reports whether a request of this method may change something: it is
// not safe in the sense of RFC 9110 §9.2.1.
func changing(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}
