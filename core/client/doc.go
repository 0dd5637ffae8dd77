// Package client calls the HTTP endpoints of an [aura.Auth], as the browser
// client does from a page: for command line programs, services that act for one
// user, and tests.
//
//	c, err := client.New(client.Options{BaseURL: "https://app.example"})
//	_, err = c.SignInCredentials(ctx, "ada", password, client.After{})
//	session, err := c.Session(ctx)
//	if errors.Is(err, client.ErrNoSession) { … }
//
// A Client is one visitor: it holds the cookies of one browser, and so the
// session of one user. A service that acts for many makes a Client for each of
// them, all with the same Transport; making one costs nothing.
//
// # Cookies
//
// Without a Jar of the caller's, each Client has one of its own in memory. Over
// https the server's cookies are named __Secure- and __Host- and go back over
// https only; on loopback http they have plain names, and BaseURL refuses http
// anywhere else. Requests go to BaseURL and nowhere else, whatever an answer
// says: no redirect is followed.
//
// # Bearer tokens
//
// With [Options] Bearer, and a server that has set Config.Bearer, the session is
// a token instead: sign-ins answer it, each call sends it in Authorization, and
// renewals are followed. [Client.Token] is for programs that keep it until their
// next start. Calls then carry no cookies and need no CSRF token; sign-ins do,
// and use the Jar for it. Three ways in are made for programs without a page:
// [Client.SignInCredentials], [Client.SignInIDToken] and [Client.Device].
//
// # CSRF
//
// Calls that change something, and [Client.ProviderTokens], fetch a CSRF token
// first, every time: it belongs to the session, and the session may have
// changed since the last call. Two requests instead of one, no state to go
// stale. The timeout covers both.
//
// # Failures
//
// Whatever the server refused is an [*Error] with the server's code, sentence
// and reference; [ErrNoSession], [ErrUnavailable] and [ErrRateLimited] are what
// callers branch on. An answer that is none of the library's (a proxy's page, a
// redirect, a megabyte of something) is [ErrProtocol], most often a wrong
// BaseURL or BasePath. It never means that nobody is signed in. Errors name
// method and path, never the query, cookies or a token.
package client
