package provider_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// An internet answers for hosts by name, so that presets are tested with the
// addresses that they have. Nothing leaves the process.
type internet struct {
	hosts map[string]http.HandlerFunc // "host/path"

	mu   sync.Mutex
	seen []exchange
}

// An exchange is a request as it went over the wire.
type exchange struct {
	method, address string
	header          http.Header
	form            url.Values
}

// RoundTrip implements http.RoundTripper.
func (i *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, ok := i.hosts[r.URL.Host+r.URL.Path]
	if !ok {
		return nil, errors.New("no such host")
	}
	served := r.Clone(r.Context())
	if served.Body == nil {
		served.Body = http.NoBody
	}
	if err := served.ParseForm(); err != nil {
		return nil, err
	}
	i.mu.Lock()
	i.seen = append(i.seen, exchange{r.Method, r.URL.String(), r.Header.Clone(), served.PostForm})
	i.mu.Unlock()
	w := httptest.NewRecorder()
	handler(w, served)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// asked are the requests to one address.
func (i *internet) asked(address string) (found []exchange) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, e := range i.seen {
		if e.address == address {
			found = append(found, e)
		}
	}
	return found
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func recorded(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// edited is a recorded profile with members replaced; nil removes one.
func edited(t *testing.T, name string, change map[string]any) string {
	t.Helper()
	var members map[string]any
	dec := json.NewDecoder(strings.NewReader(recorded(t, name)))
	dec.UseNumber()
	if err := dec.Decode(&members); err != nil {
		t.Fatal(err)
	}
	for member, value := range change {
		if members[member] = value; value == nil {
			delete(members, member)
		}
	}
	raw, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// An application is one browser at an application with one provider.
type application struct {
	t       *testing.T
	auth    *aura.Auth
	id      string
	cookies map[string]string
}

func newApplication(t *testing.T, p aura.Provider, net http.RoundTripper) *application {
	t.Helper()
	return newApplicationWith(t, p, net, aura.Hooks{})
}

func newApplicationWith(t *testing.T, p aura.Provider, net http.RoundTripper, hooks aura.Hooks) *application {
	t.Helper()
	if p.ClientID == "" {
		p.ClientID, p.ClientSecret = "client-id", "s3cret:%+ /ü"
	}
	auth, err := aura.New(aura.Config{
		BaseURL: "https://app.example", Providers: []aura.Provider{p},
		Secrets:    []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"},
		Salt:       "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
		Hooks:      hooks,
		HTTPClient: &http.Client{Transport: net}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &application{t: t, auth: auth, id: p.ID, cookies: map[string]string{}}
}

// get loads a page and keeps its cookies.
func (a *application) get(target string) *http.Response {
	r := httptest.NewRequest("GET", target, nil)
	r.Host = "app.example"
	for name, value := range a.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	a.auth.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if a.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(a.cookies, c.Name)
		}
	}
	return w.Result()
}

// start begins a sign-in and returns the authorization endpoint and the request.
func (a *application) start(more string) (endpoint string, request url.Values) {
	a.t.Helper()
	r := a.get("/auth/signIn/" + a.id + "?redirectTo=/after" + more)
	u, err := url.Parse(r.Header.Get("Location"))
	if err != nil || r.StatusCode != http.StatusFound {
		a.t.Fatalf("signIn: status %d, Location %q", r.StatusCode, r.Header.Get("Location"))
	}
	request = u.Query()
	u.RawQuery = ""
	return u.String(), request
}

// back is the callback; the provider's answer may hold more than code and state.
func (a *application) back(state, more string) *http.Response {
	return a.get("/auth/callback/" + a.id + "?code=the-code&state=" + url.QueryEscape(state) + more)
}

// user is who is signed in, nil for nobody.
func (a *application) user() map[string]any {
	a.t.Helper()
	r := a.get("/auth/session")
	var body struct {
		Session struct{ User map[string]any }
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		a.t.Fatal(err)
	}
	return body.Session.User
}

// code is the error code of an answer.
func code(t *testing.T, r *http.Response) string {
	t.Helper()
	var body struct{ Error struct{ Code string } }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body.Error.Code
}
