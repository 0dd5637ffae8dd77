package aura

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// This file is what applications and adapters call on routes of their own.
// Functions that return header lines leave it to the caller to send them with
// Apply; nil lines mean that there is nothing to send. Behind Load or Require,
// each function sees what the ones before it did in the same request; without
// them, each sees what came with the request.

// Load looks for the request's session and returns a context in which
// SessionFrom finds it, with header lines to Apply: a renewal, say. Requests
// without a session pass, and the routes of Auth itself are left alone. An error
// means that it cannot be told whether there is one; answer it with Deny.
func (a *Auth) Load(r *http.Request) (context.Context, http.Header, error) {
	if strings.HasPrefix(r.URL.Path, a.cfg.BasePath+"/") || a.loadedBy(r) != nil {
		return r.Context(), nil, nil
	}
	v, err := a.arrive(r)
	if err != nil {
		// A health check by address, say: nobody is signed in at a host that is
		// not ours. Where a session is needed, Require says why there is none.
		return a.remember(v, nil), nil, nil
	}
	s, err := a.current(v)
	if err != nil {
		return r.Context(), nil, err
	}
	a.seen(v, s)
	lines := v.sent()
	if s != nil && lines == nil {
		lines = http.Header{"Vary": {v.varies}} // the handler may show whose page it is
	}
	return a.remember(v, s), lines, nil
}

// remember returns the visit's context with what is known about its session.
func (a *Auth) remember(v *visit, s *Session) context.Context {
	outer, _ := v.ctx().Value(contextKey{}).(*loaded)
	l := &loaded{auth: a, outer: outer, cookies: slices.Clone(v.r.Header["Cookie"]), bearers: slices.Clone(v.r.Header["Authorization"])}
	l.set(s)
	return context.WithValue(v.ctx(), contextKey{}, l)
}

// Require is Load for routes that need a session. For methods that may change
// something it runs the origin layer too. Its errors are for Deny; the header
// lines are to be applied in any case.
func (a *Auth) Require(r *http.Request) (context.Context, http.Header, error) {
	v, s, err := a.look(r)
	if err == nil && changing(r.Method) {
		err = a.checkOrigin(r, v.public.Origin)
	}
	if err != nil {
		return r.Context(), nil, err
	}
	if s == nil {
		return a.remember(v, nil), nil, ErrNoSession
	}
	ctx := r.Context()
	if v.loaded == nil {
		a.seen(v, s)
		ctx = a.remember(v, s)
	}
	return ctx, v.private(), nil
}

// Verify runs both layers against CSRF on a request to a route of the
// application: the origin layer and the token, from the X-CSRF-Token header or
// the form field csrfToken. Of the body it reads nothing but urlencoded forms of
// at most 64 KiB, and leaves them readable. Safe methods pass. Its errors are
// for Deny.
func (a *Auth) Verify(r *http.Request) error {
	if !changing(r.Method) {
		return nil
	}
	v, s, err := a.look(r)
	if err != nil {
		return err
	}
	return a.verify(v, s, (*Auth).checkActing)
}

// verify is Verify for a visit whose session is known.
func (a *Auth) verify(v *visit, s *Session, check func(*Auth, *visit, *Session, []string) error) error {
	if err := a.checkOrigin(v.r, v.public.Origin); err != nil {
		return err
	}
	form, err := formToken(v.r)
	if err != nil {
		return err
	}
	return check(a, v, s, form)
}

// look starts a visit and finds its session: in the context where Load has put
// it, else in the cookies.
func (a *Auth) look(r *http.Request) (*visit, *Session, error) {
	v, err := a.arrive(r)
	if err != nil {
		return v, nil, err
	}
	if v.loaded = a.loadedBy(r); v.loaded != nil {
		return v, v.loaded.get(), nil
	}
	s, err := a.current(v)
	return v, s, err
}

// sent are the header lines of a visit to a route of the application; nil when
// there is nothing to send.
func (v *visit) sent() http.Header {
	h := v.lines.Header()
	if len(h["Set-Cookie"]) == 0 || v.r.Method == http.MethodHead || v.bearer.present {
		return nil
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", v.varies)
	return h
}

// private are the header lines of an answer that only one user may see, and no
// cache may keep. The handler may say otherwise after them.
func (v *visit) private() http.Header {
	h := v.sent()
	if h == nil {
		h = http.Header{"Cache-Control": {"no-store"}, "Vary": {v.varies}}
	}
	return h
}

// GetSession returns the request's session, with header lines to apply: a
// renewal, and that no cache may keep the answer. Without a session the error is ErrNoSession; when it cannot be
// told whether there is one, ErrUnavailable.
func (a *Auth) GetSession(r *http.Request) (*Session, http.Header, error) {
	v, s, err := a.look(r)
	if err != nil {
		return nil, nil, err
	}
	if s == nil {
		return nil, nil, ErrNoSession
	}
	if v.loaded == nil {
		a.seen(v, s)
	}
	return s, v.private(), nil
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
// GET. Without a session only the origin layer runs, and it succeeds. A session
// that came in Authorization has no cookies to clear: without a Store its token
// is good until it expires, and only the client can forget it.
func (a *Auth) SignOut(r *http.Request) (http.Header, error) {
	v, s, err := a.act(r)
	if err != nil {
		return nil, err
	}
	if s == nil {
		v.loaded.set(nil)
		a.clear(v)
		return v.sent(), nil
	}
	if err := a.end(v, s); err != nil {
		return nil, err
	}
	v.loaded.set(nil)
	return v.sent(), nil
}

// EndSessionURL returns where to send the browser, after SignOut, to sign out at
// the provider that has signed the request's session in, too; from there it
// comes back to redirectTo. Call it before SignOut, which ends what it goes by.
// It is "" when there is no such address: without a session, for credentials,
// without Logout.AtProvider, and where the provider has no end_session_endpoint.
// An error says that the provider cannot be asked now; sign out all the same.
// The address may hold the ID token: redirect to it, and show it nowhere.
func (a *Auth) EndSessionURL(r *http.Request, redirectTo string) (string, error) {
	v, s, err := a.look(r)
	if err != nil {
		return "", err
	}
	e := a.exitOf(v, s)
	if e == nil {
		return "", nil
	}
	return a.elsewhere(v, e, redirectTo)
}

// UpdateSession changes the session's user, with whatever change does to it,
// and returns the session as it is then, with header lines to apply. The
// subject stays, and a changed address is not a verified one. It runs both layers against CSRF, as Verify does, and refuses
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
	if err := a.update(v, s, u.unvouched(s.User)); err != nil {
		return nil, nil, err
	}
	v.loaded.set(s)
	return s, v.sent(), nil
}

// act is how state-changing functions begin: the session, and both layers.
func (a *Auth) act(r *http.Request) (*visit, *Session, error) {
	if !changing(r.Method) {
		return nil, nil, fail(CodeMethodNotAllowed, "a "+r.Method+" request may not change anything; use a form post")
	}
	v, s, err := a.look(r)
	if err != nil {
		return nil, nil, err
	}
	if s == nil {
		return v, nil, a.checkOrigin(r, v.public.Origin)
	}
	return v, s, a.verify(v, s, (*Auth).checkActing)
}

// CSRFToken returns the token for forms and scripts of the request's page, with
// header lines that must be applied before the first byte of the body.
func (a *Auth) CSRFToken(r *http.Request) (string, http.Header, error) {
	v, s, err := a.look(r)
	if err != nil {
		return "", nil, err
	}
	if token, ok := a.issued(v, s); ok {
		return token, v.private(), nil
	}
	token, err := a.issueCSRF(v, s)
	if err != nil {
		return "", nil, err
	}
	if l := v.loaded; l != nil {
		l.mu.Lock()
		l.csrf = token
		l.mu.Unlock()
	}
	return token, v.private(), nil
}

// Deny answers a request that Load, Require, Verify or another function of Auth
// returned an error for: a page load without a session goes to Pages.SignIn with
// the way back (303); everything else gets JSON with the error's code and
// status, 401 without a session, 403 for CSRF, 503 when it cannot be told.
func (a *Auth) Deny(w http.ResponseWriter, r *http.Request, err error) {
	e := asError(err)
	if e.Code == CodeNoSession && navigation(r) && r.URL.Path != pathOf(a.cfg.Pages.SignIn) {
		query := url.Values{}
		if r.Method == http.MethodGet {
			if v, err := a.arrive(r); err == nil {
				query.Set("redirectTo", a.redirects.Escape(v.public.Origin, a.wayBack(r)))
			}
		}
		ans := newAnswer(0)
		if err := ans.redirect(http.StatusSeeOther, withQuery(a.page(a.cfg.Pages.SignIn), query)); err == nil {
			a.vary(ans.header)
			ans.write(w, r)
			return
		}
	}
	if e.Code == CodeUnavailable && e.retryAfter == 0 {
		e = &Error{Code: e.Code, Err: e.Err, retryAfter: retryAfter}
	}
	a.failed(&visit{r: r}, e).write(w, r)
}

// wayBack is the request's target as the browser sees it: as it was sent, before
// any middleware stripped a prefix, behind the prefix that a proxy stripped.
func (a *Auth) wayBack(r *http.Request) string {
	target, prefix := r.RequestURI, a.origins.Prefix()
	if !strings.HasPrefix(target, "/") {
		target = r.URL.RequestURI()
	}
	path, _, _ := strings.Cut(target, "?")
	stripped := path != r.URL.EscapedPath()
	if stripped && (path == prefix || strings.HasPrefix(path, prefix+"/")) {
		return target // the prefix was stripped in this process
	}
	return prefix + target
}

// page is one of Pages as the browser sees it.
func (a *Auth) page(path string) string { return a.origins.Prefix() + path }

func pathOf(page string) string {
	path, _, _ := strings.Cut(page, "?")
	return path
}
