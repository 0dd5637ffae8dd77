package aura_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

var navigate = []string{"Accept", "text/html,application/xhtml+xml", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}

// A person who loads a page sees a page; a script gets JSON.
func TestFailurePage(t *testing.T) {
	s := newRig(t, 1, nil)
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`)
	href := regexp.MustCompile(`class="go" href="([^"]+)"`)

	t.Run("navigation", func(t *testing.T) {
		b := s.browser()
		denied := with(t, b.consent(b.start("/after?x=%22%3E%3Cscript%3E'&y"), "demo-ada"), map[string][]string{"code": nil, "error": {"access_denied"}})
		r := b.get(denied, navigate...)
		css := style.FindStringSubmatch(r.body)
		if r.status != 403 || r.header.Get("Content-Type") != "text/html; charset=utf-8" || css == nil {
			t.Fatalf("status %d, %s\n%s", r.status, r.header.Get("Content-Type"), r.body)
		}
		sum := sha256.Sum256([]byte(css[1]))
		want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'; base-uri 'none'"
		if got := r.header.Get("Content-Security-Policy"); got != want {
			t.Errorf("CSP %q, want %q", got, want)
		}
		for name, value := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		} {
			if r.header.Get(name) != value {
				t.Errorf("%s: %q", name, r.header.Get(name))
			}
		}
		if strings.Contains(r.body, "<script") || !strings.Contains(r.body, string(aura.CodeAccessDenied)) {
			t.Errorf("markup, or no code:\n%s", r.body)
		}
		id := regexp.MustCompile(`reference ([A-Za-z0-9_-]{12})<`).FindStringSubmatch(r.body)
		if id == nil || !strings.Contains(s.log.String(), "id="+id[1]) {
			t.Errorf("the reference %q is not in the log", id)
		}

		// FL-31: the way to try again leads to a new sign-in and to the same target.
		retry := href.FindStringSubmatch(r.body)
		if retry == nil {
			t.Fatalf("no way to try again:\n%s", r.body)
		}
		again := b.get(html.UnescapeString(retry[1]), navigate...)
		if again.status != 302 {
			t.Fatalf("try again: status %d\n%s", again.status, again.body)
		}
		if r := b.get(b.consent(again.header.Get("Location"), "demo-ada"), navigate...); r.status != 302 || b.subject() != "demo-ada" || r.header.Get("Location") != "/after?x=%22%3E%3Cscript%3E'&y" {
			t.Errorf("the second attempt: status %d, signed in as %q, Location %q", r.status, b.subject(), r.header.Get("Location"))
		}
	})
	t.Run("FL-31 lost flow", func(t *testing.T) {
		b := s.browser()
		callback := b.consent(b.start("/after"), "demo-ada")
		blocked := s.browser()
		r := blocked.get(callback, navigate...)
		if r.status != 400 || r.header.Get("Location") != "" || r.header.Get("Refresh") != "" || !strings.Contains(r.body, "Try again") || strings.Contains(r.body, "http-equiv") {
			t.Errorf("status %d, Location %q: a page must not start over by itself\n%s", r.status, r.header.Get("Location"), r.body)
		}
	})
	t.Run("script", func(t *testing.T) {
		b := s.browser()
		for _, header := range [][]string{
			nil, {"Accept", "application/json"}, {"Accept", "*/*"}, {"Accept", "text/html", "Sec-Fetch-Mode", "cors"},
		} {
			r := b.get("/auth/callback/dev?state=x&code=y", header...)
			e, _ := r.json(t)["error"].(map[string]any)
			id, _ := e["id"].(string)
			if r.status != 400 || r.header.Get("Content-Type") != "application/json" || e["code"] != "AUTH_CALLBACK_STATE_INVALID" || e["message"] == "" || !strings.Contains(s.log.String(), "id="+id) {
				t.Errorf("%q: status %d\n%s", header, r.status, r.body)
			}
			if csp := r.header.Get("Content-Security-Policy"); csp != "default-src 'none'; frame-ancestors 'none'; base-uri 'none'" {
				t.Errorf("CSP %q", csp)
			}
		}
	})
}

// Pages.Error is where an application shows failures itself.
func TestFailurePageOfTheApplication(t *testing.T) {
	for page, want := range map[string]string{
		"/oops":        "/oops?error=AUTH_PROVIDER_REJECTED&redirectTo=%2Fafter%3Fa%3D1",
		"/oops?lang=c": "/oops?lang=c&error=AUTH_PROVIDER_REJECTED&redirectTo=%2Fafter%3Fa%3D1",
	} {
		s := newRig(t, 1, func(_ string, c *aura.Config) { c.Pages.Error = page })
		b := s.browser()
		denied := with(t, b.consent(b.start("/after?a=1"), "demo-ada"), map[string][]string{"code": nil, "error": {"access_denied"}, "error_description": {"zzcanary"}})
		if r := b.get(denied, navigate...); r.status != 303 || r.header.Get("Location") != want {
			t.Errorf("status %d, Location %q, want %q", r.status, r.header.Get("Location"), want)
		}
		// Without a flow nobody knows the target; the one in the address is anybody's.
		r := b.get("/auth/callback/dev?state=x&code=y&redirectTo=/zzcanary", navigate...)
		if got, _, _ := strings.Cut(want, "error="); r.status != 303 || r.header.Get("Location") != got+"error=AUTH_CALLBACK_STATE_INVALID" {
			t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
		}
		r = b.get("/auth/signIn/nope", navigate...)
		if r.status != 303 || !strings.Contains(r.header.Get("Location"), "error=PROVIDER_NOT_FOUND") {
			t.Errorf("an unknown provider: status %d, Location %q", r.status, r.header.Get("Location"))
		}
		if r := b.get("/auth/callback/dev?state=x&code=y"); r.status != 400 {
			t.Errorf("a script: status %d", r.status)
		}
	}
}

// Whatever fails, who is signed in stays signed in, and their CSRF token works.
func TestFailuresLeaveTheSession(t *testing.T) {
	s := newRig(t, 2, nil)
	b := s.browser()
	b.signIn("demo-grace")
	token := b.csrf()
	callback := func(change map[string][]string) string {
		return with(t, b.consent(b.start("/after"), "demo-ada"), change)
	}
	for why, request := range map[string]func() (string, []string){
		"unknown provider":    func() (string, []string) { return "/auth/signIn/nope", nil },
		"subresource":         func() (string, []string) { return "/auth/signIn/dev", []string{"Sec-Purpose", "prefetch"} },
		"repeated redirectTo": func() (string, []string) { return "/auth/signIn/dev?redirectTo=a&redirectTo=b", nil },
		"bad redirect":        func() (string, []string) { return "/auth/signIn/dev?redirect=2", nil },
		"no flow":             func() (string, []string) { return "/auth/callback/dev?state=x&code=y", nil },
		"no state":            func() (string, []string) { return callback(map[string][]string{"state": nil}), nil },
		"access_denied": func() (string, []string) {
			return callback(map[string][]string{"code": nil, "error": {"access_denied"}}), nil
		},
		"another error": func() (string, []string) {
			return callback(map[string][]string{"code": nil, "error": {"server_error"}}), nil
		},
		"a code never issued": func() (string, []string) { return callback(map[string][]string{"code": {"x"}}), nil },
		"no code":             func() (string, []string) { return callback(map[string][]string{"code": nil}), nil },
		"wrong iss": func() (string, []string) {
			return callback(map[string][]string{"iss": {"https://attacker.example"}}), nil
		},
		"the other provider":   func() (string, []string) { return strings.Replace(callback(nil), "/dev?", "/dev2?", 1), nil },
		"an ID token of noone": func() (string, []string) { s.idp.Misbehave(devidp.BadSignature); return callback(nil), nil },
		"no userinfo":          func() (string, []string) { s.idp.Misbehave(devidp.UserInfoWrongSubject); return callback(nil), nil },
		"malformed query":      func() (string, []string) { return "/auth/callback/dev?state=%zz", nil },
		"wrong method":         func() (string, []string) { return "/auth/signOut", nil },
	} {
		t.Run(why, func(t *testing.T) {
			defer s.idp.Behave()
			target, header := request()
			r := b.get(target, header...)
			if r.status < 400 {
				t.Errorf("status %d", r.status)
			}
			r.wantNoSession(t)
			if b.subject() != "demo-grace" {
				t.Errorf("now signed in as %q", b.subject())
			}
		})
	}
	if r := b.do("POST", "/auth/signOut", "", "X-CSRF-Token", token); r.status != http.StatusAccepted || b.subject() != "" {
		t.Errorf("the CSRF token from before no longer works: status %d\n%s", r.status, r.body)
	}
}

// A session that does not fit into its cookies fails the sign-in and leaves
// what the browser has.
func TestFailureOfOversizedSession(t *testing.T) {
	s := newRig(t, 1, nil)
	b := s.browser()
	b.signIn("demo-grace")
	token := b.cookies()["aura-auth.csrf_token"]
	s.deploy(func(_ string, c *aura.Config) {
		c.Providers[0].Profile = profileWith("blob", strings.Repeat("x", 6000))
	})
	r := b.get(b.consent(b.start("/after"), "demo-ada"))
	if r.status != 500 || r.code(t) != string(aura.CodeSessionTooLarge) || b.subject() != "demo-grace" {
		t.Errorf("status %d, signed in as %q\n%s", r.status, b.subject(), r.body)
	}
	if b.cookies()["aura-auth.csrf_token"] != token {
		t.Error("the CSRF cookie was replaced by one for the session that failed")
	}
	r.wantNoSession(t)
}

// FA-17: hooks of the application that go wrong.
func TestFailureOfProfileHook(t *testing.T) {
	for _, c := range []struct {
		why    string
		config func(*aura.Provider)
		status int
		code   aura.Code
	}{
		{why: "panics", config: func(p *aura.Provider) { p.Profile = profilePanics }, status: 500, code: aura.CodeServerError},
		{why: "returns an error", config: func(p *aura.Provider) { p.Profile = profileFails }, status: 502, code: aura.CodeProfileIncomplete},
		{why: "returns nobody", config: func(p *aura.Provider) { p.Profile = profileEmpty }, status: 502, code: aura.CodeProfileIncomplete},
		{why: "returns somebody else", config: func(p *aura.Provider) { p.Profile = profileOther }, status: 502, code: aura.CodeProfileIncomplete},
	} {
		t.Run("FA-17 "+c.why, func(t *testing.T) {
			s := newRig(t, 1, func(_ string, cfg *aura.Config) { c.config(&cfg.Providers[0]) })
			b := s.browser()
			r := b.get(b.consent(b.start("/after"), "demo-ada"))
			r.wantRefusal(t, c.status, c.code)
			if strings.Contains(r.body, "zzcanary") || b.subject() != "" {
				t.Errorf("the cause is told, or somebody is signed in: %s", r.body)
			}
			if !strings.Contains(s.log.String(), "zzcanary") && (c.why == "panics" || c.why == "returns an error") {
				t.Error("the cause is not in the log")
			}
		})
	}
}

func profileWith(name string, value any) func(context.Context, *aura.Profile) (aura.User, error) {
	return func(ctx context.Context, p *aura.Profile) (aura.User, error) {
		u, err := aura.DefaultProfile(ctx, p)
		return u, errors.Join(err, u.Set(name, value))
	}
}

func profilePanics(context.Context, *aura.Profile) (aura.User, error) { panic("zzcanary") }

func profileFails(context.Context, *aura.Profile) (aura.User, error) {
	return aura.User{Subject: "demo-ada"}, errors.New("zzcanary")
}

func profileEmpty(context.Context, *aura.Profile) (aura.User, error) {
	return aura.User{Name: "zz"}, nil
}

func profileOther(context.Context, *aura.Profile) (aura.User, error) {
	return aura.User{Subject: "demo-grace"}, nil
}
