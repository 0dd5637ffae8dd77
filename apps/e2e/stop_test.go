package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestStopsGracefully sends SIGTERM while a request is under way: no new visitor
// is let in, and the one inside still gets an answer. The request waits for an
// identity provider that does not answer before the test says so.
func TestStopsGracefully(t *testing.T) {
	eachApp(t, func(t *testing.T, name string) {
		asked, release := make(chan struct{}), make(chan struct{})
		var once sync.Once
		slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			once.Do(func() { close(asked) })
			<-release
			http.Error(w, "not today", http.StatusInternalServerError)
		}))
		t.Cleanup(slow.Close)

		idp := newIdentityProvider()
		idp.issuer = slow.URL
		port := freePort(t)
		a := startApp(t, name, port, productionEnvironment(port, idp)...)
		type answer struct {
			status int
			err    error
		}
		answered := make(chan answer, 1)
		go func() {
			res, err := http.Get(a.url + "/api/auth/signIn/oidc")
			if err != nil {
				answered <- answer{err: err}
				return
			}
			defer res.Body.Close()
			answered <- answer{status: res.StatusCode}
		}()
		<-asked
		if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		refused := make(chan struct{})
		go func() {
			defer close(refused)
			for {
				conn, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
				if err != nil {
					return
				}
				conn.Close()
			}
		}()
		<-refused
		close(release)
		if got := <-answered; got.err != nil || got.status < 500 {
			t.Errorf("the request under way got status %d, error %v; want an answer that the provider failed", got.status, got.err)
		}
		// Awaited here, because a second SIGTERM may end what the first one began.
		if code := a.exit(); code != 0 {
			t.Errorf("exit status %d, want 0", code)
		}
	})
}
