package aura

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// This file is what applications and adapters call on routes of their own.
// Functions that return header lines leave it to the caller to send them with
// Apply; nil lines mean that there is nothing to send.

// Load looks for the request's session and returns a context in which
// SessionFrom finds it, with header lines to Apply: a renewal, say. Requests
// without a session pass, and the routes of Auth itself are left alone. An error
// means that it cannot be told whether there is one; answer it with Deny.
func (a *Auth) Load(r *http.Request) (context.Context, http.Header, error) {
	if strings.HasPrefix(r.URL.Path, a.cfg.BasePath+"/") {
		return r.Context(), nil, nil
	}
	if _, done := r.Context().Value(contextKey{}).(*loaded); done {
		return r.Context(), nil, nil
	}
	v, err := a.arrive(r)
	if err != nil {
		// A health check by address, say: nobody is signed in at a host that is
		// not ours. Where a session is needed, Require says why there is none.
		return context.WithValue(r.Context(), contextKey{}, &loaded{}), nil, nil
	}
	s, err := a.current(v)
	if err != nil {
		return r.Context(), nil, err
	}
	a.renewed(v, s)
	return context.WithValue(r.Context(), contextKey{}, &loaded{s}), v.sent(), nil
}

// Require is Load for routes that need a session. For methods that may change
// something it runs the origin layer too. Its errors are for Deny; the header
// lines are to be applied in any case.
func (a *Auth) Require(r *http.Request) (context.Context, http.Header, error) {
	v, err := a.arrive(r)
	if err == nil && unsafe(r.Method) {
		err = a.checkOrigin(r, v.public.Origin)
	}
	if err != nil {
		return r.Context(), nil, err
	}
	ctx, lines, err := a.Load(r)
	if err != nil {
		return ctx, lines, err
	}
	if _, ok := SessionFrom(ctx); !ok {
		return ctx, lines, ErrNoSession
	}
	if lines == nil {
		lines = http.Header{}
	}
	// What only one user may see is not for caches. The handler may say otherwise.
	lines.Set("Cache-Control", "no-store")
	lines.Set("Vary", "Cookie")
	return ctx, lines, nil
}

// Verify runs both layers against CSRF on a request to a route of the
// application: the origin layer and the token, from the X-CSRF-Token header or
// the form field csrfToken. Of the body it reads nothing but urlencoded forms of
// at most 64 KiB, and leaves them readable. Safe methods pass. Its errors are
// for Deny.
func (a *Auth) Verify(r *http.Request) error {
	if !unsafe(r.Method) {
		return nil
	}
	v, s, err := a.look(r)
	if err != nil {
		return err
	}
	return a.verify(v, s)
}

// verify is Verify for a visit whose session is known.
func (a *Auth) verify(v *visit, s *Session) error {
	if err := a.checkOrigin(v.r, v.public.Origin); err != nil {
		return err
	}
	form, err := formToken(v.r)
	if err != nil {
		return err
	}
	return a.checkToken(v, s, form)
}

// look starts a visit and finds its session: in the context where Load has put
// it, else in the cookies.
func (a *Auth) look(r *http.Request) (*visit, *Session, error) {
	v, err := a.arrive(r)
	if err != nil {
		return v, nil, err
	}
	if _, done := r.Context().Value(contextKey{}).(*loaded); done {
		s, _ := SessionFrom(r.Context())
		return v, s, nil
	}
	s, err := a.current(v)
	return v, s, err
}

// sent are the header lines of a visit to a route of the application.
func (v *visit) sent() http.Header {
	h := v.lines.Header()
	if len(h["Set-Cookie"]) == 0 || v.r.Method == http.MethodHead {
		return nil
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie")
	return h
}

// GetSession returns the request's session, with header lines to apply: a
// renewal, say. Without a session the error is ErrNoSession; when it cannot be
// told whether there is one, ErrUnavailable.
func (a *Auth) GetSession(r *http.Request) (*Session, http.Header, error) {
	v, s, err := a.look(r)
	if err != nil {
		return nil, nil, err
	}
	if s == nil {
		return nil, nil, ErrNoSession
	}
	if _, done := r.Context().Value(contextKey{}).(*loaded); !done {
		a.renewed(v, s)
	}
	return s, v.sent(), nil
}

// SignInOptions say how a sign-in is to go.
type SignInOptions struct {
	// RedirectTo is where the browser goes afterwards. Default: "/".
	RedirectTo string
	// Params are passed to the provider as far as its AllowedParams name them.
	Params map[string]string
}

// SignInResult is how a sign-in starts.
type SignInResult struct {
	// URL is where to send the browser, with a redirect or a link.
	URL string
}

// SignIn returns where to send the browser to sign in with a provider: an
// address of our own, which then starts the sign-in and sets its cookie. An
// unknown provider is an error with CodeUnknownProvider.
func (a *Auth) SignIn(r *http.Request, provider string, o SignInOptions) (SignInResult, http.Header, error) {
	p := a.parties[provider]
	if p == nil {
		return SignInResult{}, nil, fail(CodeUnknownProvider, "no such provider")
	}
	v, err := a.arrive(r)
	if err != nil {
		return SignInResult{}, nil, err
	}
	params := allowedParams(p, func(name string) string { return o.Params[name] })
	return SignInResult{URL: a.signInURL(v, p, o.RedirectTo, params)}, nil, nil
}

// SignOut ends the request's session and returns the header lines that clear
// its cookies. It runs both layers against CSRF, as Verify does, and refuses
// GET. Without a session only the origin layer runs, and it succeeds.
func (a *Auth) SignOut(r *http.Request) (http.Header, error) {
	v, s, err := a.act(r)
	if err != nil {
		return nil, err
	}
	if s == nil {
		a.clear(v)
		return v.sent(), nil
	}
	a.end(v, s)
	return v.sent(), nil
}

// UpdateSession changes the session's user, with whatever change does to it,
// and returns the session as it is then, with header lines to apply. The
// subject stays. It runs both layers against CSRF, as Verify does, and refuses
// GET. When change fails, or the result does not fit into the cookies, nothing
// has changed.
func (a *Auth) UpdateSession(r *http.Request, change func(*User) error) (*Session, http.Header, error) {
	v, s, err := a.act(r)
	if err != nil {
		return nil, nil, err
	}
	if s == nil {
		return nil, nil, ErrNoSession
	}
	u := s.User
	if err := change(&u); err != nil {
		return nil, nil, err
	}
	if u.Subject != s.User.Subject {
		return nil, nil, fail(CodeUpdateNotAllowed, "UpdateSession: change must leave User.Subject as it is")
	}
	if err := a.update(v, s, u); err != nil {
		return nil, nil, err
	}
	return s, v.sent(), nil
}

// act is how state-changing functions begin: the session, and both layers.
func (a *Auth) act(r *http.Request) (*visit, *Session, error) {
	if !unsafe(r.Method) {
		return nil, nil, fail(CodeMethodNotAllowed, "a "+r.Method+" request may not change anything; use a form post")
	}
	v, s, err := a.look(r)
	if err != nil {
		return nil, nil, err
	}
	if s == nil {
		return v, nil, a.checkOrigin(r, v.public.Origin)
	}
	return v, s, a.verify(v, s)
}

// CSRFToken returns the token for forms and scripts of the request's page, with
// header lines that must be applied before the first byte of the body.
func (a *Auth) CSRFToken(r *http.Request) (string, http.Header, error) {
	v, s, err := a.look(r)
	if err != nil {
		return "", nil, err
	}
	token, err := a.issueCSRF(v, s)
	if err != nil {
		return "", nil, err
	}
	return token, v.sent(), nil
}

// Deny answers a request that Load, Require or Verify returned an error for: a
// page load without a session goes to Pages.SignIn with the way back (303);
// everything else gets JSON with the error's code and status, 401 without a
// session, 403 for CSRF, 503 when sessions cannot be checked.
func (a *Auth) Deny(w http.ResponseWriter, r *http.Request, err error) {
	e := asError(err)
	if e.Code == CodeNoSession && navigation(r) {
		query := url.Values{}
		if r.Method == http.MethodGet {
			if v, err := a.arrive(r); err == nil {
				query.Set("redirectTo", a.redirects.Escape(v.public.Origin, a.origins.Prefix()+requestURI(r)))
			}
		}
		ans := newAnswer(0)
		if err := ans.redirect(http.StatusSeeOther, withQuery(a.cfg.Pages.SignIn, query)); err == nil {
			ans.write(w, r)
			return
		}
	}
	if e.Code == CodeUnavailable && e.retryAfter == 0 {
		e = &Error{Code: e.Code, Err: e.Err, retryAfter: retryAfter}
	}
	a.failed(&visit{r: r}, e).write(w, r)
}

// requestURI is the request's target as it was sent, before any middleware has
// stripped a prefix from the URL.
func requestURI(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}
