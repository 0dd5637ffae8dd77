package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// A DeviceCode is what a person needs to sign in on another device.
type DeviceCode struct {
	// UserCode is to be typed at VerificationURI.
	UserCode        string
	VerificationURI string
	// VerificationURIComplete has the code in it, for a link or a QR code. "" when
	// the provider has no such address. Show UserCode beside it all the same: the
	// person compares it with what the provider shows.
	VerificationURIComplete string
	// ExpiresIn is how long there is time.
	ExpiresIn time.Duration
}

// deviceMembers are the members of the device routes' answers.
type deviceMembers struct {
	Device                  string `json:"device"`
	UserCode                string `json:"userCode"`
	VerificationURI         string `json:"verificationURI"`
	VerificationURIComplete string `json:"verificationURIComplete"`
	ExpiresIn               int64  `json:"expiresIn"` // seconds
	Interval                int64  `json:"interval"`  // seconds
	Pending                 bool   `json:"pending"`
}

const (
	maxDeviceSeconds = 24 * 60 * 60
	// maxPause bounds how long a server that is away is left alone.
	maxPause = time.Minute
)

// Device signs in on another device (RFC 8628): it shows the person a code, by
// calling show once, and then asks the server, as often as that allows, until the
// person has decided. It returns when they have, when the code has expired (an
// [*Error] with the code OAUTH_DEVICE_EXPIRED), when they or the provider have
// said no (AUTH_PROVIDER_REJECTED), when show fails, or when ctx ends. A server
// that is away for a while is asked again. The server must have set DeviceFlow
// for the provider.
func (c *Client) Device(ctx context.Context, provider string, show func(context.Context, DeviceCode) error) error {
	path, err := providerPath("/device/", provider, "")
	if err != nil {
		return err
	}
	s, err := c.do(ctx, call{method: http.MethodPost, path: path, protected: true, visitor: true, lacks: lacksDevice})
	if err != nil {
		return err
	}
	d := DeviceCode{
		UserCode: s.UserCode, VerificationURI: s.VerificationURI, VerificationURIComplete: s.VerificationURIComplete,
		ExpiresIn: time.Duration(s.ExpiresIn) * time.Second,
	}
	if err := show(ctx, d); err != nil {
		return fmt.Errorf("client: showing the code: %w", err)
	}
	return c.poll(ctx, path+"/poll", s.Device, time.Duration(s.Interval)*time.Second, d.ExpiresIn)
}

// lacksDevice is call.lacks of the start. Programs open the addresses.
func lacksDevice(s success) string {
	switch {
	case s.Device == "":
		return "device"
	case s.UserCode == "":
		return "userCode"
	case !navigable(s.VerificationURI, false):
		return "verificationURI, an http or https address"
	case s.VerificationURIComplete != "" && !navigable(s.VerificationURIComplete, false):
		return "verificationURIComplete, an http or https address"
	case s.ExpiresIn < 1 || s.ExpiresIn > maxDeviceSeconds:
		return "expiresIn, in seconds"
	case s.Interval < 1 || s.Interval > s.ExpiresIn:
		return "interval, in seconds"
	}
	return ""
}

// poll asks until the sign-in has been decided. left is the time for it.
func (c *Client) poll(ctx context.Context, path, device string, interval, left time.Duration) error {
	for pause := interval; pause <= left; {
		if err := c.wait(ctx, pause); err != nil {
			return fmt.Errorf("client: POST %s: %w", path, err)
		}
		left -= pause
		body, err := object("device", map[string]string{"device": device})
		if err != nil {
			return err
		}
		s, err := c.do(ctx, call{
			method: http.MethodPost, path: path, query: After{}.query(), protected: true, enters: true, polls: true, body: body,
		})
		switch again, after := passing(ctx, err); {
		case again: // RFC 8628 §3.5: more slowly each time
			pause = max(interval, min(2*pause, maxPause), after)
			continue
		case err != nil || !s.Pending:
			return err
		}
		if s.Device != "" {
			device = s.Device
		}
		// Never faster than before, whatever the answer says.
		interval = max(interval, time.Duration(min(s.Interval, maxDeviceSeconds))*time.Second)
		pause = interval
	}
	return &Error{
		Status: http.StatusBadRequest, Code: aura.CodeDeviceExpired, op: "POST " + path,
		Message: "The sign-in was not allowed in time. Please start again.",
	}
}

// passing reports whether a failed poll says nothing about the sign-in, and how
// long the server asks to wait.
func passing(ctx context.Context, err error) (again bool, after time.Duration) {
	var answered *Error
	switch {
	case err == nil || ctx.Err() != nil:
		return false, 0
	case errors.Is(err, ErrProtocol):
		return false, 0
	case errors.As(err, &answered):
		return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRateLimited), answered.RetryAfter
	}
	return true, 0 // nobody has answered
}

// wait waits, unless the context ends before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
