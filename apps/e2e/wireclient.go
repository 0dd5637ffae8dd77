package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// wireClient sends what the published TypeScript client sends, byte for byte:
// bodies without a Content-Type of their own, options that were not given as the
// text "undefined", a CSRF token fetched before each protected call.
type wireClient struct {
	*visitor
	app *app
	// browser adds what a browser adds to a page's own requests; without it they
	// are those of a server, which names no origin.
	browser bool
}

// wireCall is one call of that client.
type wireCall struct {
	function string // as the client's user writes it
	csrf     bool   // GET /csrfToken comes first
	method   string
	path     string // below the base path, with the query as it is sent
	body     string // JSON
	status   int
	// needs are the members that the client or its user reads, as "path: kind";
	// answer.lacks has the kinds.
	needs []string
	// arrives is for a sign-in that the user agent goes on with: where it ends.
	arrives string
}

// answer is a JSON object that came back.
type answer struct {
	status int
	body   string
	json   map[string]any
}

// call makes the call and reports everything in the answer that the client could
// not live with.
func (c wireClient) call(call wireCall) answer {
	c.t.Helper()
	token := ""
	if call.csrf {
		token = c.csrfToken()
	}
	ans := c.exchange(call.method, call.path, call.body, token)
	if ans.status != call.status {
		c.t.Errorf("%s: status %d, want %d: %s", call.function, ans.status, call.status, ans.body)
	}
	for _, need := range call.needs {
		if lack := ans.lacks(need); lack != "" {
			c.t.Errorf("%s: %s: %s", call.function, lack, ans.body)
		}
	}
	return ans
}

func (c wireClient) csrfToken() string {
	c.t.Helper()
	ans := c.exchange(http.MethodGet, "/csrfToken", "", "")
	token, _ := ans.json["csrfToken"].(string)
	if ans.status < 200 || ans.status > 299 || token == "" {
		c.t.Fatalf("/csrfToken: status %d, csrfToken %q; the client goes on with neither", ans.status, token)
	}
	return token
}

// exchange is one request. Whatever the status, its answer is a JSON object and
// no redirect, which fetch would follow.
func (c wireClient) exchange(method, path, body, token string) answer {
	c.t.Helper()
	var content io.Reader // nil, not empty: fetch sends no Content-Type then
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.app.url+"/api/auth"+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	c.dress(req, token)
	client := *c.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	what := method + " " + path
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		c.t.Errorf("%s: %d to %q; fetch would follow", what, res.StatusCode, res.Header.Get("Location"))
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		c.t.Errorf("%s: Content-Type %q", what, res.Header.Get("Content-Type"))
	}
	ans := answer{status: res.StatusCode, body: string(text)}
	if err := json.Unmarshal(text, &ans.json); err != nil || ans.json == nil {
		c.t.Fatalf("%s: status %d and no JSON object (%v): %s", what, ans.status, err, text)
	}
	return ans
}

// dress adds the header fields that fetch adds, with cache "no-store".
func (c wireClient) dress(req *http.Request, token string) {
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("Pragma", "no-cache")
	req.Header.Set("Sec-Fetch-Mode", "cors")
	if req.Body != nil {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	if token != "" {
		req.Header.Set("X-CSRF-Token", token)
	}
	if !c.browser {
		return
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Sec-Fetch-Dest", "empty")
	req.Header.Set("Referer", c.app.url+"/login")
	if req.Method != http.MethodGet {
		req.Header.Set("Origin", c.app.url)
	}
}

// instant is a time as JavaScript's toISOString writes it.
var instant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

// lacks says how the answer fails "path: kind", or "". A path goes through
// objects by dots; it must lead to a member even where the kind is null. Kinds:
// string (not empty), number, strings (an array of them), url (absolute), time
// (toISOString's), anything else is the value itself, in JSON.
func (ans answer) lacks(need string) string {
	path, kind, _ := strings.Cut(need, ": ")
	var value any = ans.json
	for name := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if ok {
			value, ok = object[name]
		}
		if !ok {
			return "no member " + path
		}
	}
	var ok bool
	text, _ := value.(string)
	switch kind {
	case "string":
		ok = text != ""
	case "url":
		ok = strings.HasPrefix(text, "http://")
	case "time":
		_, err := time.Parse(time.RFC3339, text)
		ok = err == nil && instant.MatchString(text)
	case "number":
		_, ok = value.(float64)
	case "strings":
		list, isList := value.([]any)
		ok = isList
		for _, element := range list {
			_, isText := element.(string)
			ok = ok && isText
		}
	default:
		var want any
		err := json.Unmarshal([]byte(kind), &want)
		ok = err == nil && reflect.DeepEqual(value, want)
	}
	if ok {
		return ""
	}
	return fmt.Sprintf("%s is %v, want %s", path, value, kind)
}
