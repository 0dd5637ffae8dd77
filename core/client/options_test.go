package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/client"
)

func TestOptions(t *testing.T) {
	rows := map[string]struct {
		options client.Options
		want    string // "" accepts; "," separates what the error must name
	}{
		"https":                  {client.Options{BaseURL: "https://app.example"}, ""},
		"a slash at the end":     {client.Options{BaseURL: "https://app.example/"}, ""},
		"a prefix":               {client.Options{BaseURL: "https://app.example/shop/", BasePath: "/api/auth"}, ""},
		"loopback http":          {client.Options{BaseURL: "http://localhost:3000"}, ""},
		"loopback address":       {client.Options{BaseURL: "http://[::1]:3000"}, ""},
		"nothing":                {client.Options{}, "BaseURL"},
		"no scheme":              {client.Options{BaseURL: "app.example"}, "BaseURL"},
		"another scheme":         {client.Options{BaseURL: "ftp://app.example"}, "BaseURL"},
		"a password":             {client.Options{BaseURL: "https://u:s3cret@app.example"}, "BaseURL"},
		"a query":                {client.Options{BaseURL: "https://app.example/?x=s3cret"}, "BaseURL"},
		"a relative prefix":      {client.Options{BaseURL: "https://app.example/a/../b"}, "BaseURL"},
		"http in the open":       {client.Options{BaseURL: "http://app.example"}, "BaseURL"},
		"http, knowingly":        {client.Options{BaseURL: "http://app.example", DangerouslyAllowInsecureHTTP: true}, ""},
		"a base path's slash":    {client.Options{BaseURL: "https://app.example", BasePath: "/auth/"}, "BasePath"},
		"a base path's dots":     {client.Options{BaseURL: "https://app.example", BasePath: "/../auth"}, "BasePath"},
		"a base path's query":    {client.Options{BaseURL: "https://app.example", BasePath: "/auth?x"}, "BasePath"},
		"a user agent's newline": {client.Options{BaseURL: "https://app.example", UserAgent: "a\r\nb"}, "UserAgent"},
		"a negative timeout":     {client.Options{BaseURL: "https://app.example", HTTPClient: &http.Client{Timeout: -1}}, "HTTPClient.Timeout"},
		"everything at once":     {client.Options{BasePath: "auth", UserAgent: "\x00"}, "BaseURL,BasePath,UserAgent"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			c, err := client.New(row.options)
			if row.want == "" {
				if err != nil || c == nil {
					t.Fatalf("New: %v", err)
				}
				return
			}
			if err == nil || c != nil {
				t.Fatalf("New accepts %+v", row.options)
			}
			for _, field := range strings.Split(row.want, ",") {
				if !strings.Contains(err.Error(), field+":") && !strings.Contains(err.Error(), field+" \"") {
					t.Errorf("%v\ndoes not name %s", err, field)
				}
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestPrefixAndBasePath(t *testing.T) {
	s := newScript(t, map[string]line{"GET /shop/api/auth/session": {body: sessionBody}})
	c := newClient(t, client.Options{BaseURL: s.url + "/shop/", BasePath: "/api/auth"})
	if _, err := c.Session(t.Context()); err != nil {
		t.Error(err)
	}
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); text != strings.Repeat(" client.Client("+s.url+"/shop/api/auth)", 3)[1:] {
		t.Errorf("prints as %s", text)
	}
}

func TestHeaders(t *testing.T) {
	type key struct{}
	var seen []http.Header
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.Header.Clone())
		return jsonResponse(r, `{"success":true,"csrfToken":"t"}`), nil
	})
	c := newClient(t, client.Options{
		BaseURL: "https://app.example", UserAgent: "probe/1", HTTPClient: &http.Client{Transport: transport},
		Header: func(ctx context.Context) (http.Header, error) {
			return http.Header{"x-tenant": {ctx.Value(key{}).(string)}, "Via": {"a", "b"}}, nil
		},
	})
	if err := c.Disconnect(context.WithValue(t.Context(), key{}, "blue"), "github"); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 2 {
		t.Fatalf("%d requests, want 2", len(seen))
	}
	for _, h := range seen {
		if h.Get("X-Tenant") != "blue" || len(h["Via"]) != 2 || h.Get("User-Agent") != "probe/1" {
			t.Errorf("headers %v", h)
		}
	}
}

// Headers that would change what the Client means to say, or whose session it
// speaks for, stop the request.
func TestHeadersRefused(t *testing.T) {
	broken := errors.New("no tenant")
	rows := map[string]struct {
		header http.Header
		err    error
		want   string
	}{
		"Cookie":       {header: http.Header{"cookie": {"aura-auth.session_token=s3cret"}}, want: "Header: returned Cookie"},
		"X-CSRF-Token": {header: http.Header{"X-CSRF-Token": {"s3cret"}}, want: "Header: returned X-Csrf-Token"},
		"Host":         {header: http.Header{"Host": {"evil.example"}}, want: "Header: returned Host"},
		"Content-Type": {header: http.Header{"Content-Type": {"text/plain"}}, want: "Header: returned Content-Type"},
		"Accept":       {header: http.Header{"Accept": {"text/html"}}, want: "Header: returned Accept"},
		"User-Agent":   {header: http.Header{"User-Agent": {"x"}}, want: "Header: returned User-Agent"},
		"an error":     {err: broken, want: "Header: no tenant"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, client.Options{
				BaseURL: "https://app.example",
				Header:  func(context.Context) (http.Header, error) { return row.header, row.err },
				HTTPClient: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					t.Error("a request went out")
					return nil, errors.New("unexpected")
				})},
			})
			_, err := c.Session(t.Context())
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %v, want %q", err, row.want)
			}
			if row.err != nil && !errors.Is(err, row.err) {
				t.Errorf("error %v does not wrap the callback's", err)
			}
		})
	}
}

// Arguments that cannot mean anything stop before a request is spent on them.
func TestArgumentsRefused(t *testing.T) {
	s := newScript(t, nil)
	c := s.client()
	calls := map[string]func() error{
		"a path as a provider":    func() error { _, err := c.Connected(t.Context(), "../session"); return err },
		"a slash in a provider":   func() error { return c.Disconnect(t.Context(), "github/tokens") },
		"a query in a provider":   func() error { return c.RevokeTokens(t.Context(), "github?x") },
		"no provider":             func() error { _, err := c.RefreshUser(t.Context(), ""); return err },
		"an encoded provider":     func() error { _, err := c.AccessToken(t.Context(), "git%2Fhub"); return err },
		"credentials as provider": func() error { _, err := c.SignInURL(t.Context(), "credentials", client.SignInOptions{}); return err },
		"a list of fields":        func() error { _, err := c.SignUp(t.Context(), []string{"a"}, client.After{}); return err },
		"no fields":               func() error { _, err := c.SignUp(t.Context(), nil, client.After{}); return err },
		"fields that JSON has not": func() error {
			_, err := c.SignUp(t.Context(), map[string]any{"f": func() {}}, client.After{})
			return err
		},
		"a string as user": func() error { _, err := c.UpdateSession(t.Context(), "Ada"); return err },
		"redirect as a parameter": func() error {
			_, err := c.SignInURL(t.Context(), "github", client.SignInOptions{Params: map[string]string{"redirect": "true"}})
			return err
		},
		"redirectTo as a parameter": func() error {
			_, err := c.SignInURL(t.Context(), "github", client.SignInOptions{Params: map[string]string{"redirectTo": "/"}})
			return err
		},
	}
	for name, call := range calls {
		if err := call(); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if asked := s.requests(); len(asked) != 0 {
		t.Errorf("asked %+v", asked)
	}
}

// Clients do not share cookies unless they share a jar.
func TestJars(t *testing.T) {
	s := newScript(t, nil)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	own := func() *client.Client { return s.client() }
	shared := func() *client.Client {
		return newClient(t, client.Options{BaseURL: s.url, HTTPClient: &http.Client{Jar: jar}})
	}
	for i, c := range []*client.Client{own(), own(), shared(), shared()} {
		if _, err := c.CSRFToken(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := ""
		if i == 3 {
			want = csrfCookie
		}
		if got := s.requests()[i].cookies; got != want {
			t.Errorf("client %d sent the cookies %q, want %q", i, got, want)
		}
	}
}

func TestSecretsRedactThemselves(t *testing.T) {
	s := newScript(t, map[string]line{"GET /auth/providers/github/tokens": {body: tokensBody}})
	tokens, err := s.client().ProviderTokens(t.Context(), "github")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", tokens, *tokens, tokens, *tokens), toJSON(t, tokens)} {
		for _, secret := range []string{"at-1", "rt-1", "id-1"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s", text, secret)
			}
		}
	}
}

func TestClaims(t *testing.T) {
	s := newScript(t, map[string]line{"GET /auth/session": {body: sessionBody}})
	session, err := s.client().Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type member struct {
		Subject string   `json:"sub"`
		Roles   []string `json:"roles"`
	}
	got, err := client.Claims[member](session)
	if err != nil || got.Subject != "u-1" || len(got.Roles) != 1 || got.Roles[0] != "ops" {
		t.Errorf("got %+v and %v", got, err)
	}
	if _, err := client.Claims[struct {
		Roles int `json:"roles"`
	}](session); err == nil {
		t.Error("roles are read as a number")
	}
	if _, err := client.Claims[aura.User](nil); !errors.Is(err, client.ErrNoSession) {
		t.Errorf("error %v of a nil session, want ErrNoSession", err)
	}
}
