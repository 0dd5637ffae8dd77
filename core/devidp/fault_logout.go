package devidp

// The logout token. Refuse means an answer of 400, and a session that stays; of
// LogoutReplayed, the second answer. In a sign-in none of them shows.
var (
	LogoutAlgNone       = logoutFault("LogoutAlgNone", "The logout token has alg none and no signature.", AlgNone)
	LogoutHS256         = logoutFault("LogoutHS256", "The logout token is signed with HS256 and the client secret, which discovery does not list.", HS256ClientSecret)
	LogoutBadSignature  = logoutFault("LogoutBadSignature", "The logout token's signature is not that of its content.", BadSignature)
	LogoutWrongAudience = logoutFault("LogoutWrongAudience", "The logout token's aud is another client.", WrongAudience)
	LogoutWrongIssuer   = logoutFault("LogoutWrongIssuer", "The logout token's iss is another provider's.", WrongIssuer)
	LogoutNoEvent       = logoutClaims("LogoutNoEvent", "The logout token has no events.", drop("events"))
	LogoutWrongEvent    = logoutClaims("LogoutWrongEvent", "The logout token's only event is another one.", put("events", map[string]any{"http://schemas.openid.net/event/another": map[string]any{}}))
	LogoutWithNonce     = logoutClaims("LogoutWithNonce", "The logout token has a nonce, which is forbidden so that no ID token passes for one.", put("nonce", "a-nonce"))
	LogoutNoSubject     = logoutClaims("LogoutNoSubject", "The logout token has neither sub nor sid.", func(c map[string]any) { delete(c, "sub"); delete(c, "sid") })
	LogoutNoID          = logoutClaims("LogoutNoID", "The logout token has no jti.", drop("jti"))
	LogoutExpired       = logoutClaims("LogoutExpired", "The logout token expired three minutes ago, beyond any leeway.", func(c map[string]any) {
		c["iat"], c["exp"] = seconds(c, "iat")-5*minute, seconds(c, "iat")-3*minute
	})
	LogoutOtherKey         = logoutFault("LogoutOtherKey", "The logout token is signed by a key outside the JWK set, under the kid of the right one.", OtherKey)
	LogoutMissingAudience  = logoutFault("LogoutMissingAudience", "The logout token has no aud.", MissingAudience)
	LogoutMissingIssuer    = logoutFault("LogoutMissingIssuer", "The logout token has no iss.", MissingIssuer)
	LogoutEventText        = logoutClaims("LogoutEventText", "The logout token's events is the event's name, not an object.", put("events", logoutEvent))
	LogoutEventNumber      = logoutClaims("LogoutEventNumber", "The logout token's event has a number for its value, not an object.", put("events", map[string]any{logoutEvent: int64(1)}))
	LogoutMissingExpiry    = logoutFault("LogoutMissingExpiry", "The logout token has no exp.", MissingExpiry)
	LogoutMissingIssuedAt  = logoutFault("LogoutMissingIssuedAt", "The logout token has no iat.", MissingIssuedAt)
	LogoutFutureIssuedAt   = logoutFault("LogoutFutureIssuedAt", "The logout token's iat lies an hour ahead, beyond any leeway.", FutureIssuedAt)
	LogoutAccessTokenTyped = logoutFault("LogoutAccessTokenTyped", "The logout token's typ is at+jwt, that of an access token.", headerFault("", Refuse, "", put("typ", "at+jwt")))
	LogoutReplayed         = Fault{Name: "LogoutReplayed", About: "The logout token is sent, and then sent once more: its jti has been used.", Verdict: Refuse, Endpoint: BackchannelLogout, resend: true}
)

func logoutFaults() []Fault {
	return []Fault{
		LogoutAlgNone, LogoutHS256, LogoutBadSignature, LogoutWrongAudience, LogoutWrongIssuer, LogoutNoEvent, LogoutWrongEvent,
		LogoutWithNonce, LogoutNoSubject, LogoutNoID, LogoutExpired, LogoutReplayed,
		LogoutOtherKey, LogoutMissingAudience, LogoutMissingIssuer, LogoutEventText, LogoutEventNumber,
		LogoutMissingExpiry, LogoutMissingIssuedAt, LogoutFutureIssuedAt, LogoutAccessTokenTyped,
	}
}

// logoutFault is a fault of the ID token, in the logout token.
func logoutFault(name, about string, f Fault) Fault {
	f.Name, f.About, f.Endpoint = name, about, BackchannelLogout
	return f
}

func logoutClaims(name, about string, change func(claims map[string]any)) Fault {
	return logoutFault(name, about, claimFault(name, Refuse, about, change))
}
