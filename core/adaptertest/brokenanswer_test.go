package adaptertest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	aura "github.com/aura-stack-go/auth/core"
)

var brokenResponses = []breakage{
	{"header lines", "writes header values as they are", func(a *reference) { a.around = unchecked }},
	{"applied lines", "sets the lines of Apply over those before", func(a *reference) { a.apply = set }},
	{"applied lines", "adds the lines of Apply to those before", func(a *reference) { a.apply = added }},
	{"one answer", "goes on after Deny, and sends the last status", func(a *reference) {
		a.require = a.unstopped
		a.around = func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b := &buffered{header: w.Header(), lastWins: true}
				h.ServeHTTP(b, r)
				b.send(w, nil)
			})
		}
	}},
	{"one answer", "answers a refused request twice", func(a *reference) {
		a.around = func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r)
				if r.URL.Path == "/late" {
					unchecked(http.NotFoundHandler()).ServeHTTP(w, r)
				}
			})
		}
	}},
	{"headers of answers", "gives empty bodies a Content-Type", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		if b.header.Get("Content-Type") == "" {
			b.header.Set("Content-Type", "text/plain; charset=utf-8")
		}
		b.send(w, aura.Apply)
	})},
	{"headers of answers", "leaves 404 to the framework", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		if b.status == http.StatusNotFound {
			http.NotFound(w, r)
			return
		}
		b.send(w, aura.Apply)
	})},
}

var brokenLives = []breakage{
	{"panic in a hook", "reports answers with 500 as errors of the framework", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		if b.status >= 500 {
			http.Error(w, "Internal Server Error", b.status)
			return
		}
		b.send(w, aura.Apply)
	})},
	{"panic in a handler", "recovers, and sends what there is", func(a *reference) {
		require := a.require
		a.require = func(next http.Handler) http.Handler {
			guarded := require(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() { _ = recover() }()
				guarded.ServeHTTP(w, r)
			})
		}
	}},
	{"context ends", "has contexts that nobody ends", func(a *reference) {
		a.translate = func(r *http.Request) *http.Request { return r.WithContext(context.WithoutCancel(r.Context())) }
	}},
	{"client leaves", "ends contexts when the answer is there, and not before", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
			defer cancel()
			h(w, r.WithContext(ctx))
		}
	}},
	{"strings are kept", "hands out strings of a buffer that the next request overwrites", func(a *reference) {
		onEachConnection(a, func() any { return new([]byte) })
		a.translate = func(r *http.Request) *http.Request {
			buffer := r.Context().Value(connectionKey{}).(*[]byte)
			*buffer = (*buffer)[:0]
			alias := func(s string) string {
				if cap(*buffer) == 0 {
					*buffer = make([]byte, 0, 64<<10)
				}
				start := len(*buffer)
				*buffer = append(*buffer, s...)
				return unsafe.String(unsafe.SliceData((*buffer)[start:]), len(s))
			}
			pooled := r.Clone(r.Context())
			pooled.RequestURI = alias(r.RequestURI)
			pooled.Header.Set("X-Keep", alias(r.Header.Get("X-Keep")))
			for i, line := range r.Header["Cookie"] {
				pooled.Header["Cookie"][i] = alias(line)
			}
			return pooled
		}
	}},
	{"users are not mixed up", "remembers the session in the connection's reused context", func(a *reference) {
		onEachConnection(a, func() any { return new(atomic.Pointer[aura.Session]) })
		a.session = func(r *http.Request) (*aura.Session, bool) {
			slot := r.Context().Value(connectionKey{}).(*atomic.Pointer[aura.Session])
			if s, ok := aura.SessionFrom(r.Context()); ok {
				slot.CompareAndSwap(nil, s)
			}
			s := slot.Load()
			return s, s != nil
		}
	}},
	{"users are not mixed up", "keeps the session of the present request in one place", func(a *reference) {
		var mu sync.Mutex
		var present *aura.Session
		load := a.load
		a.load = func(next http.Handler) http.Handler {
			return load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				present, _ = aura.SessionFrom(r.Context())
				mu.Unlock()
				next.ServeHTTP(w, r)
			}))
		}
		a.session = func(*http.Request) (*aura.Session, bool) {
			mu.Lock()
			defer mu.Unlock()
			return present, present != nil
		}
	}},
}

// changed breaks what the core gets to see.
func changed(change func(*http.Request)) func(*reference) {
	return func(a *reference) {
		a.translate = func(r *http.Request) *http.Request {
			r = r.Clone(r.Context())
			change(r)
			return r
		}
	}
}

// cookiesRead breaks how cookies are read: the core gets what is left of them.
func cookiesRead(read func(pairs []string) []string) func(*reference) {
	return changed(func(r *http.Request) {
		if lines := r.Header["Cookie"]; len(lines) > 0 {
			r.Header["Cookie"] = []string{strings.Join(read(strings.Split(strings.Join(lines, "; "), "; ")), "; ")}
		}
	})
}

// bridged has the core write to a buffer, and finish send it.
func bridged(finish func(http.ResponseWriter, *http.Request, *buffered)) func(*reference) {
	return func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			b := &buffered{header: http.Header{}}
			h(b, r)
			finish(w, r, b)
		}
	}
}

// buffered is an http.ResponseWriter that keeps what was written.
type buffered struct {
	header   http.Header
	status   int
	body     bytes.Buffer
	lastWins bool
}

func (b *buffered) Header() http.Header { return b.header }

func (b *buffered) WriteHeader(status int) {
	if b.status != 0 && b.lastWins {
		b.body.Reset()
		b.header.Del("Content-Length")
	}
	if b.status == 0 || b.lastWins {
		b.status = status
	}
}

func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }

func (b *buffered) send(w http.ResponseWriter, apply func(dst, src http.Header)) {
	if apply != nil {
		apply(w.Header(), b.header)
	}
	if b.status != 0 {
		w.WriteHeader(b.status)
	}
	_, _ = w.Write(b.body.Bytes())
}

// unchecked writes answers to the connection without looking at header values.
func unchecked(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f, ok := w.(http.Flusher); ok && len(w.Header()) > 0 {
			f.Flush()
		}
		b := &buffered{header: http.Header{}}
		h.ServeHTTP(b, r)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 %d Unchecked\r\nConnection: close\r\n", b.status)
		for name, values := range b.header {
			for _, value := range values {
				fmt.Fprintf(conn, "%s: %s\r\n", name, value)
			}
		}
		fmt.Fprintf(conn, "\r\n%s", b.body.String())
	})
}

// connectionKey is the key of what belongs to a connection.
type connectionKey struct{}

func onEachConnection(a *reference, make func() any) {
	a.server = func(s *http.Server) {
		s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, make())
		}
	}
}

// received breaks the server: change is applied to each line of a connection's
// first request head before net/http, which is stricter, gets to see it.
func received(change func(line string) string) func(*reference) {
	return func(a *reference) { a.app.Listener = lenient{a.app.Listener, change} }
}

type lenient struct {
	net.Listener
	change func(string) string
}

func (l lenient) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lenientConn{Conn: conn, change: l.change}, nil
}

type lenientConn struct {
	net.Conn
	change func(string) string
	in     io.Reader // nil before the head has been read
}

func (c *lenientConn) Read(p []byte) (int, error) {
	if c.in == nil {
		var head strings.Builder
		lines := bufio.NewReader(c.Conn)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return 0, err
			}
			if line == "\r\n" {
				break
			}
			head.WriteString(c.change(strings.TrimSuffix(line, "\r\n")) + "\r\n")
		}
		c.in = io.MultiReader(strings.NewReader(head.String()+"\r\n"), lines)
	}
	return c.in.Read(p)
}
