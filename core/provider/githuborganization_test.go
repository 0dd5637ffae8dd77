package provider_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

func membership(state, organization string) http.HandlerFunc {
	return answer(200, `{"url":"https://api.github.com/orgs/octo/memberships/monalisa-octo","state":"`+state+`","role":"member",
		"organization":{"login":"`+organization+`","id":1},"user":{"login":"monalisa-octo","id":70000001}}`)
}

func TestGitHubOrganization(t *testing.T) {
	const at = "api.github.com/user/memberships/orgs/"
	notFound, forbidden := answer(404, `{"message":"Not Found"}`), answer(403, `{"message":"You need at least read:org scope"}`)
	for _, c := range []struct {
		why    string
		orgs   []string
		hosts  map[string]http.HandlerFunc
		status int
		code   aura.Code
	}{
		{"a member", []string{"octo"}, map[string]http.HandlerFunc{at + "octo": membership("active", "octo")}, 302, ""},
		{"in other letters", []string{"OCTO"}, map[string]http.HandlerFunc{at + "octo": membership("active", "Octo")}, 302, ""},
		{"of the second one", []string{"other", "octo"}, map[string]http.HandlerFunc{at + "other": notFound, at + "octo": membership("active", "octo")}, 302, ""},
		{"of the second one, the first cannot be asked", []string{"other", "octo"}, map[string]http.HandlerFunc{at + "other": answer(500, `{}`), at + "octo": membership("active", "octo")}, 302, ""},
		{"invited", []string{"octo"}, map[string]http.HandlerFunc{at + "octo": membership("pending", "octo")}, 403, aura.CodeSignInDenied},
		{"in a state that we do not know", []string{"octo"}, map[string]http.HandlerFunc{at + "octo": membership("Active", "octo")}, 403, aura.CodeSignInDenied},
		{"not a member", []string{"octo"}, map[string]http.HandlerFunc{at + "octo": notFound}, 403, aura.CodeSignInDenied},
		{"the scope is missing", []string{"octo"}, map[string]http.HandlerFunc{at + "octo": forbidden}, 403, aura.CodeSignInDenied},
		{"a membership of another organization", []string{"octo"}, map[string]http.HandlerFunc{at + "octo": membership("active", "octo-evil")}, 403, aura.CodeSignInDenied},
		{"the Kelvin sign for a k", []string{"kraken"}, map[string]http.HandlerFunc{at + "kraken": membership("active", "\u212Araken")}, 403, aura.CodeSignInDenied},
		{"an answer without a state", []string{"octo"}, map[string]http.HandlerFunc{at + "octo": answer(200, `{}`)}, 403, aura.CodeSignInDenied},
		{"a redirect to where there is a membership", []string{"octo"}, map[string]http.HandlerFunc{at + "octo": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/user/memberships/orgs/theirs", http.StatusMovedPermanently)
		}, at + "theirs": membership("active", "octo")}, 403, aura.CodeSignInDenied},
		{"GitHub is down", []string{"octo"}, map[string]http.HandlerFunc{at + "octo": answer(502, `{}`)}, 503, aura.CodeUserInfoUnreachable},
		{"GitHub is not there", []string{"octo"}, nil, 503, aura.CodeUserInfoUnreachable},
		{"too many requests", []string{"octo"}, map[string]http.HandlerFunc{at + "octo": answer(429, `{}`)}, 503, aura.CodeUserInfoUnreachable},
		{"not in one, the other cannot be asked", []string{"octo", "other"}, map[string]http.HandlerFunc{at + "octo": answer(500, `{}`), at + "other": notFound}, 503, aura.CodeUserInfoUnreachable},
		{"no organization is admitted", nil, nil, 403, aura.CodeSignInDenied},
		{"names that are none", []string{"", "..", "octo/../evil", "octo?x=", "octo#", "ä"}, map[string]http.HandlerFunc{at: membership("active", "")}, 403, aura.CodeSignInDenied},
	} {
		for _, id := range []string{"github", "work"} { // a renamed provider is GitHub still
			t.Run(c.why+" "+id, func(t *testing.T) {
				net := newGitHub(t)
				for address, handler := range c.hosts {
					net.hosts[address] = handler
				}
				p := provider.GitHub()
				p.ID, p.Scopes = id, append(p.Scopes, "read:org")
				app := newApplicationWith(t, p, net, aura.Hooks{SignIn: provider.GitHubOrganization(c.orgs...)})
				_, q := app.start("")
				if q.Get("scope") != "read:user user:email read:org" {
					t.Errorf("scope %q", q.Get("scope"))
				}
				r := app.back(q.Get("state"), "")
				if got := code(t, r); r.StatusCode != c.status || aura.Code(got) != c.code || (app.user() != nil) != (c.status == 302) ||
					(r.Header.Get("Retry-After") != "") != (c.status == 503) {
					t.Errorf("status %d, code %s, signed in as %v", r.StatusCode, got, app.user())
				}
			})
		}
	}
}

// Users of other providers pass without a question; without an access token
// nobody from GitHub does.
func TestGitHubOrganizationElsewhere(t *testing.T) {
	hook := provider.GitHubOrganization("octo")
	for why, c := range map[string]struct {
		attempt aura.Attempt
		pass    bool
	}{
		"another issuer": {aura.Attempt{Provider: "github", Issuer: "https://github.com.evil.example", Profile: &aura.Profile{}}, true},
		"credentials":    {aura.Attempt{Provider: "credentials", Issuer: "https://app.example"}, true},
		"no profile":     {aura.Attempt{Provider: "gh", Issuer: "https://github.com"}, false},
		"no token":       {aura.Attempt{Provider: "gh", Issuer: "https://github.com", Profile: &aura.Profile{}}, false},
	} {
		if err := hook(context.Background(), &c.attempt); (err == nil) != c.pass {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// An administrator finds in the log what is missing, and no token.
func TestGitHubOrganizationLog(t *testing.T) {
	net := newGitHub(t)
	net.hosts["api.github.com/user/memberships/orgs/octo"] = answer(403, `{}`)
	var log bytes.Buffer
	app := newApplicationWith(t, provider.GitHub(), net, aura.Hooks{
		SignIn: provider.GitHubOrganization("octo"),
		Error:  func(_ context.Context, e *aura.Error) { slog.New(slog.NewTextHandler(&log, nil)).Error(e.Error()) },
	})
	_, q := app.start("")
	app.back(q.Get("state"), "")
	if !strings.Contains(log.String(), "read:org") || strings.Contains(log.String(), "gho_") {
		t.Errorf("log: %s", &log)
	}
}
