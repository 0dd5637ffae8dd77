package devidp

import (
	"net/http"
	"net/url"
	"slices"
)

// Endpoint names where a fault strikes.
type Endpoint string

// The endpoints. Refresh is the token endpoint when it is asked for
// grant_type=refresh_token; a fault at Token strikes there too, and when a device
// polls. DevicePage is where the user code is typed in. Trap is where
// careless clients are led to (Counts.Trap); no fault strikes it. BackchannelLogout
// is the clients' endpoint: a fault there spoils the logout token that it is sent.
const (
	Discovery           Endpoint = "discovery"
	JWKS                Endpoint = "jwks"
	Authorize           Endpoint = "authorize"
	PushedAuthorization Endpoint = "par"
	DeviceAuthorization Endpoint = "device_authorization"
	DevicePage          Endpoint = "device"
	Token               Endpoint = "token"
	Refresh             Endpoint = "refresh"
	UserInfo            Endpoint = "userinfo"
	Revoke              Endpoint = "revoke"
	EndSession          Endpoint = "end_session"
	BackchannelLogout   Endpoint = "backchannel_logout"
	Trap                Endpoint = "trap"
)

// Verdict is what a correct client makes of a fault, when it has cached nothing
// and asks every endpoint. For faults at Refresh it is about the refreshed tokens,
// at BackchannelLogout about the logout token, for all others about the sign-in.
type Verdict string

// Refuse: no session may come of it. Accept: the sign-in must succeed. Either: the
// specifications allow both; a client that accepts must have read the honest
// values all the same.
const (
	Refuse Verdict = "refuse"
	Accept Verdict = "accept"
	Either Verdict = "either"
)

// Fault is one way to misbehave: data, and a hook or several that spoil an
// honest answer at Endpoint. The named ones are in Faults; a test that needs
// another writes its own literal:
//
//	idp.Misbehave(devidp.Fault{Endpoint: devidp.Token, IDToken: func(claims, header map[string]any) {
//		claims["amr"] = 7
//	}})
//
// Hooks may run concurrently, one call per request.
type Fault struct {
	// Name is that of the Go variable, or "endpoint/way" for those made for an
	// endpoint.
	Name string
	// About says in one sentence what the provider does.
	About    string
	Verdict  Verdict
	Endpoint Endpoint
	// Slow faults do not answer within a minute: give the client a shorter
	// deadline.
	Slow bool

	// IDToken changes claims and header before they are signed with the current
	// key, whatever the header then says. At Token, Refresh or BackchannelLogout, where
	// it is the logout token.
	IDToken func(claims, header map[string]any)
	// JWS changes the token of IDToken after it is signed.
	JWS func(compact string) string
	// JSON changes the object of a successful JSON answer. Values are strings,
	// int64, bool, []string, []any or map[string]any.
	JSON func(object map[string]any)
	// Params changes the authorization response. At Authorize.
	Params func(url.Values)
	// Rewrite changes an answer when everything else about it is decided.
	Rewrite func(*Answer)
	// Hijack may take over a request before the endpoint sees it, so that no code
	// is used up; it returns true when it did. The request's context ends with the
	// client's patience or with Close; its form has been parsed.
	Hijack func(w http.ResponseWriter, r *http.Request) bool

	draft      func(*Provider, *draft) error
	before     func(*Provider) error // runs before an ID token is signed
	send       func(w http.ResponseWriter, r *http.Request, a Answer)
	codeSuffix string // of authorization codes
	codeReuse  bool
	noRotation bool
	resend     bool    // a logout token is sent twice
	parts      []Fault // strikes at several endpoints at once
}

// forges: the ID token cannot be made the honest way.
func (f Fault) forges() bool { return f.IDToken != nil || f.draft != nil || f.JWS != nil }

// Misbehave makes the provider commit these faults, and no others, from the next
// request on. Several at one endpoint strike in the order given.
func (p *Provider) Misbehave(faults ...Fault) {
	var flat []Fault
	for _, f := range faults {
		if f.parts == nil {
			flat = append(flat, f)
			continue
		}
		flat = append(flat, f.parts...)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = flat
}

// Behave makes the provider honest again.
func (p *Provider) Behave() { p.Misbehave() }

// Faults lists every named fault, for a test that loops over them: whatever the
// provider does, the client gives a defined answer, and no session unless the
// verdict allows one.
func Faults() []Fault {
	return slices.Concat(
		claimFaults(),
		subjectFaults(),
		headerFaults(),
		payloadFaults(),
		metadataFaults(),
		keySetFaults(),
		authorizeFaults(),
		tokenFaults(),
		userInfoFaults(),
		transportFaults(),
		logoutFaults(),
	)
}

// together is a fault at several endpoints; about and verdict are of the whole.
func together(f Fault, parts ...Fault) Fault {
	f.parts = parts
	return f
}
