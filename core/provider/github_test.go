package provider_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aura-stack-go/auth/core/provider"
)

const (
	githubToken  = "https://github.com/login/oauth/access_token"
	githubUser   = "https://api.github.com/user"
	githubEmails = "https://api.github.com/user/emails"
)

// newGitHub is github.com as recorded.
func newGitHub(t *testing.T) *internet {
	return &internet{hosts: map[string]http.HandlerFunc{
		"github.com/login/oauth/access_token": answer(200, `{"access_token":"gho_16C7e42F292c6912E7710c838347Ae178B4a","scope":"read:user,user:email","token_type":"bearer"}`),
		"api.github.com/user":                 answer(200, recorded(t, "github.json")),
		"api.github.com/user/emails":          answer(200, recorded(t, "github_emails.json")),
	}}
}

func TestGitHubOnTheWire(t *testing.T) {
	net := newGitHub(t)
	app := newApplication(t, provider.GitHub(), net)
	endpoint, q := app.start("&login_hint=mona&allow_signup=false")
	if endpoint != "https://github.com/login/oauth/authorize" {
		t.Errorf("the browser is sent to %s", endpoint)
	}
	want := []string{"client_id", "code_challenge", "code_challenge_method", "login_hint", "redirect_uri", "response_type", "scope", "state"}
	if got := slices.Sorted(maps.Keys(q)); !slices.Equal(got, want) {
		t.Errorf("the request has %q, want %q", got, want)
	}
	for name, value := range map[string]string{
		"client_id": "client-id", "redirect_uri": "https://app.example/auth/callback/github", "response_type": "code",
		"scope": "read:user user:email", "code_challenge_method": "S256", "login_hint": "mona",
	} {
		if q.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, q.Get(name), value)
		}
	}
	if r := app.back(q.Get("state"), ""); r.StatusCode != 302 || r.Header.Get("Location") != "/after" {
		t.Fatalf("callback: status %d, code %s", r.StatusCode, code(t, r))
	}

	asked := net.asked(githubToken)
	if len(asked) != 1 {
		t.Fatalf("the token endpoint was asked %d times", len(asked))
	}
	token := asked[0]
	verifier := token.form.Get("code_verifier")
	token.form.Del("code_verifier")
	wantForm := map[string][]string{
		"grant_type": {"authorization_code"}, "code": {"the-code"}, "redirect_uri": {"https://app.example/auth/callback/github"},
		"client_id": {"client-id"}, "client_secret": {"s3cret:%+ /ü"},
	}
	if token.method != "POST" || len(verifier) != 43 || !reflect.DeepEqual(map[string][]string(token.form), wantForm) {
		t.Errorf("%s with %v", token.method, token.form)
	}
	if token.header.Get("Accept") != "application/json" || token.header.Get("Authorization") != "" || token.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("with the headers %v", token.header)
	}
	for _, address := range []string{githubUser, githubEmails} {
		asked := net.asked(address)
		if len(asked) != 1 {
			t.Fatalf("%s was asked %d times", address, len(asked))
		}
		h := asked[0].header
		if asked[0].method != "GET" || h.Get("Authorization") != "Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a" || h.Get("X-Github-Api-Version") != "2022-11-28" || h.Get("User-Agent") == "" {
			t.Errorf("%s: %s with the headers %v", address, asked[0].method, h)
		}
	}
}

// Profile to user; what the address list says decides about the address.
func TestGitHubProfile(t *testing.T) {
	const unverified = `[{"email":"mona@octo.example","primary":true,"verified":false},{"email":"old@octo.example","primary":false,"verified":true}]`
	recordedUser := map[string]any{
		"sub": "70000001", "name": "Mona Lisa Octocat", "email": "mona@octo.example", "email_verified": true,
		"image": "https://avatars.githubusercontent.com/u/70000001?v=4",
	}
	user := func(change map[string]any) map[string]any {
		u := maps.Clone(recordedUser)
		for name, value := range change {
			if u[name] = value; value == nil {
				delete(u, name)
			}
		}
		return u
	}
	for _, c := range []struct {
		why     string
		profile map[string]any // changes to the recorded one
		emails  http.HandlerFunc
		want    map[string]any // nil: no sign-in
	}{
		{why: "as recorded", want: recordedUser},
		{why: "no name", profile: map[string]any{"name": nil}, want: user(map[string]any{"name": "monalisa-octo"})},
		{why: "an empty name", profile: map[string]any{"name": ""}, want: user(map[string]any{"name": "monalisa-octo"})},
		{why: "no public address", profile: map[string]any{"email": nil}, want: recordedUser},
		{why: "a big id", profile: map[string]any{"id": json.Number("9007199254740993")}, want: user(map[string]any{"sub": "9007199254740993"})},
		{why: "primary, not verified", emails: answer(200, unverified), want: user(map[string]any{"email": nil, "email_verified": nil})},
		{why: "no addresses", emails: answer(200, `[]`), want: user(map[string]any{"email": nil, "email_verified": nil})},
		{why: "the scope was not granted", emails: answer(403, `{"message":"Resource not accessible"}`), want: user(map[string]any{"email": "public@octo.example", "email_verified": nil})},
		{why: "nor an address public", emails: answer(404, `{}`), profile: map[string]any{"email": nil}, want: user(map[string]any{"email": nil, "email_verified": nil})},
		{why: "ID-33 no id", profile: map[string]any{"id": nil}},
		{why: "ID-33 an empty id", profile: map[string]any{"id": ""}},
		{why: "ID-33 an id that is no number", profile: map[string]any{"id": "everybody"}},
		{why: "ID-33 an id that is an object", profile: map[string]any{"id": map[string]any{}}},
		{why: "ID-33 an id that is true", profile: map[string]any{"id": true}},
		{why: "the list is an object", emails: answer(200, `{"email":"mona@octo.example"}`)},
		{why: "the list is not JSON", emails: answer(200, `[`)},
	} {
		t.Run(c.why, func(t *testing.T) {
			net := newGitHub(t)
			net.hosts["api.github.com/user"] = answer(200, edited(t, "github.json", c.profile))
			if c.emails != nil {
				net.hosts["api.github.com/user/emails"] = c.emails
			}
			app := newApplication(t, provider.GitHub(), net)
			_, q := app.start("")
			r := app.back(q.Get("state"), "")
			if c.want == nil {
				if r.StatusCode != 502 || code(t, r) == "" || app.user() != nil {
					t.Errorf("status %d, signed in as %v", r.StatusCode, app.user())
				}
				return
			}
			if got := app.user(); r.StatusCode != 302 || !reflect.DeepEqual(got, c.want) {
				t.Errorf("status %d, signed in as\n%v, want\n%v", r.StatusCode, got, c.want)
			}
		})
	}
}

// A list that cannot be fetched is an outage, not a user without an address.
func TestGitHubOutage(t *testing.T) {
	net := newGitHub(t)
	delete(net.hosts, "api.github.com/user/emails")
	app := newApplication(t, provider.GitHub(), net)
	_, q := app.start("")
	if r := app.back(q.Get("state"), ""); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || app.user() != nil {
		t.Errorf("status %d, signed in as %v", r.StatusCode, app.user())
	}
}

// Each answer comes just in time, together they are late: the callback still
// ends within ten seconds. The time is synthetic.
func TestGitHubSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newGitHub(t)
		for address, handler := range net.hosts {
			net.hosts[address] = func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(4500 * time.Millisecond):
					handler(w, r)
				case <-r.Context().Done():
				}
			}
		}
		app := newApplication(t, provider.GitHub(), net)
		_, q := app.start("")
		begin := time.Now()
		r := app.back(q.Get("state"), "")
		if took := time.Since(begin); took > 10*time.Second || r.StatusCode != 503 {
			t.Errorf("status %d after %v", r.StatusCode, took)
		}
	})
}
