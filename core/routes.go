package aura

import (
	"net/http"
	"slices"
	"strings"
)

// A desk answers one route. It decides, and writes nothing.
type desk func(*Auth, *visit) (answer, error)

// caller says who may call a route.
type caller int

const (
	anyone       caller = iota // no check of the origin: nothing changes
	sameOrigin                 // the origin layer runs (guard.go)
	providerPost               // a provider's page posts here through the browser: what it brings proves itself
	server                     // a provider's server posts here, without a browser: the same
)

// A route is one line of the table: method and path, who may call, which desk,
// and what its failures look like.
type route struct {
	method string
	path   string // below the base path; a segment ":provider" is a provider's id
	caller caller
	desk   desk

	head    bool           // answers HEAD as GET, without effects
	form    bool           // accepts a form post
	page    bool           // a browser navigates here: failures are pages
	failure map[string]any // members of the body of a failure

	off     func(*Config) bool // the route is not there: not configured
	offered func(*party) bool  // nil, or: the provider has this route
}

// routes is the table of everything below the base path.
var routes = []route{
	{method: "GET", path: "/csrfToken", caller: anyone, desk: (*Auth).getCSRFToken, head: true,
		failure: map[string]any{"csrfToken": nil}},
	{method: "GET", path: "/session", caller: anyone, desk: (*Auth).getSession, head: true,
		failure: map[string]any{"success": false, "authenticated": false, "session": nil}},
	{method: "PATCH", path: "/session", caller: sameOrigin, desk: (*Auth).patchSession,
		failure: map[string]any{"success": false, "session": nil, "redirect": false, "redirectURL": nil}},
	{method: "GET", path: "/signIn/:provider", caller: anyone, desk: (*Auth).getSignIn, page: true,
		failure: map[string]any{"success": false, "redirect": false, "signInURL": nil}},
	{method: "GET", path: "/signIn/:provider/idToken", caller: sameOrigin, desk: (*Auth).getIDTokenNonce,
		offered: (*party).signsInByIDToken, failure: map[string]any{"success": false, "nonce": nil}},
	{method: "POST", path: "/signIn/:provider/idToken", caller: sameOrigin, desk: (*Auth).postIDToken,
		offered: (*party).signsInByIDToken, failure: map[string]any{"success": false, "redirect": false, "redirectURL": nil}},
	{method: "POST", path: "/device/:provider", caller: sameOrigin, desk: (*Auth).postDevice,
		offered: (*party).signsInDevices, failure: map[string]any{"success": false}},
	{method: "POST", path: "/device/:provider/poll", caller: sameOrigin, desk: (*Auth).postDevicePoll,
		offered: (*party).signsInDevices, failure: map[string]any{"success": false, "pending": false}},
	{method: "GET", path: "/callback/:provider", caller: anyone, desk: (*Auth).getCallback, page: true,
		failure: map[string]any{"success": false}},
	{method: "POST", path: "/callback/:provider", caller: providerPost, desk: (*Auth).postCallback, page: true,
		offered: (*party).posts, failure: map[string]any{"success": false}},
	{method: "POST", path: "/link/:provider", caller: sameOrigin, desk: (*Auth).postLink, form: true,
		off:     func(c *Config) bool { return c.Hooks.Link == nil },
		failure: map[string]any{"success": false, "redirect": false, "redirectURL": nil}},
	{method: "POST", path: "/signIn/credentials", caller: sameOrigin, desk: (*Auth).postCredentials, form: true,
		off:     func(c *Config) bool { return c.Credentials.Authorize == nil },
		failure: map[string]any{"success": false, "redirect": false, "redirectURL": nil}},
	{method: "POST", path: "/signUp", caller: sameOrigin, desk: (*Auth).postSignUp, form: true,
		off:     func(c *Config) bool { return c.SignUp.Create == nil },
		failure: map[string]any{"success": false, "redirect": false, "redirectURL": nil}},
	{method: "GET", path: "/providers/:provider", caller: anyone, desk: (*Auth).getConnected, head: true,
		failure: map[string]any{"success": false, "connected": false}},
	{method: "DELETE", path: "/providers/:provider", caller: sameOrigin, desk: (*Auth).deleteProvider,
		failure: map[string]any{"success": false}},
	{method: "GET", path: "/providers/:provider/tokens", caller: sameOrigin, desk: (*Auth).getTokens,
		failure: map[string]any{"success": false, "tokens": nil}},
	{method: "POST", path: "/providers/:provider/tokens/revoke", caller: sameOrigin, desk: (*Auth).postRevoke,
		failure: map[string]any{"success": false}},
	{method: "POST", path: "/providers/:provider/user/refresh", caller: sameOrigin, desk: (*Auth).postRefreshUser,
		failure: map[string]any{"success": false, "session": nil}},
	{method: "POST", path: "/backchannelLogout/:provider", caller: server, desk: (*Auth).postBackchannelLogout,
		offered: (*party).orders, failure: map[string]any{"success": false}},
	{method: "GET", path: "/client.js", caller: anyone, desk: (*Auth).getScript, head: true},
	{method: "POST", path: "/signOut", caller: sameOrigin, desk: (*Auth).postSignOut, form: true,
		failure: map[string]any{"success": false, "redirect": false, "redirectURL": nil}},
	{method: "GET", path: "/signedOut", caller: anyone, desk: (*Auth).getSignedOut, page: true,
		off: func(c *Config) bool { return !c.leavesAtProvider() }, failure: map[string]any{"success": false}},
}

// find returns the routes whose path is that of the request, and the value of
// :provider in it. Paths match byte for byte, as they came: one that is written
// in another way (percent-encoded, doubled slash, other case) is another path.
func (a *Auth) find(r *http.Request) (found []*route, provider string) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), a.cfg.BasePath)
	if !ok {
		return nil, ""
	}
	exact := false // a path without :provider wins over one with it
	for i := range routes {
		rt := &routes[i]
		p, ok := match(rt.path, path)
		if !ok {
			continue
		}
		if rt.off != nil && rt.off(&a.cfg) {
			if rt.method == r.Method {
				return nil, "" // and not 405 with what the path's other pattern takes
			}
			continue
		}
		if p == "" && !exact {
			exact, found = true, nil
		}
		if p == "" || !exact {
			found, provider = append(found, rt), p
		}
	}
	return found, provider
}

// offered drops the routes that the provider does not have. Those of an unknown
// provider stay, to be answered as such.
func offered(found []*route, p *party) []*route {
	if p == nil {
		return found
	}
	return slices.DeleteFunc(found, func(rt *route) bool { return rt.offered != nil && !rt.offered(p) })
}

func match(pattern, path string) (provider string, ok bool) {
	front, back, ok := strings.Cut(pattern, ":provider")
	if !ok {
		return "", pattern == path
	}
	provider, ok = strings.CutPrefix(path, front)
	if !ok {
		return "", false
	}
	provider, ok = strings.CutSuffix(provider, back)
	return provider, ok && provider != "" && !strings.Contains(provider, "/")
}

// choose returns the route for the request's method; nil for OPTIONS.
func choose(r *http.Request, found []*route) (*route, error) {
	if len(found) == 0 {
		return nil, fail(CodeNotFound, "no route for this path")
	}
	if r.Method == http.MethodOptions {
		return nil, nil
	}
	for _, rt := range found {
		if rt.method == r.Method || rt.head && r.Method == http.MethodHead {
			return rt, nil
		}
	}
	return found[0], fail(CodeMethodNotAllowed, "no route for this method")
}

// allow is the value of the Allow header of a path (RFC 9110 §10.2.1).
func allow(found []*route) string {
	methods := []string{}
	for _, rt := range found {
		methods = append(methods, rt.method)
		if rt.head {
			methods = append(methods, http.MethodHead)
		}
	}
	return strings.Join(append(methods, http.MethodOptions), ", ")
}

// hall leads a visit to its desk: it finds the route, has the guard check the
// request, and hands over what the desk needs.
func (a *Auth) hall(v *visit) (answer, error) {
	found, id := a.find(v.r)
	found = offered(found, a.parties[id])
	rt, err := choose(v.r, found)
	v.route = rt
	if err != nil {
		ans := a.failed(v, err)
		if CodeOf(err) == CodeMethodNotAllowed {
			ans.header.Set("Allow", allow(found))
		}
		return ans, nil
	}
	if rt == nil {
		ans := newAnswer(http.StatusNoContent)
		ans.header.Set("Allow", allow(found))
		return ans, nil
	}
	if strings.Contains(rt.path, ":provider") {
		if v.provider = a.parties[id]; v.provider == nil {
			return answer{}, fail(CodeUnknownProvider, "no such provider")
		}
	}
	if err := a.guard(v); err != nil {
		return answer{}, err
	}
	return rt.desk(a, v)
}
