package aurafiber_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	aurafiber "github.com/aura-stack-go/auth/adapters/fiber"
	aura "github.com/aura-stack-go/auth/core"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/log"
)

// A request that fasthttp cannot read never reaches a handler: Fiber's error
// handler answers it, and the default one sends the bytes that were received,
// cookies among them. README.md says so.
func TestMalformedRequestsAreEchoedByFiberAlone(t *testing.T) {
	malformed := map[string]string{
		"space before the colon": "GET / HTTP/1.1\r\nHost: localhost\r\nX-A : b\r\nCookie: secret=s3cret\r\n\r\n",
		"no colon":               "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: secret=s3cret\r\nnonsense\r\n\r\n",
		"NUL in a value":         "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: secret=s3cret\r\nX-A: a\x00b\r\n\r\n",
		"two Host lines":         "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nCookie: secret=s3cret\r\n\r\n",
		"two lengths":            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\nCookie: secret=s3cret\r\n\r\nab",
		"no method":              "nonsense\r\nCookie: secret=s3cret\r\n\r\n",
	}
	byDefault := newSite(t, fiber.Config{}, nil, mounted)
	quietly := newSite(t, fiber.Config{ErrorHandler: quiet}, nil, mounted)
	for name, request := range malformed {
		t.Run(name, func(t *testing.T) {
			for _, s := range []*site{byDefault, quietly} {
				statuses, text := raw(t, s.addr, request)
				if !slices.Equal(statuses, []int{400}) {
					t.Errorf("statuses %d, want 400 alone: %q", statuses, text)
				}
				switch echoed := strings.Contains(text, "s3cret"); {
				case s == byDefault && !echoed:
					t.Errorf("the default error handler no longer echoes the request: README.md need not ask for one (%q)", text)
				case s == quietly && echoed:
					t.Errorf("the request is echoed: %q", text)
				}
			}
		})
	}
}

func mounted(f *fiber.App, auth *aura.Auth) {
	f.Use(aurafiber.Load(auth))
	aurafiber.Mount(f, auth)
	f.Get("/public", who(aurafiber.Session))
	f.Get("/private", aurafiber.Require(auth), who(aurafiber.Session))
}

// Where servers disagree about the end of a request, one can be smuggled past
// another. With fasthttp 1.74 an ambiguous request is refused and the connection
// closed, or it is read as RFC 9112 says, as net/http reads it.
func TestRequestBoundaries(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	s := newSite(t, fiber.Config{ErrorHandler: quiet}, nil, func(f *fiber.App, auth *aura.Auth) {
		f.Use(aurafiber.Load(auth))
		f.All("/*", func(c *fiber.Ctx) error {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, aurafiber.Request(c).URL.Path)
			return nil
		})
	})
	const next = "GET /next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	for _, probe := range []struct {
		name, request string
		want          []int // statuses; what stands in /next is a request only where RFC 9112 says so
	}{
		{"nothing special", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nabcd" + next, []int{200, 200}},
		// Transfer-Encoding overrides Content-Length (RFC 9112 §6.3).
		{"Content-Length, then chunked", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, []int{200, 200}},
		{"chunked, then Content-Length", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + next, []int{200, 200}},
		{"chunk extension", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nab\r\n0\r\n\r\n" + next, []int{200, 200}},
		{"two codings", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + next, []int{400}},
		{"unknown coding", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + next, []int{400}},
		{"chunked is not the last", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + next, []int{400}},
		{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, []int{400}},
		{"two lengths", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde" + next, []int{400}},
		{"list of lengths", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4, 4\r\n\r\nabcd" + next, []int{400}},
		{"signed length", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +4\r\n\r\nabcd" + next, []int{400}},
		{"space before the colon", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length : 4\r\n\r\nabcd" + next, []int{400}},
		{"NUL in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\x00b\r\n\r\n" + next, []int{400}},
		{"CR in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\rContent-Length: 70\r\n\r\n" + next, []int{400}},
		{"LF for CRLF behind a chunk size", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n" + next, []int{400}},
		{"hexadecimal prefix", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n" + next, []int{400}},
		{"Cookie as a trailer", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nCookie: a=b\r\n\r\n" + next, []int{400}},
	} {
		t.Run(probe.name, func(t *testing.T) {
			statuses, text := raw(t, s.addr, probe.request)
			if !slices.Equal(statuses, probe.want) {
				t.Errorf("statuses %d, want %d: %q", statuses, probe.want, text)
			}
			mu.Lock()
			defer mu.Unlock()
			want := []string{"/", "/next"}
			if len(probe.want) == 1 {
				want = nil
			}
			if !slices.Equal(seen, want) {
				t.Errorf("handlers have seen %q, want %q", seen, want)
			}
			seen = nil
		})
	}
}

// A seen request is what a handler of either framework can tell about it.
type seenRequest struct {
	Method, URL, EscapedPath, RawQuery, Host, RequestURI, Body string
	Cookie, XForwardedFor, Origin, ContentType, Folded         []string
	Length                                                     int64
	Values                                                     map[string][]string
}

func look(r *http.Request) seenRequest {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	return seenRequest{
		r.Method, r.URL.String(), r.URL.EscapedPath(), r.URL.RawQuery, r.Host, r.RequestURI, string(body),
		r.Header["Cookie"], r.Header["X-Forwarded-For"], r.Header["Origin"], r.Header["Content-Type"], r.Header["X-Folded"],
		int64(len(body)), r.URL.Query(),
	}
}

// Request makes of a request what net/http makes of it.
func TestRequestIsAsNetHTTPHasIt(t *testing.T) {
	native := listen(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = json.NewEncoder(w).Encode(look(r)) })}
	go func() { _ = server.Serve(native) }()
	t.Cleanup(func() { _ = server.Close() })
	s := newSite(t, fiber.Config{}, nil, func(f *fiber.App, _ *aura.Auth) {
		f.All("/*", func(c *fiber.Ctx) error { return c.JSON(look(aurafiber.Request(c))) })
	})
	const end = "Host: localhost:1\r\nConnection: close\r\n"
	for name, request := range map[string]string{
		"plain":              "GET /a?b=c HTTP/1.1\r\n" + end + "\r\n",
		"encoded":            "GET /a%2Fb%20c/%C3%A9?q=%2F+x&q=y HTTP/1.1\r\n" + end + "\r\n",
		"doubled":            "GET //a//b/ HTTP/1.1\r\n" + end + "\r\n",
		"dots":               "GET /a/../b/./c HTTP/1.1\r\n" + end + "\r\n",
		"semicolons":         "GET /a;x?b=1;c=2&d HTTP/1.1\r\n" + end + "\r\n",
		"bytes over 0x7f":    "GET /\xc3\xa9?\xff HTTP/1.1\r\n" + end + "\r\n",
		"fragment":           "GET /a%23b?c=%23 HTTP/1.1\r\n" + end + "\r\n",
		"absolute form":      "GET http://other.example:81/a?b HTTP/1.1\r\n" + end + "\r\n",
		"upper-case host":    "GET / HTTP/1.1\r\nHost: LocalHost:1\r\nConnection: close\r\n\r\n",
		"several lines":      "GET / HTTP/1.1\r\n" + end + "X-Forwarded-For: a\r\nx-forwarded-for: b, c\r\nOrigin: x\r\nORIGIN: y\r\n\r\n",
		"cookies":            "GET / HTTP/1.1\r\n" + end + "Cookie: =a=b; c=d;; e\r\ncOOKIE:f=\"g\"; a=1; a=2\r\n\r\n",
		"folded lines":       "GET / HTTP/1.1\r\n" + end + "X-Folded: a\r\n  b\r\n\tc\r\n\r\n",
		"folded cookies":     "GET / HTTP/1.1\r\n" + end + "Cookie: a=1;\r\n a=2\r\n\tb=3\r\n\r\n",
		"Cookie in a fold":   "GET / HTTP/1.1\r\n" + end + "X-Folded: a\r\n Cookie: evil=1\r\n\r\n",
		"empty Cookie":       "GET / HTTP/1.1\r\n" + end + "Cookie:\r\n\r\n",
		"form":               "POST / HTTP/1.1\r\n" + end + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
		"chunked":            "POST / HTTP/1.1\r\n" + end + "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
		"two content types":  "POST / HTTP/1.1\r\n" + end + "Content-Type: text/plain\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		"body of GET":        "GET / HTTP/1.1\r\n" + end + "Content-Length: 2\r\n\r\nab",
		"nothing but a path": "OPTIONS /x HTTP/1.1\r\n" + end + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			want, got := answered(t, native.Addr().String(), request), answered(t, s.addr, request)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("Request has\n%+v, net/http\n%+v", got, want)
			}
		})
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func answered(t *testing.T, addr, request string) (seen seenRequest) {
	t.Helper()
	statuses, text := raw(t, addr, request)
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	if err := json.Unmarshal([]byte(body), &seen); err != nil || !slices.Equal(statuses, []int{200}) {
		t.Fatalf("statuses %d, %v: %q", statuses, err, text)
	}
	return seen
}

// A session takes up to 7 KiB of a request's Cookie line; Fiber's default read
// buffer holds 4 KiB of a whole request head.
func TestReadBufferSize(t *testing.T) {
	request := fmt.Sprintf("GET /public HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: theirs=%s\r\n\r\n", strings.Repeat("x", 7<<10))
	for size, want := range map[int]int{0: 431, 16 << 10: 200} {
		s := newSite(t, fiber.Config{ReadBufferSize: size, ErrorHandler: quiet}, nil, mounted)
		if statuses, text := raw(t, s.addr, request); !slices.Equal(statuses, []int{want}) {
			t.Errorf("ReadBufferSize %d: statuses %d, want %d: %q", size, statuses, want, text)
		}
	}
}

// fasthttp ends the process when a handler panics. Whatever panics below the
// adapter's handlers does not, even without Fiber's recover middleware: here it
// is the application's log, which core calls while it reports the failure.
func TestPanicsBelowTheBridge(t *testing.T) {
	log.SetOutput(io.Discard) // the bridge reports the panic with its stack
	defer log.SetOutput(os.Stderr)
	s := newSite(t, fiber.Config{ErrorHandler: quiet}, func(cfg *aura.Config) { cfg.Logger = panicking() }, mounted)
	c := s.client()
	if status, text := s.get(c, "/auth/callback/dev?state=x"); status != 500 || text != "Internal Server Error" {
		t.Errorf("status %d and body %q, want the application's 500", status, text)
	}
	if status, _ := s.get(c, "/public"); status != 200 {
		t.Errorf("the next request: status %d", status)
	}
}
