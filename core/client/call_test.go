package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aura-stack-go/auth/core/client"
)

// roundTrip is a transport without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func jsonResponse(r *http.Request, body string) *http.Response {
	return &http.Response{
		StatusCode: 200, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// serve starts a server for a handler and a client of it.
func serve(t *testing.T, h http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return newClient(t, client.Options{BaseURL: server.URL})
}

// The timeout covers the token and the call together, 30 seconds by default.
func TestTimeout(t *testing.T) {
	for name, row := range map[string]struct{ set, want time.Duration }{
		"default": {0, 30 * time.Second}, "the caller's": {4 * time.Second, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, client.Options{BaseURL: "https://app.example", HTTPClient: &http.Client{
					Timeout: row.set,
					Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
						if strings.HasSuffix(r.URL.Path, "/csrfToken") {
							time.Sleep(row.want - time.Second)
							return jsonResponse(r, `{"csrfToken":"t"}`), nil
						}
						<-r.Context().Done()
						return nil, r.Context().Err()
					}),
				}})
				start := time.Now() // the bubble's clock
				_, err := c.AccessToken(t.Context(), "github")
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != row.want {
					t.Errorf("error %v after %v, want a deadline after %v", err, time.Since(start), row.want)
				}
			})
		})
	}
}

// A body that never ends by itself is a timeout too.
func TestTimeoutInTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, client.Options{BaseURL: "https://app.example", HTTPClient: &http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				resp := jsonResponse(r, "")
				resp.Body = stuck{r.Context()}
				return resp, nil
			}),
		}})
		if _, err := c.Session(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want a deadline", err)
		}
	})
}

type stuck struct{ ctx context.Context }

func (s stuck) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, errors.New("the connection broke")
}

func (s stuck) Close() error { return nil }

// A caller that gives up finds its own error, whatever cause it has given.
func TestCancel(t *testing.T) {
	entered := make(chan struct{})
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-entered
		cancel(errors.New("the user has left"))
	}()
	if _, err := c.Session(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if _, err := c.AccessToken(ctx, "github"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a call that begins too late, want context.Canceled", err)
	}
}

// Tokens are fetched one after the other, and whoever waits for its turn can
// give up.
func TestTokensAreFetchedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 5
		var fetching, most atomic.Int32
		answer := make(chan struct{})
		c := newClient(t, client.Options{BaseURL: "https://app.example", HTTPClient: &http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/csrfToken") {
					most.Store(max(most.Load(), fetching.Add(1)))
					<-answer
					fetching.Add(-1)
				}
				return jsonResponse(r, `{"success":true,"csrfToken":"t"}`), nil
			}),
		}})
		results := make(chan error, callers)
		for range callers {
			go func() { results <- c.Disconnect(t.Context(), "github") }()
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		impatient := make(chan error, 1)
		go func() { impatient <- c.Disconnect(ctx, "github") }()
		synctest.Wait()
		cancel()
		if err := <-impatient; !errors.Is(err, context.Canceled) {
			t.Errorf("waiting in vain: %v, want context.Canceled", err)
		}
		close(answer)
		for range callers {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if most.Load() != 1 {
			t.Errorf("%d tokens were fetched at once", most.Load())
		}
	})
}

// Errors of requests without an answer name no query and no cookie.
func TestUnreachedShowsNoSecret(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	garbled := func(head string) *client.Client {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, head)
			_ = conn.Close()
		})
	}
	rows := map[string]struct {
		client   *client.Client
		protocol bool
	}{
		"nobody listens": {client: newClient(t, client.Options{BaseURL: gone.URL})},
		"a transport that quotes the address": {client: newClient(t, client.Options{BaseURL: "https://app.example", HTTPClient: &http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				return (&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })}).Get(r.URL.String())
			}),
		}})},
		"a header without a colon": {client: garbled("HTTP/1.1 200 OK\r\nSet-Cookie session=s3cret\r\n\r\n"), protocol: true},
		"half a header":            {client: garbled("HTTP/1.1 200 OK\r\nSet-Cookie: session=s3cret")},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			_, err := row.client.SignInURL(t.Context(), "github", client.SignInOptions{RedirectTo: "/join?invite=s3cret"})
			if err == nil || !strings.Contains(err.Error(), "GET /signIn/github") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %v, want one that names the route and no secret", err)
			}
			if errors.Is(err, client.ErrProtocol) != row.protocol {
				t.Errorf("error %v is ErrProtocol: %v", err, !row.protocol)
			}
		})
	}
}

// Without a token the call itself is not made.
func TestNoCallWithoutToken(t *testing.T) {
	s := newScript(t, map[string]line{"GET /auth/csrfToken": {status: 503, body: `{}`}, "POST /auth/signOut": {body: `{"success":true}`}})
	if err := signOut(s.client(), t); !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	if asked := s.requests(); len(asked) != 1 {
		t.Errorf("asked %+v, want the token alone", asked)
	}
}
