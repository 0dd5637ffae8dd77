package devidp

import "net/http"

// The token answer.
var (
	NoIDToken        = tokenFault("NoIDToken", "The token answer has no id_token.", drop("id_token"))
	IDTokenNumber    = tokenFault("IDTokenNumber", "The token answer's id_token is a number.", put("id_token", int64(7)))
	NoAccessToken    = tokenFault("NoAccessToken", "The token answer has no access_token.", drop("access_token"))
	EmptyAccessToken = tokenFault("EmptyAccessToken", "The token answer's access_token is empty.", put("access_token", ""))
	TokenTypeMissing = tokenFault("TokenTypeMissing", "The token answer has no token_type.", drop("token_type"))
	TokenTypeMAC     = tokenFault("TokenTypeMAC", "The token answer's token_type is mac.", put("token_type", "mac"))
	EmptyObject      = tokenFault("EmptyObject", "The token answer is an empty object.", func(o map[string]any) { clear(o) })
	CodeReuse        = Fault{Name: "CodeReuse", Verdict: Accept, Endpoint: Token, About: "The token endpoint takes a code any number of times, so that only the client guards against a replayed callback.", codeReuse: true}

	RefreshWrongIssuer   = refreshFault("RefreshWrongIssuer", "The refreshed ID token's iss is another provider's.", put("iss", "https://attacker.example"))
	RefreshWrongSubject  = refreshFault("RefreshWrongSubject", "The refreshed ID token's sub is another user's.", put("sub", "somebody-else"))
	RefreshWrongAudience = refreshFault("RefreshWrongAudience", "The refreshed ID token's aud is another client.", put("aud", "another-client"))
	RefreshInvalidGrant  = Fault{Name: "RefreshInvalidGrant", Verdict: Refuse, Endpoint: Refresh, About: "Refreshing answers invalid_grant, as after a revocation.",
		Hijack: func(w http.ResponseWriter, r *http.Request) bool {
			oauthError(http.StatusBadRequest, "invalid_grant", "the refresh token is revoked").send(w, &call{Request: r})
			return true
		}}
	RefreshUnavailable = Fault{Name: "RefreshUnavailable", Verdict: Refuse, Endpoint: Refresh, About: "Refreshing answers 503, and the refresh token stays valid.", Hijack: status(http.StatusServiceUnavailable)}
	RefreshNotRotated  = Fault{Name: "RefreshNotRotated", Verdict: Accept, Endpoint: Refresh, About: "Refreshing brings no new refresh token, and the old one stays valid.", noRotation: true}
)

func tokenFaults() []Fault {
	return []Fault{
		NoIDToken, IDTokenNumber, NoAccessToken, EmptyAccessToken, TokenTypeMissing, TokenTypeMAC, EmptyObject, CodeReuse,
		RefreshWrongIssuer, RefreshWrongSubject, RefreshWrongAudience, RefreshInvalidGrant, RefreshUnavailable, RefreshNotRotated,
	}
}

func tokenFault(name, about string, change func(map[string]any)) Fault {
	return Fault{Name: name, About: about, Verdict: Refuse, Endpoint: Token, JSON: change}
}

func refreshFault(name, about string, change func(claims map[string]any)) Fault {
	f := claimFault(name, Refuse, about, change)
	f.Endpoint = Refresh
	return f
}

// Userinfo.
var (
	UserInfoWrongSubject   = userInfoFault("UserInfoWrongSubject", "Userinfo's sub is another user's.", put("sub", "somebody-else"))
	UserInfoMissingSubject = userInfoFault("UserInfoMissingSubject", "Userinfo has no sub.", drop("sub"))
	UserInfoNumberSubject  = userInfoFault("UserInfoNumberSubject", "Userinfo's sub is a number.", put("sub", int64(7)))
	UserInfoArray          = userInfoRewrite("UserInfoArray", "Userinfo is an array that holds the claims.", func(a *Answer) { a.Body = append(append([]byte("["), a.Body...), ']') })
	UserInfoNoContent      = userInfoRewrite("UserInfoNoContent", "Userinfo answers 204 without a body.", func(a *Answer) {
		a.Status, a.Body = http.StatusNoContent, nil
		a.Header.Del("Content-Type")
	})
	UserInfoUnsignedJWT = userInfoRewrite("UserInfoUnsignedJWT", "Userinfo is a JWT with alg none.", func(a *Answer) {
		a.Header.Set("Content-Type", "application/jwt")
		a.Body = []byte(encodePart([]byte(`{"alg":"none"}`)) + "." + encodePart(a.Body) + ".")
	})
)

func userInfoFaults() []Fault {
	return []Fault{UserInfoWrongSubject, UserInfoMissingSubject, UserInfoNumberSubject, UserInfoArray, UserInfoNoContent, UserInfoUnsignedJWT}
}

func userInfoFault(name, about string, change func(map[string]any)) Fault {
	return Fault{Name: name, About: about, Verdict: Refuse, Endpoint: UserInfo, JSON: change}
}

func userInfoRewrite(name, about string, change func(*Answer)) Fault {
	return Fault{Name: name, About: about, Verdict: Refuse, Endpoint: UserInfo, Rewrite: change}
}
