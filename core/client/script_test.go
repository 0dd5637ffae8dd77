package client_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aura-stack-go/auth/core/client"
)

// A script is a server that answers what a test has written down for each
// route, exactly as the contract words it, and records what it was asked.
type script struct {
	t      *testing.T
	url    string
	routes map[string]line // "GET /auth/session" → its answer

	mu    sync.Mutex
	asked []request
}

// A line is one answer. Its zero status is 200, its type JSON.
type line struct {
	status int
	kind   string
	header http.Header
	body   string
}

// A request is what matters of one on the wire.
type request struct {
	method, path, query string
	csrf, cookies       string
	kind, body          string
}

// csrfLine answers GET /csrfToken as an anonymous visitor sees it.
var csrfLine = line{
	body:   `{"csrfToken":"csrf.jws.1"}`,
	header: http.Header{"Set-Cookie": {"aura-auth.csrf_token=csrf.jws.1; Path=/; HttpOnly; SameSite=Strict"}},
}

// csrfAsked is the request for it.
var csrfAsked = request{method: "GET", path: "/auth/csrfToken"}

func newScript(t *testing.T, routes map[string]line) *script {
	t.Helper()
	s := &script{t: t, routes: map[string]line{"GET /auth/csrfToken": csrfLine}}
	for route, answer := range routes {
		s.routes[route] = answer
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	if accept := r.Header.Get("Accept"); accept != "application/json" {
		s.t.Errorf("%s %s: Accept %q", r.Method, r.URL, accept)
	}
	s.mu.Lock()
	s.asked = append(s.asked, request{
		r.Method, r.URL.EscapedPath(), r.URL.RawQuery,
		strings.Join(r.Header["X-Csrf-Token"], " + "), strings.Join(r.Header["Cookie"], " + "),
		strings.Join(r.Header["Content-Type"], " + "), string(body),
	})
	s.mu.Unlock()
	answer, ok := s.routes[r.Method+" "+r.URL.Path]
	if !ok {
		answer = line{status: 404, body: `{"success":false,"error":{"code":"NOT_FOUND","message":"There is nothing at this address.","id":"x"}}`}
	}
	answer.write(w)
}

func (l line) write(w http.ResponseWriter) {
	for name, values := range l.header {
		w.Header()[name] = values
	}
	if l.kind == "" {
		l.kind = "application/json"
	}
	if l.kind != "none" {
		w.Header().Set("Content-Type", l.kind)
	} else {
		w.Header()["Content-Type"] = nil // net/http would guess one
	}
	if l.status == 0 {
		l.status = 200
	}
	w.WriteHeader(l.status)
	_, _ = io.WriteString(w, l.body)
}

// requests returns what was asked so far.
func (s *script) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.asked...)
}

func (s *script) client() *client.Client { return newClient(s.t, client.Options{BaseURL: s.url}) }

func newClient(t *testing.T, o client.Options) *client.Client {
	t.Helper()
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// toJSON makes two values comparable whatever their order of members.
func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
