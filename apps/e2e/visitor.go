package e2e

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// visitor is a user agent over plain HTTP: cookies, redirects and forms, no
// scripts. It stands for a second browser, and shows each answer as it came.
type visitor struct {
	t      *testing.T
	client *http.Client
	// stopAt ends a chain of redirects before the first URL for which it says
	// yes, so that a test can hold a callback in its hands.
	stopAt func(*url.URL) bool
}

// page is an answer and its forms.
type page struct {
	status int
	url    *url.URL
	header http.Header
	body   string
	forms  []form
}

type form struct {
	method string
	action *url.URL
	fields url.Values
	// buttons holds name and value of each submit button, in order; both empty
	// for a button without a name.
	buttons []button
}

type button struct{ name, value string }

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t}
	v.client = &http.Client{
		Jar:     jar,
		Timeout: startLimit,
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if len(via) >= 15 || v.stopAt != nil && v.stopAt(next.URL) {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	return v
}

func (v *visitor) get(address string) *page {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(req)
}

// do sends the request as a page load.
func (v *visitor) do(req *http.Request) *page {
	v.t.Helper()
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "text/html,application/xhtml+xml")
	}
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	pg := &page{status: res.StatusCode, url: res.Request.URL, header: res.Header, body: string(body)}
	pg.forms = parseForms(pg.url, pg.body)
	return pg
}

// submit sends a form of the page with its own fields, those of the button and
// those given, which replace others of the same name.
func (v *visitor) submit(f form, b button, fields url.Values) *page {
	v.t.Helper()
	values := url.Values{}
	for name, value := range f.fields {
		values[name] = value
	}
	if b.name != "" {
		values.Set(b.name, b.value)
	}
	for name, value := range fields {
		values[name] = value
	}
	target := *f.action
	if f.method == http.MethodGet {
		target.RawQuery = values.Encode()
		return v.get(target.String())
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(req)
}

// form finds a form by the end of its action's path; "" finds the first one.
func (pg *page) form(t *testing.T, actionEnd string) form {
	t.Helper()
	for _, f := range pg.forms {
		if strings.HasSuffix(f.action.Path, actionEnd) {
			return f
		}
	}
	t.Fatalf("%s (%d) has no form whose action ends in %q:\n%s", pg.url, pg.status, actionEnd, pg.body)
	return form{}
}

// parseForms reads the forms of a page. Actions are resolved against the page.
func parseForms(base *url.URL, body string) []form {
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return nil // an answer that is no HTML has no forms
	}
	var forms []form
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		action, err := base.Parse(attribute(n, "action"))
		if err != nil {
			continue // nothing that a browser could submit to either
		}
		f := form{method: http.MethodGet, action: action, fields: url.Values{}}
		if strings.EqualFold(attribute(n, "method"), http.MethodPost) {
			f.method = http.MethodPost
		}
		for c := range n.Descendants() {
			f.read(c)
		}
		forms = append(forms, f)
	}
	return forms
}

func (f *form) read(n *html.Node) {
	if n.Type != html.ElementNode {
		return
	}
	name, value, kind := attribute(n, "name"), attribute(n, "value"), attribute(n, "type")
	switch {
	case n.Data == "button" && (kind == "" || kind == "submit"), n.Data == "input" && kind == "submit":
		f.buttons = append(f.buttons, button{name, value})
	case n.Data == "input" && name != "" && kind != "checkbox" && kind != "radio":
		f.fields.Add(name, value)
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// logIn goes through the identity provider's pages, as its user or with another
// password, and returns the first page that is not one of them, or the page on
// which the provider insisted.
func (v *visitor) logIn(idp *identityProvider, pg *page, password string) *page {
	v.t.Helper()
	// Log-in and consent are two forms; one more shows a refused password.
	for range 3 {
		if !strings.HasPrefix(pg.url.String(), idp.issuer+"/") || len(pg.forms) == 0 {
			return pg
		}
		f := pg.forms[0]
		answers := url.Values{}
		if f.fields.Has("password") {
			answers = url.Values{"login": {idp.user.email}, "password": {password}}
		}
		pg = v.submit(f, button{}, answers)
	}
	return pg
}
