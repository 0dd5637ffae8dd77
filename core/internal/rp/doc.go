// Package rp is the relying party of OAuth 2.0 and OpenID Connect, and the
// only package that talks to strangers: it builds authorization requests,
// redeems codes, verifies ID tokens, asks for profiles, and renews and revokes
// tokens.
//
// It stands on golang.org/x/oauth2 for the token request and on
// github.com/coreos/go-oidc/v3 for the signature and issuer of ID
// tokens, and adds what these leave open: aud, nonce, azp, at_hash, times, strict
// JSON, bounded bodies and durations, no redirects, and caches that neither a
// dead provider nor a storm of unknown key ids can turn into a storm of
// requests.
//
// A sign-in reads from top to bottom: authorize.go, exchange.go, token.go,
// idtoken.go, claims.go, userinfo.go. What follows it is in refresh.go,
// revoke.go and, again, userinfo.go. Below them lie discovery.go and keys.go
// (the caches), outbound.go (one request), endpoint.go (which URLs) and dial.go
// (which addresses). jws.go is the door for all that a provider signs: ID tokens,
// with or without a flow (native.go), and logout tokens; tenant.go says whose
// they must be. Nothing that came in as a secret
// (code, verifier, nonce, tokens, client secret) ever appears in an error or a
// log line.
package rp
