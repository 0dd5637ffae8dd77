package aura_test

import (
	"crypto/sha256"
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/internal/cookie"
	"github.com/aura-stack-go/auth/core/internal/flow"
)

func TestSignIn(t *testing.T) {
	s := newStage(t, nil)
	b := s.browser()
	if got := b.subject(); got != "" {
		t.Fatalf("before: signed in as %q", got)
	}
	b.signIn("demo-ada")
	if got := b.subject(); got != "demo-ada" {
		t.Fatalf("after: signed in as %q", got)
	}
}

// Ten tabs of one browser sign in at once and come back in any order.
func TestTenTabs(t *testing.T) {
	s := newStage(t, nil)
	b := s.browser()
	callbacks := make([]string, 10)
	for i := range callbacks {
		callbacks[i] = b.consent(b.start("/after"), []string{"demo-ada", "demo-grace"}[i%2])
	}
	rand.Shuffle(len(callbacks), func(i, j int) { callbacks[i], callbacks[j] = callbacks[j], callbacks[i] })
	var wg sync.WaitGroup
	for _, callback := range callbacks {
		wg.Go(func() {
			if r := b.get(callback); r.status != 302 || r.header.Get("Location") != "/after" {
				t.Errorf("status %d, Location %q: %s", r.status, r.header.Get("Location"), r.body)
			}
		})
	}
	wg.Wait()
	if b.subject() == "" {
		t.Error("nobody is signed in")
	}
}

// CC-01: ten tabs with three providers, each with a target of its own.
func TestTenTabsThreeProviders(t *testing.T) {
	s := newRig(t, 3, nil)
	for _, order := range []string{"in reverse", "at random", "all at once"} {
		t.Run("CC-01 "+order, func(t *testing.T) {
			b := s.browser()
			type tab struct{ callback, target, user string }
			var tabs []tab
			for i := range 10 {
				user := []string{"demo-ada", "demo-grace", "demo-alan"}[i%3]
				target := "/tab/" + string(rune('a'+i)) + "?q=1#f"
				tabs = append(tabs, tab{b.consent(b.startAt(providerName(i%3), target), user), target, user})
			}
			finish := func(x tab) {
				if r := b.get(x.callback); r.status != 302 || r.header.Get("Location") != x.target {
					t.Errorf("%s: status %d, Location %q\n%s", x.target, r.status, r.header.Get("Location"), r.body)
				}
			}
			slices.Reverse(tabs)
			switch order {
			case "at random":
				rand.Shuffle(len(tabs), func(i, j int) { tabs[i], tabs[j] = tabs[j], tabs[i] })
			case "all at once":
				var wg sync.WaitGroup
				for _, x := range tabs {
					wg.Go(func() { finish(x) })
				}
				wg.Wait()
				if b.subject() == "" || len(b.flows()) != 0 {
					t.Errorf("signed in as %q, flows left: %q", b.subject(), b.flows())
				}
				return
			}
			for _, x := range tabs {
				if finish(x); b.subject() != x.user {
					t.Errorf("%s: signed in as %q, want %q", x.target, b.subject(), x.user)
				}
			}
			if left := b.flows(); len(left) != 0 {
				t.Errorf("flows left: %q", left)
			}
		})
	}
}

// The published known answer of RFC 7636 appendix B is in wire_test.go.
func TestAuthorizationRequest(t *testing.T) {
	s := newRig(t, 1, nil)
	box := testRing(t, testSecret).Box("aura:flow")
	const target = "/deep/target?of=mine"

	t.Run("FL-09 a thousand of them", func(t *testing.T) {
		challenge := regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
		seen := map[string]bool{}
		for range 1000 {
			r := direct(s.auth, "/auth/signIn/dev?redirectTo="+url.QueryEscape(target), nil)
			location := r.header.Get("Location")
			q := query(t, location)
			_, value, _ := strings.Cut(r.header.Get("Set-Cookie"), "=")
			value, _, _ = strings.Cut(value, ";")
			f, err := flow.Open(box, value, s.clock.now())
			if err != nil {
				t.Fatalf("the flow cookie: %v (status %d)", err, r.status)
			}
			verifier := f.CodeVerifier()
			sum := sha256.Sum256([]byte(verifier))
			if q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || q.Get("code_challenge_method") != "S256" {
				t.Fatalf("challenge %q by %q is not that of the verifier", q.Get("code_challenge"), q.Get("code_challenge_method"))
			}
			if len(verifier) < 43 || len(verifier) > 128 || q.Get("state") != f.State() || q.Get("nonce") != f.Nonce() {
				t.Fatalf("verifier of %d characters; state and nonce are not the flow's", len(verifier))
			}
			for what, secret := range map[string]string{"verifier": verifier, "target": "deep", "client secret": s.idp.Client().Secret} {
				if strings.Contains(location, secret) {
					t.Fatalf("the %s is in %s", what, location)
				}
			}
			for _, name := range []string{"code_challenge", "state", "nonce"} {
				if v := q.Get(name); seen[v] || !challenge.MatchString(v) {
					t.Fatalf("%s %q is repeated or malformed", name, v)
				}
				seen[q.Get(name)] = true
			}
			if f.RedirectTo != target || f.Provider != "dev" || f.RedirectURI != q.Get("redirect_uri") {
				t.Fatalf("the flow is %+v", f)
			}
			if len(q["redirect_uri"]) != 1 || q.Get("response_type") != "code" || q.Get("scope") != "openid profile email" {
				t.Fatalf("the request is %v", q)
			}
		}
	})
	t.Run("an unsafe target is not even sealed", func(t *testing.T) {
		for _, unsafe := range []string{"https://evil.example/", "//evil.example", "/auth/signOut"} {
			line := direct(s.auth, "/auth/signIn/dev?redirectTo="+url.QueryEscape(unsafe), nil).header.Get("Set-Cookie")
			_, value, _ := strings.Cut(line, "=")
			value, _, _ = strings.Cut(value, ";")
			if f, err := flow.Open(box, value, s.clock.now()); err != nil || f.RedirectTo != "/" {
				t.Errorf("%s: %q (%v)", unsafe, f.RedirectTo, err)
			}
		}
	})
	t.Run("FL-10 no downgrade", func(t *testing.T) {
		for _, f := range []devidp.Fault{devidp.DiscoveryNoPKCE, devidp.DiscoveryPlainPKCE} {
			s.deploy(nil)
			s.idp.Misbehave(f)
			b := s.browser()
			if method := query(t, b.start("/after")).Get("code_challenge_method"); method != "S256" {
				t.Errorf("%s: code_challenge_method %q", f.Name, method)
			}
			b.signIn("demo-ada") // the provider still demands the verifier
		}
		s.idp.Behave()
	})
	t.Run("parameters of the browser", func(t *testing.T) {
		location := s.browser().get("/auth/signIn/dev?login_hint=ada%26state%3Dx&prompt=none&state=evil&redirect_uri=https://evil.example&scope=admin&client_id=x&request_uri=x").header.Get("Location")
		q := query(t, location)
		if q.Get("login_hint") != "ada&state=x" || q.Has("prompt") || q.Has("request_uri") || q.Get("client_id") != "dev" || len(q["state"]) != 1 || strings.Contains(location, "evil") || q.Get("scope") != "openid profile email" {
			t.Errorf("the request is %v", q)
		}
	})
}

// FL-24: who may start a sign-in.
func TestSignInFetchMetadata(t *testing.T) {
	s := newRig(t, 1, nil)
	for _, c := range []struct {
		why    string
		header []string
		ok     bool
	}{
		{"an old browser", nil, true},
		{"a click on our page", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		{"typed", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		{"a link on another site", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		{"a link on a sibling", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		{"an image", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, false},
		{"an image, no mode told", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "image"}, false},
		{"an image of a sibling", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, false},
		{"a script's fetch", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, false},
		{"a frame", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, false},
		{"an object", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"}, false},
		{"a prefetch", []string{"Sec-Purpose", "prefetch"}, false},
		{"a prerendering", []string{"Sec-Purpose", "prefetch;prerender", "Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false},
		{"an old prefetch", []string{"Purpose", "prefetch"}, false},
	} {
		t.Run("FL-24 "+c.why, func(t *testing.T) {
			b := s.browser()
			r := b.get("/auth/signIn/dev", c.header...)
			if c.ok {
				if r.status != 302 || len(b.flows()) != 1 {
					t.Errorf("status %d, flows %q", r.status, b.flows())
				}
				return
			}
			r.wantRefusal(t, 403, aura.CodeFetchRejected)
			if len(r.written()) != 0 {
				t.Errorf("cookies were written: %q", r.written())
			}
		})
	}
}

// FL-30: a browser that starts sign-ins and finishes none.
func TestSignInFlowCap(t *testing.T) {
	for name, target := range map[string]string{
		"FL-30 short targets": "/after",
		"FL-30 long targets":  "/" + strings.Repeat("a", flow.MaxRedirectTo-1),
	} {
		t.Run(name, func(t *testing.T) {
			s := newRig(t, 1, nil)
			b := s.browser()
			b.signIn("demo-grace") // a session and its CSRF token take room too
			var locations []string
			for range 100 {
				s.clock.add(time.Second)
				locations = append(locations, b.start(target))
				if size := cookie.Read(http.Header{"Cookie": {cookieHeader(b.cookies())}}).Size("aura-auth."); size > 7168 || len(b.flows()) > 12 {
					t.Fatalf("%d flows, %d bytes of cookies", len(b.flows()), size)
				}
			}
			left := len(b.flows())
			if left < 3 {
				t.Errorf("only %d flows are left", left)
			}
			// The youngest of them survived, the others did not.
			b.get(b.consent(locations[len(locations)-left-1], "demo-ada")).wantRefusal(t, 400, aura.CodeStateInvalid)
			if b.subject() != "demo-grace" {
				t.Errorf("the session is now %q's", b.subject())
			}
			for _, location := range slices.Backward(locations[len(locations)-left:]) {
				if r := b.get(b.consent(location, "demo-ada")); r.status != 302 || r.header.Get("Location") != target {
					t.Errorf("status %d\n%s", r.status, r.body)
				}
			}
			if b.subject() != "demo-ada" {
				t.Errorf("signed in as %q", b.subject())
			}
		})
	}
}

// Both ways of asking, and where to go afterwards.
func TestSignInRedirectModes(t *testing.T) {
	s := newRig(t, 1, nil)
	b := s.browser()
	t.Run("redirect", func(t *testing.T) {
		for _, value := range []string{"", "true", "1", "TRUE"} {
			r := s.browser().get("/auth/signIn/dev?redirect=" + value)
			body := r.json(t)
			if r.status != 302 || body["success"] != true || body["redirect"] != true || body["signInURL"] != r.header.Get("Location") {
				t.Errorf("%q: status %d, Location %q\n%s", value, r.status, r.header.Get("Location"), r.body)
			}
		}
	})
	t.Run("no redirect", func(t *testing.T) {
		for _, value := range []string{"false", "0", "no", "False"} {
			r := b.get("/auth/signIn/dev?redirect="+value+"&redirectTo=%2Fafter%3Fa%3D1&login_hint=ada&prompt=none", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty")
			body := r.json(t)
			want := s.url + "/auth/signIn/dev?login_hint=ada&redirectTo=%2Fafter%3Fa%3D1"
			if r.status != 200 || body["success"] != true || body["redirect"] != false || body["signInURL"] != want || len(r.written()) != 0 {
				t.Errorf("%q: status %d, cookies %q\n%s", value, r.status, r.written(), r.body)
			}
		}
		if before := s.idp.Counts().Discovery; b.get("/auth/signIn/dev?redirect=false").json(t)["signInURL"] != s.url+"/auth/signIn/dev" || s.idp.Counts().Discovery != before {
			t.Error("without a target the URL has no query, and nobody is asked")
		}
		signInURL, _ := b.get("/auth/signIn/dev?redirect=false&redirectTo=/after").json(t)["signInURL"].(string)
		r := b.get(b.consent(b.get(signInURL).header.Get("Location"), "demo-ada"))
		if r.header.Get("Location") != "/after" || b.subject() != "demo-ada" {
			t.Errorf("the URL does not lead to a sign-in: status %d", r.status)
		}
	})
	t.Run("neither", func(t *testing.T) {
		s.browser().get("/auth/signIn/dev?redirect=perhaps").wantRefusal(t, 422, aura.CodeUnprocessable)
	})
	t.Run("targets", func(t *testing.T) {
		for target, want := range map[string]string{
			"/after":                               "/after",
			"/a%20b?c=%2F%2Fd#e":                   "/a%20b?c=%2F%2Fd#e",
			s.url + "/after":                       "/after",
			"":                                     "/",
			"undefined":                            "/",
			"https://evil.example/":                "/",
			"//evil.example":                       "/",
			`/\evil.example`:                       "/",
			"/auth/signIn/dev":                     "/",
			"javascript:alert(1)":                  "/",
			"/" + strings.Repeat("a", 511):         "/" + strings.Repeat("a", 511),
			"/" + strings.Repeat("a", 512):         "/",
			"/a\r\nSet-Cookie: x=y":                "/",
			"/after?x=https://evil.example/%0d%0a": "/after?x=https://evil.example/%0d%0a",
		} {
			b := s.browser()
			if r := b.get(b.consent(b.start(target), "demo-ada")); r.status != 302 || r.header.Get("Location") != want {
				t.Errorf("%q: status %d, Location %q, want %q", target, r.status, r.header.Get("Location"), want)
			}
		}
		r := s.browser().get("/auth/signIn/dev?redirectTo=/a&redirectTo=/b")
		r.wantRefusal(t, 400, aura.CodeRedirectRepeated)
		if len(r.written()) != 0 {
			t.Errorf("cookies were written: %q", r.written())
		}
	})
	t.Run("a target planted into the flow", func(t *testing.T) {
		// Sealed by a process with other TrustedOrigins, say: judged once more.
		b := s.browser()
		f := flow.New("dev", s.url+"/auth/callback/dev", "https://evil.example/", s.clock.now())
		sealed, err := f.Seal(testRing(t, testSecret).Box("aura:flow"))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(f.CodeVerifier()))
		location := with(t, b.start("/after"), map[string][]string{
			"state": {f.State()}, "nonce": {f.Nonce()}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
		})
		b.plant("aura-auth.flow."+flow.ID(f.State()), sealed)
		if r := b.get(b.consent(location, "demo-ada")); r.status != 302 || r.header.Get("Location") != "/" {
			t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
		}
	})
}

// FL-26, FL-27: what was there before a sign-in is not taken over.
func TestSignInReplacesSession(t *testing.T) {
	s := newRig(t, 1, nil)
	const session = "aura-auth.session_token"
	sid := func(b *browser) string {
		payload, _ := openToken(t, aura.SealedToken, b.cookies()[session], testSecret)
		claim, _ := claimsOf(t, payload)["aura"].(map[string]any)
		id, _ := claim["sid"].(string)
		return id
	}
	t.Run("FL-26 fixation", func(t *testing.T) {
		attacker := s.browser()
		attacker.signIn("demo-grace")
		for what, planted := range map[string]string{"garbage": "attackers-choice", "the attacker's": attacker.cookies()[session]} {
			victim := s.browser()
			victim.plant(session, planted)
			victim.signIn("demo-ada")
			got := victim.cookies()[session]
			if got == planted || sid(victim) == "" || sid(victim) == sid(attacker) || victim.subject() != "demo-ada" {
				t.Errorf("%s: session %q of %q", what, sid(victim), victim.subject())
			}
		}
		if attacker.subject() != "demo-grace" {
			t.Errorf("the attacker is now %q", attacker.subject())
		}
	})
	t.Run("FL-27 another user", func(t *testing.T) {
		b := s.browser()
		b.signIn("demo-ada")
		first, token := sid(b), b.csrf()
		b.signIn("demo-alan")
		body := b.get("/auth/session").body
		if sid(b) == first || b.csrf() == token || !strings.Contains(body, "Alan") || strings.Contains(strings.ToLower(body), "ada") || strings.Contains(body, "email_verified") {
			t.Errorf("something of the first session is left: %s", body)
		}
		b.do("POST", "/auth/signOut", "", "X-CSRF-Token", token).wantRefusal(t, 403, aura.CodeCSRFMismatch)
		if b.subject() != "demo-alan" {
			t.Errorf("signed in as %q", b.subject())
		}
	})
	t.Run("the same user again", func(t *testing.T) {
		b := s.browser()
		b.signIn("demo-ada")
		first := sid(b)
		if b.signIn("demo-ada"); sid(b) == first {
			t.Error("the session kept its id")
		}
	})
}
