package rp

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"
)

// endpoints are the four that a callback asks, with the code for an answer
// that cannot be used and the code for none.
var endpoints = []struct{ path, invalid, unreachable string }{
	{wellKnownPath, CodeDiscoveryInvalid, CodeDiscoveryUnreachable},
	{"/token", CodeTokenRejected, CodeTokenUnreachable},
	{"/jwks", CodeKeysInvalid, CodeKeysInvalid},
	{"/userinfo", CodeUserInfoRejected, CodeUserInfoUnreachable},
}

// DO-07: bodies without end, plain and as a gzip bomb.
func TestEndlessBodies(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	for range 100 {
		_, _ = z.Write(spaces)
	}
	_ = z.Close()
	const gib = 1 << 30
	for _, e := range endpoints {
		for name, handler := range map[string]func(sent *int) http.HandlerFunc{
			"stream": func(sent *int) http.HandlerFunc {
				return func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					for *sent = 0; *sent < gib; *sent += len(spaces) {
						if _, err := w.Write(spaces); err != nil {
							return
						}
					}
				}
			},
			"gzip": func(*int) http.HandlerFunc {
				return func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					w.Header().Set("Content-Encoding", "gzip")
					_, _ = w.Write(bomb.Bytes())
				}
			},
		} {
			t.Run(e.path+" "+name, func(t *testing.T) {
				f := newIDP(t)
				sent := 0
				f.overrides[e.path] = handler(&sent)
				_, err := exchange(t, f.party(t))
				got := expect(t, err, e.invalid)
				if got.Unreachable() || !contains(got.Error(), "1 MiB") {
					t.Errorf("%v", got)
				}
				f.Close() // waits for the handler
				if sent > gib/8 {
					t.Errorf("%d MiB were taken", sent>>20)
				}
			})
		}
	}
	t.Run("exactly 1 MiB is read", func(t *testing.T) {
		f := newIDP(t)
		f.overrides["/big"] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`"` + strings.Repeat("x", maxBody-2) + `"`))
		}
		body, err := f.party(t).GetJSON(t.Context(), f.URL+"/big", "")
		expect(t, err, "")
		if len(body) != maxBody {
			t.Errorf("%d bytes", len(body))
		}
	})
	t.Run("encoding that was not asked for", func(t *testing.T) {
		f := newIDP(t)
		f.overrides["/token"] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			writeJSON(w, map[string]any{})
		}
		_, err := exchange(t, f.party(t))
		expect(t, err, CodeTokenRejected)
	})
}

// DO-08: servers that never finish. That the test ends is the point.
func TestEndlessAnswers(t *testing.T) {
	stall := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	handlers := map[string]http.HandlerFunc{
		"silence": stall,
		"headers": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			stall(w, r)
		},
		"drip": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		},
	}
	before := runtime.NumGoroutine()
	t.Run("all", func(t *testing.T) {
		for _, e := range endpoints {
			for name, h := range handlers {
				t.Run(e.path+" "+name, func(t *testing.T) {
					t.Parallel()
					f := newIDP(t)
					f.overrides[e.path] = func(w http.ResponseWriter, r *http.Request) {
						_, _ = io.Copy(io.Discard, r.Body) // or the server never notices that we left
						h(w, r)
					}
					transport := &http.Transport{}
					defer transport.CloseIdleConnections()
					p := f.party(t, func(c *Config) {
						c.Timeout = time.Second
						c.HTTPClient = &http.Client{Transport: transport}
					})
					p.budget = time.Hour // every call has a deadline of its own
					_, err := exchange(t, p)
					if got := expect(t, err, e.unreachable); !got.Unreachable() {
						t.Errorf("not reported as unreachable: %v", got)
					}
				})
			}
		}
	})
	for range 100 { // they end by themselves, but not in this instant
		if runtime.NumGoroutine() <= before+2 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

// DO-08: the budget of a whole callback, when every single call has time left.
func TestCallbackBudget(t *testing.T) {
	f := newIDP(t)
	p := f.party(t, func(c *Config) { c.Timeout = time.Hour })
	if p.budget != 10*time.Second {
		t.Errorf("budget %v", p.budget)
	}
	_, err := start(p, t.Context()) // discovery is cached
	expect(t, err, "")
	p.budget = 300 * time.Millisecond
	f.overrides["/token"] = func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	_, err = exchange(t, p)
	if got := expect(t, err, CodeTokenUnreachable); !got.Unreachable() || !errors.Is(err, errDeadline) {
		t.Errorf("%v", got)
	}
}

// The application's client lends its transport and its patience, nothing else.
func TestApplicationClient(t *testing.T) {
	f := newIDP(t)
	followed := false
	client := &http.Client{
		Timeout:       2 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { followed = true; return nil },
	}
	p := f.party(t, func(c *Config) { c.HTTPClient = client })
	if p.config.Timeout != 2*time.Second {
		t.Errorf("timeout %v", p.config.Timeout)
	}
	f.overrides["/userinfo"] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", 302) }
	_, err := exchange(t, p)
	expect(t, err, CodeUserInfoRejected)
	if followed || f.count("/evil") != 0 {
		t.Error("the application's redirect policy was used")
	}
	if p.out.client.Transport == http.DefaultTransport || p.out.client.Transport == nil {
		t.Error("the transport is http.DefaultTransport")
	}
}

// leaky is a transport whose errors quote the whole request.
type leaky struct{ only string }

func (l leaky) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.only != "" && r.URL.Path != l.only {
		return http.DefaultTransport.RoundTrip(r)
	}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	dump := fmt.Sprintf("dump %v %s\r\n\u2028%s", r.Header, body, strings.Repeat("x", 5000))
	return nil, &url.Error{Op: "Post", URL: r.URL.String() + "?code=" + testCode, Err: errors.New(dump)}
}

// checkText fails for a text of ours that holds a secret, or is not one short
// line.
func checkText(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{
		testCode, testVerifier, testNonce, testAccess, testRefresh, testRenewed, testRotated, testSecret, testDevice,
		url.QueryEscape(testSecret), proof{clientID: testClient, secret: testSecret}.basic(),
	} {
		if contains(text, secret) {
			t.Errorf("%s holds a secret: %s", where, text)
		}
	}
	if strings.ContainsAny(text, "\r\x1b\u2028") || len(text) > 1000 {
		t.Errorf("%s is not one short line: %.200q", where, text)
	}
}

// echo is a provider that repeats what it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(400)
	_, _ = w.Write(must(json.Marshal(map[string]any{
		"error": testCode, "error_description": string(body) + r.Header.Get("Authorization"), "error_uri": testVerifier,
	})))
}

// LK-08 and LK-01 for this room: no secret in any error or log line.
func TestNoSecretsInErrorsAndLogs(t *testing.T) {
	wrong := map[string]func(*fakeIDP){
		"token endpoint echoes":  func(f *fakeIDP) { f.overrides["/token"] = echo },
		"token answer not JSON":  func(f *fakeIDP) { f.overrides["/token"] = rawJSON(testAccess + testRefresh) },
		"token answer twice":     func(f *fakeIDP) { f.overrides["/token"] = rawJSON(`{"x":"` + testAccess + `","x":1}`) },
		"token answer type":      func(f *fakeIDP) { f.answer = func(a map[string]any) { a["token_type"] = testAccess } },
		"token answer expiry":    func(f *fakeIDP) { f.answer = func(a map[string]any) { a["expires_in"] = testRefresh } },
		"token content type":     func(f *fakeIDP) { f.overrides["/token"] = status(200) },
		"userinfo echoes":        func(f *fakeIDP) { f.overrides["/userinfo"] = echo },
		"userinfo not JSON":      func(f *fakeIDP) { f.overrides["/userinfo"] = rawJSON(testAccess) },
		"nonce":                  claim("nonce", "other"),
		"nonce array":            claim("nonce", []string{testNonce}),
		"nonce as issuer":        claim("iss", testNonce),
		"audience is the token":  claim("aud", testAccess),
		"at_hash":                claim("at_hash", "other"),
		"kid":                    head("kid", "other"),
		"signature":              func(f *fakeIDP) { f.idToken = func(h, c []byte) string { return signRS256(otherRSA(), h, c) } },
		"ID token is the secret": whole(func(string) string { return testSecret }),
		"keys down": func(f *fakeIDP) {
			f.overrides["/jwks"] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		},
	}
	run := func(t *testing.T, f *fakeIDP, edit ...func(*Config)) {
		var log bytes.Buffer
		p := f.party(t, append(edit, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })...)
		_, err := exchange(t, p)
		if err == nil {
			t.Fatal("no error to look at")
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			checkText(t, "error", e.Error())
			checkText(t, "error", fmt.Sprintf("%+v", e))
		}
		f.clock.advance(2 * time.Hour) // refreshes that nobody waits for are logged
		f.set(func() { f.overrides[wellKnownPath], f.overrides["/jwks"] = status(500), status(500) })
		_, _ = exchange(t, p)
		if p.discovery != nil {
			settle(p)
		}
		checkText(t, "log", log.String())
		for _, text := range []string{
			fmt.Sprintf("%v %+v %#v %s", p, p, p, p), fmt.Sprintf("%v %+v %#v", p.config, p.config, p.config),
			string(must(json.Marshal(p))), //nolint:staticcheck // that nothing comes out is the point
		} {
			checkText(t, "party", text)
		}
		log.Reset()
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "party", p, "config", p.config)
		checkText(t, "slog", log.String())
	}
	for name, edit := range wrong {
		t.Run(name, func(t *testing.T) {
			f := newIDP(t)
			edit(f)
			run(t, f)
		})
	}
	for _, path := range []string{"", wellKnownPath, "/token", "/jwks", "/userinfo"} {
		t.Run("leaky transport "+path, func(t *testing.T) {
			run(t, newIDP(t), func(c *Config) { c.HTTPClient = &http.Client{Transport: leaky{path}} })
		})
	}
	t.Run("GetJSON with a token in its URL", func(t *testing.T) {
		f := newIDP(t)
		p := f.party(t)
		for _, address := range []string{f.URL + "/tokens/" + testAccess, "https://%zz/" + testAccess, "http://api.example/" + testAccess} {
			_, err := p.GetJSON(t.Context(), address, testAccess)
			checkText(t, "error", err.Error())
		}
	})
}

// What is logged is logged: the outage that stale metadata hides.
func TestHiddenOutageIsLogged(t *testing.T) {
	f := newIDP(t)
	var log bytes.Buffer
	p := f.party(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	_, err := exchange(t, p)
	expect(t, err, "")
	f.overrides[wellKnownPath], f.overrides["/jwks"] = status(500), status(500)
	f.clock.advance(2 * time.Hour)
	f.claims = func(c map[string]any) { c["exp"] = f.clock.now().Unix() + 300 }
	_, err = exchange(t, p)
	expect(t, err, "")
	settle(p)
	if !contains(log.String(), "discovery", "keys", "provider=idp", "500") {
		t.Error(log.String())
	}
}
