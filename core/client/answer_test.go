package client_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aura-stack-go/auth/core/client"
)

// A success that does not hold what its route promises.
func TestSuccessLacks(t *testing.T) {
	rows := map[string]struct {
		route, body string
		call        func(*client.Client, *testing.T) error
	}{
		"an empty CSRF token": {"GET /auth/csrfToken", `{"csrfToken":""}`, func(c *client.Client, t *testing.T) error {
			_, err := c.CSRFToken(t.Context())
			return err
		}},
		"no address to sign in at":                      {"GET /auth/signIn/github", `{"success":true,"signInURL":null}`, signInURL},
		"a path to sign in at":                          {"GET /auth/signIn/github", `{"success":true,"signInURL":"/auth/signIn/github"}`, signInURL},
		"a file to sign in at":                          {"GET /auth/signIn/github", `{"success":true,"signInURL":"file:///etc/passwd"}`, signInURL},
		"an address with userinfo":                      {"GET /auth/signIn/github", `{"success":true,"signInURL":"https://app.example@evil.example/"}`, signInURL},
		"a script to go to":                             {"POST /auth/signOut", `{"success":true,"redirectURL":"javascript:alert(1)"}`, signOut},
		"another host to go to":                         {"POST /auth/signOut", `{"success":true,"redirectURL":"//evil.example/"}`, signOut},
		"a backslash to go to":                          {"POST /auth/signOut", `{"success":true,"redirectURL":"/\\evil.example/"}`, signOut},
		"a sign-out without success, with a CSRF token": {"POST /auth/signOut", `{"csrfToken":"x"}`, signOut},
		"no tokens": {"GET /auth/providers/github/tokens", `{"success":true,"tokens":null}`, func(c *client.Client, t *testing.T) error {
			_, err := c.AccessToken(t.Context(), "github")
			return err
		}},
		"an empty access token": {"GET /auth/providers/github/tokens", `{"success":true,"tokens":{"accessToken":""}}`, func(c *client.Client, t *testing.T) error {
			_, err := c.ProviderTokens(t.Context(), "github")
			return err
		}},
		"an update without a session": {"PATCH /auth/session", `{"success":true}`, func(c *client.Client, t *testing.T) error {
			_, err := c.UpdateSession(t.Context(), map[string]any{})
			return err
		}},
		"a refresh without a session": {"POST /auth/providers/github/user/refresh", `{"success":true}`, func(c *client.Client, t *testing.T) error {
			_, err := c.RefreshUser(t.Context(), "github")
			return err
		}},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, map[string]line{row.route: {body: row.body}})
			if err := row.call(s.client(), t); !errors.Is(err, client.ErrProtocol) {
				t.Errorf("error %v, want ErrProtocol", err)
			}
		})
	}
}

func signInURL(c *client.Client, t *testing.T) error {
	_, err := c.SignInURL(t.Context(), "github", client.SignInOptions{})
	return err
}

func signOut(c *client.Client, t *testing.T) error {
	_, err := c.SignOut(t.Context(), client.After{})
	return err
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var reached atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		line{body: sessionBody}.write(w)
	}))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		for name, to := range map[string]string{
			"another origin": elsewhere.URL + "/auth/session?code=s3cret", "the same": "/elsewhere?code=s3cret",
			"nowhere": "", "what is no address": "http://%zz/s3cret",
		} {
			var asked atomic.Int32
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				line{status: status, header: http.Header{"Location": {to}}, body: sessionBody}.write(w)
			})
			session, err := c.Session(t.Context())
			if !errors.Is(err, client.ErrProtocol) || session != nil {
				t.Errorf("%d to %s: session %v, error %v, want ErrProtocol", status, name, session, err)
				continue
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%d to %s: the error shows the target: %v", status, name, err)
			}
			if name == "another origin" && !strings.Contains(err.Error(), elsewhere.URL) {
				t.Errorf("%d to %s: the error does not say where to: %v", status, name, err)
			}
			if asked.Load() != 1 || reached.Load() != 0 {
				t.Errorf("%d to %s: %d requests here, %d there", status, name, asked.Load(), reached.Load())
			}
		}
	}
}

func TestBodyLimit(t *testing.T) {
	padded := sessionBody + strings.Repeat(" ", 1<<20-len(sessionBody))
	rows := map[string]struct {
		answer http.HandlerFunc
		fits   bool
	}{
		"1 MiB":              {line{body: padded}.handle, true},
		"1 MiB and a byte":   {line{body: padded + " "}.handle, false},
		"a failure of 2 MiB": {line{status: 401, body: `{"session":null}` + strings.Repeat(" ", 2<<20)}.handle, false},
		"no end":             {endless(func(w http.ResponseWriter) io.Writer { return w }), false},
		"no end, in few bytes": {endless(func(w http.ResponseWriter) io.Writer {
			w.Header().Set("Content-Encoding", "gzip")
			body, _ := gzip.NewWriterLevel(w, gzip.HuffmanOnly) // quick to make
			return body
		}), false},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, row.answer).Session(t.Context())
			switch {
			case row.fits && err != nil:
				t.Error(err)
			case !row.fits && (!errors.Is(err, client.ErrProtocol) || !strings.Contains(err.Error(), "1 MiB")):
				t.Errorf("error %v, want ErrProtocol with the limit", err)
			}
		})
	}
}

func (l line) handle(w http.ResponseWriter, _ *http.Request) { l.write(w) }

// endless writes spaces until nobody reads them.
func endless(through func(http.ResponseWriter) io.Writer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body := through(w)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(body, strings.Repeat(" ", 64<<10)); err != nil {
				return
			}
		}
	}
}
