package aurafiber_test

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"syscall"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/provider"
	"github.com/gofiber/fiber/v2"
)

// patience ends what hangs and decides nothing else.
const patience = 20 * time.Second

// A site is an application on a loopback port, and a provider to sign in with.
type site struct {
	t    *testing.T
	idp  *devidp.Provider
	auth *aura.Auth
	app  *fiber.App
	addr string
}

// newSite builds an application with the configuration and routes of a test.
func newSite(t *testing.T, cfg fiber.Config, change func(*aura.Config), routes func(*fiber.App, *aura.Auth)) *site {
	t.Helper()
	idp, err := devidp.Start(devidp.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	dev := provider.OIDC("dev", idp.Issuer())
	dev.ClientID, dev.ClientSecret = idp.Client().ID, aura.Secret(idp.Client().Secret)
	auraCfg := aura.Config{
		Secrets: []aura.Secret{"aurafiber+5f3c9a0e71d84b26f0a9c3e7"}, Salt: "aurafiber+d15b8642ac90fe137d58b264",
		Providers: []aura.Provider{dev}, Logger: slog.New(slog.DiscardHandler),
		Session: aura.SessionConfig{UpdatableFields: []string{"name"}},
	}
	if change != nil {
		change(&auraCfg)
	}
	auth, err := aura.New(auraCfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DisableStartupMessage = true
	app := fiber.New(cfg)
	routes(app, auth)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Listener(listener) }()
	t.Cleanup(func() { _ = app.Shutdown() })
	return &site{t, idp, auth, app, listener.Addr().String()}
}

// client keeps cookies and follows no redirects.
func (s *site) client() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	transport := &http.Transport{}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// do sends a request; header holds pairs of name and value.
func (s *site) do(c *http.Client, method, target, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = "http://" + s.addr + target
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(text)
}

func (s *site) get(c *http.Client, target string) (int, string) {
	s.t.Helper()
	resp, text := s.do(c, "GET", target, "")
	return resp.StatusCode, text
}

// signIn signs in and returns the status that the callback was answered with.
func (s *site) signIn(c *http.Client) int {
	s.t.Helper()
	resp, text := s.do(c, "GET", s.auth.BasePath()+"/signIn/dev", "")
	if resp.StatusCode != http.StatusFound {
		s.t.Fatalf("GET signIn: status %d: %s", resp.StatusCode, text)
	}
	callback, err := s.idp.Approve(resp.Header.Get("Location"), "demo-ada")
	if err != nil {
		s.t.Fatal(err)
	}
	status, _ := s.get(c, callback)
	return status
}

func (s *site) csrf(c *http.Client) string {
	s.t.Helper()
	_, text := s.get(c, s.auth.BasePath()+"/csrfToken")
	_, rest, _ := strings.Cut(text, `"csrfToken":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// raw sends bytes over a connection of its own, and nothing after them, and
// returns the statuses of what came back, and all of it.
func raw(t *testing.T, addr, request string) (statuses []int, text string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).CloseWrite() // fails when the server has closed it already
	var seen strings.Builder
	reader := bufio.NewReader(io.TeeReader(conn, &seen))
	for {
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
				return statuses, seen.String()
			}
			t.Fatalf("%v, after %q", err, seen.String())
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		statuses = append(statuses, resp.StatusCode)
	}
}

// who answers who is signed in.
func who(session func(*fiber.Ctx) (*aura.Session, bool)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if s, ok := session(c); ok {
			return c.SendString(s.User.Subject)
		}
		return c.SendString("nobody")
	}
}

// quiet is the error handler that README.md asks for.
func quiet(c *fiber.Ctx, err error) error {
	status := fiber.StatusInternalServerError
	var e *fiber.Error
	if errors.As(err, &e) {
		status = e.Code
	}
	return c.Status(status).SendString(http.StatusText(status))
}
