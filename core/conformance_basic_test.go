package aura_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// The modules of the OpenID Foundation's conformance suite for relying parties,
// each played by the development provider and named as in the suite, so that a
// run of the suite can be compared line by line. Where a module expects the
// relying party to notice something, the answer must have the very code of that
// check, and the same sign-in must succeed once the provider is honest: so a
// module fails when its check is taken out, and also when something else
// refuses in its place.

// A module is one of them. status 0: the sign-in must succeed.
type module struct {
	name   string
	fault  devidp.Fault
	status int
	code   aura.Code
	es256  bool // the provider's algorithm; RS256 else
}

func (m module) run(t *testing.T) {
	t.Run("oidcc-client-test"+m.name, func(t *testing.T) {
		s := conformanceStage(t, m.es256)
		if m.fault.Endpoint != "" || m.fault.Name != "" {
			s.idp.Misbehave(m.fault)
		}
		b := s.browser()
		r, _ := attempt(b, []string{"Accept", "application/json"})
		if m.status == 0 {
			if r.status != http.StatusFound || b.subject() != "demo-ada" {
				t.Fatalf("status %d, signed in as %q\n%s", r.status, b.subject(), r.body)
			}
			return
		}
		r.wantRefusal(t, m.status, m.code)
		if b.subject() != "" {
			t.Errorf("signed in as %q", b.subject())
		}
		s.idp.Behave()
		s.clock.add(16 * time.Minute) // keys and failures of before are forgotten
		if b.signIn("demo-ada"); b.subject() != "demo-ada" {
			t.Error("with an honest provider the sign-in fails as well")
		}
	})
}

// conformanceStage has a provider of its own, whose token answers it shows.
func conformanceStage(t *testing.T, es256 bool) *stage {
	t.Helper()
	if es256 {
		return newRig(t, 1, nil).stage
	}
	return newStage(t, func(c *aura.Config) { c.ProviderTokens.ExposeIDToken = true })
}

// The Basic plan, and what the comprehensive one adds to it.
func TestConformanceBasic(t *testing.T) {
	const idToken = aura.CodeIDTokenInvalid
	for _, m := range []module{
		{name: ""},
		{name: "-invalid-iss", fault: devidp.WrongIssuer, status: 401, code: idToken},
		{name: "-missing-sub", fault: devidp.MissingSubject, status: 401, code: idToken},
		{name: "-invalid-aud", fault: devidp.WrongAudience, status: 401, code: idToken},
		{name: "-missing-iat", fault: devidp.MissingIssuedAt, status: 401, code: idToken},
		{name: "-kid-absent-single-jwks", fault: devidp.KidAbsent},
		// Two answers pass: to refuse, or to try the keys that fit. We try.
		{name: "-kid-absent-multiple-jwks", fault: devidp.KidAbsentManyKeys},
		// The suite lets a party pass that refuses an ID token without signature,
		// although it comes from the token endpoint: it then reports SKIPPED.
		{name: "-idtoken-sig-none", fault: devidp.AlgNone, status: 401, code: idToken},
		{name: "-invalid-sig-rs256", fault: devidp.BadSignature, status: 401, code: idToken},
		{name: "-userinfo-invalid-sub", fault: devidp.UserInfoWrongSubject, status: 502, code: aura.CodeProfileIncomplete},
		{name: "-nonce-invalid", fault: devidp.WrongNonce, status: 400, code: aura.CodeNonceMismatch},

		{name: "-missing-aud", fault: devidp.MissingAudience, status: 401, code: idToken},
		{name: "-invalid-sig-es256", fault: devidp.BadSignature, status: 401, code: idToken, es256: true},
		{name: "-invalid-sig-hs256", fault: devidp.HS256ClientSecret, status: 401, code: idToken},
		{name: "-invalid-athash", fault: devidp.WrongAtHash, status: 401, code: idToken},
	} {
		m.run(t)
	}

	t.Run("oidcc-client-test-idtoken-sig-rs256", func(t *testing.T) {
		s := conformanceStage(t, false)
		b := s.browser()
		b.signIn("demo-ada")
		raw, _ := b.tokens()["idToken"].(string)
		encoded, _, _ := strings.Cut(raw, ".")
		header, err := base64.RawURLEncoding.DecodeString(encoded)
		var jose struct{ Alg string }
		if err != nil || json.Unmarshal(header, &jose) != nil || jose.Alg != "RS256" {
			t.Errorf("the ID token that was accepted has alg %q", jose.Alg)
		}
	})

	t.Run("oidcc-client-test-scope-userinfo-claims", func(t *testing.T) {
		s := conformanceStage(t, false)
		// What only userinfo says must arrive; so it was asked, and read.
		s.idp.Misbehave(devidp.Fault{Endpoint: devidp.UserInfo, JSON: func(o map[string]any) { o["name"] = "Only Userinfo Knows" }})
		b := s.browser()
		if scope := query(t, b.start("/after")).Get("scope"); scope != "openid profile email" {
			t.Errorf("scope %q", scope)
		}
		b.signIn("demo-ada")
		if body := b.get("/auth/session").body; !strings.Contains(body, "Only Userinfo Knows") || !strings.Contains(body, "ada@") {
			t.Errorf("the session: %s", body)
		}
	})

	t.Run("oidcc-client-test-client-secret-basic", func(t *testing.T) {
		s := conformanceStage(t, false)
		var auth string
		var form url.Values
		s.idp.Misbehave(watch(devidp.Token, func(r *http.Request) { auth, form = r.Header.Get("Authorization"), r.PostForm }))
		s.browser().signIn("demo-ada")
		c := s.idp.Client()
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(c.ID)+":"+url.QueryEscape(c.Secret)))
		if auth != want || form.Has("client_secret") {
			t.Errorf("Basic as it should be: %v, the secret in the body: %v", auth == want, form.Has("client_secret"))
		}
	})

	t.Run("oidcc-client-test-userinfo-bearer-header", func(t *testing.T) {
		s := conformanceStage(t, false)
		var auth, rawQuery string
		s.idp.Misbehave(watch(devidp.UserInfo, func(r *http.Request) { auth, rawQuery = r.Header.Get("Authorization"), r.URL.RawQuery }))
		b := s.browser()
		b.signIn("demo-ada")
		if auth != "Bearer "+b.accessToken() || rawQuery != "" {
			t.Errorf("Authorization %q, query %q", auth, rawQuery)
		}
	})

	// The code flow could go without a nonce; ours always has one, a new one.
	t.Run("oidcc-client-test-nonce-unless-code-flow", func(t *testing.T) {
		s := conformanceStage(t, false)
		b := s.browser()
		first, second := query(t, b.start("/after")).Get("nonce"), query(t, b.start("/after")).Get("nonce")
		if len(first) < 22 || first == second {
			t.Errorf("nonces %q and %q", first, second)
		}
	})
}

// watch looks at requests and lets them pass.
func watch(e devidp.Endpoint, see func(*http.Request)) devidp.Fault {
	return devidp.Fault{Endpoint: e, Hijack: func(_ http.ResponseWriter, r *http.Request) bool {
		see(r)
		return false
	}}
}
