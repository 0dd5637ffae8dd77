package aura_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// Whatever the provider does, a sign-in ends in a defined answer, and in no
// session unless the fault is one that a correct client survives.
func TestFaults(t *testing.T) {
	s := newRig(t, 1, nil)
	before := s.browser()
	before.signIn("demo-grace")
	for _, f := range devidp.Faults() {
		if f.Slow {
			continue // TestSlowFaults
		}
		if strings.HasSuffix(f.Name, "/gzip-bomb") {
			// 64 MiB take the provider seconds to compress; 4 are over the limit too.
			f = devidp.GzipBomb(f.Endpoint, 4<<20)
		}
		t.Run(f.Name, func(t *testing.T) {
			s.deploy(nil) // has asked the provider nothing yet
			suffer(t, s, f, before.cookies())
		})
	}
}

// Those that never answer run side by side: they wait for our deadline, which
// the application's client shortens here. The default ones: TestHangingProvider.
func TestSlowFaults(t *testing.T) {
	for _, f := range devidp.Faults() {
		if !f.Slow {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t, 1, func(_ string, c *aura.Config) {
				c.HTTPClient = &http.Client{Timeout: time.Second, Transport: &http.Transport{}}
			})
			before := s.browser()
			before.signIn("demo-grace")
			s.deploy(func(_ string, c *aura.Config) {
				c.HTTPClient = &http.Client{Timeout: time.Second, Transport: &http.Transport{}}
			})
			suffer(t, s, f, before.cookies())
		})
	}
}

// suffer signs in under a fault, as a script and as a person, in a browser where
// somebody is signed in already, and once more when the provider is honest again.
func suffer(t *testing.T, s *rig, f devidp.Fault, session map[string]string) {
	s.idp.Misbehave(f)
	defer s.idp.Behave()
	b := newBrowser(t, s.url)
	b.http.Timeout = 10 * time.Second // contract: 502 or 503 within ten seconds
	for name, value := range session {
		b.plant(name, value)
	}
	accept := [][]string{{"Accept", "application/json"}, navigate}
	if f.Slow {
		accept = accept[:1]
	}
	for _, header := range accept {
		counts := s.idp.Counts()
		r, callback := attempt(b, header)
		after := s.idp.Counts()
		if after.Trap != 0 {
			t.Errorf("we went to the trap %d times", after.Trap)
		}
		if n := after.Token - counts.Token; n > 1 {
			t.Errorf("the code was sent %d times", n)
		}
		checkOutcome(t, s, f, b, r)
		if log := s.log.String(); callback != "" && strings.Contains(log, query(t, callback).Get("code")) && query(t, callback).Get("code") != "" {
			t.Error("the code is in the log")
		}
	}
	if log := s.log.String(); strings.Contains(log, s.idp.Client().Secret) || strings.Contains(log, "\x1b") || strings.Contains(log, "\nlevel=ERROR msg=forged") {
		t.Error("the client's secret, or a line of the provider's, is in the log")
	}

	// Keys of the provider are kept for a quarter of an hour, failures shorter.
	s.idp.Behave()
	s.clock.add(16 * time.Minute)
	again := newBrowser(t, s.url)
	if again.signIn("demo-ada"); again.subject() != "demo-ada" {
		t.Errorf("with an honest provider again: signed in as %q", again.subject())
	}
}

// attempt signs ada in as far as it goes and returns the last answer.
func attempt(b *browser, header []string) (r reply, callback string) {
	b.t.Helper()
	r = b.get("/auth/signIn/dev?redirectTo=/after", header...)
	if r.status != http.StatusFound {
		return r, ""
	}
	callback = b.consent(r.header.Get("Location"), "demo-ada")
	return b.get(callback, header...), callback
}

var errorCode = regexp.MustCompile(`Code ([A-Z0-9_]+) `)

func checkOutcome(t *testing.T, s *rig, f devidp.Fault, b *browser, r reply) {
	t.Helper()
	verdict := f.Verdict
	if f.Endpoint == devidp.Refresh || f.Endpoint == devidp.BackchannelLogout {
		verdict = devidp.Accept // a sign-in refreshes nothing, and ends nothing
	}
	if r.status == http.StatusFound {
		if verdict == devidp.Refuse {
			t.Fatalf("%s\nthe sign-in succeeded, as %q", f.About, b.subject())
		}
		body := b.get("/auth/session").body
		if r.header.Get("Location") != "/after" || b.subject() != "demo-ada" || !strings.Contains(body, "Ada Lovelace") || strings.Contains(body, "attacker") {
			t.Errorf("%s\nLocation %q, session %s", f.About, r.header.Get("Location"), body)
		}
		return
	}
	if verdict == devidp.Accept {
		t.Fatalf("%s\nthe sign-in failed: status %d\n%s", f.About, r.status, r.body)
	}
	if r.status < 400 || r.status >= 500 && r.status != 502 && r.status != 503 || r.status == 404 {
		t.Errorf("%s\nstatus %d\n%s", f.About, r.status, r.body)
	}
	if r.status == 503 && r.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	r.wantNoSession(t)
	code := ""
	if strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		if found := errorCode.FindStringSubmatch(r.body); found != nil {
			code = found[1]
		}
		if !strings.HasPrefix(r.header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
			t.Errorf("CSP %q", r.header.Get("Content-Security-Policy"))
		}
	} else {
		code = r.code(t)
	}
	if code == "" || code == string(aura.CodeServerError) {
		t.Errorf("%s\ncode %q\n%s", f.About, code, r.body)
	}
	for _, hostile := range []string{"attacker", "<script>", "javascript:", "169.254", "somebody-else", "never-issued"} {
		if strings.Contains(r.body, hostile) {
			t.Errorf("the answer repeats %q", hostile)
		}
	}
	if b.subject() == "demo-ada" || b.subject() == "" {
		t.Errorf("%s\nthe session of demo-grace is now %q's", f.About, b.subject())
	}
}

// The faults are what this test lives on: a list that shrinks is noticed.
func TestFaultsAreAll(t *testing.T) {
	var refused []string
	for _, f := range devidp.Faults() {
		if f.Verdict == devidp.Refuse {
			refused = append(refused, f.Name)
		}
	}
	for _, name := range []string{"WrongIssuer", "WrongAudience", "WrongNonce", "BadSignature", "AlgNone", "HS256PublicPEM", "UserInfoWrongSubject", "ResponseWrongIssuer", "Expired"} {
		if !slices.Contains(refused, name) {
			t.Errorf("%s is not among the faults that must be refused", name)
		}
	}
}

// FA-01, FA-02: a provider that is down keeps no application from starting and
// nobody from being signed in; it is 503 until it is back.
func TestProviderDown(t *testing.T) {
	s := newRig(t, 2, nil)
	b := s.browser()
	b.signIn("demo-ada")
	pending := b.consent(b.startAt("dev2", "/after"), "demo-grace")
	if err := s.idp.Close(); err != nil {
		t.Fatal(err)
	}
	s.deploy(nil) // FA-01: New succeeds

	for range 3 {
		r := b.get("/auth/signIn/dev")
		r.wantRefusal(t, 503, aura.CodeDiscoveryUnreachable)
		if r.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		page := b.get("/auth/signIn/dev?redirectTo=/after", navigate...)
		if page.status != 503 || page.header.Get("Retry-After") == "" || !strings.Contains(page.body, "redirectTo=%2Fafter") {
			t.Errorf("status %d\n%s", page.status, page.body)
		}
		if b.subject() != "demo-ada" {
			t.Errorf("signed in as %q", b.subject())
		}
	}
	// Another provider's sign-ins go on, those under way too.
	if r := b.get(pending); r.status != 302 || b.subject() != "demo-grace" {
		t.Errorf("the other provider: status %d, signed in as %q\n%s", r.status, b.subject(), r.body)
	}
}

// The provider goes down between start and callback.
func TestProviderDownAtCallback(t *testing.T) {
	s := newRig(t, 1, nil)
	b := s.browser()
	callback := b.consent(b.start("/after"), "demo-ada")
	if err := s.idp.Close(); err != nil {
		t.Fatal(err)
	}
	r := b.get(callback)
	r.wantRefusal(t, 503, aura.CodeTokenUnreachable)
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}
