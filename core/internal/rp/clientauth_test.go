package rp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// offers has discovery name every endpoint.
func offers(f *fakeIDP, methods ...string) {
	f.metadata = func(m map[string]any) {
		m["pushed_authorization_request_endpoint"] = f.URL + "/par"
		m["device_authorization_endpoint"] = f.URL + "/device"
		if methods != nil {
			m["token_endpoint_auth_methods_supported"] = methods
		}
	}
}

// authenticated are our five authenticated requests, each of which sends one.
var authenticated = map[string]struct {
	path string
	send func(context.Context, *Party) error
}{
	"code": {"/token", func(ctx context.Context, p *Party) error {
		_, err := p.Exchange(ctx, response())
		return err
	}},
	"refresh": {"/token", func(ctx context.Context, p *Party) error {
		_, err := p.Refresh(ctx, testRefresh, "", "user-1")
		return err
	}},
	"poll": {"/token", func(ctx context.Context, p *Party) error {
		_, err := p.PollDevice(ctx, testDevice)
		return err
	}},
	"revocation": {"/revoke", func(ctx context.Context, p *Party) error { return p.Revoke(ctx, testRefresh, "") }},
	"push": {"/par", func(ctx context.Context, p *Party) error {
		_, err := p.AuthorizationURL(ctx, AuthorizationRequest{
			State: "canary-state-1", Nonce: testNonce, CodeVerifier: testVerifier, RedirectURI: response().RedirectURI,
		})
		return err
	}},
	"device": {"/device", func(ctx context.Context, p *Party) error {
		_, err := p.AuthorizeDevice(ctx)
		return err
	}},
}

// Every authenticated request proves us by the one method that was chosen, and
// none tries a second one when it is refused.
func TestAuthenticatedRequests(t *testing.T) {
	secret := func(c *Config) { c.ClientSecret = testSecret }
	made := func(c *Config) {
		c.ClientSecret = ""
		c.MakeClientSecret = func(clientID string, now time.Time) (string, error) {
			if clientID != testClient || now.Year() != 2026 {
				return "", errors.New("not our client id and clock")
			}
			return testSecret, nil
		}
	}
	with := func(edit func(*Config), method string) func(*Config) {
		return func(c *Config) { edit(c); c.AuthMethod = method }
	}
	for name, row := range map[string]struct {
		edit       func(*Config)
		discovered []string
		want       string
	}{
		"secret":                          {secret, nil, "basic"},
		"secret, post discovered":         {secret, []string{methodPost, methodKey}, "post"},
		"secret, only a key discovered":   {secret, []string{methodKey}, "basic"},
		"secret, post set":                {with(secret, methodPost), []string{methodBasic}, "post"},
		"made secret":                     {made, nil, "basic"},
		"made secret, post discovered":    {made, []string{methodPost}, "post"},
		"made secret, post set":           {with(made, methodPost), []string{methodBasic}, "post"},
		"key":                             {byKey, nil, "key"},
		"key, not discovered":             {byKey, []string{methodBasic, methodPost}, "key"},
		"key, set":                        {with(byKey, methodKey), []string{methodBasic}, "key"},
		"nothing":                         {func(c *Config) { c.ClientSecret = "" }, []string{methodBasic}, "none"},
		"none set, though it is not said": {with(func(c *Config) { c.ClientSecret = "" }, methodNone), []string{methodPost}, "none"},
	} {
		for request, r := range authenticated {
			t.Run(name+"/"+request, func(t *testing.T) {
				f := newIDP(t)
				offers(f, row.discovered...)
				auth, agent := "", ""
				f.overrides[r.path] = func(w http.ResponseWriter, r *http.Request) {
					auth, agent = r.Header.Get("Authorization"), r.Header.Get("User-Agent")
					w.WriteHeader(http.StatusUnauthorized)
				}
				p := f.party(t, row.edit, func(c *Config) { c.PushedAuthorization = true })
				if err := r.send(t.Context(), p); err == nil {
					t.Fatal("401 is a success")
				}
				if n := f.count(r.path); n != 1 {
					t.Errorf("%d requests, want 1", n)
				}
				if agent != userAgent {
					t.Errorf("User-Agent %q", agent)
				}
				if row.want == "key" {
					if auth != "" {
						t.Errorf("Authorization beside the assertion: %s", auth)
					}
					wantAssertion(t, f.form, "ES256", &ecKey().PublicKey, "our-key", f.URL, f.clock.now())
					return
				}
				if request == "push" || request == "device" { // there client_id is a parameter of its own
					if f.form.Get("client_id") != testClient {
						t.Error("client_id is missing")
					}
					if row.want == "basic" {
						f.form.Del("client_id")
					}
				}
				if got := f.authentication(auth); got != row.want || f.form.Has("client_assertion") {
					t.Errorf("authenticated by %s, want %s", got, row.want)
				}
			})
		}
	}
}

// The assertion joins what x/oauth2 says, and changes none of it.
func TestTokenRequestWithAssertion(t *testing.T) {
	f := newIDP(t)
	p := f.party(t, byKey, func(c *Config) { c.TokenHeader = http.Header{"X-Version": {"7"}} })
	var length int64
	var header http.Header
	f.overrides["/token"] = func(w http.ResponseWriter, r *http.Request) {
		length, header = r.ContentLength, r.Header
		w.WriteHeader(400)
	}
	_, err := exchange(t, p)
	expect(t, err, CodeTokenRejected)
	if f.form.Get("code") != testCode || f.form.Get("code_verifier") != testVerifier ||
		f.form.Get("redirect_uri") != response().RedirectURI || f.form.Get("grant_type") != "authorization_code" || len(f.form) != 7 {
		t.Errorf("token request: %v", f.form)
	}
	if length != int64(len(f.form.Encode())) || header.Get("X-Version") != "7" ||
		header.Get("Content-Type") != "application/x-www-form-urlencoded" || header.Get("Accept") != "application/json" {
		t.Errorf("length %d, header %v", length, header)
	}
}

// A made secret is made for each request, and not kept.
func TestMadeSecretIsNotKept(t *testing.T) {
	f := newIDP(t)
	var calls atomic.Int64
	p := f.party(t, func(c *Config) {
		c.ClientSecret, c.AuthMethod = "", methodPost
		c.MakeClientSecret = func(string, time.Time) (string, error) {
			return "canary-made-" + string(rune('0'+calls.Add(1))), nil
		}
	})
	for _, want := range []string{"canary-made-1", "canary-made-2"} {
		_, err := exchange(t, p)
		expect(t, err, "")
		if got := f.form.Get("client_secret"); got != want {
			t.Errorf("secret %q, want %q", got, want)
		}
	}
	expect(t, p.Revoke(t.Context(), testRefresh, ""), "")
	if got := f.form.Get("client_secret"); got != "canary-made-3" {
		t.Errorf("secret %q, want the third", got)
	}
}

// Without a secret nothing is sent, and nobody is told what the maker said.
func TestSecretThatCannotBeMade(t *testing.T) {
	for name, make := range map[string]func(string, time.Time) (string, error){
		"error": func(string, time.Time) (string, error) { return testSecret, errors.New("signing with " + testSecret) },
		"empty": func(string, time.Time) (string, error) { return "", nil },
	} {
		for request, r := range authenticated {
			t.Run(name+"/"+request, func(t *testing.T) {
				f := newIDP(t)
				offers(f)
				p := f.party(t, func(c *Config) { c.ClientSecret, c.MakeClientSecret, c.PushedAuthorization = "", make, true })
				e := expect(t, r.send(t.Context(), p), CodeClientAuth)
				if e.Unreachable() || e.InvalidGrant() || !contains(e.Error(), "MakeClientSecret", `"idp"`) {
					t.Errorf("%v: unreachable %v, invalid grant %v", e, e.Unreachable(), e.InvalidGrant())
				}
				checkText(t, "error", e.Error())
				if n := f.count(r.path); n != 0 {
					t.Errorf("%d requests without a proof", n)
				}
			})
		}
	}
}

// LK-01 for what proves us: neither assertion nor made secret comes back in an
// error, from a provider that echoes or from a transport that dumps.
func TestNoProofInErrors(t *testing.T) {
	made := func(c *Config) {
		c.ClientSecret = ""
		c.MakeClientSecret = func(string, time.Time) (string, error) { return testSecret, nil }
	}
	post := func(c *Config) { made(c); c.AuthMethod = methodPost }
	for name, edit := range map[string]func(*Config){"key": byKey, "made": made, "made, post": post} {
		for request, r := range authenticated {
			for _, how := range []string{"echo", "dump"} {
				t.Run(name+"/"+request+"/"+how, func(t *testing.T) {
					f := newIDP(t)
					offers(f)
					var sent *http.Request
					var body []byte
					record := recorder(func(r *http.Request) (*http.Response, error) {
						if r.Body != nil {
							body, _ = io.ReadAll(r.Body)
							r.Body = io.NopCloser(strings.NewReader(string(body)))
						}
						sent = r
						if how == "dump" {
							return leaky{only: authenticated[request].path}.RoundTrip(r)
						}
						return http.DefaultTransport.RoundTrip(r)
					})
					f.overrides[r.path] = func(w http.ResponseWriter, r *http.Request) {
						// As error, the one member that we may repeat, and as the rest.
						w.Header().Set("Content-Type", "application/json")
						w.WriteHeader(400)
						writeRaw(w, f.form.Get("client_assertion")+f.form.Get("client_secret")+r.Header.Get("Authorization"))
					}
					p := f.party(t, edit, func(c *Config) {
						c.PushedAuthorization, c.HTTPClient = true, &http.Client{Transport: record}
					})
					err := r.send(t.Context(), p)
					if err == nil || sent == nil {
						t.Fatal("no failure")
					}
					form := must(url.ParseQuery(string(body)))
					checkText(t, "error", err.Error())
					basic := strings.TrimPrefix(sent.Header.Get("Authorization"), "Basic ")
					if basic != "" {
						_ = must(base64.StdEncoding.DecodeString(basic))
					}
					for _, s := range []string{form.Get("client_assertion"), form.Get("client_secret"), basic, "canary-state-1"} {
						// Long texts are cut: the beginning is enough to see one.
						if s = s[:min(len(s), 24)]; s != "" && contains(err.Error(), s) {
							t.Errorf("the error holds a proof: %v", err)
						}
					}
				})
			}
		}
	}
}

// recorder is a transport of one function.
type recorder func(*http.Request) (*http.Response, error)

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

func writeRaw(w io.Writer, text string) {
	_, _ = w.Write(must(json.Marshal(map[string]string{"error": text, "error_description": text})))
}
