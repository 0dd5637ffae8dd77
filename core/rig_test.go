package aura_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/internal/token"
	"github.com/aura-stack-go/auth/core/provider"
)

// A rig is a stage whose application knows its own address before it starts and
// can be replaced by another one at the same address, as in a deployment. It
// has as many identity providers as it is asked for: dev, dev2, dev3 …
type rig struct {
	*stage
	idps []*devidp.Provider
	door atomic.Pointer[aura.Auth]
}

// newRig starts one with n providers; change gets the address too.
func newRig(t *testing.T, n int, change func(url string, c *aura.Config)) *rig {
	t.Helper()
	r := &rig{stage: &stage{t: t, clock: &clock{}, log: &logBuffer{}}}
	for range n {
		// ES256: its keys cost nothing to make, and there are many rigs.
		idp, err := devidp.Start(devidp.Config{Now: r.clock.now, Logger: slog.New(slog.DiscardHandler), SigningAlg: "ES256"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = idp.Close() })
		r.idps = append(r.idps, idp)
	}
	r.idp = r.idps[0]
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.door.Load().ServeHTTP(w, req)
	}))
	r.url = "http://" + server.Listener.Addr().String()
	r.deploy(change)
	server.Start()
	t.Cleanup(server.Close)
	return r
}

// deploy replaces the application.
func (r *rig) deploy(change func(url string, c *aura.Config)) *aura.Auth {
	r.t.Helper()
	r.auth = newAuth(r.t, r.stage, func(c *aura.Config) {
		c.Providers = nil
		for i, idp := range r.idps {
			p := provider.OIDC(providerName(i), idp.Issuer())
			p.ClientID, p.ClientSecret = idp.Client().ID, aura.Secret(idp.Client().Secret)
			c.Providers = append(c.Providers, p)
		}
		if change != nil {
			change(r.url, c)
		}
	})
	r.door.Store(r.auth)
	return r.auth
}

func providerName(i int) string {
	if i == 0 {
		return "dev"
	}
	return fmt.Sprint("dev", i+1)
}

// tokenCalls is how many requests the token endpoints of all providers have had.
func (r *rig) tokenCalls() int {
	calls := 0
	for _, idp := range r.idps {
		calls += idp.Counts().Token
	}
	return calls
}

// startAt begins a sign-in with a provider and returns the authorization URL.
func (b *browser) startAt(id, redirectTo string, header ...string) string {
	b.t.Helper()
	r := b.get("/auth/signIn/"+id+"?"+url.Values{"redirectTo": {redirectTo}}.Encode(), header...)
	if r.status != http.StatusFound {
		b.t.Fatalf("signIn/%s: status %d\n%s", id, r.status, r.body)
	}
	return r.header.Get("Location")
}

// cookies are what the browser would send to the application.
func (b *browser) cookies() map[string]string {
	b.t.Helper()
	origin, err := url.Parse(b.origin + "/")
	if err != nil {
		b.t.Fatal(err)
	}
	found := map[string]string{}
	for _, c := range b.http.Jar.Cookies(origin) {
		found[c.Name] = c.Value
	}
	return found
}

// plant puts a cookie into the browser, as a sibling host or an attacker with
// the keyboard could.
func (b *browser) plant(name, value string) {
	b.t.Helper()
	origin, err := url.Parse(b.origin + "/")
	if err != nil {
		b.t.Fatal(err)
	}
	b.http.Jar.SetCookies(origin, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// flows are the names of the flow cookies that the browser holds.
func (b *browser) flows() []string {
	b.t.Helper()
	names := slices.Sorted(maps.Keys(b.cookies()))
	return slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(name, ".flow.") })
}

// cookieHeader writes cookies as a Cookie header, for requests outside of a jar.
func cookieHeader(cookies map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(cookies)) {
		pairs = append(pairs, name+"="+cookies[name])
	}
	return strings.Join(pairs, "; ")
}

// written are the names of the cookies that a response sets or expires.
func (r reply) written() []string {
	var names []string
	for _, line := range r.header["Set-Cookie"] {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	return names
}

// wantRefusal checks a refused sign-in: the status, the code in JSON, and that
// nothing but flow cookies was touched.
func (r reply) wantRefusal(t *testing.T, status int, code aura.Code) {
	t.Helper()
	if r.status != status || r.code(t) != string(code) {
		t.Errorf("status %d, want %d with code %s\n%s", r.status, status, code, r.body)
	}
	r.wantNoSession(t)
}

// wantNoSession checks that a response neither begins nor ends a session.
func (r reply) wantNoSession(t *testing.T) {
	t.Helper()
	for _, name := range r.written() {
		if !strings.Contains(name, ".flow.") {
			t.Errorf("the response writes the cookie %s", name)
		}
	}
}

// direct asks an application without a network in between, as a server would
// hand the request over: change can do to it what no client can send.
func direct(auth *aura.Auth, target string, change func(*http.Request)) reply {
	req := httptest.NewRequest("GET", target, nil)
	req.Host = "localhost"
	if change != nil {
		change(req)
	}
	w := httptest.NewRecorder()
	auth.ServeHTTP(w, req)
	return reply{w.Code, w.Header(), w.Body.String()}
}

// rawExchange sends bytes to a server and reads one response: for requests that
// no client sends.
func rawExchange(t *testing.T, origin, request string) reply {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(origin, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // a hanging server must not hang the test
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// openToken decodes a session token with secrets, and fails the test when none
// of them opens it.
func openToken(t *testing.T, mode aura.TokenMode, value string, secrets ...string) (payload []byte, key int) {
	t.Helper()
	m, err := token.ParseMode(string(mode))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := testRing(t, secrets...).Codec(token.Options{Mode: m})
	if err != nil {
		t.Fatal(err)
	}
	payload, key, err = codec.Open(value)
	if err != nil {
		t.Fatalf("the %s token does not open: %v", mode, err)
	}
	return payload, key
}

func testRing(t *testing.T, secrets ...string) *token.Ring {
	t.Helper()
	raw := make([][]byte, len(secrets))
	for i, s := range secrets {
		raw[i] = []byte(s)
	}
	ring, err := token.NewRing(raw, []byte(testSalt))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// claimsOf reads a payload with its numbers as they were written.
func claimsOf(t *testing.T, payload []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(payload)))
	dec.UseNumber()
	var claims map[string]any
	if err := dec.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// query returns the query of an address.
func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// with returns address with parameters of its query replaced; nil removes one.
func with(t *testing.T, address string, change map[string][]string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, values := range change {
		if values == nil {
			delete(q, name)
			continue
		}
		q[name] = values
	}
	u.RawQuery = q.Encode()
	return u.String()
}
