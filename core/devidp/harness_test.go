package devidp_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/devidp"
)

const (
	callback = "http://127.0.0.1:3000/auth/callback/dev"
	verifier = "a-verifier-of-at-least-forty-three-characters"
)

// fast keeps RSA key generation out of tests that are not about it.
func fast() devidp.Config { return devidp.Config{SigningAlg: "ES256"} }

func start(t *testing.T, cfg devidp.Config) *devidp.Provider {
	t.Helper()
	p, err := devidp.Start(cfg)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return p
}

// clock is a Config.Now that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// answer is a response as it came over the wire; err when it did not come whole.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
}

func (a answer) object() map[string]any {
	var object map[string]any
	if json.Unmarshal(a.body, &object) != nil {
		return nil
	}
	return object
}

func (a answer) text(member string) string {
	s, _ := a.object()[member].(string)
	return s
}

// plain never follows redirects and reuses no connection.
func plain() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// readLimit is enough to see that an answer passes every sensible limit.
const readLimit = 2 << 20

func do(ctx context.Context, method, target string, form url.Values, header http.Header) answer {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return answer{err: err}
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w, err := plain().Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = w.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(w.Body, readLimit))
	return answer{status: w.StatusCode, header: w.Header, body: b, err: err}
}

func get(t *testing.T, target string) answer {
	t.Helper()
	return do(t.Context(), "GET", target, nil, nil)
}

func post(t *testing.T, target string, form url.Values) answer {
	t.Helper()
	return do(t.Context(), "POST", target, form, nil)
}

func base(p *devidp.Provider) string { return strings.TrimSuffix(p.Issuer(), "/") }

// authRequest is a valid authorization request, with changes: "" removes.
func authRequest(p *devidp.Provider, changes ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	v := url.Values{
		"response_type":         {"code"},
		"client_id":             {p.Client().ID},
		"redirect_uri":          {callback},
		"scope":                 {"openid profile email"},
		"state":                 {"the-state"},
		"nonce":                 {"the-nonce"},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(sum[:])},
		"code_challenge_method": {"S256"},
	}
	return change(v, changes...)
}

// tokenRequest is a valid token request by client_secret_post.
func tokenRequest(p *devidp.Provider, code string, changes ...string) url.Values {
	v := url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code},
		"redirect_uri":  {callback},
		"code_verifier": {verifier},
		"client_id":     {p.Client().ID},
		"client_secret": {p.Client().Secret},
	}
	return change(v, changes...)
}

func refreshRequest(p *devidp.Provider, token string, changes ...string) url.Values {
	v := url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {token},
		"client_id":     {p.Client().ID},
		"client_secret": {p.Client().Secret},
	}
	return change(v, changes...)
}

func change(v url.Values, changes ...string) url.Values {
	for i := 0; i+1 < len(changes); i += 2 {
		v.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			v.Del(changes[i])
		}
	}
	return v
}

var requestID = regexp.MustCompile(`name="request" value="([^"]+)"`)

// viaPage signs demo-ada in as a browser does, and returns the response's query.
func viaPage(t *testing.T, p *devidp.Provider) url.Values {
	t.Helper()
	page := get(t, base(p)+"/authorize?"+authRequest(p).Encode())
	id := requestID.FindSubmatch(page.body)
	if id == nil {
		t.Fatalf("the authorization page has no request id: %d %s %v", page.status, page.body, page.err)
	}
	back := post(t, base(p)+"/authorize/user", url.Values{"request": {string(id[1])}, "user": {"demo-ada"}})
	if back.status != http.StatusSeeOther {
		t.Fatalf("picking a user answered %d, want 303: %s", back.status, back.body)
	}
	location, err := url.Parse(back.header.Get("Location"))
	if err != nil {
		t.Fatalf("Location: %v", err)
	}
	return location.Query()
}

// newCode is a code through Approve.
func newCode(t *testing.T, p *devidp.Provider, changes ...string) string {
	t.Helper()
	to, err := p.Approve(base(p)+"/authorize?"+authRequest(p, changes...).Encode(), "demo-ada")
	if err != nil {
		t.Fatalf("Approve: %v", err)
	}
	u, err := url.Parse(to)
	if err != nil || u.Query().Get("code") == "" {
		t.Fatalf("Approve brought no code: %s", to)
	}
	return u.Query().Get("code")
}

// newTokens is an honest token answer.
func newTokens(t *testing.T, p *devidp.Provider, changes ...string) answer {
	t.Helper()
	a := post(t, base(p)+"/token", tokenRequest(p, newCode(t, p, changes...)))
	if a.status != http.StatusOK {
		t.Fatalf("token: %d %s %v", a.status, a.body, a.err)
	}
	return a
}

func userInfo(t *testing.T, p *devidp.Provider, access string) answer {
	t.Helper()
	return do(t.Context(), "GET", base(p)+"/userinfo", nil, http.Header{"Authorization": {"Bearer " + access}})
}
