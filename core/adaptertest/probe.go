package adaptertest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/internal/token"
	"github.com/aura-stack-go/auth/core/provider"
)

const (
	secret = "adaptertest+5f3c9a0e71d84b26f0a9c3e7"
	salt   = "adaptertest+d15b8642ac90fe137d58b264"
)

// patience bounds each step of a row. It ends what hangs and decides nothing else.
const patience = 20 * time.Second

var errStopped = errors.New("the row has been stopped")

// A probe is what a row has at hand: an identity provider, an application that
// the adapter under test serves, and clients.
type probe struct {
	adapter Adapter
	errs    []error
	cleanup []func()

	idp  *devidp.Provider
	auth *aura.Auth
	addr string // host:port of the application
	url  string
}

func (p *probe) errorf(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

// fatalf ends the row.
func (p *probe) fatalf(format string, args ...any) {
	p.errorf(format, args...)
	panic(errStopped)
}

func (p *probe) must(err error) {
	if err != nil {
		p.fatalf("%w", err)
	}
}

func (p *probe) close() {
	for i := len(p.cleanup) - 1; i >= 0; i-- {
		p.cleanup[i]()
	}
}

// serve starts the application. change adjusts the configuration, app the rest;
// both may be nil.
func (p *probe) serve(change func(*aura.Config), adjust func(*App)) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	p.addr = listener.Addr().String()
	p.url = "http://" + p.addr
	idp, err := devidp.Start(devidp.Config{Logger: slog.New(slog.DiscardHandler), Clients: []devidp.Client{
		{ID: "dev", Secret: rand.Text(), BackchannelLogoutURI: p.url + "/auth/backchannelLogout/dev"},
	}})
	p.must(err)
	p.idp = idp
	p.cleanup = append(p.cleanup, func() { _ = idp.Close() })

	dev := provider.OIDC("dev", idp.Issuer())
	dev.ClientID, dev.ClientSecret = idp.Client().ID, aura.Secret(idp.Client().Secret)
	cfg := aura.Config{
		Secrets: []aura.Secret{secret}, Salt: salt, Providers: []aura.Provider{dev},
		Session: aura.SessionConfig{UpdatableFields: []string{"name"}},
		Logger:  slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	p.auth, err = aura.New(cfg)
	p.must(err)

	app := App{Listener: listener, Auth: p.auth, Routes: []Route{
		{Method: "GET", Path: "/public", Handle: who},
		{Method: "GET", Path: "/private", Require: true, Handle: who},
		{Method: "POST", Path: "/private", Require: true, Handle: who},
		{Method: "POST", Path: "/change", Require: true, Protect: true, Handle: func(x Exchange) {
			x.Send(http.StatusOK, "changed "+x.Form("what"))
		}},
	}}
	if adjust != nil {
		adjust(&app)
	}
	stop, err := p.adapter.Serve(app)
	p.must(err)
	p.cleanup = append(p.cleanup, stop)
}

// who answers the name of the signed-in user, or "nobody".
func who(x Exchange) {
	if s, ok := x.Session(); ok {
		x.Send(http.StatusOK, s.User.Subject)
		return
	}
	x.Send(http.StatusOK, "nobody")
}

// count has a route of the application count how often its handler runs.
func count(app *App, method, path string, ran *atomic.Int32) {
	for i, route := range app.Routes {
		if route.Method == method && route.Path == path {
			app.Routes[i].Handle = func(x Exchange) {
				ran.Add(1)
				route.Handle(x)
			}
		}
	}
}

// A client keeps cookies and follows no redirects.
type client struct {
	p    *probe
	http *http.Client
}

func (p *probe) client() *client {
	jar, err := cookiejar.New(nil)
	p.must(err)
	transport := &http.Transport{}
	p.cleanup = append(p.cleanup, transport.CloseIdleConnections)
	return &client{p, &http.Client{Jar: jar, Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// A reply is a response, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request; header holds pairs of name and value.
func (c *client) do(method, target, body string, header ...string) reply {
	if strings.HasPrefix(target, "/") {
		target = c.p.url + target
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	c.p.must(err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := c.http.Do(req)
	c.p.must(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	c.p.must(err)
	return reply{resp.StatusCode, resp.Header, string(raw)}
}

func (c *client) get(target string, header ...string) reply {
	return c.do("GET", target, "", header...)
}

func (c *client) post(target string, form url.Values, header ...string) reply {
	return c.do("POST", target, form.Encode(), append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

// start begins a sign-in, has the provider approve it, and returns the callback.
func (c *client) start(redirectTo string) (callback string) {
	r := c.get(c.p.auth.BasePath() + "/signIn/dev?redirectTo=" + url.QueryEscape(redirectTo))
	if r.status != http.StatusFound {
		c.p.fatalf("GET signIn: status %d, want 302: %s", r.status, r.body)
	}
	callback, err := c.p.idp.Approve(r.header.Get("Location"), "demo-ada")
	c.p.must(err)
	return callback
}

func (c *client) signIn() reply {
	r := c.get(c.start("/after"))
	if r.status != http.StatusFound {
		c.p.fatalf("GET callback: status %d, want 302: %s", r.status, r.body)
	}
	return r
}

func (c *client) csrf() string {
	r := c.get(c.p.auth.BasePath() + "/csrfToken")
	_, rest, _ := strings.Cut(r.body, `"csrfToken":"`)
	value, _, _ := strings.Cut(rest, `"`)
	if value == "" {
		c.p.fatalf("GET csrfToken: status %d: %s", r.status, r.body)
	}
	return value
}

// want compares a reply with what the row expects.
func (p *probe) want(what string, r reply, status int, body string) {
	if r.status != status || !strings.Contains(r.body, body) {
		p.errorf("%s: status %d and body %q, want %d and %q", what, r.status, clip(r.body), status, body)
	}
}

func clip(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

// mint makes a session cookie's value for a subject, as another process that
// shares the secret would; extra is a member of the user, to make it large.
func (p *probe) mint(subject, extra string) string {
	ring, err := token.NewRing([][]byte{[]byte(secret)}, []byte(salt))
	p.must(err)
	codec, err := ring.Codec(token.Options{MaxLen: 64 << 10})
	p.must(err)
	now := time.Now().Unix()
	sealed, err := codec.Seal(fmt.Appendf(nil,
		`{"sub":%q,"name":%q,"pad":%q,"iat":%d,"nbf":%d,"exp":%d,"jti":"jti-%s"}`, subject, subject, extra, now, now, now+3600, subject))
	p.must(err)
	return sealed
}

// raw sends bytes over a connection of its own and returns the response, as
// parsed and as it came. "HOST" in the bytes is the application's host.
func (p *probe) raw(request string) (reply, string) {
	replies, text := p.pipeline(request)
	if len(replies) == 0 {
		return reply{}, text
	}
	return replies[0], text
}

// pipeline sends requests over one connection, one after the other, and
// returns the responses up to the first that closes it.
func (p *probe) pipeline(requests ...string) ([]reply, string) {
	conn, err := net.DialTimeout("tcp", p.addr, patience)
	p.must(err)
	defer conn.Close()
	p.must(conn.SetDeadline(time.Now().Add(patience)))
	var seen bytes.Buffer
	reader := bufio.NewReader(io.TeeReader(conn, &seen))
	var replies []reply
	for _, request := range requests {
		if _, err := io.WriteString(conn, strings.ReplaceAll(request, "HOST", p.addr)); err != nil {
			break
		}
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			break
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			break
		}
		replies = append(replies, reply{resp.StatusCode, resp.Header, string(body)})
		if resp.Close {
			break
		}
	}
	return replies, seen.String()
}

func readAll(r io.Reader) (string, error) {
	b, err := io.ReadAll(r)
	return string(b), err
}

func contains(s, part string) bool { return part != "" && strings.Contains(s, part) }
