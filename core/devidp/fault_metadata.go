package devidp

import "strings"

// Discovery.
var (
	DiscoveryWrongIssuer   = discoveryFault("DiscoveryWrongIssuer", Refuse, "Discovery names another issuer.", put("issuer", "https://attacker.example"))
	DiscoveryTrailingSlash = discoveryFault("DiscoveryTrailingSlash", Refuse, "Discovery's issuer differs by a trailing slash.", onString("issuer", toggleSlash))
	DiscoveryOtherScheme   = discoveryFault("DiscoveryOtherScheme", Refuse, "Discovery's issuer has https for http, or the other way round.", onString("issuer", otherScheme))
	DiscoveryNoIssuer      = discoveryFault("DiscoveryNoIssuer", Refuse, "Discovery has no issuer.", drop("issuer"))
	DiscoveryLinkLocal     = discoveryFault("DiscoveryLinkLocal", Refuse, "Discovery moves the token, userinfo and JWKS endpoints to 169.254.169.254, where clouds keep their keys.", moveEndpoints("http://169.254.169.254/latest"))
	DiscoveryPlainHTTP     = discoveryFault("DiscoveryPlainHTTP", Refuse, "Discovery moves the token, userinfo and JWKS endpoints to another host over plain http.", moveEndpoints("http://attacker.invalid"))
	DiscoveryFileScheme    = discoveryFault("DiscoveryFileScheme", Refuse, "Discovery's token, userinfo and JWKS endpoints are files.", moveEndpoints("file:///etc"))
	DiscoveryNoToken       = discoveryFault("DiscoveryNoToken", Refuse, "Discovery has no token endpoint.", drop("token_endpoint"))
	DiscoveryNoJWKS        = discoveryFault("DiscoveryNoJWKS", Refuse, "Discovery has no jwks_uri.", drop("jwks_uri"))
	DiscoveryNoPKCE        = discoveryFault("DiscoveryNoPKCE", Either, "Discovery does not mention PKCE; the provider still requires S256, and a client must not go without.", drop("code_challenge_methods_supported"))
	DiscoveryPlainPKCE     = discoveryFault("DiscoveryPlainPKCE", Either, "Discovery lists only PKCE plain; the provider still requires S256, and a client must not send plain.", put("code_challenge_methods_supported", []string{"plain"}))
	DiscoveryWeakAlgs      = discoveryFault("DiscoveryWeakAlgs", Accept, "Discovery lists none and HS256 beside the honest algorithm, which alone is used.", weakAlgs)
	WeakAlgNone            = together(Fault{Name: "WeakAlgNone", Verdict: Refuse, Endpoint: Token, About: "Discovery lists none, and the ID token has alg none."}, DiscoveryWeakAlgs, AlgNone)
	WeakAlgHS256           = together(Fault{Name: "WeakAlgHS256", Verdict: Refuse, Endpoint: Token, About: "Discovery lists HS256, and the ID token is signed with HS256 and the public key in PEM."}, DiscoveryWeakAlgs, HS256PublicPEM)
)

func metadataFaults() []Fault {
	return []Fault{
		DiscoveryWrongIssuer, DiscoveryTrailingSlash, DiscoveryOtherScheme, DiscoveryNoIssuer,
		DiscoveryLinkLocal, DiscoveryPlainHTTP, DiscoveryFileScheme, DiscoveryNoToken, DiscoveryNoJWKS,
		DiscoveryNoPKCE, DiscoveryPlainPKCE, DiscoveryWeakAlgs, WeakAlgNone, WeakAlgHS256,
	}
}

func discoveryFault(name string, v Verdict, about string, change func(map[string]any)) Fault {
	return Fault{Name: name, About: about, Verdict: v, Endpoint: Discovery, JSON: change}
}

func onString(member string, change func(string) string) func(map[string]any) {
	return func(object map[string]any) {
		if s, ok := object[member].(string); ok {
			object[member] = change(s)
		}
	}
}

func otherScheme(issuer string) string {
	if rest, ok := strings.CutPrefix(issuer, "http://"); ok {
		return "https://" + rest
	}
	return "http://" + strings.TrimPrefix(issuer, "https://")
}

// moveEndpoints leaves the authorization endpoint alone, so that a sign-in gets as
// far as the client's own requests.
func moveEndpoints(base string) func(map[string]any) {
	return func(metadata map[string]any) {
		metadata["token_endpoint"] = base + "/token"
		metadata["userinfo_endpoint"] = base + "/userinfo"
		metadata["jwks_uri"] = base + "/jwks"
	}
}

func weakAlgs(metadata map[string]any) {
	algs, _ := metadata["id_token_signing_alg_values_supported"].([]string)
	metadata["id_token_signing_alg_values_supported"] = append([]string{"none", "HS256"}, algs...)
}
