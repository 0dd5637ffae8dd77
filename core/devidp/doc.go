// Package devidp is an OpenID provider for development and tests.
//
// It serves three readers. A reference app starts it so that a newcomer signs
// in with one click and no account anywhere. A test starts it to drive a real
// authorization code flow over real HTTP. And a security test makes it
// misbehave, one named [Fault] at a time, to prove that a client refuses what
// it must refuse.
//
//	idp, err := devidp.Start(devidp.Config{})   // http://127.0.0.1:<free port>
//	defer idp.Close()
//	client := idp.Client()                      // {dev, random secret}
//
//	idp.Misbehave(devidp.WrongNonce)            // from now on
//	idp.Behave()                                // honest again
//
// Clients prove themselves by client_secret_basic, client_secret_post,
// private_key_jwt ([Client].PublicKeys) or, public ones, by PKCE alone. They may
// push the authorization request (RFC 9126), or must with
// [Config].RequirePushedAuthorization, and may have the answer posted by the
// browser (response_mode=form_post, [Provider.ApprovePost]).
//
// It is never a production provider: it asks for no password. Therefore it
// answers only peers, hosts and redirect URIs on loopback, and refuses a request
// that carries a forwarding header, which would mean that a proxy publishes it.
//
// What it honestly does: discovery, a JWK set, the authorization code flow with
// PKCE S256 required (RFC 7636) and the iss response parameter (RFC 9207), ID
// tokens with at_hash, auth_time and sid, opaque access tokens, userinfo, refresh
// tokens that rotate and whose reuse revokes the whole grant (RFC 9700 §4.14.2),
// revocation (RFC 7009), pushed authorization requests (RFC 9126), sign-in on another
// device (RFC 8628), RP-initiated logout, and back-channel logout for clients with a
// BackchannelLogoutURI. There is no browser session at the provider: every
// authorization request shows the page again, whatever prompt and max_age say,
// auth_time is when somebody picked a user on it, and prompt=none always answers
// login_required.
package devidp
