package rp

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const wellKnownPath = "/.well-known/openid-configuration"

func start(p *Party, ctx context.Context) (string, error) {
	return p.AuthorizationURL(ctx, AuthorizationRequest{
		State: "state", Nonce: testNonce, CodeVerifier: testVerifier, RedirectURI: "https://app.example/auth/callback/idp",
	})
}

func TestDiscoveryAnswers(t *testing.T) {
	edit := func(name string, value any) func(*fakeIDP) {
		return func(f *fakeIDP) {
			f.metadata = func(m map[string]any) {
				m[name] = value
				if value == nil {
					delete(m, name)
				}
			}
		}
	}
	body := func(s string) func(*fakeIDP) {
		return func(f *fakeIDP) { f.overrides[wellKnownPath] = rawJSON(s) }
	}
	for _, row := range []struct {
		name        string
		edit        func(*fakeIDP)
		want        string
		unreachable bool
	}{
		{"ID-23 other host", edit("issuer", "http://127.0.0.1:1"), CodeDiscoveryIssuer, false},
		{"ID-23 trailing slash", func(f *fakeIDP) { edit("issuer", f.URL+"/")(f) }, CodeDiscoveryIssuer, false},
		{"ID-23 https", func(f *fakeIDP) { edit("issuer", "https"+f.URL[4:])(f) }, CodeDiscoveryIssuer, false},
		{"ID-23 missing", edit("issuer", nil), CodeDiscoveryIssuer, false},
		{"ID-23 number", edit("issuer", 1), CodeDiscoveryInvalid, false},
		{"no authorization_endpoint", edit("authorization_endpoint", nil), CodeDiscoveryInvalid, false},
		{"no token_endpoint", edit("token_endpoint", nil), CodeDiscoveryInvalid, false},
		{"no jwks_uri", edit("jwks_uri", nil), CodeDiscoveryInvalid, false},
		{"no userinfo_endpoint", edit("userinfo_endpoint", nil), "", false},
		{"protocol parameter in the endpoint", edit("authorization_endpoint", "https://idp.example/a?state=1"), CodeDiscoveryInvalid, false},
		{"HTML", body("<html>"), CodeDiscoveryInvalid, false},
		{"truncated", body(`{"issuer":`), CodeDiscoveryInvalid, false},
		{"array", body(`[]`), CodeDiscoveryInvalid, false},
		{"empty", body(``), CodeDiscoveryInvalid, false},
		{"404", func(f *fakeIDP) { f.overrides[wellKnownPath] = status(404) }, CodeDiscoveryInvalid, false},
		{"503", func(f *fakeIDP) { f.overrides[wellKnownPath] = status(503) }, CodeDiscoveryInvalid, true},
		{"429", func(f *fakeIDP) { f.overrides[wellKnownPath] = status(429) }, CodeDiscoveryInvalid, true},
		{"redirect", func(f *fakeIDP) {
			f.overrides[wellKnownPath] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", 302) }
		}, CodeDiscoveryInvalid, false},
		{"reset", func(f *fakeIDP) {
			f.overrides[wellKnownPath] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, CodeDiscoveryUnreachable, true},
		{"FL-10 plain only", edit("code_challenge_methods_supported", []string{"plain"}), "", false},
		{"FL-10 none", edit("code_challenge_methods_supported", []string{}), "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			row.edit(f)
			address, err := start(f.party(t), t.Context())
			if e := expect(t, err, row.want); e != nil && e.Unreachable() != row.unreachable {
				t.Errorf("unreachable %v, want %v: %v", e.Unreachable(), row.unreachable, err)
			}
			if f.count("/evil") != 0 {
				t.Error("a redirect was followed")
			}
			if row.want == "" && !contains(address, "code_challenge_method=S256") {
				t.Errorf("no S256 in %s", address)
			}
		})
	}
}

// ID-24: an issuer with a trailing slash, as Auth0's.
func TestIssuerWithSlash(t *testing.T) {
	f := newIDP(t)
	f.issuer = f.URL + "/"
	g, err := exchange(t, f.party(t))
	expect(t, err, "")
	if g.Issuer != f.URL+"/" || f.count(wellKnownPath) != 1 {
		t.Errorf("issuer %q, %d discovery requests", g.Issuer, f.count(wellKnownPath))
	}
	for issuer, want := range map[string]string{
		"https://a.example":     "https://a.example/.well-known/openid-configuration",
		"https://a.example/":    "https://a.example/.well-known/openid-configuration",
		"https://a.example/t/":  "https://a.example/t/.well-known/openid-configuration",
		"https://a.example/t//": "https://a.example/t//.well-known/openid-configuration",
	} {
		if got := wellKnown(issuer); got != want {
			t.Errorf("wellKnown(%q) = %q, want %q", issuer, got, want)
		}
	}
}

// ID-25: where metadata may send us.
func TestDiscoveredEndpoints(t *testing.T) {
	remote := newEndpointRules(Config{OIDC: true, Issuer: "https://idp.example"})
	local := newEndpointRules(Config{OIDC: true, Issuer: "http://127.0.0.1:9000"})
	private := newEndpointRules(Config{OIDC: true, Issuer: "https://10.1.2.3"})
	for _, row := range []struct {
		url                    string
		remote, local, private bool
	}{
		{"https://idp.example/token", true, true, true},
		{"https://tokens.example.net:8443/t?x=1", true, true, true},
		{"https://8.8.8.8/token", true, true, true},
		{"http://idp.example/token", false, false, false},
		{"http://localhost/token", false, true, false},
		{"https://localhost/token", false, true, false},
		{"https://LOCALHOST./token", false, true, false},
		{"https://a.localhost/token", false, true, false},
		{"https://127.0.0.1/token", false, true, false},
		{"https://127.8.8.8/token", false, true, false},
		{"https://[::1]/token", false, true, false},
		{"https://[::ffff:127.0.0.1]/token", false, true, false},
		{"https://0.0.0.0/token", false, true, false},
		{"https://0.1.2.3/token", false, true, false},
		{"https://[64:ff9b::7f00:1]/token", false, true, false},
		{"https://169.254.169.254/latest", false, false, false},
		{"https://[::ffff:169.254.169.254]/latest", false, false, false},
		{"https://[64:ff9b::a9fe:a9fe]/latest", false, false, false},
		{"https://[fe80::1]/token", false, false, false},
		{"https://[fd00:ec2::254]/latest", false, false, false},
		{"https://100.100.100.200/latest", false, false, false},
		{"https://168.63.129.16/machine", false, false, false},
		{"https://224.0.0.1/token", false, false, false},
		{"https://10.1.2.3/token", false, true, true},
		{"https://10.1.2.4/token", false, true, false},
		{"https://192.168.1.1/token", false, true, false},
		{"https://[fd00::1]/token", false, true, false},
		{"https://127.1/token", false, false, false},
		{"https://2130706433/token", false, false, false},
		{"https://0x7f.0.0.1/token", false, false, false},
		{"https://0177.0.0.01/token", false, false, false},
		{"https://ｌocalhost/token", false, false, false},
		{"https://[fe80::1%25eth0]/token", false, false, false},
		{"file:///etc/passwd", false, false, false},
		{"gopher://idp.example/", false, false, false},
		{"javascript:alert(1)", false, false, false},
		{"https:idp.example", false, false, false},
		{"https:///token", false, false, false},
		{"//idp.example/token", false, false, false},
		{"/token", false, false, false},
		{"https://user:pw@idp.example/token", false, false, false},
		{"https://idp.example/token#x", false, false, false},
		{"https://idp.example/token#", false, false, false},
		{"https://idp.example/\ntoken", false, false, false},
	} {
		for _, r := range []struct {
			name  string
			rules endpointRules
			want  bool
		}{{"remote", remote, row.remote}, {"local", local, row.local}, {"private", private, row.private}} {
			if err := r.rules.checkDiscovered("token_endpoint", row.url); (err == nil) != r.want {
				t.Errorf("issuer %s, endpoint %q: %v", r.name, row.url, err)
			}
		}
	}

	// And that discovery asks, for each member.
	for _, member := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} {
		f := newIDP(t)
		f.issuer = "https://idp.example"
		f.metadata = func(m map[string]any) {
			for name, v := range m {
				m[name] = strings.Replace(v.(string), f.URL, f.issuer, 1)
			}
			m[member] = "http://idp.example/plain"
		}
		_, err := start(f.party(t, func(c *Config) { c.HTTPClient = &http.Client{Transport: rewrite{f.URL}} }), t.Context())
		e := expect(t, err, CodeDiscoveryInvalid)
		if !contains(e.Error(), member) {
			t.Errorf("the error does not name %s: %v", member, e)
		}
	}
}

// Endpoints of the configuration win over discovered ones.
func TestEndpointOverrides(t *testing.T) {
	f := newIDP(t)
	f.metadata = func(m map[string]any) {
		m["token_endpoint"], m["userinfo_endpoint"], m["authorization_endpoint"] = f.URL+"/x", f.URL+"/y", f.URL+"/z"
	}
	p := f.party(t, func(c *Config) {
		c.AuthorizationEndpoint, c.TokenEndpoint, c.UserInfoEndpoint = f.URL+"/authorize", f.URL+"/token", f.URL+"/userinfo"
	})
	_, err := exchange(t, p)
	expect(t, err, "")
	address, err := start(p, t.Context())
	expect(t, err, "")
	if !strings.HasPrefix(address, f.URL+"/authorize?") {
		t.Error(address)
	}
}

// FA-01, DO-13: a dead provider is asked once per pause, however many sign in.
func TestDiscoveryDown(t *testing.T) {
	f := newIDP(t)
	hold := make(chan struct{})
	f.overrides[wellKnownPath] = func(w http.ResponseWriter, _ *http.Request) {
		<-hold
		w.WriteHeader(503)
	}
	p := f.party(t)
	errs := make(chan error, 1000)
	var done sync.WaitGroup
	for range 1000 {
		done.Go(func() {
			_, err := start(p, t.Context())
			errs <- err
		})
	}
	close(hold)
	done.Wait()
	close(errs)
	for err := range errs {
		if e := expect(t, err, CodeDiscoveryInvalid); !e.Unreachable() {
			t.Fatal("not reported as unreachable")
		}
	}
	if n := f.count(wellKnownPath); n != 1 {
		t.Errorf("%d discovery requests for 1,000 sign-ins, want 1", n)
	}

	// An hour of one sign-in a second: pauses grow to 30 s and no further.
	f.clock.advance(-p.discovery.now().Sub(p.discovery.failure.until)) // to the end of the first pause
	before := f.count(wellKnownPath)
	for range 3600 {
		_, err := start(p, t.Context())
		expect(t, err, CodeDiscoveryInvalid)
		f.clock.advance(time.Second)
	}
	if n := f.count(wellKnownPath) - before; n < 3600/38 || n > 3600/30+6 {
		t.Errorf("%d discovery requests in an hour", n)
	}

	// It recovers by itself.
	f.set(func() { delete(f.overrides, wellKnownPath) })
	f.clock.advance(38 * time.Second)
	_, err := start(p, t.Context())
	expect(t, err, "")
}

// DO-13: the pauses double from 1 s to 30 s, and jitter adds a quarter at most.
func TestBackoff(t *testing.T) {
	now := newClock().now()
	var b backoff
	for i := range 100 {
		b.note(errors.New("down"), now)
		least := min(time.Second<<min(i, 10), 30*time.Second)
		if wait := b.until.Sub(now); wait < least || wait > least+least/4 {
			t.Errorf("failure %d: pause of %v, want %v to %v", i+1, wait, least, least+least/4)
		}
	}
}

// Metadata is kept for an hour, then served while it is refreshed, and through
// an outage for a day.
func TestDiscoveryRefresh(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	_, err := start(p, t.Context())
	expect(t, err, "")
	f.clock.advance(metadataTTL - time.Second)
	_, err = start(p, t.Context())
	expect(t, err, "")
	if n := f.count(wellKnownPath); n != 1 {
		t.Fatalf("%d requests within the hour", n)
	}

	f.set(func() { f.overrides[wellKnownPath] = status(500) })
	for range 5 {
		f.clock.advance(time.Hour)
		_, err = start(p, t.Context())
		expect(t, err, "")
		settle(p)
	}
	if n := f.count(wellKnownPath); n != 6 {
		t.Errorf("%d requests, want one attempt per hour", n)
	}
	f.clock.advance(staleLimit)
	_, err = start(p, t.Context())
	expect(t, err, CodeDiscoveryInvalid)

	f.set(func() {
		delete(f.overrides, wellKnownPath)
		f.metadata = func(m map[string]any) { m["authorization_endpoint"] = f.URL + "/moved" }
	})
	f.clock.advance(time.Minute)
	address, err := start(p, t.Context())
	expect(t, err, "")
	if !contains(address, "/moved") {
		t.Error("the new metadata is not used")
	}
	f.set(func() { f.metadata = nil })
	f.clock.advance(metadataTTL)
	_, err = start(p, t.Context())
	expect(t, err, "")
	settle(p)
	if address, err = start(p, t.Context()); err != nil || contains(address, "/moved") {
		t.Errorf("the refresh in the background was lost: %v %v", address, err)
	}
}

// settle waits for a refresh in the background.
func settle(p *Party) {
	p.discovery.mu.Lock()
	pending := p.discovery.inflight
	p.discovery.mu.Unlock()
	if pending != nil {
		<-pending.landed
	}
}

// CC-07: a leader who goes away fails nobody, a follower who goes away waits
// for nobody.
func TestDiscoveryCancellation(t *testing.T) {
	f := newIDP(t)
	hold, arrived := make(chan struct{}), make(chan struct{})
	f.overrides[wellKnownPath] = func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-hold
		writeJSON(w, map[string]any{"issuer": f.URL, "authorization_endpoint": f.URL + "/a", "token_endpoint": f.URL + "/t", "jwks_uri": f.URL + "/j"})
	}
	p := f.party(t)
	leader, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := start(p, leader); first <- err }()
	<-arrived
	second := make(chan error, 1)
	go func() { _, err := start(p, t.Context()); second <- err }()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("leader: %v", err)
	}
	if _, err := start(p, stop()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled follower: %v", err)
	}
	close(hold)
	expect(t, <-second, "")
	if n := f.count(wellKnownPath); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

type panics struct{}

func (panics) RoundTrip(*http.Request) (*http.Response, error) { panic("canary") }

// A transport that panics on our goroutine must not end the process.
func TestTransportPanics(t *testing.T) {
	f := newIDP(t)
	_, err := start(f.party(t, func(c *Config) { c.HTTPClient = &http.Client{Transport: panics{}} }), t.Context())
	if e := expect(t, err, CodeDiscoveryUnreachable); !e.Unreachable() {
		t.Error("not reported as unreachable")
	}
}
