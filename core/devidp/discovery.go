package devidp

import (
	"net/http"
)

// discovery is the provider's metadata (OpenID Connect Discovery §3, RFC 8414).
func (p *Provider) discovery(*call) reply {
	methods := []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"}
	return cacheable(objectReply(http.StatusOK, map[string]any{
		"issuer":                                                p.issuer,
		"authorization_endpoint":                                p.base + "/authorize",
		"token_endpoint":                                        p.base + "/token",
		"userinfo_endpoint":                                     p.base + "/userinfo",
		"jwks_uri":                                              p.base + "/jwks",
		"revocation_endpoint":                                   p.base + "/revoke",
		"end_session_endpoint":                                  p.base + "/end_session",
		"device_authorization_endpoint":                         p.base + "/device_authorization",
		"pushed_authorization_request_endpoint":                 p.base + "/par",
		"require_pushed_authorization_requests":                 p.config.RequirePushedAuthorization,
		"response_types_supported":                              []string{"code"},
		"response_modes_supported":                              []string{"query", formPost},
		"grant_types_supported":                                 []string{"authorization_code", "refresh_token", deviceGrant},
		"subject_types_supported":                               []string{"public"},
		"id_token_signing_alg_values_supported":                 []string{p.config.SigningAlg},
		"token_endpoint_auth_methods_supported":                 methods,
		"revocation_endpoint_auth_methods_supported":            methods,
		"token_endpoint_auth_signing_alg_values_supported":      assertionAlgs(),
		"revocation_endpoint_auth_signing_alg_values_supported": assertionAlgs(),
		"code_challenge_methods_supported":                      []string{"S256"},
		"scopes_supported":                                      supportedScopes(),
		"claims_supported":                                      []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "name", "picture", "email", "email_verified"},
		"prompt_values_supported":                               []string{"none", "login", "consent", "select_account"},
		"authorization_response_iss_parameter_supported":        true,
		"backchannel_logout_supported":                          true,
		"backchannel_logout_session_supported":                  true,
		"claims_parameter_supported":                            false,
		"request_parameter_supported":                           false,
		"request_uri_parameter_supported":                       false,
	}))
}

func supportedScopes() []string {
	return []string{"openid", "profile", "email", "offline_access"}
}

func (p *Provider) jwks(*call) reply {
	return p.keySet(p.keys.published())
}

// attackerJWKS is where a token's jku or x5u leads.
func (p *Provider) attackerJWKS(*call) reply {
	attacker, err := p.keys.attacker()
	if err != nil {
		return oauthError(http.StatusInternalServerError, "server_error", "the attacker's key could not be made")
	}
	return p.keySet([]signingKey{attacker})
}

func (p *Provider) keySet(keys []signingKey) reply {
	set := make([]any, 0, len(keys))
	for _, key := range keys {
		jwk, err := key.publicJWK()
		if err != nil {
			return oauthError(http.StatusInternalServerError, "server_error", "a key could not be encoded")
		}
		set = append(set, jwk)
	}
	return cacheable(objectReply(http.StatusOK, map[string]any{"keys": set}))
}
