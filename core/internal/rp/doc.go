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
// A sign-in reads from top to bottom: authorize.go, par.go, exchange.go,
// token.go, idtoken.go, bond.go, claims.go, userinfo.go; without a browser it
// begins in device.go, without a redirect in native.go. What follows it is in
// refresh.go, revoke.go, endsession.go, logouttoken.go and, again, userinfo.go.
// clientauth.go and assertion.go prove to the provider who asks. jws.go is the
// door for all that a provider signs, and tenant.go says whose it must be. Below
// them lie discovery.go and keys.go (the caches), outbound.go (one request),
// endpoint.go (which URLs) and dial.go (which addresses). Nothing that came in as a
// secret or proves us (code, verifier, nonce, tokens, client secret, assertion)
// ever appears in an error or a log line.
package rp
