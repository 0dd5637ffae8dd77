package rp

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAuthorizeDevice(t *testing.T) {
	f := newIDP(t)
	offers(f)
	p := f.party(t)
	d, err := p.AuthorizeDevice(t.Context())
	expect(t, err, "")
	want := &DeviceAuthorization{
		DeviceCode: testDevice, UserCode: "WDJB-MJHT", VerificationURI: f.URL + "/activate",
		VerificationURIComplete: f.URL + "/activate?user_code=WDJB-MJHT", ExpiresIn: 30 * time.Minute, Interval: 7 * time.Second,
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got %+v, want %+v", d, want)
	}
	if want := (url.Values{"client_id": {testClient}, "scope": {"openid profile email"}}); !reflect.DeepEqual(f.form, want) {
		t.Errorf("request %v, want %v", f.form, want)
	}

	// OAuth 2.0, configured endpoint, no scopes.
	p = f.party(t, f.plain, func(c *Config) { c.DeviceAuthorizationEndpoint = f.URL + "/device" })
	_, err = p.AuthorizeDevice(t.Context())
	expect(t, err, "")
	if want := (url.Values{"client_id": {testClient}}); !reflect.DeepEqual(f.form, want) {
		t.Errorf("request %v, want %v", f.form, want)
	}

	// The configured one wins.
	g := newIDP(t)
	g.metadata = func(m map[string]any) { m["device_authorization_endpoint"] = g.URL + "/elsewhere" }
	_, err = g.party(t, func(c *Config) { c.DeviceAuthorizationEndpoint = g.URL + "/device" }).AuthorizeDevice(t.Context())
	expect(t, err, "")
}

func TestDeviceEndpoint(t *testing.T) {
	f := newIDP(t)
	for name, p := range map[string]*Party{"OIDC": f.party(t), "OAuth 2.0": f.party(t, f.plain)} {
		_, err := p.AuthorizeDevice(t.Context())
		if e := expect(t, err, CodeDeviceUnsupported); !errors.Is(e, ErrNotSupported) || e.Unreachable() {
			t.Errorf("%s: %v", name, e)
		}
	}
	f.metadata = func(m map[string]any) { m["device_authorization_endpoint"] = "http://idp.example/device" }
	_, err := f.party(t).AuthorizeDevice(t.Context())
	expect(t, err, CodeDiscoveryInvalid)
}

// Answers that are not the one of RFC 8628 §3.2, and those at its edges.
func TestDeviceAnswers(t *testing.T) {
	set := func(name string, value any) func(*fakeIDP) {
		return func(f *fakeIDP) {
			f.device = func(a map[string]any) {
				if a[name] = value; value == nil {
					delete(a, name)
				}
			}
		}
	}
	for name, row := range map[string]struct {
		wrong       func(*fakeIDP)
		code        string
		unreachable bool
	}{
		"400":      {func(f *fakeIDP) { f.overrides["/device"] = status(400) }, CodeDeviceRejected, false},
		"201":      {func(f *fakeIDP) { f.overrides["/device"] = status(201) }, CodeDeviceRejected, false},
		"redirect": {func(f *fakeIDP) { f.overrides["/device"] = status(307) }, CodeDeviceRejected, false},
		"429":      {func(f *fakeIDP) { f.overrides["/device"] = status(429) }, CodeDeviceUnreachable, true},
		"503":      {func(f *fakeIDP) { f.overrides["/device"] = status(503) }, CodeDeviceUnreachable, true},
		"hangs up": {func(f *fakeIDP) {
			f.overrides["/device"] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, CodeDeviceUnreachable, true},
		"echo":            {func(f *fakeIDP) { f.overrides["/device"] = echo }, CodeDeviceRejected, false},
		"no content type": {func(f *fakeIDP) { f.overrides["/device"] = status(200) }, CodeDeviceMalformed, false},
		"not JSON":        {func(f *fakeIDP) { f.overrides["/device"] = rawJSON(testDevice) }, CodeDeviceMalformed, false},
		"two codes": {func(f *fakeIDP) {
			f.overrides["/device"] = rawJSON(`{"device_code":"a","device_code":"` + testDevice + `"}`)
		}, CodeDeviceMalformed, false},
		"no device code":           {set("device_code", nil), CodeDeviceMalformed, false},
		"empty device code":        {set("device_code", ""), CodeDeviceMalformed, false},
		"device code a number":     {set("device_code", 7), CodeDeviceMalformed, false},
		"line break in it":         {set("device_code", testDevice+"\n"), CodeDeviceMalformed, false},
		"endless device code":      {set("device_code", strings.Repeat("d", 4097)), CodeDeviceMalformed, false},
		"no user code":             {set("user_code", nil), CodeDeviceMalformed, false},
		"endless user code":        {set("user_code", strings.Repeat("A", 65)), CodeDeviceMalformed, false},
		"escape in the user code":  {set("user_code", "\x1b[2JAB"), CodeDeviceMalformed, false},
		"look-alike user code":     {set("user_code", "WDJB\u202eMJHT"), CodeDeviceMalformed, false},
		"no address":               {set("verification_uri", nil), CodeDeviceMalformed, false},
		"address a number":         {set("verification_uri", 1), CodeDeviceMalformed, false},
		"address by script":        {set("verification_uri", "javascript:alert(1)"), CodeDeviceMalformed, false},
		"address in the open":      {set("verification_uri", "http://idp.example/activate"), CodeDeviceMalformed, false},
		"address of a user":        {set("verification_uri", "https://idp.example@evil.example/"), CodeDeviceMalformed, false},
		"address elsewhere, https": {set("verification_uri", "https://idp.example/activate"), "", false},
		"endless address":          {set("verification_uri", "https://idp.example/"+strings.Repeat("a", 2048)), CodeDeviceMalformed, false},
		"address with a space":     {set("verification_uri", "https://idp.example/ü"), CodeDeviceMalformed, false},
		"no complete address":      {set("verification_uri_complete", nil), "", false},
		"complete address, http":   {set("verification_uri_complete", "http://idp.example/?c="+testDevice), CodeDeviceMalformed, false},
		"no lifetime":              {set("expires_in", nil), CodeDeviceMalformed, false},
		"no lifetime left":         {set("expires_in", 0), CodeDeviceMalformed, false},
		"negative lifetime":        {set("expires_in", -5), CodeDeviceMalformed, false},
		"negative interval":        {set("interval", -5), CodeDeviceMalformed, false},
		"interval a word":          {set("interval", "often"), CodeDeviceMalformed, false},
		"interval of an hour":      {set("interval", 3600), CodeDeviceMalformed, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			offers(f)
			row.wrong(f)
			d, err := f.party(t).AuthorizeDevice(t.Context())
			e := expect(t, err, row.code)
			if e == nil {
				return
			}
			if d != nil || e.Unreachable() != row.unreachable || e.Pending() || e.SlowDown() {
				t.Errorf("%v with %v, unreachable %v", e, d, e.Unreachable())
			}
			checkText(t, "error", e.Error())
			if n := f.count("/device"); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// Defaults and bounds of the times, and the spelling of before the RFC.
func TestDeviceTimes(t *testing.T) {
	f := newIDP(t)
	offers(f)
	f.device = func(a map[string]any) {
		delete(a, "interval")
		a["expires_in"] = 1e9
		a["verification_url"] = a["verification_uri"]
		delete(a, "verification_uri")
	}
	d, err := f.party(t).AuthorizeDevice(t.Context())
	expect(t, err, "")
	if d.Interval != 5*time.Second || d.ExpiresIn != 24*time.Hour || d.VerificationURI != f.URL+"/activate" {
		t.Errorf("%+v", d)
	}
	f.device = func(a map[string]any) { a["verification_url"] = "https://evil.example/" }
	d, err = f.party(t).AuthorizeDevice(t.Context())
	expect(t, err, "")
	if d.VerificationURI != f.URL+"/activate" {
		t.Errorf("verification_url beside verification_uri won: %s", d.VerificationURI)
	}
}

// A person of an https provider is never sent to this machine or in the open.
func TestVerificationURIOfPublicProvider(t *testing.T) {
	p := must(New(Config{ID: "x", OIDC: true, Issuer: "https://idp.example", ClientID: "c"}))
	for address, good := range map[string]bool{
		"https://idp.example/device": true, "https://other.example/device": true,
		"https://localhost/device": false, "http://127.0.0.1/device": false, "https://169.254.169.254/": false, "https://10.0.0.1/": false,
	} {
		_, err := p.verificationURI(map[string]json.RawMessage{"verification_uri": must(json.Marshal(address))}, "verification_uri")
		if (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestPollDevice(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	g, err := p.PollDevice(t.Context(), testDevice)
	expect(t, err, "")
	if g.Issuer != f.URL || g.Subject != "user-1" || g.Token.AccessToken != testAccess || g.Token.RefreshToken != testRefresh || g.IDToken == "" {
		t.Errorf("grant: %+v", g)
	}
	if !g.Token.Expiry.Equal(f.clock.now().Add(time.Hour)) || !reflect.DeepEqual(g.Scopes, []string{"openid", "profile", "email"}) {
		t.Errorf("expiry %v, scopes %v", g.Token.Expiry, g.Scopes)
	}
	if !contains(string(g.Profile), "From Userinfo") {
		t.Errorf("profile %s", g.Profile)
	}
	want := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {testDevice}}
	if !reflect.DeepEqual(f.form, want) || f.count("/token") != 1 {
		t.Errorf("request %v (%d), want %v", f.form, f.count("/token"), want)
	}

	g, err = f.party(t, f.plain).PollDevice(t.Context(), testDevice)
	expect(t, err, "")
	if g.IDToken != "" || g.Subject != "" || !contains(string(g.Profile), "From Userinfo") {
		t.Errorf("grant of OAuth 2.0: %+v", g)
	}
}

// RFC 8628 §3.5: what the refusals mean, each after one request.
func TestPollRefusals(t *testing.T) {
	refuse := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			writeRaw(w, code)
		}
	}
	for name, row := range map[string]struct {
		handler                        http.HandlerFunc
		code                           string
		pending, slowDown, unreachable bool
	}{
		"pending":                     {refuse(400, "authorization_pending"), CodeDevicePending, true, false, false},
		"pending, with 401":           {refuse(401, "authorization_pending"), CodeDevicePending, true, false, false},
		"pending, with 200":           {refuse(200, "authorization_pending"), CodeDevicePending, true, false, false},
		"slow down":                   {refuse(400, "slow_down"), CodeDeviceSlowDown, false, true, false},
		"denied":                      {refuse(400, "access_denied"), CodeDeviceDenied, false, false, false},
		"expired":                     {refuse(400, "expired_token"), CodeDeviceExpired, false, false, false},
		"invalid grant":               {refuse(400, "invalid_grant"), CodeTokenRejected, false, false, false},
		"no code":                     {status(400), CodeTokenRejected, false, false, false},
		"another case is no code":     {refuse(400, "Authorization_Pending"), CodeTokenRejected, false, false, false},
		"code echoed":                 {refuse(400, testDevice), CodeTokenRejected, false, false, false},
		"too many requests":           {status(429), CodeTokenUnreachable, false, false, true},
		"too many, and a last word":   {refuse(429, "access_denied"), CodeTokenUnreachable, false, false, true},
		"failing, and a last word":    {refuse(500, "expired_token"), CodeTokenUnreachable, false, false, true},
		"hangs up":                    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, CodeTokenUnreachable, false, false, true},
		"a form in place of JSON":     {status(200), CodeContentType, false, false, false},
		"tokens that are none":        {rawJSON(`{"token_type":"Bearer"}`), CodeTokenMalformed, false, false, false},
		"tokens without their type":   {rawJSON(`{"access_token":"` + testAccess + `"}`), CodeTokenMalformed, false, false, false},
		"tokens without an ID token":  {rawJSON(`{"access_token":"` + testAccess + `","token_type":"Bearer"}`), CodeIDTokenInvalid, false, false, false},
		"an ID token that is no text": {rawJSON(`{"access_token":"` + testAccess + `","token_type":"Bearer","id_token":7}`), CodeIDTokenInvalid, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			f.overrides["/token"] = row.handler
			g, err := f.party(t).PollDevice(t.Context(), testDevice)
			e := expect(t, err, row.code)
			if g != nil || e.Pending() != row.pending || e.SlowDown() != row.slowDown || e.Unreachable() != row.unreachable || e.InvalidGrant() {
				t.Errorf("%v: pending %v, slow down %v, unreachable %v, invalid grant %v", e, e.Pending(), e.SlowDown(), e.Unreachable(), e.InvalidGrant())
			}
			checkText(t, "error", e.Error())
			if n := f.count("/token"); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// The ID token of a poll is held to everything but the nonce, and one with a
// nonce is another sign-in's.
func TestPollVerifiesIDToken(t *testing.T) {
	for name, row := range map[string]struct {
		wrong func(*fakeIDP)
		code  string
	}{
		"nonce of a sign-in": {claim("nonce", testNonce), CodeNonceMismatch},
		"nonce no string":    {claim("nonce", 7), CodeIDTokenInvalid},
		"other issuer":       {claim("iss", "https://evil.example"), CodeIDTokenInvalid},
		"other audience":     {claim("aud", "someone-else"), CodeIDTokenInvalid},
		"expired":            {claim("exp", 1), CodeIDTokenInvalid},
		"no subject":         {claim("sub", ""), CodeIDTokenInvalid},
		"at_hash":            {claim("at_hash", "other"), CodeIDTokenInvalid},
		"forged":             {func(f *fakeIDP) { f.idToken = func(h, c []byte) string { return signRS256(otherRSA(), h, c) } }, CodeIDTokenInvalid},
		"other user":         {func(f *fakeIDP) { f.userinfo["sub"] = "user-2" }, CodeUserInfoMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			row.wrong(f)
			g, err := f.party(t).PollDevice(t.Context(), testDevice)
			if e := expect(t, err, row.code); g != nil || e.Pending() {
				t.Errorf("%v with %v", e, g)
			}
			checkText(t, "error", err.Error())
		})
	}
}

// And the other way round: the answer to a poll signs nobody in.
func TestSignInNeedsItsNonce(t *testing.T) {
	f := newIDP(t)
	f.claims = func(c map[string]any) { delete(c, "nonce") }
	_, err := exchange(t, f.party(t))
	expect(t, err, CodeNonceMismatch)
}

func TestPollIsChecked(t *testing.T) {
	f := newIDP(t)
	for _, code := range []string{"", "a\nb", "ü", strings.Repeat("d", 4097)} {
		_, err := f.party(t).PollDevice(t.Context(), code)
		expect(t, err, CodeBadRequest)
	}
	if f.count("/token") != 0 {
		t.Error("a code that cannot be one was sent")
	}
}
