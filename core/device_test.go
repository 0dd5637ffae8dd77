package aura_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/ratelimit"
)

// A deviceIDP is a provider with the device flow, in memory. Each poll is
// answered by the next of answers, the last one for good: an OAuth error code,
// or "" for tokens.
type deviceIDP struct {
	mu      sync.Mutex
	answers []string
	polls   []url.Values
	starts  []url.Values
	start   string // replaces the answer to a start
}

const deviceCode = "the-device-code-which-is-worth-tokens"

func (d *deviceIDP) RoundTrip(r *http.Request) (*http.Response, error) {
	var raw []byte
	if r.Body != nil {
		var err error
		if raw, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, err
	}
	status, body := d.answer(r.URL.Path, form)
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func (d *deviceIDP) answer(path string, form url.Values) (int, string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch path {
	case "/device":
		d.starts = append(d.starts, form)
		if d.start != "" {
			return 200, d.start
		}
		return 200, `{"device_code":"` + deviceCode + `","user_code":"WDJB-MJHT","verification_uri":"https://idp.example/device","verification_uri_complete":"https://idp.example/device?user_code=WDJB-MJHT","expires_in":1800,"interval":5}`
	case "/userinfo":
		return 200, `{"id":"u-device","name":"Ada"}`
	}
	answer := d.answers[min(len(d.polls), len(d.answers)-1)]
	d.polls = append(d.polls, form)
	switch answer {
	case "":
		return 200, `{"access_token":"device-access-token","token_type":"Bearer","expires_in":3600}`
	case "down":
		return 503, `{}`
	}
	return 400, `{"error":"` + answer + `"}`
}

func (d *deviceIDP) asked() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.polls)
}

// newTV is a site for clients without a page.
func newTV(t *testing.T, change func(*aura.Config), answers ...string) (*site, *deviceIDP) {
	t.Helper()
	idp := &deviceIDP{answers: answers}
	return newSite(t, func(c *aura.Config) {
		c.Bearer = true
		c.HTTPClient = &http.Client{Transport: idp}
		c.Providers[0].DeviceFlow = true
		c.Providers[0].DeviceAuthorizationEndpoint = "https://idp.example/device"
		other := ghProvider()
		other.ID = "other"
		third := c.Providers[0]
		third.ID = "gh2"
		c.Providers = append(c.Providers, other, third)
		if change != nil {
			change(c)
		}
	}), idp
}

// device starts a sign-in on another device and returns its handle.
func (g *guest) device() string {
	g.t.Helper()
	r := g.do("POST", "/auth/device/gh", "", "X-CSRF-Token", g.csrf())
	handle, _ := r.json(g.t)["device"].(string)
	if r.status != http.StatusOK || handle == "" {
		g.t.Fatalf("device: %d %s", r.status, r.body)
	}
	return handle
}

// poll asks once.
func (g *guest) poll(handle, query string, header ...string) reply {
	g.t.Helper()
	return g.do("POST", "/auth/device/gh/poll?redirect=false"+query, mustJSON(g.t, map[string]string{"device": handle}),
		append([]string{"Content-Type", jsonType, "X-CSRF-Token", g.csrf()}, header...)...)
}

func TestDevice(t *testing.T) {
	s, idp := newTV(t, nil, "authorization_pending", "slow_down", "authorization_pending", "")
	g := s.guest()
	r := g.do("POST", "/auth/device/gh", "", "X-CSRF-Token", g.csrf())
	started := r.json(t)
	handle, _ := started["device"].(string)
	delete(started, "device")
	want := map[string]any{
		"success": true, "userCode": "WDJB-MJHT", "verificationURI": "https://idp.example/device",
		"verificationURIComplete": "https://idp.example/device?user_code=WDJB-MJHT", "expiresIn": 1800.0, "interval": 5.0,
	}
	if r.status != http.StatusOK || mustJSON(t, started) != mustJSON(t, want) {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if strings.Contains(r.body+s.log.String(), deviceCode) {
		t.Error("the device code is in the answer, or in the log")
	}
	if f := idp.starts[0]; f.Get("client_id") != "gh-client" || f.Get("scope") != "read" {
		t.Errorf("the provider was sent %v", f)
	}

	wait := func(r reply, interval float64) {
		t.Helper()
		m := r.json(t)
		if r.status != http.StatusAccepted || m["success"] != false || m["pending"] != true || m["interval"] != interval || g.subject() != "" {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	wait(g.poll(handle, ""), 5)
	wait(g.poll(handle, ""), 5) // too early: the provider is not asked
	if idp.asked() != 1 {
		t.Errorf("the provider was asked %d times, want 1", idp.asked())
	}
	s.clock.add(5 * time.Second)
	r = g.poll(handle, "")
	wait(r, 10)
	slower, _ := r.json(t)["device"].(string)
	s.clock.add(10 * time.Second)
	wait(g.poll(slower, ""), 10)
	s.clock.add(8 * time.Second)
	wait(g.poll(slower, ""), 10) // the new interval counts
	if idp.asked() != 3 || idp.polls[2].Get("device_code") != deviceCode {
		t.Errorf("the provider was asked %d times, want 3: %v", idp.asked(), idp.polls)
	}
	s.clock.add(2 * time.Second)
	r = g.poll(slower, "")
	if r.status != http.StatusOK || g.subject() != "u-device" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	// What has been used is used, under every handle, and the provider is not asked.
	s.clock.add(time.Minute)
	for _, used := range []string{slower, handle} {
		g.poll(used, "").wantRefusal(t, 400, aura.CodeStateInvalid)
		s.guest().poll(used, "&token=true").wantRefusal(t, 400, aura.CodeStateInvalid)
	}
	if idp.asked() != 4 {
		t.Errorf("the provider was asked %d times, want 4", idp.asked())
	}
}

func TestDeviceBearer(t *testing.T) {
	s, _ := newTV(t, nil, "")
	g := s.guest()
	handle := g.device()
	g.poll(handle, "&token=true", "Origin", s.url).wantRefusal(t, 403, aura.CodeOriginRejected)
	r := g.poll(handle, "&token=true")
	token, _ := r.json(t)["token"].(string)
	if r.status != http.StatusOK || len(r.written()) > 0 || g.subject() != "" || g.subject("Authorization", "Bearer "+token) != "u-device" {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// How a sign-in on another device ends without one.
func TestDeviceEnds(t *testing.T) {
	for answer, want := range map[string]struct {
		status int
		code   aura.Code
	}{
		"access_denied": {403, aura.CodeAccessDenied},
		"expired_token": {400, aura.CodeDeviceExpired},
		"invalid_grant": {502, aura.CodeTokenRejected},
		"down":          {503, aura.CodeTokenUnreachable},
	} {
		t.Run(answer, func(t *testing.T) {
			s, _ := newTV(t, nil, answer)
			g := s.guest()
			g.poll(g.device(), "").wantRefusal(t, want.status, want.code)
			if g.subject() != "" {
				t.Errorf("signed in as %q", g.subject())
			}
		})
	}
	t.Run("time", func(t *testing.T) {
		s, idp := newTV(t, nil, "")
		g := s.guest()
		handle := g.device()
		s.clock.add(30 * time.Minute)
		g.poll(handle, "").wantRefusal(t, 400, aura.CodeDeviceExpired)
		if idp.asked() > 0 {
			t.Error("the provider was asked")
		}
	})
	t.Run("a provider that takes its time", func(t *testing.T) {
		s, idp := newTV(t, nil, "")
		idp.start = `{"device_code":"` + deviceCode + `","user_code":"A","verification_uri":"https://idp.example/device","expires_in":86400}`
		g := s.guest()
		r := g.do("POST", "/auth/device/gh", "", "X-CSRF-Token", g.csrf()).json(t)
		if r["expiresIn"] != 1800.0 || r["interval"] != 5.0 || r["verificationURIComplete"] != nil {
			t.Errorf("%v", r)
		}
	})
}

// Handles that are not ours, or not for this; and bodies that are none.
func TestDeviceHandles(t *testing.T) {
	s, idp := newTV(t, nil, "")
	g := s.guest()
	handle := g.device()
	seal := func(info, payload string) string {
		sealed, err := s.ring.Box(info).Seal([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	good := `{"v":1,"p":"gh","c":"code","i":5,"e":4102444800}`
	for name, bad := range map[string]string{
		"nonsense":          "nonsense",
		"tampered":          handle[:len(handle)-4] + "AAAA",
		"of a flow's key":   seal("aura:flow", good),
		"of another form":   seal("aura:device", `{"v":2,"p":"gh","c":"code","i":5,"e":4102444800}`),
		"of no code":        seal("aura:device", `{"v":1,"p":"gh","c":"","i":5,"e":4102444800}`),
		"of other provider": seal("aura:device", strings.Replace(good, "gh", "gh2", 1)),
		"a session token":   s.seal(s.claims("u-1")),
	} {
		t.Run(name, func(t *testing.T) { g.poll(bad, "").wantRefusal(t, 400, aura.CodeStateInvalid) })
	}
	for name, body := range map[string]string{"nothing": `{}`, "a number": `{"device":1}`, "an empty one": `{"device":""}`} {
		t.Run(name, func(t *testing.T) {
			g.do("POST", "/auth/device/gh/poll", body, "Content-Type", jsonType, "X-CSRF-Token", g.csrf()).wantRefusal(t, 422, aura.CodeUnprocessable)
		})
	}
	g.do("POST", "/auth/device/other", "", "X-CSRF-Token", g.csrf()).wantRefusal(t, 404, aura.CodeNotFound)
	g.do("POST", "/auth/device/other/poll", "", "X-CSRF-Token", g.csrf()).wantRefusal(t, 404, aura.CodeNotFound)
	g.do("POST", "/auth/device/nobody", "", "X-CSRF-Token", g.csrf()).wantRefusal(t, 404, aura.CodeUnknownProvider)
	g.get("/auth/device/gh").wantRefusal(t, 405, aura.CodeMethodNotAllowed)
	if idp.asked() > 0 {
		t.Errorf("the provider was asked: %v", idp.polls)
	}
}

// Login CSRF: a page of another site cannot have a visitor's browser poll with
// the attacker's handle, nor start one.
func TestDeviceCSRF(t *testing.T) {
	s, idp := newTV(t, nil, "")
	handle := s.guest().device()
	body := mustJSON(t, map[string]string{"device": handle})
	for _, path := range []string{"/auth/device/gh", "/auth/device/gh/poll"} {
		for name, test := range map[string]struct {
			header []string
			code   aura.Code
		}{
			"no token":              {nil, aura.CodeCSRFMissing},
			"another visitor's":     {[]string{"X-CSRF-Token", s.guest().csrf()}, aura.CodeCSRFMismatch},
			"another origin":        {[]string{"Origin", "https://evil.example"}, aura.CodeOriginRejected},
			"another site":          {[]string{"Sec-Fetch-Site", "cross-site"}, aura.CodeOriginRejected},
			"a bearer in its place": {[]string{"Authorization", "Bearer " + s.seal(s.claims("u-1"))}, aura.CodeCSRFMissing},
			"a bogus one":           {[]string{"Authorization", "Bearer bogus"}, aura.CodeCSRFMissing},
		} {
			g := s.guest()
			g.csrf()
			r := g.do("POST", path, body, append(test.header, "Content-Type", jsonType)...)
			if r.status != http.StatusForbidden || r.code(t) != string(test.code) || len(r.written()) > 0 {
				t.Errorf("%s, %s: %d %s", path, name, r.status, r.body)
			}
		}
		r := s.guest().form(path, url.Values{"device": {handle}})
		if r.status != http.StatusUnsupportedMediaType {
			t.Errorf("%s by a form: %d", path, r.status)
		}
	}
	if idp.asked() > 0 {
		t.Errorf("the provider was asked: %v", idp.polls)
	}
}

// Two polls at once of one handle that has been allowed make one session.
func TestDeviceOnce(t *testing.T) {
	s, idp := newTV(t, nil, "")
	g := s.guest()
	handle := g.device()
	token, cookies := g.csrf(), g.header()
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			r := s.guest().do("POST", "/auth/device/gh/poll?redirect=false", mustJSON(t, map[string]string{"device": handle}),
				"Content-Type", jsonType, "X-CSRF-Token", token, "-Cookie", cookies)
			mu.Lock()
			defer mu.Unlock()
			statuses[r.status]++
		})
	}
	wg.Wait()
	if statuses[200] != 1 || idp.asked() != 1 || statuses[200]+statuses[202]+statuses[400] != 20 {
		t.Errorf("statuses %v, the provider was asked %d times", statuses, idp.asked())
	}
}

func TestDeviceLimits(t *testing.T) {
	s, idp := newTV(t, func(c *aura.Config) { c.Limits.SignIn = ratelimit.Rule{Limit: 2, Window: time.Minute} }, "authorization_pending")
	g := s.guest()
	handle := g.device()
	g.device()
	g.do("POST", "/auth/device/gh", "", "X-CSRF-Token", g.csrf()).wantRefusal(t, 429, aura.CodeRateLimited)
	g.poll(handle, "")
	g.poll(handle, "")
	g.poll(handle, "").wantRefusal(t, 429, aura.CodeRateLimited)
	if idp.asked() != 1 || len(idp.starts) != 2 {
		t.Errorf("the provider was asked %d times, %d started", idp.asked(), len(idp.starts))
	}
}
