package devidp

// Counts of the requests that came in since the start, refused and misanswered
// ones included. Compare two of them to see what one step of a test cost.
type Counts struct {
	Discovery int
	JWKS      int
	// Authorize counts page loads, choices of a user, and calls of Approve.
	Authorize int
	// PushedAuthorization counts requests to the endpoint of RFC 9126.
	PushedAuthorization int
	// DeviceAuthorization counts the sign-ins on another device that were begun;
	// their polls are among Token. DevicePage counts page loads and forms.
	DeviceAuthorization int
	DevicePage          int
	// Token counts every request to the token endpoint; Refresh those among them
	// with grant_type=refresh_token.
	Token      int
	Refresh    int
	UserInfo   int
	Revoke     int
	EndSession int
	// BackchannelLogout counts the logout tokens that were made.
	BackchannelLogout int
	// Trap counts requests that no correct client makes: after a redirect of an
	// endpoint, or to a URL from a token's header.
	Trap int
}

// Counts is a snapshot.
func (p *Provider) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}

// arrive counts a request and returns the faults that concern it.
func (p *Provider) arrive(e Endpoint, refresh bool) []Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.add(e)
	if refresh {
		p.counts.Refresh++
	}
	var concerned []Fault
	for _, f := range p.faults {
		if f.Endpoint == e || refresh && f.Endpoint == Refresh {
			concerned = append(concerned, f)
		}
	}
	return concerned
}

func (c *Counts) add(e Endpoint) {
	switch e {
	case Discovery:
		c.Discovery++
	case JWKS:
		c.JWKS++
	case Authorize:
		c.Authorize++
	case PushedAuthorization:
		c.PushedAuthorization++
	case DeviceAuthorization:
		c.DeviceAuthorization++
	case DevicePage:
		c.DevicePage++
	case Token:
		c.Token++
	case UserInfo:
		c.UserInfo++
	case Revoke:
		c.Revoke++
	case EndSession:
		c.EndSession++
	case BackchannelLogout:
		c.BackchannelLogout++
	case Trap:
		c.Trap++
	case Refresh: // counted with Token: it is not a path of its own
	}
}
