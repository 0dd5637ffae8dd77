package devidp

import (
	"fmt"
	"strings"
)

const (
	minute = int64(60)
	hour   = 60 * minute
)

// Claims of the ID token.
var (
	WrongIssuer         = claimFault("WrongIssuer", Refuse, "The ID token's iss is another provider's.", put("iss", "https://attacker.example"))
	IssuerTrailingSlash = claimFault("IssuerTrailingSlash", Refuse, "The ID token's iss differs by a trailing slash.", onIssuer(toggleSlash))
	IssuerUpperCase     = claimFault("IssuerUpperCase", Refuse, "The ID token's iss differs by case.", onIssuer(strings.ToUpper))
	IssuerPrefix        = claimFault("IssuerPrefix", Refuse, "The ID token's iss begins with the right one and goes on.", onIssuer(func(s string) string { return s + ".attacker.example" }))
	MissingIssuer       = claimFault("MissingIssuer", Refuse, "The ID token has no iss.", drop("iss"))

	WrongAudience         = claimFault("WrongAudience", Refuse, "The ID token's aud is another client.", put("aud", "another-client"))
	MissingAudience       = claimFault("MissingAudience", Refuse, "The ID token has no aud.", drop("aud"))
	EmptyAudience         = claimFault("EmptyAudience", Refuse, "The ID token's aud is an empty array.", put("aud", []string{}))
	AudienceObject        = claimFault("AudienceObject", Refuse, "The ID token's aud is an object that has the client as a key.", onAudience(func(id any, claims map[string]any) { claims["aud"] = map[string]any{fmt.Sprint(id): true} }))
	ManyAudiencesNoAZP    = claimFault("ManyAudiencesNoAZP", Refuse, "The ID token's aud names another client besides, without azp.", manyAudiences(func(any, map[string]any) {}))
	ManyAudiencesWrongAZP = claimFault("ManyAudiencesWrongAZP", Refuse, "The ID token's aud names another client besides, and azp is that one.", manyAudiences(func(_ any, claims map[string]any) { claims["azp"] = "another-client" }))
	ManyAudiencesOurAZP   = claimFault("ManyAudiencesOurAZP", Either, "The ID token's aud names another client besides, and azp is ours: fine only where that other one is trusted.", manyAudiences(func(id any, claims map[string]any) { claims["azp"] = id }))
	WrongAZP              = claimFault("WrongAZP", Refuse, "The ID token's only aud is right, but azp is another client.", put("azp", "another-client"))

	MissingIssuedAt = claimFault("MissingIssuedAt", Refuse, "The ID token has no iat.", drop("iat"))
	FutureIssuedAt  = claimFault("FutureIssuedAt", Refuse, "The ID token's iat lies an hour ahead, beyond any leeway.", shift("iat", hour))
	MissingExpiry   = claimFault("MissingExpiry", Refuse, "The ID token has no exp.", drop("exp"))
	Expired         = claimFault("Expired", Refuse, "The ID token expired an hour ago.", expired)
	ExpiryString    = claimFault("ExpiryString", Refuse, "The ID token's exp is a string.", put("exp", "4102444800"))
	ExpiryOverflow  = claimFault("ExpiryOverflow", Refuse, "The ID token's exp is 1e300, which no integer holds.", put("exp", 1e300))
	ExpiryNegative  = claimFault("ExpiryNegative", Refuse, "The ID token's exp is negative.", put("exp", int64(-1)))
	ExpiryFraction  = claimFault("ExpiryFraction", Accept, "The ID token's exp has a fraction of a second, as NumericDate allows.", fraction)
	FutureNotBefore = claimFault("FutureNotBefore", Refuse, "The ID token's nbf lies an hour ahead.", func(c map[string]any) { c["nbf"] = seconds(c, "iat") + hour })

	MissingNonce = claimFault("MissingNonce", Refuse, "The ID token has no nonce, although the request had one.", drop("nonce"))
	WrongNonce   = claimFault("WrongNonce", Refuse, "The ID token's nonce is that of another sign-in.", put("nonce", "the-nonce-of-another-sign-in"))
	NonceArray   = claimFault("NonceArray", Refuse, "The ID token's nonce is an array that holds the right one.", func(c map[string]any) { c["nonce"] = []any{c["nonce"]} })

	WrongAtHash   = claimFault("WrongAtHash", Refuse, "The ID token's at_hash belongs to another access token.", put("at_hash", halfHash("another access token")))
	MissingAtHash = claimFault("MissingAtHash", Accept, "The ID token has no at_hash, which the code flow allows.", drop("at_hash"))

	// To be refused where the request had a max_age (OpenID Connect Core §3.1.3.7).
	MissingAuthTime = claimFault("MissingAuthTime", Either, "The ID token has no auth_time, which is fine unless the request had a max_age.", drop("auth_time"))
	OldAuthTime     = claimFault("OldAuthTime", Either, "The ID token's auth_time is a day ago, which is fine unless the request had a shorter max_age.", shift("auth_time", -24*hour))
	FutureAuthTime  = claimFault("FutureAuthTime", Either, "The ID token's auth_time lies an hour ahead, which proves nothing to a request with a max_age.", shift("auth_time", hour))
)

func claimFaults() []Fault {
	return []Fault{
		WrongIssuer, IssuerTrailingSlash, IssuerUpperCase, IssuerPrefix, MissingIssuer,
		WrongAudience, MissingAudience, EmptyAudience, AudienceObject,
		ManyAudiencesNoAZP, ManyAudiencesWrongAZP, ManyAudiencesOurAZP, WrongAZP,
		MissingIssuedAt, FutureIssuedAt, MissingExpiry, Expired, ExpiryString,
		ExpiryOverflow, ExpiryNegative, ExpiryFraction, FutureNotBefore,
		MissingNonce, WrongNonce, NonceArray, WrongAtHash, MissingAtHash,
		MissingAuthTime, OldAuthTime, FutureAuthTime,
	}
}

// The subject is changed in userinfo as well, so that comparing the two does not
// hide whether the ID token's was looked at.
var (
	MissingSubject = subjectFault("MissingSubject", "The ID token and userinfo have no sub.", absent{})
	EmptySubject   = subjectFault("EmptySubject", "The ID token's and userinfo's sub is empty.", "")
	NumberSubject  = subjectFault("NumberSubject", "The ID token's and userinfo's sub is a number.", int64(7))
	NullSubject    = subjectFault("NullSubject", "The ID token's and userinfo's sub is null.", nullSubject{})
	LongSubject    = subjectFault("LongSubject", "The ID token's and userinfo's sub has 256 bytes, one more than allowed.", strings.Repeat("s", 256))
	NULSubject     = subjectFault("NULSubject", "The ID token's and userinfo's sub contains a NUL byte.", "demo\x00ada")
)

func subjectFaults() []Fault {
	return []Fault{MissingSubject, EmptySubject, NumberSubject, NullSubject, LongSubject, NULSubject}
}

// nullSubject encodes as null; a plain nil would mean that no fault set one.
type nullSubject struct{}

func (nullSubject) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func subjectFault(name, about string, subject any) Fault {
	return Fault{Name: name, About: about, Verdict: Refuse, Endpoint: Token, draft: func(_ *Provider, d *draft) error {
		d.subject = subject
		return nil
	}}
}

func claimFault(name string, v Verdict, about string, change func(claims map[string]any)) Fault {
	return Fault{Name: name, About: about, Verdict: v, Endpoint: Token, IDToken: func(claims, _ map[string]any) { change(claims) }}
}

func put(name string, value any) func(map[string]any) {
	return func(object map[string]any) { object[name] = value }
}

func drop(name string) func(map[string]any) {
	return func(object map[string]any) { delete(object, name) }
}

func shift(name string, by int64) func(map[string]any) {
	return func(claims map[string]any) { claims[name] = seconds(claims, name) + by }
}

// seconds is a time as the provider writes it, or 0 when another fault has been
// there before.
func seconds(claims map[string]any, name string) int64 {
	at, _ := claims[name].(int64)
	return at
}

func expired(claims map[string]any) {
	issuedAt := seconds(claims, "iat")
	claims["iat"] = issuedAt - 2*hour
	claims["auth_time"] = issuedAt - 2*hour
	claims["exp"] = issuedAt - hour
}

func fraction(claims map[string]any) {
	claims["exp"] = float64(seconds(claims, "exp")) + 0.5
}

func toggleSlash(issuer string) string {
	if trimmed, ok := strings.CutSuffix(issuer, "/"); ok {
		return trimmed
	}
	return issuer + "/"
}

func onIssuer(change func(string) string) func(map[string]any) {
	return func(object map[string]any) {
		if issuer, ok := object["iss"].(string); ok {
			object["iss"] = change(issuer)
		}
	}
}

func onAudience(change func(id any, claims map[string]any)) func(map[string]any) {
	return func(claims map[string]any) { change(claims["aud"], claims) }
}

func manyAudiences(azp func(id any, claims map[string]any)) func(map[string]any) {
	return onAudience(func(id any, claims map[string]any) {
		claims["aud"] = []any{id, "another-client"}
		azp(id, claims)
	})
}
