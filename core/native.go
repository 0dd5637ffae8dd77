package aura

// validateNative judges what a provider says about clients without a browser.
func (p *Provider) validateNative(where string, problems *problemList) {
	switch {
	case p.IDToken.SignIn && !p.OIDC:
		problems.add("%s: IDToken.SignIn: OAuth 2.0 has no ID tokens; set it for an OpenID Connect provider only", where)
	case !p.IDToken.SignIn && len(p.IDToken.SignInAudiences) > 0:
		problems.add("%s: IDToken.SignInAudiences: has no effect without IDToken.SignIn; set that, or drop the audiences", where)
	}
	for i, audience := range p.IDToken.SignInAudiences {
		if audience == "" {
			problems.add("%s: IDToken.SignInAudiences[%d]: is empty; give the client id of a native application", where, i)
		}
	}
	if p.DeviceFlow && !p.OIDC && p.DeviceAuthorizationEndpoint == "" {
		problems.add("%s: DeviceFlow: needs DeviceAuthorizationEndpoint, which an OAuth 2.0 provider cannot be asked for", where)
	}
}
