package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// wiretap carries an application's requests to its providers, and notes the
// forms that it posts: to which path, for which grant, and what proves the
// client in them. Providers are no judges of that: oidc-provider and Dex take a
// secret that came in the other way than was agreed.
type wiretap struct {
	mu   sync.Mutex
	sent []string
}

func (w *wiretap) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		note := []string{r.URL.Path}
		if grant := form.Get("grant_type"); grant != "" {
			note = append(note, grant)
		}
		w.mu.Lock()
		w.sent = append(w.sent, strings.Join(append(note, proofs(r, form)), " "))
		w.mu.Unlock()
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// notes are what was sent since the last call.
func (w *wiretap) notes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.sent
	w.sent = nil
	return sent
}

// proofs names the methods of client authentication in a request: all of them,
// for one that sends two proofs is wrong, whichever the provider looks at.
func proofs(r *http.Request, form url.Values) string {
	var found []string
	if _, _, ok := r.BasicAuth(); ok {
		found = append(found, "client_secret_basic")
	}
	if form.Has("client_secret") {
		found = append(found, "client_secret_post")
	}
	if form.Has("client_assertion") {
		found = append(found, "private_key_jwt")
	}
	if len(found) == 0 && form.Get("client_id") != "" {
		found = append(found, "none")
	}
	return strings.Join(found, "+")
}

// visits notes the requests that reach an application.
type visits struct {
	mu   sync.Mutex
	seen []seenRequest
}

// seenRequest is one of them.
type seenRequest struct {
	method, path string
	from         string   // Sec-Fetch-Site: the browser's word on who made it send this
	cookies      []string // their names
	status       int
}

func (v *visits) note(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := seenRequest{method: r.Method, path: r.URL.Path, from: r.Header.Get("Sec-Fetch-Site")}
		for _, cookie := range r.Cookies() {
			seen.cookies = append(seen.cookies, cookie.Name)
		}
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		seen.status = answer.status
		v.mu.Lock()
		v.seen = append(v.seen, seen)
		v.mu.Unlock()
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// to are the requests with this method to a path that begins so.
func (v *visits) to(method, path string) (found []seenRequest) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, seen := range v.seen {
		if seen.method == method && strings.HasPrefix(seen.path, path) {
			found = append(found, seen)
		}
	}
	return found
}

// forget drops what was noted.
func (v *visits) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = nil
}
