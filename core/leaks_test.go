package aura_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/provider"
)

// A wiretap is a transport that remembers every secret that passes: tokens of
// the answers, code and verifier of the requests.
type wiretap struct {
	mu      sync.Mutex
	secrets map[string]string // value → what it is
}

func (w *wiretap) note(what, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(value) >= 16 {
		w.secrets[value] = what
	}
}

func (w *wiretap) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if form, err := url.ParseQuery(string(raw)); err == nil {
			w.note("code", form.Get("code"))
			w.note("code verifier", form.Get("code_verifier"))
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var members map[string]any
	if json.Unmarshal(raw, &members) == nil {
		for _, name := range []string{"access_token", "refresh_token", "id_token"} {
			value, _ := members[name].(string)
			w.note(name, value)
		}
	}
	resp.Body = io.NopCloser(strings.NewReader(string(raw)))
	return resp, nil
}

// LK-01: sign-ins, failures of many kinds and sign-outs, with secrets that can
// be recognised; then everything that was written is searched for them.
func TestCanaries(t *testing.T) {
	const clientSecret = "canary-client-secret-7f3a9b2c"
	idp, err := devidp.Start(devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{{ID: "canary", Secret: clientSecret}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	tap := &wiretap{secrets: map[string]string{
		testSecret: "secret", testSalt: "salt", clientSecret: "client secret",
		base64.StdEncoding.EncodeToString([]byte("canary:" + clientSecret)): "client secret", base64.RawStdEncoding.EncodeToString([]byte(clientSecret)): "client secret",
	}}
	var hookFails bool
	s := newSite(t, func(c *aura.Config) {
		c.Now, c.HTTPClient = nil, &http.Client{Transport: tap}
		c.Providers[0] = provider.OIDC("dev", idp.Issuer())
		c.Providers[0].ClientID, c.Providers[0].ClientSecret = "canary", clientSecret
		c.Providers[0].Profile = func(ctx context.Context, p *aura.Profile) (aura.User, error) {
			if hookFails {
				return aura.User{}, errors.New("the hook fails")
			}
			return aura.DefaultProfile(ctx, p)
		}
		c.Session.UpdatableFields = []string{"name"}
	})
	s.clock.at = wallClock() // for forged tokens

	var heard []string // bodies, and headers but for Set-Cookie and Location
	var errs []string
	listen := func(r reply) reply {
		h := r.header.Clone()
		h.Del("Set-Cookie")
		h.Del("Location")
		heard = append(heard, r.body, fmt.Sprint(h))
		for _, c := range setCookies(t, r.header) {
			tap.note("cookie "+c.Name, c.Value)
		}
		return r
	}
	begin := func(g *guest) (address string) {
		r := g.get("/auth/signIn/dev?login_hint=ada")
		for _, c := range setCookies(t, r.header) {
			tap.note("cookie "+c.Name, c.Value)
		}
		address = r.header.Get("Location")
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		// The answer's body repeats its Location, as the protocol has it; state
		// and nonce are secrets everywhere else.
		tap.note("state", u.Query().Get("state"))
		tap.note("nonce", u.Query().Get("nonce"))
		return address
	}
	finish := func(g *guest, address string, header ...string) reply {
		back, err := idp.Approve(address, "demo-ada")
		if err != nil {
			t.Fatal(err)
		}
		if u, err := url.Parse(back); err == nil {
			tap.note("code", u.Query().Get("code"))
		}
		return listen(g.get(strings.TrimPrefix(back, s.url), header...))
	}

	g := s.guest()
	if r := finish(g, begin(g)); r.status != http.StatusFound {
		t.Fatalf("sign-in: %d %s", r.status, r.body)
	}
	listen(g.get("/auth/session"))
	token := g.csrf() // its body is the one place for the token
	tap.note("CSRF token", token)
	listen(g.do("PATCH", "/auth/session", `{"user":{"name":"X"}}`, "Content-Type", jsonType, "X-CSRF-Token", token))
	listen(g.do("PATCH", "/auth/session", `{"user":{"email":"`+token+`"}}`, "Content-Type", jsonType, "X-CSRF-Token", token))
	listen(g.do("PATCH", "/auth/session", `{"user":"`+token, "Content-Type", jsonType, "X-CSRF-Token", token))
	listen(g.do("POST", "/auth/signOut?redirectTo=/a&redirectTo="+token, "", "X-CSRF-Token", token))
	listen(g.do("POST", "/auth/signOut", "", "X-CSRF-Token", token+"x"))
	listen(g.do("POST", "/auth/signOut", "", "X-CSRF-Token", token, "Origin", "https://evil.example"))
	listen(g.do("POST", "/auth/signOut", "x", "X-CSRF-Token", token, "Content-Type", token))
	listen(g.get("/auth/"+token, "Authorization", "Bearer "+token))
	listen(g.get("/auth/session", "-Cookie", g.names.session+"="+g.cookies[g.names.session]+"; "+g.names.session+"="+token))
	listen(g.get("/auth/session", "Host", "evil.example"))

	for _, accept := range []string{"*/*", "text/html"} {
		address := begin(g)
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		state := url.QueryEscape(u.Query().Get("state"))
		// Callbacks that end before the provider is asked; each uses up its flow
		// or none.
		for _, query := range []string{"code=canary-code-0123456789&state=" + state + "x", "code=canary-code-0123456789", "state=" + state + "&state=" + state, "error=access_denied&error_description=canary-code-0123456789&state=" + state} {
			listen(g.get("/auth/callback/dev?"+query, "Accept", accept))
		}
		stranger := s.guest()
		finish(stranger, begin(g), "Accept", accept) // in another browser
		hookFails = true
		finish(g, begin(g), "Accept", accept)
		hookFails = false
		back := begin(g)
		finish(g, back, "Accept", accept)
		finish(g, back, "Accept", accept) // replayed
	}
	tap.note("code", "canary-code-0123456789")
	verdicts := map[devidp.Verdict]int{}
	for _, f := range devidp.Faults() {
		// Discovery and keys are cached by now; slow and endless answers would be
		// read by the wiretap, and are other tests' business.
		if f.Slow || strings.HasSuffix(f.Name, "/huge") || strings.HasSuffix(f.Name, "/gzip-bomb") || f.Endpoint != devidp.Token && f.Endpoint != devidp.UserInfo && f.Endpoint != devidp.Authorize {
			continue
		}
		visitor := s.guest()
		address := begin(visitor)
		idp.Misbehave(f)
		r := finish(visitor, address)
		verdicts[f.Verdict]++
		if r.status >= 400 && visitor.subject() != "" {
			t.Errorf("%s: a refused sign-in leaves a session", f.Name)
		}
		idp.Behave()
	}
	if verdicts[devidp.Refuse] < 40 {
		t.Errorf("only %v faults were tried", verdicts)
	}
	listen(g.form("/auth/signOut", url.Values{"csrfToken": {g.csrf()}}))

	request, err := http.NewRequest("POST", s.url+"/x", strings.NewReader("csrfToken="+token+"&a=%zz"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", formType)
	errs = append(errs, fmt.Sprint(s.auth.Verify(request)))
	request.Header.Set("X-CSRF-Token", token)
	_, err = s.auth.SignOut(request)
	errs = append(errs, fmt.Sprint(err))
	_, _, err = s.auth.GetSession(&http.Request{Host: "bad@" + token, Header: http.Header{}})
	errs = append(errs, fmt.Sprint(err))

	log := s.log.String()
	if !strings.Contains(log, "signIn") || !strings.Contains(log, "request refused") {
		t.Fatalf("the log is empty:\n%s", log)
	}
	kinds := map[string]bool{}
	for value, what := range tap.secrets {
		kinds[strings.SplitN(what, " ", 2)[0]] = true
		forms := []string{value, url.QueryEscape(value)}
		if last := value[strings.LastIndex(value, ".")+1:]; strings.Count(value, ".") >= 2 && len(last) >= 16 {
			forms = append(forms, last) // of a token its signature is enough
		}
		for _, form := range forms {
			for where, text := range map[string]string{"the log": log, "a body or header": strings.Join(heard, "\n"), "an error": strings.Join(errs, "\n")} {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("%s shows the %s: …%s", where, what, text[max(0, i-160):min(len(text), i+24)])
				}
			}
		}
	}
	for _, want := range []string{"secret", "salt", "client", "code", "state", "nonce", "access_token", "id_token", "refresh_token", "CSRF", "cookie"} {
		if !kinds[want] {
			t.Errorf("nothing of kind %q was watched; kinds %q", want, slices.Collect(func(yield func(string) bool) {
				for k := range kinds {
					if !yield(k) {
						return
					}
				}
			}))
		}
	}
}

// LK-07: what a stranger writes stays on one line of the log, escaped.
func TestLogInjection(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest()
	evil := "x\r\nlevel=ERROR msg=forged\u2028\x1b[31m"
	back := callback(t, g.get("/auth/signIn/gh").header.Get("Location"))
	state := strings.TrimPrefix(back[strings.Index(back, "state="):], "state=")
	g.get("/auth/callback/gh?state=" + state + "&error=" + url.QueryEscape(evil) + "&error_description=" + url.QueryEscape(evil))
	g.get("/auth/callback/gh?state=" + url.QueryEscape(evil))
	g.get("/auth/signIn/gh", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "x\u2028y")
	g.get("/auth/" + url.PathEscape(evil))
	log := s.log.String()
	if !strings.Contains(log, string(aura.CodeProviderError)) {
		t.Fatalf("the failure is not logged:\n%s", log)
	}
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "time=") || strings.ContainsAny(line, "\r\x1b\u2028") {
			t.Errorf("line %q", line)
		}
	}
}
