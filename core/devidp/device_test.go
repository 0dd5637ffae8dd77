package devidp_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/devidp"
)

func credentials(p *devidp.Provider, changes ...string) url.Values {
	return change(url.Values{"client_id": {p.Client().ID}, "client_secret": {p.Client().Secret}}, changes...)
}

// newDevice begins a sign-in on another device.
func newDevice(t *testing.T, p *devidp.Provider) (deviceCode, userCode string) {
	t.Helper()
	a := post(t, base(p)+"/device_authorization", credentials(p, "scope", "openid email"))
	if a.status != http.StatusOK {
		t.Fatalf("device authorization: %d %s", a.status, a.body)
	}
	return a.text("device_code"), a.text("user_code")
}

func pollDevice(t *testing.T, p *devidp.Provider, deviceCode string, changes ...string) answer {
	t.Helper()
	form := credentials(p, "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", deviceCode)
	return post(t, base(p)+"/token", change(form, changes...))
}

func wantError(t *testing.T, a answer, code string) {
	t.Helper()
	if a.status != http.StatusBadRequest || a.text("error") != code || a.object()["access_token"] != nil {
		t.Fatalf("%d %s, want %s", a.status, a.body, code)
	}
}

func deviceConfig(at *clock) devidp.Config {
	return devidp.Config{SigningAlg: "ES256", Now: at.now, Clients: []devidp.Client{{ID: "dev", Secret: "s"}, {ID: "other", Secret: "o"}, {ID: "tv"}}}
}

func TestDevice(t *testing.T) {
	at := &clock{at: time.Now()}
	p := start(t, deviceConfig(at))
	discovery := get(t, base(p)+"/.well-known/openid-configuration")
	if discovery.text("device_authorization_endpoint") != base(p)+"/device_authorization" || !strings.Contains(string(discovery.body), `"urn:ietf:params:oauth:grant-type:device_code"`) {
		t.Errorf("discovery %s", discovery.body)
	}
	a := post(t, base(p)+"/device_authorization", credentials(p, "scope", "openid email unknown"))
	o := a.object()
	code, userCode := a.text("device_code"), a.text("user_code")
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" || len(code) < 43 || !regexp.MustCompile(`^[BCDFGHJ-NP-TV-XZ]{4}-[BCDFGHJ-NP-TV-XZ]{4}$`).MatchString(userCode) ||
		o["verification_uri"] != base(p)+"/device" || o["verification_uri_complete"] != base(p)+"/device?user_code="+userCode || o["expires_in"] != 600.0 || o["interval"] != 5.0 || len(o) != 6 {
		t.Fatalf("%d %s", a.status, a.body)
	}

	wantError(t, pollDevice(t, p, code), "authorization_pending")
	at.at = at.at.Add(4 * time.Second)
	wantError(t, pollDevice(t, p, code), "slow_down")
	at.at = at.at.Add(9 * time.Second) // the interval is ten seconds now
	wantError(t, pollDevice(t, p, code), "slow_down")
	at.at = at.at.Add(15 * time.Second)
	wantError(t, pollDevice(t, p, code), "authorization_pending")

	// As people type.
	if err := p.ApproveDevice(" "+strings.ToLower(strings.ReplaceAll(userCode, "-", " ")), "demo-grace"); err != nil {
		t.Fatal(err)
	}
	allowed := at.at.Unix()
	at.at = at.at.Add(15 * time.Second)
	wantError(t, pollDevice(t, p, code, "client_id", "other", "client_secret", "o"), "invalid_grant")
	a = pollDevice(t, p, code)
	if a.status != http.StatusOK || a.text("refresh_token") == "" || a.text("scope") != "openid email" || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	claims := decodePart(a.text("id_token"), 1)
	if !verifiedBy(a.text("id_token"), get(t, base(p)+"/jwks").object()) || claims["sub"] != "demo-grace" || claims["aud"] != "dev" || claims["email"] != "grace@example.com" ||
		num(claims, "auth_time") != float64(allowed) || str(claims, "sid") == "" || claims["nonce"] != nil {
		t.Errorf("claims %v", claims)
	}
	if u := userInfo(t, p, a.text("access_token")); u.text("sub") != "demo-grace" {
		t.Errorf("userinfo %d %s", u.status, u.body)
	}
	r := post(t, base(p)+"/token", refreshRequest(p, a.text("refresh_token")))
	if r.status != http.StatusOK {
		t.Errorf("refresh: %d %s", r.status, r.body)
	}

	// Once: a second use takes everything back.
	wantError(t, pollDevice(t, p, code), "invalid_grant")
	if u := userInfo(t, p, r.text("access_token")); u.status != http.StatusUnauthorized {
		t.Errorf("after the replay: userinfo %d", u.status)
	}
	if err := p.ApproveDevice(userCode, "demo-ada"); err == nil {
		t.Error("a user code was decided twice")
	}
	// Nor is it an authorization code.
	wantError(t, post(t, base(p)+"/token", tokenRequest(p, code)), "invalid_grant")
	if c := p.Counts(); c.DeviceAuthorization != 1 || c.Token != 9 {
		t.Errorf("counts %+v", c)
	}
}

// How a sign-in on another device ends without one.
func TestDeviceEnds(t *testing.T) {
	at := &clock{at: time.Now()}
	p := start(t, deviceConfig(at))
	code, userCode := newDevice(t, p)
	if err := p.DenyDevice(userCode); err != nil {
		t.Fatal(err)
	}
	wantError(t, pollDevice(t, p, code), "access_denied")
	if p.ApproveDevice(userCode, "demo-ada") == nil {
		t.Error("a denied device was approved")
	}
	wantError(t, pollDevice(t, p, code), "access_denied")

	code, userCode = newDevice(t, p)
	if err := p.ApproveDevice(userCode, "nobody"); err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("an unknown user: %v", err)
	}
	at.at = at.at.Add(10 * time.Minute)
	if p.ApproveDevice(userCode, "demo-ada") == nil || p.DenyDevice(userCode) == nil {
		t.Error("an expired user code was decided")
	}
	wantError(t, pollDevice(t, p, code), "expired_token")
	newDevice(t, p) // sweeps
	wantError(t, pollDevice(t, p, code), "expired_token")

	wantError(t, pollDevice(t, p, "unknown"), "invalid_grant")
	wantError(t, pollDevice(t, p, ""), "invalid_grant")
	for _, nonsense := range []string{"", "-", "AEIO-UAEI"} {
		if p.ApproveDevice(nonsense, "demo-ada") == nil {
			t.Errorf("%q was decided", nonsense)
		}
	}
	for _, test := range []struct {
		form   url.Values
		status int
		code   string
	}{
		{credentials(p, "scope", "openid", "client_secret", "wrong"), 401, "invalid_client"},
		{credentials(p, "scope", "openid", "client_id", "nobody"), 401, "invalid_client"},
		{credentials(p), 400, "invalid_scope"},
		{credentials(p, "scope", "email"), 400, "invalid_scope"},
		{url.Values{"client_id": {"tv", "dev"}, "scope": {"openid"}}, 400, "invalid_request"},
		{url.Values{"client_id": {"tv"}, "scope": {"openid"}}, 200, ""}, // a public client
	} {
		if a := post(t, base(p)+"/device_authorization", test.form); a.status != test.status || a.text("error") != test.code {
			t.Errorf("%v: %d %s", test.form, a.status, a.body)
		}
	}
}

func TestDevicePage(t *testing.T) {
	at := &clock{at: time.Now()}
	p := start(t, deviceConfig(at))
	code, userCode := newDevice(t, p)
	a := get(t, base(p)+"/device?"+url.Values{"user_code": {userCode + `"><script>`}}.Encode())
	html := string(a.body)
	if a.status != http.StatusOK || !strings.Contains(html, `value="`+userCode+`&#34;&gt;&lt;script&gt;"`) || strings.Contains(html, "<script") || a.header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("%d %s", a.status, html)
	}
	for piece, want := range map[string]int{"<form ": 1, `<label for="code">`: 1, `name="user_code"`: 1, `type="submit" name="user"`: 3, `name="cancel"`: 1, `name="request"`: 0} {
		if got := strings.Count(html, piece); got != want {
			t.Errorf("the page has %d of %q, want %d", got, piece, want)
		}
	}
	pick := func(header http.Header, changes ...string) answer {
		return do(t.Context(), "POST", base(p)+"/device", change(url.Values{"user_code": {userCode}, "user": {"demo-ada"}}, changes...), header)
	}
	for name, refused := range map[string]answer{
		"another site":    pick(http.Header{"Sec-Fetch-Site": {"cross-site"}}),
		"another origin":  pick(http.Header{"Origin": {"https://evil.example"}}),
		"by a link":       get(t, base(p)+"/device?"+url.Values{"user_code": {userCode}, "user": {"demo-ada"}}.Encode()),
		"another code":    pick(nil, "user_code", "BBBB-BBBB"),
		"no code":         pick(nil, "user_code", ""),
		"an unknown user": pick(nil, "user", "nobody"),
		"no user":         pick(nil, "user", ""),
		"no device's":     pick(nil, "user", "", "cancel", "1", "user_code", "BBBB-BBBB"),
	} {
		if name != "by a link" && refused.status != http.StatusBadRequest || strings.Contains(string(refused.body), "is signed in") {
			t.Errorf("%s: %d %s", name, refused.status, refused.body)
		}
		wantError(t, pollDevice(t, p, code), "authorization_pending")
		at.at = at.at.Add(5 * time.Second)
	}
	if a := pick(nil); a.status != http.StatusOK || !strings.Contains(string(a.body), "the device is signed in") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := pollDevice(t, p, code); a.status != http.StatusOK || decodePart(a.text("id_token"), 1)["sub"] != "demo-ada" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := pick(nil); a.status != http.StatusBadRequest {
		t.Errorf("the code again: %d", a.status)
	}
	code, userCode = newDevice(t, p)
	if a := pick(nil, "user", "", "cancel", "1"); a.status != http.StatusOK || !strings.Contains(string(a.body), "refused") {
		t.Errorf("%d %s", a.status, a.body)
	}
	wantError(t, pollDevice(t, p, code), "access_denied")
}

// Of polls at once, one gets the tokens; and ending the user's sessions ends this
// one, although it came without a code.
func TestDeviceOnce(t *testing.T) {
	ear := listen(t)
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{ear.client("dev")}})
	code, userCode := newDevice(t, p)
	if err := p.ApproveDevice(userCode, "demo-ada"); err != nil {
		t.Fatal(err)
	}
	answers := make([]answer, 10)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			answers[i] = do(t.Context(), "POST", base(p)+"/token", credentials(p, "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", code), nil)
		})
	}
	wg.Wait()
	won := 0
	for _, a := range answers {
		if a.status == http.StatusOK {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d polls got tokens", won)
	}

	code, userCode = newDevice(t, p)
	if err := p.ApproveDevice(userCode, "demo-grace"); err != nil {
		t.Fatal(err)
	}
	a := pollDevice(t, p, code)
	notices, err := p.EndSession(t.Context(), str(decodePart(a.text("id_token"), 1), "sid"))
	if err != nil || len(notices) != 1 || decodePart(notices[0].Token, 1)["sub"] != "demo-grace" || userInfo(t, p, a.text("access_token")).status != http.StatusUnauthorized {
		t.Errorf("%v %v", notices, err)
	}
}
