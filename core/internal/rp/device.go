package rp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	deviceGrant     = "urn:ietf:params:oauth:grant-type:device_code"
	deviceInterval  = 5 * time.Second // RFC 8628 §3.2
	maxInterval     = 10 * time.Minute
	maxDeviceLife   = 24 * time.Hour
	maxDeviceCode   = 4 << 10
	maxUserCode     = 64
	maxVerification = 2 << 10
)

// A DeviceAuthorization is a sign-in that a person is to allow on another
// device (RFC 8628 §3.2).
type DeviceAuthorization struct {
	DeviceCode string // a secret: whoever has it gets the tokens
	UserCode   string
	// VerificationURI is where the person types UserCode in;
	// VerificationURIComplete has it in it already, and may be empty.
	VerificationURI, VerificationURIComplete string
	// ExpiresIn is how long the codes live, at most a day. Interval is the
	// shortest time between two polls.
	ExpiresIn, Interval time.Duration
}

// AuthorizeDevice starts a sign-in on another device, within ten seconds.
// ErrNotSupported: the provider has no device authorization endpoint. Every
// failure is an *Error.
func (p *Party) AuthorizeDevice(ctx context.Context) (*DeviceAuthorization, error) {
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	d, err := p.authorizeDevice(ctx)
	if err != nil {
		return nil, p.named(err)
	}
	return d, nil
}

func (p *Party) authorizeDevice(ctx context.Context) (*DeviceAuthorization, error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	if m.DeviceAuthorizationEndpoint == "" {
		return nil, failure(CodeDeviceUnsupported, "device authorization: %w: there is no device_authorization_endpoint", ErrNotSupported)
	}
	if err := p.optionalEndpoint("device_authorization_endpoint", m.DeviceAuthorizationEndpoint, p.config.DeviceAuthorizationEndpoint); err != nil {
		return nil, err
	}
	form := url.Values{"client_id": {p.config.ClientID}}
	if len(p.config.Scopes) > 0 {
		form.Set("scope", strings.Join(p.config.Scopes, " "))
	}
	a, hide, err := p.postForm(ctx, m, formRequest{
		what: "device authorization", address: m.DeviceAuthorizationEndpoint, methods: m.AuthMethods, form: form,
		unreachable: CodeDeviceUnreachable, invalid: CodeDeviceRejected,
	})
	if err != nil {
		return nil, err
	}
	if a.down() {
		e := failure(CodeDeviceUnreachable, "device authorization: %w", newRefusal(a, hide))
		e.unreachable = true
		return nil, e
	}
	if a.status != http.StatusOK {
		return nil, failure(CodeDeviceRejected, "device authorization: %w", newRefusal(a, hide))
	}
	d, err := p.parseDevice(a)
	if err != nil {
		return nil, failure(CodeDeviceMalformed, "device authorization: %w", err)
	}
	return d, nil
}

// parseDevice reads the answer of RFC 8628 §3.2. None of its values is quoted
// in an error: they are codes, or addresses that hold one.
func (p *Party) parseDevice(a *answer) (*DeviceAuthorization, error) {
	if !a.isJSON() {
		return nil, errors.New("the answer is not application/json")
	}
	members, err := strictObject(a.body, []string{
		"device_code", "user_code", "verification_uri", "verification_url", "verification_uri_complete", "expires_in", "interval",
	})
	if err != nil {
		return nil, errors.New("the answer is not a JSON object")
	}
	d := &DeviceAuthorization{}
	for _, e := range []struct {
		name  string
		value *string
		limit int
	}{
		{"device_code", &d.DeviceCode, maxDeviceCode},
		{"user_code", &d.UserCode, maxUserCode},
	} {
		if *e.value, _, err = stringMember(members, e.name); err != nil || !printable(*e.value, e.limit) {
			return nil, fmt.Errorf("%s is not a string of printable ASCII of at most %d bytes", e.name, e.limit)
		}
	}
	name := "verification_uri"
	if _, ok := members[name]; !ok {
		name = "verification_url" // Google's spelling, older than the RFC
	}
	if d.VerificationURI, err = p.verificationURI(members, name); err != nil {
		return nil, err
	}
	if d.VerificationURI == "" {
		return nil, errors.New("verification_uri is missing")
	}
	if d.VerificationURIComplete, err = p.verificationURI(members, "verification_uri_complete"); err != nil {
		return nil, err
	}
	return d, d.setTimes(members)
}

// verificationURI is an address that a person will be told to open: it must be
// one that we would open.
func (p *Party) verificationURI(members map[string]json.RawMessage, name string) (string, error) {
	address, _, err := stringMember(members, name)
	if err != nil || len(address) > maxVerification {
		return "", fmt.Errorf("%s is not a string of at most 2 KiB", name)
	}
	if address == "" {
		return "", nil
	}
	if !printable(address, maxVerification) {
		return "", fmt.Errorf("%s: holds characters outside printable ASCII", name)
	}
	return address, p.rules.checkDiscovered(name, address)
}

func (d *DeviceAuthorization) setTimes(members map[string]json.RawMessage) error {
	seconds, err := lifetime(members["expires_in"])
	if err != nil || seconds == 0 {
		return errors.New("expires_in is not a number of seconds above zero")
	}
	d.ExpiresIn = min(time.Duration(seconds)*time.Second, maxDeviceLife)
	if seconds, err = lifetime(members["interval"]); err != nil {
		return errors.New("interval is not a number of seconds")
	}
	if d.Interval = time.Duration(seconds) * time.Second; d.Interval == 0 {
		d.Interval = deviceInterval
	}
	if d.Interval > maxInterval {
		return errors.New("interval is longer than ten minutes")
	}
	return nil
}

// PollDevice asks once whether the person has allowed the sign-in (RFC 8628
// §3.4), and who it is, within ten seconds. Every failure is an *Error. Pending
// says to ask again after the interval, SlowDown to make that five seconds
// longer first; Unreachable, to ask again later. Anything else is the end.
func (p *Party) PollDevice(ctx context.Context, deviceCode string) (*Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, p.budget)
	defer cancel()
	grant, err := p.pollDevice(ctx, deviceCode)
	if err != nil {
		return nil, p.named(err)
	}
	return grant, nil
}

func (p *Party) pollDevice(ctx context.Context, deviceCode string) (*Grant, error) {
	if !printable(deviceCode, maxDeviceCode) {
		return nil, failure(CodeBadRequest, "device poll: the device code is missing, or cannot be one")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	grant, err := p.requestToken(ctx, m, tokenRequest{
		// x/oauth2's own function for this grant polls until its context ends;
		// this one sends what it is given, once.
		ask: func(ctx context.Context, c *oauth2.Config) (*oauth2.Token, error) {
			return (&clientcredentials.Config{
				ClientID: c.ClientID, ClientSecret: c.ClientSecret,
				TokenURL: c.Endpoint.TokenURL, AuthStyle: c.Endpoint.AuthStyle,
				EndpointParams: url.Values{"grant_type": {deviceGrant}, "device_code": {deviceCode}},
			}).Token(ctx)
		},
		unsaid: p.config.Scopes,
		hide:   secrets{deviceCode},
	})
	if err != nil {
		return nil, pollFailure(err)
	}
	return p.identity(ctx, m, grant, bond{device: true, hide: secrets{deviceCode}})
}

// pollFailure names the answers of RFC 8628 §3.5. The status comes first: what
// a server says while it fails is not its last word.
func pollFailure(err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		return err
	}
	e := failure(CodeTokenRejected, "token endpoint: %w", r)
	switch {
	case r.down:
		e.Code, e.unreachable = CodeTokenUnreachable, true
	case r.code == "authorization_pending":
		e.Code = CodeDevicePending
	case r.code == "slow_down":
		e.Code = CodeDeviceSlowDown
	case r.code == "access_denied":
		e.Code = CodeDeviceDenied
	case r.code == "expired_token":
		e.Code = CodeDeviceExpired
	}
	return e
}

// Pending reports that the person has not decided yet: ask again after the
// interval.
func (e *Error) Pending() bool { return e.Code == CodeDevicePending }

// SlowDown reports that the provider was asked too often: the interval grows by
// five seconds (RFC 8628 §3.5), and the person has not decided yet.
func (e *Error) SlowDown() bool { return e.Code == CodeDeviceSlowDown }
