package devidp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aura-stack-go/auth/core/devidp"
)

func TestAuthorizeRefuses(t *testing.T) {
	registered := devidp.Client{ID: "registered", Secret: "s", RedirectURIs: []string{callback}}
	none := devidp.Client{ID: "none", Secret: "s", RedirectURIs: []string{}}
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{{ID: "dev", Secret: "s"}, registered, none}})
	tests := []struct {
		name    string
		changes []string
		want    string // the error sent back, or "page"
	}{
		{"unknown client", []string{"client_id", "nobody"}, "page"},
		{"no client", []string{"client_id", ""}, "page"},
		{"no redirect_uri", []string{"redirect_uri", ""}, "page"},
		{"redirect_uri on another host", []string{"redirect_uri", "https://app.example/callback"}, "page"},
		{"redirect_uri that looks like loopback", []string{"redirect_uri", "http://127.0.0.1.attacker.example/cb"}, "page"},
		{"redirect_uri with user information", []string{"redirect_uri", "http://localhost@attacker.example/cb"}, "page"},
		{"redirect_uri with user on loopback", []string{"redirect_uri", "http://a@localhost/cb"}, "page"},
		{"redirect_uri on a private network", []string{"redirect_uri", "http://192.168.0.1/cb"}, "page"},
		{"redirect_uri on all interfaces", []string{"redirect_uri", "http://0.0.0.0:3000/cb"}, "page"},
		{"redirect_uri with a fragment", []string{"redirect_uri", callback + "#x"}, "page"},
		{"redirect_uri with another scheme", []string{"redirect_uri", "javascript://localhost/%0aalert(1)"}, "page"},
		{"redirect_uri not a URL", []string{"redirect_uri", "http://[::1"}, "page"},
		{"redirect_uri not registered", []string{"client_id", "registered", "redirect_uri", callback + "/more"}, "page"},
		{"no redirect_uri registered at all", []string{"client_id", "none"}, "page"},
		{"no response_type", []string{"response_type", ""}, "invalid_request"},
		{"implicit flow", []string{"response_type", "id_token"}, "unsupported_response_type"},
		{"no openid scope", []string{"scope", "profile"}, "invalid_scope"},
		{"no PKCE", []string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		{"PKCE plain", []string{"code_challenge_method", "plain"}, "invalid_request"},
		{"PKCE method missing, which means plain", []string{"code_challenge_method", ""}, "invalid_request"},
		{"challenge too short", []string{"code_challenge", "short"}, "invalid_request"},
		{"fragment", []string{"response_mode", "fragment"}, "invalid_request"},
		{"prompt none", []string{"prompt", "none"}, "login_required"},
		{"max_age not a number", []string{"max_age", "soon"}, "invalid_request"},
		{"max_age negative", []string{"max_age", "-1"}, "invalid_request"},
		{"prompt none and login", []string{"prompt", "none login"}, "invalid_request"},
		{"request object", []string{"request", "x"}, "request_not_supported"},
		{"request_uri", []string{"request_uri", "http://localhost/x"}, "request_uri_not_supported"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			query := authRequest(p, tt.changes...)
			for _, a := range []answer{get(t, base(p)+"/authorize?"+query.Encode()), post(t, base(p)+"/authorize", query)} {
				if tt.want == "page" {
					if a.status != http.StatusBadRequest || a.header.Get("Location") != "" || !strings.Contains(string(a.body), "request refused") {
						t.Errorf("%d, Location %q, want a 400 page", a.status, a.header.Get("Location"))
					}
					continue
				}
				location, err := url.Parse(a.header.Get("Location"))
				if err != nil || a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), callback+"?") {
					t.Fatalf("%d, Location %q, want 303 to the redirect_uri", a.status, a.header.Get("Location"))
				}
				q := location.Query()
				if q.Get("error") != tt.want || q.Get("state") != "the-state" || q.Get("iss") != p.Issuer() || q.Has("code") {
					t.Errorf("response %v, want error %s with state and iss", q, tt.want)
				}
			}
			to, err := p.Approve(base(p)+"/authorize?"+query.Encode(), "demo-ada")
			if tt.want == "page" && err == nil || tt.want != "page" && !strings.Contains(to, "error="+tt.want) {
				t.Errorf("Approve: %q, %v", to, err)
			}
		})
	}
	for _, name := range []string{"client_id", "redirect_uri", "state", "scope", "code_challenge"} {
		query := authRequest(p)
		query.Add(name, "again")
		a := get(t, base(p)+"/authorize?"+query.Encode())
		if a.status == http.StatusOK || strings.Contains(a.header.Get("Location"), "code=") {
			t.Errorf("%s repeated: %d", name, a.status)
		}
	}
}

func TestAuthorizeAccepts(t *testing.T) {
	registered := devidp.Client{ID: "registered", Secret: "s", RedirectURIs: []string{callback}}
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{{ID: "dev", Secret: "s"}, registered}})
	for _, changes := range [][]string{
		{"redirect_uri", "http://localhost:1/cb"},
		{"redirect_uri", "https://[::1]:8443/cb?a=b"},
		{"redirect_uri", "http://127.8.9.10/cb"},
		{"client_id", "registered"},
		{"prompt", "login consent"},
		{"scope", "openid unknown"},
		{"response_mode", "query"},
		{"nonce", ""},
		{"state", ""},
	} {
		query := authRequest(p, changes...)
		to, err := p.Approve(base(p)+"/authorize?"+query.Encode(), "demo-grace")
		u, parseErr := url.Parse(to)
		if err != nil || parseErr != nil || u.Query().Get("code") == "" || u.Query().Has("state") != query.Has("state") {
			t.Errorf("%v: %s %v", changes, to, err)
		}
		if !strings.HasPrefix(to, query.Get("redirect_uri")) {
			t.Errorf("%v: %s is not at the redirect_uri", changes, to)
		}
	}
}

func TestApproveRefuses(t *testing.T) {
	p := start(t, fast())
	for target, subject := range map[string]string{
		"http://127.0.0.1:1/authorize?" + authRequest(p).Encode():  "demo-ada",
		base(p) + "/authorize?" + authRequest(p).Encode():          "nobody",
		base(p) + "/authorize?" + authRequest(p).Encode() + "&a;b": "demo-ada",
	} {
		if to, err := p.Approve(target, subject); err == nil {
			t.Errorf("Approve(%s, %s) = %s, want an error", target, subject, to)
		}
	}
}
