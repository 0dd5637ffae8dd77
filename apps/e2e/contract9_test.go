package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The functions of the published client. Each stands in a row of wireCalls that
// succeeds and in one that fails.
var clientFunctions = []string{
	"disconnectProvider", "getAccessToken", "getProviderTokens", "getSession", "isProviderConnected", "refreshUserInfo",
	"revokeToken", "signIn", "signInCredentials", "signOut", "signUp", "updateSession",
}

var (
	failed    = []string{"success: false", "error.code: string", "error.message: string", "error.id: string"}
	nobody    = append(slices.Clone(failed), "session: null")
	nowhere   = append(slices.Clone(failed), "redirect: false", "redirectURL: null")
	noTokens  = append(slices.Clone(failed), "tokens: null")
	noLink    = append(slices.Clone(failed), "connected: false")
	someone   = []string{"success: true", "session.user.sub: string", "session.user.name: string", "session.expires: time"}
	tokens    = []string{"success: true", "tokens.accessToken: string", "tokens.tokenType: \"Bearer\"", "tokens.scopes: strings", "tokens.issuedAt: number", "tokens.expiresAt: number"}
	succeeded = []string{"success: true"}
)

// wireCalls is the table of the client's functions as one visit. The queries are
// what URLSearchParams makes of the client's options; an option that was not
// given is the text "undefined".
var wireCalls = []wireCall{
	{function: `getSession()`, method: "GET", path: "/session", status: 401, needs: nobody},
	{function: `signIn("dev", {redirect: false})`, method: "GET", path: "/signIn/dev?redirectTo=undefined&redirect=false",
		status: 200, needs: []string{"success: true", "redirect: false", "signInURL: url"}},
	{function: `signIn("nowhere")`, method: "GET", path: "/signIn/nowhere?redirectTo=undefined&redirect=false",
		status: 404, needs: append(slices.Clone(failed), "redirect: false", "signInURL: null")},
	{function: `signInCredentials({payload: {wrong password}})`, csrf: true, method: "POST", path: "/signIn/credentials?redirectTo=undefined&redirect=false",
		body: `{"username":"demo","password":"not the password"}`, status: 401, needs: nowhere},
	{function: `signUp({payload: {too short}})`, csrf: true, method: "POST", path: "/signUp?redirectTo=undefined&redirect=false",
		body: `{"username":"{someone}","password":"short"}`, status: 422, needs: append([]string{"details.password.message: string"}, nowhere...)},
	{function: `signUp({payload: {taken}})`, csrf: true, method: "POST", path: "/signUp?redirectTo=undefined&redirect=false",
		body: `{"username":"demo","password":"long enough, I think"}`, status: 409, needs: nowhere},
	{function: `updateSession({session: {user}})`, csrf: true, method: "PATCH", path: "/session?redirectTo=undefined&redirect=false",
		body: `{"user":{"name":"Nobody"}}`, status: 401, needs: append([]string{"session: null"}, nowhere...)},
	{function: `getProviderTokens("dev")`, csrf: true, method: "GET", path: "/providers/dev/tokens", status: 401, needs: noTokens},
	{function: `getAccessToken("dev")`, csrf: true, method: "GET", path: "/providers/dev/tokens", status: 401, needs: noTokens},
	{function: `refreshUserInfo("dev")`, csrf: true, method: "POST", path: "/providers/dev/user/refresh", status: 401, needs: nobody},
	{function: `revokeToken("dev")`, csrf: true, method: "POST", path: "/providers/dev/tokens/revoke", status: 401, needs: failed},
	{function: `disconnectProvider("dev")`, csrf: true, method: "DELETE", path: "/providers/dev", status: 401, needs: failed},
	{function: `isProviderConnected("dev")`, method: "GET", path: "/providers/dev", status: 401, needs: noLink},
	{function: `signOut()`, csrf: true, method: "POST", path: "/signOut?redirectTo=undefined&redirect=false&token_type_hint=session_token", status: 401, needs: nowhere},

	{function: `signInCredentials({payload, redirectTo: "/dashboard?a=1&b=%C3%A9"})`, csrf: true, method: "POST",
		path: "/signIn/credentials?redirectTo=%2Fdashboard%3Fa%3D1%26b%3D%25C3%25A9&redirect=false", body: `{"username":"demo","password":"{password}"}`,
		status: 200, needs: []string{"success: true", "redirect: false", `redirectURL: "/dashboard?a=1&b=%C3%A9"`}},
	{function: `getSession()`, method: "GET", path: "/session", status: 200, needs: append([]string{`session.user.name: "Demo User"`}, someone...)},
	{function: `isProviderConnected("dev")`, method: "GET", path: "/providers/dev", status: 200, needs: []string{"success: true", "connected: false"}},
	{function: `signOut({redirectTo: "/login"})`, csrf: true, method: "POST", path: "/signOut?redirectTo=%2Flogin&redirect=false&token_type_hint=session_token",
		status: 202, needs: []string{"success: true", "redirect: false", `redirectURL: "/login"`}},
	{function: `getSession()`, method: "GET", path: "/session", status: 401, needs: nobody},

	{function: `signUp({payload})`, csrf: true, method: "POST", path: "/signUp?redirectTo=undefined&redirect=false",
		body:   `{"name":"Grace \"G\" Hopper & Söhne","username":"{someone}","password":"long enough, I think"}`,
		status: 200, needs: []string{"success: true", "redirect: false", "redirectURL: null"}},
	{function: `getSession()`, method: "GET", path: "/session", status: 200, needs: append([]string{`session.user.name: "Grace \"G\" Hopper & Söhne"`}, someone...)},
	{function: `signOut()`, csrf: true, method: "POST", path: "/signOut?redirectTo=undefined&redirect=false&token_type_hint=session_token",
		status: 202, needs: []string{"success: true", "redirect: false", "redirectURL: null"}},
	{function: `signInCredentials({payload})`, csrf: true, method: "POST", path: "/signIn/credentials?redirectTo=undefined&redirect=false",
		body: `{"username":"{someone}","password":"long enough, I think"}`, status: 200, needs: []string{"success: true", "redirect: false", "redirectURL: null"}},

	// As the browser goes on after signIn, on top of the session that is there.
	{function: `signIn("dev", {redirectTo: "/dashboard"})`, method: "GET", path: "/signIn/dev?redirectTo=%2Fdashboard&redirect=false",
		status: 200, needs: []string{"success: true", "redirect: false", "signInURL: url"}, arrives: "/dashboard"},
	{function: `getSession()`, method: "GET", path: "/session", status: 200, needs: someone},
	{function: `isProviderConnected("dev")`, method: "GET", path: "/providers/dev", status: 200, needs: []string{"success: true", "connected: true"}},
	{function: `getProviderTokens("dev")`, csrf: true, method: "GET", path: "/providers/dev/tokens", status: 200, needs: tokens},
	{function: `getAccessToken("dev")`, csrf: true, method: "GET", path: "/providers/dev/tokens", status: 200, needs: tokens},
	{function: `updateSession({session: {user: {name}}})`, csrf: true, method: "PATCH", path: "/session?redirectTo=undefined&redirect=false",
		body: `{"user":{"name":"Another Name"}}`, status: 200, needs: append([]string{`session.user.name: "Another Name"`, "redirect: false", "redirectURL: null"}, someone...)},
	{function: `updateSession({session: {user: {role}}})`, csrf: true, method: "PATCH", path: "/session?redirectTo=undefined&redirect=false",
		body: `{"user":{"role":"admin"}}`, status: 422, needs: append([]string{"session: null"}, nowhere...)},
	{function: `updateSession({session, redirectTo: "/dashboard"})`, csrf: true, method: "PATCH", path: "/session?redirectTo=%2Fdashboard&redirect=false",
		body: `{"user":{"name":"A Third Name"},"expires":"2999-01-01T00:00:00.000Z"}`, status: 200,
		needs: append([]string{`session.user.name: "A Third Name"`, "redirect: false", `redirectURL: "/dashboard"`}, someone...)},
	{function: `getSession()`, method: "GET", path: "/session", status: 200, needs: append([]string{`session.user.name: "A Third Name"`}, someone...)},
	{function: `refreshUserInfo("dev")`, csrf: true, method: "POST", path: "/providers/dev/user/refresh", status: 200, needs: append([]string{`session.user.name: "Ada Lovelace"`}, someone...)},
	{function: `revokeToken("dev")`, csrf: true, method: "POST", path: "/providers/dev/tokens/revoke", status: 200, needs: succeeded},
	{function: `isProviderConnected("dev")`, method: "GET", path: "/providers/dev", status: 200, needs: []string{"success: true", "connected: false"}},
	{function: `getAccessToken("dev")`, csrf: true, method: "GET", path: "/providers/dev/tokens", status: 401, needs: noTokens},
	{function: `getSession()`, method: "GET", path: "/session", status: 200, needs: someone},
	{function: `signIn("dev")`, method: "GET", path: "/signIn/dev?redirectTo=undefined&redirect=false",
		status: 200, needs: []string{"success: true", "redirect: false", "signInURL: url"}, arrives: "/"},
	{function: `disconnectProvider("dev")`, csrf: true, method: "DELETE", path: "/providers/dev", status: 200, needs: succeeded},
	{function: `isProviderConnected("dev")`, method: "GET", path: "/providers/dev", status: 200, needs: []string{"success: true", "connected: false"}},
	{function: `signOut()`, csrf: true, method: "POST", path: "/signOut?redirectTo=undefined&redirect=false&token_type_hint=session_token",
		status: 202, needs: []string{"success: true", "redirect: false", "redirectURL: null"}},
	{function: `getSession()`, method: "GET", path: "/session", status: 401, needs: nobody},
}

// TestPublishedClient drives every function of the published TypeScript client,
// from a page and from a server.
func TestPublishedClient(t *testing.T) {
	for _, function := range clientFunctions {
		for _, success := range []bool{true, false} {
			if !slices.ContainsFunc(wireCalls, func(c wireCall) bool {
				return strings.HasPrefix(c.function, function+"(") && (c.status < 300) == success
			}) {
				t.Errorf("no row has %s with success=%t", function, success)
			}
		}
	}
	eachApp(t, func(t *testing.T, name string) {
		a := startApp(t, name, freePort(t), "AURA_AUTH_DEV=1")
		password := demoPassword(t, a)
		for _, from := range []string{"page", "server"} {
			t.Run(from, func(t *testing.T) {
				c := wireClient{visitor: newVisitor(t), app: a, browser: from == "page"}
				fill := strings.NewReplacer("{password}", password, "{someone}", "grace-"+from)
				for _, call := range wireCalls {
					call.body = fill.Replace(call.body)
					ans := c.call(call)
					if call.arrives != "" {
						c.arrive(ans, call)
					}
				}
			})
		}
	})
}

// arrive goes on with a sign-in, as the client does by itself in a browser.
func (c wireClient) arrive(ans answer, call wireCall) {
	c.t.Helper()
	target, _ := ans.json["signInURL"].(string)
	users := c.get(target).form(c.t, "")
	if len(users.buttons) == 0 {
		c.t.Fatalf("%s: no user to pick at %s", call.function, users.action)
	}
	pg := c.submit(users, users.buttons[0], nil)
	if pg.status != http.StatusOK || pg.url.String() != c.app.url+call.arrives {
		c.t.Fatalf("%s arrived at %s with status %d, want %s", call.function, pg.url, pg.status, call.arrives)
	}
}

var demoLine = regexp.MustCompile(`(?m)^Or sign in with the user name demo and the password (\S+)$`)

// demoPassword reads the password of the demo user from what the start printed.
func demoPassword(t *testing.T, a *app) string {
	t.Helper()
	found := demoLine.FindStringSubmatch(a.out.String())
	if found == nil {
		t.Fatalf("the start names no demo user; it printed:\n%s", a.out)
	}
	return found[1]
}
