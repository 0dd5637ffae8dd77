// Package aura is sign-in, session, CSRF protection and sign-out for Go web
// applications, out of one core that net/http, Gin, Echo and Fiber share.
//
// # The first program
//
//	auth, err := aura.New(aura.Config{
//		Providers: []aura.Provider{provider.GitHub()},
//	})
//	…
//	mux := http.NewServeMux()
//	aurahttp.Mount(mux, auth)
//	mux.Handle("/dashboard", aurahttp.Require(auth)(dashboard))
//
// Secrets come from the environment: AURA_AUTH_SECRET, AURA_AUTH_SALT, the
// public address in AURA_AUTH_BASE_URL, and for each provider
// AURA_AUTH_<ID>_CLIENT_ID and AURA_AUTH_<ID>_CLIENT_SECRET. The provider is
// told to send browsers back to <base URL>/auth/callback/<id>.
//
// # The routes
//
// Below the base path, /auth unless configured:
//
//	GET   /signIn/:provider    start a sign-in: a link or a GET form leads here
//	GET   /callback/:provider  where the provider sends the browser back
//	GET   /session             who is signed in, as JSON; 401 for nobody
//	PATCH /session             change what Session.UpdatableFields allows
//	GET   /csrfToken           the token that POST and PATCH want
//	POST  /signOut             a form post or a script
//	POST  /signIn/credentials  sign in by password, if Credentials.Authorize is set
//	POST  /signUp              make a user, if SignUp.Create is set
//	GET   /client.js           the browser module
//
// and below /providers/:provider the tokens that a provider has issued: GET and
// DELETE for the connection, GET /tokens, POST /tokens/revoke, POST /user/refresh.
//
// Paths, JSON and session token are those of the TypeScript library Aura Auth,
// so that its browser client works against this server, and servers that share
// the secret and the salt read each other's sessions.
//
// # The way of a request
//
// A request passes through rooms in one line, and each calls only those further
// down: the door (an adapter) hands it to the hall (routes.go), which finds its
// route; the guard (guard.go) decides whether it may act; a desk (signin.go,
// callback.go, credentials.go, signup.go, sessiondesk.go, providersdesk.go,
// csrf.go) decides what happens; the vault (vault.go, claims.go,
// providertokens.go, internal/flow, internal/token) opens and seals; the
// embassy (internal/rp) talks to the provider; the wardrobe (internal/cookie)
// writes the cookies. Everything up to there is a decision, an answer that is a
// value (answer.go); writing it is the last step and the same in all frameworks.
//
// # Errors
//
// Errors of this package are [*Error] with a stable [Code]; see [CodeOf].
// ErrNoSession and ErrUnavailable are for errors.Is: "nobody is signed in" and
// "it cannot be told" are different answers, and only the first may send anyone
// to the sign-in page.
package aura
