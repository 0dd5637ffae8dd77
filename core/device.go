package aura

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/aura-stack-go/auth/core/internal/rp"
	"github.com/aura-stack-go/auth/core/ratelimit"
)

// Sign-in on another device (RFC 8628), for clients that cannot show a page: the
// person types a code where they have a browser, and this server asks the
// provider meanwhile.

// deviceInfo derives the key that seals device handles.
const deviceInfo = "aura:device"

// maxDevice is how long such a sign-in may take, whatever the provider says.
// What has been used is remembered for as long.
const maxDevice = 30 * time.Minute

// slower is what slow_down adds to the interval (RFC 8628 §3.5).
const slower = 5 * time.Second

// A device is a sign-in on another device that is under way. The client holds it
// sealed: the device code in it is worth the user's tokens, and never leaves.
type device struct {
	Version  int    `json:"v"`
	Provider string `json:"p"`
	Code     string `json:"c"`
	Interval int64  `json:"i"` // seconds
	Expires  int64  `json:"e"`
}

// deviceVersion is raised when an older release could misread what is written.
const deviceVersion = 1

// signsInDevices is route.offered of these routes.
func (p *party) signsInDevices() bool { return p.DeviceFlow }

// postDevice: POST /device/:provider.
func (a *Auth) postDevice(v *visit) (answer, error) {
	if err := a.enterable(v); err != nil {
		return answer{}, err
	}
	if err := a.take(v, false, a.byAddress(v, "signIn", a.cfg.Limits.SignIn)); err != nil {
		return answer{}, err
	}
	started, err := v.provider.AuthorizeDevice(v.ctx())
	if err != nil {
		return answer{}, providerError(err)
	}
	lives := min(started.ExpiresIn, maxDevice)
	d := device{
		Version: deviceVersion, Provider: v.provider.ID, Code: started.DeviceCode,
		Interval: seconds(started.Interval), Expires: v.now.Add(lives).Unix(),
	}
	handle, err := a.sealDevice(d)
	if err != nil {
		return answer{}, err
	}
	members := map[string]any{
		"success": true, "device": handle, "userCode": started.UserCode,
		"verificationURI": started.VerificationURI, "verificationURIComplete": nil,
		"expiresIn": seconds(lives), "interval": d.Interval,
	}
	if started.VerificationURIComplete != "" {
		members["verificationURIComplete"] = started.VerificationURIComplete
	}
	return jsonAnswer(http.StatusOK, members)
}

// postDevicePoll: POST /device/:provider/poll, {"device":…}. The provider is
// asked once, and no sooner than it wants to be: who polls faster is told to
// wait, and the provider hears nothing of it.
func (a *Auth) postDevicePoll(v *visit) (answer, error) {
	if err := a.enterable(v); err != nil {
		return answer{}, err
	}
	if err := a.take(v, false, a.byAddress(v, "devicePoll", a.cfg.Limits.SignIn)); err != nil {
		return answer{}, err
	}
	d, err := a.openDevice(v)
	if err != nil {
		return answer{}, err
	}
	if !a.due(v, d) {
		return jsonAnswer(http.StatusAccepted, pending(d))
	}
	ctx, cancel := context.WithTimeout(v.ctx(), callbackTimeout)
	defer cancel()
	v.r = v.r.WithContext(ctx)
	grant, err := v.provider.PollDevice(ctx, d.Code)
	var failed *rp.Error
	switch {
	case errors.As(err, &failed) && failed.SlowDown():
		return a.slowDown(d)
	case errors.As(err, &failed) && failed.Pending():
		return jsonAnswer(http.StatusAccepted, pending(d))
	case err != nil:
		return answer{}, providerError(err)
	}
	if !a.spentDevices.Consume(d.key(), v.now) {
		return answer{}, fail(CodeStateInvalid, "this device handle has been used")
	}
	profile := &Profile{Subject: grant.Subject, Raw: grant.Profile, fetch: a.fetcher(v.provider, grant.Token.AccessToken)}
	s, err := a.signedIn(v, grant, profile)
	if err != nil {
		return answer{}, err
	}
	return a.acted(v, http.StatusOK, v.handed(map[string]any{"success": true}, s))
}

// pending is the answer while the person has not decided. It is no failure.
func pending(d device) map[string]any {
	return map[string]any{"success": false, "pending": true, "interval": d.Interval}
}

// slowDown is pending with a longer interval, which a new handle carries.
func (a *Auth) slowDown(d device) (answer, error) {
	d.Interval += seconds(slower)
	handle, err := a.sealDevice(d)
	if err != nil {
		return answer{}, err
	}
	members := pending(d)
	members["device"] = handle
	return jsonAnswer(http.StatusAccepted, members)
}

func (a *Auth) sealDevice(d device) (string, error) {
	payload, err := marshal(d)
	if err != nil {
		return "", err
	}
	return a.devices.Seal(payload)
}

// openDevice reads the handle in the body.
func (a *Auth) openDevice(v *visit) (d device, err error) {
	handle := v.body.text("device")
	if handle == nil || *handle == "" {
		return d, &Error{Code: CodeUnprocessable, Err: errors.New("device is missing"), details: map[string]string{"device": "is missing"}}
	}
	payload, _, err := a.devices.Open(*handle)
	if err != nil || json.Unmarshal(payload, &d) != nil || d.Version != deviceVersion || d.Code == "" {
		return d, fail(CodeStateInvalid, "the device handle is not one of ours")
	}
	switch {
	case d.Provider != v.provider.ID:
		return d, fail(CodeStateInvalid, "the device handle is for another provider")
	case d.Expires <= v.now.Unix():
		return d, fail(CodeDeviceExpired, "the device handle has expired")
	case a.spentDevices.Has(d.key(), v.now):
		return d, fail(CodeStateInvalid, "this device handle has been used")
	}
	return d, nil
}

// key names the sign-in, and tells nothing about the code.
func (d *device) key() string {
	sum := sha256.Sum256([]byte(d.Provider + "\x00" + d.Code))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// due reports whether the interval since the last poll has passed, and begins a
// new one. A client that counts from its own answer may come a moment early.
func (a *Auth) due(v *visit, d device) bool {
	interval := time.Duration(d.Interval) * time.Second
	rule := ratelimit.Rule{Limit: 1, Window: max(interval-min(time.Second, interval/5), time.Millisecond)}
	err := a.take(v, false, ratelimit.Charge{Key: "device:" + d.key(), Rule: rule})
	return err == nil
}

// seconds rounds up: who waits as told does not come too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
