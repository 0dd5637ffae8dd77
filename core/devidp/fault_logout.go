package devidp

// The logout token. A correct client answers 400 to each and keeps the session;
// to LogoutRepeatedID from the second token on.
var (
	LogoutAlgNone      = logoutDraft("LogoutAlgNone", "The logout token has alg none and no signature.", unsigned("none"))
	LogoutWrongAlg     = logoutDraft("LogoutWrongAlg", "The logout token is signed with HS256 and the client secret.", func(_ *Provider, d *draft) error { return d.hs256([]byte(d.client.Secret), nil) })
	LogoutBadSignature = Fault{Name: "LogoutBadSignature", Verdict: Refuse, Endpoint: BackchannelLogout,
		About: "The logout token's signature is not that of its content.", JWS: breakSignature}
	LogoutOtherKey = logoutDraft("LogoutOtherKey", "The logout token is signed by a key outside the JWK set, under the kid of the right one.", func(p *Provider, d *draft) error {
		attacker, err := p.keys.attacker()
		d.key = attacker.key
		return err
	})
	LogoutWrongAudience   = logoutFault("LogoutWrongAudience", "The logout token's aud is another client.", put("aud", "another-client"))
	LogoutMissingAudience = logoutFault("LogoutMissingAudience", "The logout token has no aud.", drop("aud"))
	LogoutWrongIssuer     = logoutFault("LogoutWrongIssuer", "The logout token's iss is another provider's.", put("iss", "https://attacker.example"))
	LogoutMissingIssuer   = logoutFault("LogoutMissingIssuer", "The logout token has no iss.", drop("iss"))
	LogoutNoEvent         = logoutFault("LogoutNoEvent", "The logout token has no events.", drop("events"))
	LogoutWrongEvent      = logoutFault("LogoutWrongEvent", "The logout token's events name another event.", put("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout-not": map[string]any{}}))
	LogoutEventText       = logoutFault("LogoutEventText", "The logout token's events is a text instead of an object.", put("events", logoutEvent))
	LogoutEventNumber     = logoutFault("LogoutEventNumber", "The logout token's event has a number for its value instead of an object.", put("events", map[string]any{logoutEvent: int64(1)}))
	LogoutWithNonce       = logoutFault("LogoutWithNonce", "The logout token has a nonce, which would let it pass for an ID token.", put("nonce", "a-nonce"))
	LogoutNobody          = logoutFault("LogoutNobody", "The logout token has neither sub nor sid.", func(c map[string]any) { delete(c, "sub"); delete(c, "sid") })
	LogoutExpired         = logoutFault("LogoutExpired", "The logout token expired an hour ago.", func(c map[string]any) {
		c["exp"] = seconds(c, "iat") - hour
		c["iat"] = seconds(c, "iat") - 2*hour
	})
	LogoutMissingExpiry   = logoutFault("LogoutMissingExpiry", "The logout token has no exp.", drop("exp"))
	LogoutMissingIssuedAt = logoutFault("LogoutMissingIssuedAt", "The logout token has no iat.", drop("iat"))
	LogoutFutureIssuedAt  = logoutFault("LogoutFutureIssuedAt", "The logout token's iat lies an hour ahead.", shift("iat", hour))
	LogoutMissingID       = logoutFault("LogoutMissingID", "The logout token has no jti.", drop("jti"))
	LogoutRepeatedID      = logoutFault("LogoutRepeatedID", "Every logout token has the same jti, so that all but the first are replays.", put("jti", "the-same-jti-every-time"))
	// LogoutTypeMissing is what providers sent before explicit typing was
	// recommended;
	// LogoutTypeAccessToken is typed as what it is not.
	LogoutTypeMissing = Fault{Name: "LogoutTypeMissing", Verdict: Accept, Endpoint: BackchannelLogout,
		About: "The logout token has no typ, as from providers without explicit typing.", IDToken: func(_, header map[string]any) { delete(header, "typ") }}
	LogoutTypeAccessToken = Fault{Name: "LogoutTypeAccessToken", Verdict: Refuse, Endpoint: BackchannelLogout,
		About: "The logout token's typ is at+jwt, that of an access token.", IDToken: func(_, header map[string]any) { header["typ"] = "at+jwt" }}
)

// LogoutFaults lists the named faults at BackchannelLogout, which Faults leaves
// out: no sign-in meets them. Their verdict is about the logout token.
func LogoutFaults() []Fault {
	return []Fault{
		LogoutAlgNone, LogoutWrongAlg, LogoutBadSignature, LogoutOtherKey,
		LogoutWrongAudience, LogoutMissingAudience, LogoutWrongIssuer, LogoutMissingIssuer,
		LogoutNoEvent, LogoutWrongEvent, LogoutEventText, LogoutEventNumber, LogoutWithNonce, LogoutNobody,
		LogoutExpired, LogoutMissingExpiry, LogoutMissingIssuedAt, LogoutFutureIssuedAt,
		LogoutMissingID, LogoutRepeatedID, LogoutTypeMissing, LogoutTypeAccessToken,
	}
}

func logoutFault(name, about string, change func(claims map[string]any)) Fault {
	f := claimFault(name, Refuse, about, change)
	f.Endpoint = BackchannelLogout
	return f
}

func logoutDraft(name, about string, change func(*Provider, *draft) error) Fault {
	f := draftFault(name, Refuse, about, change)
	f.Endpoint = BackchannelLogout
	return f
}
