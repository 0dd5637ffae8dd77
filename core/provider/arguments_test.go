package provider_test

import (
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

// What a preset cannot use ends as an error of New that names the provider and
// says what to pass, and never quotes what it got: that may be a secret.
func TestRefusedArguments(t *testing.T) {
	addresses := []string{
		"", "sso.example.com", "//sso.example.com", "ftp://sso.example.com", "javascript:alert(1)", "https://", "https:sso.example.com",
		"https://user:hunter2@sso.example.com", "https://sso.example.com?x=1", "https://sso.example.com#x", "https://sso.example.com/a/../b",
		"https://sso.example.com/a//b", "https://sso.example.com/%2e%2e/b", "https://sso.example.com/a b", "https://sso.example.com/{tenantid}",
		"https://sso.example.com/\n", "https://sso.exa mple.com", "https://[::1", `https://sso.example.com\@evil.example`,
	}
	// One label of a host, or one segment of a path.
	names := []string{"", ".", "..", "a/b", "../b", "a?b", "a#b", "a b", "a%2fb", "a@b", "a\\b", "a\x00b", "ä", "{tenantid}", strings.Repeat("a", 200)}
	domains := append([]string{"localhost", "acme", "https://acme.okta.com", "acme.okta.com/x", "acme.okta.com:8443", "acme..com", "-a.com", "a-.com",
		"user:hunter2@acme.okta.com", "acme.okta.com.", "127.0.0.1:80", "acme_x.com"}, names...)
	const pool = "eu-central-1_AbCdEfGhI"
	for _, c := range []struct {
		what, says string
		make       func(string) aura.Provider
		bad        []string
	}{
		{"keycloak", "https://sso.example.com", func(s string) aura.Provider { return provider.Keycloak(s, "octo") }, addresses},
		{"keycloak", "realm", func(s string) aura.Provider { return provider.Keycloak("https://sso.example.com", s) }, names},
		{"gitlab", "external_url", provider.GitLabSelfManaged, addresses},
		{"authentik", "https://sso.example.com", func(s string) aura.Provider { return provider.Authentik(s, "my-app") }, addresses},
		{"authentik", "slug", func(s string) aura.Provider { return provider.Authentik("https://sso.example.com", s) }, names},
		{"gitea", "ROOT_URL", provider.Gitea, addresses},
		{"forgejo", "ROOT_URL", provider.Forgejo, addresses},
		{"zitadel", "instance's address", func(s string) aura.Provider { return provider.Zitadel(s) }, addresses},
		{"pingfederate", "base URL", provider.PingFederate, addresses},
		{"dex", "issuer", provider.Dex, addresses},
		{"auth0", "acme.eu.auth0.com", provider.Auth0, domains},
		{"okta", "acme.okta.com", func(s string) aura.Provider { return provider.Okta(s, "default") }, domains},
		{"okta", "authorization server", func(s string) aura.Provider { return provider.Okta("acme.okta.com", s) }, names[1:]},
		{"salesforce", "acme.my.salesforce.com", provider.Salesforce, domains[:len(domains)-len(names)]},
		{"onelogin", "subdomain", provider.OneLogin, append([]string{"a.b", "a_b", "-a"}, names...)},
		{"ping", "GUID", func(s string) aura.Provider { return provider.PingOne(s, "eu") }, append([]string{guid + "0", "{" + guid + "}"}, names...)},
		{"ping", "com.au", func(s string) aura.Provider { return provider.PingOne(guid, s) }, append([]string{"evil", "com/evil", "eu."}, names...)},
		{"cognito", "region:", func(s string) aura.Provider { return provider.Cognito(s, pool) }, append([]string{"cn-north-1", "EU-CENTRAL-1", "eu-central-1.evil.example/"}, names...)},
		{"cognito", "eu-central-1_", func(s string) aura.Provider { return provider.Cognito("eu-central-1", s) }, append([]string{"us-east-1_AbCdEfGhI", "eu-central-1_", pool + "/x"}, names...)},
		{"microsoft-entra-id", "GUID", provider.MicrosoftEntraID, append([]string{"contoso.onmicrosoft.com", "Common", "common/", guid + "/x", "{" + guid + "}"}, names...)},
		{"workos", "org_", provider.WorkOS, append([]string{"prof_1", "org_1/x", "Evil"}, names...)},
	} {
		for _, s := range c.bad {
			p := c.make(s)
			p.ClientID, p.ClientSecret = "client-id", "client-secret-of-the-test"
			_, err := aura.New(aura.Config{
				BaseURL: "https://app.example", Providers: []aura.Provider{p},
				Secrets: []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"}, Salt: "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
			})
			if err == nil || !strings.Contains(err.Error(), `"`+c.what+`"`) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "pass ") {
				t.Errorf("%s with %q: %v", c.what, s, err)
				continue
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Count(err.Error(), "\n") != 1 {
				t.Errorf("%s with %q: the error quotes it, or says more than one thing: %v", c.what, s, err)
			}
		}
	}
}

// http serves development on loopback, and nothing else: New's own rule.
func TestPlainHTTPAddresses(t *testing.T) {
	for address, ok := range map[string]bool{"http://localhost:8080": true, "http://127.0.0.1:8080": true, "http://sso.example.com": false} {
		p := provider.Keycloak(address, "octo")
		p.ClientID, p.ClientSecret = "client-id", "client-secret-of-the-test"
		_, err := aura.New(aura.Config{
			BaseURL: "https://app.example", Providers: []aura.Provider{p},
			Secrets: []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"}, Salt: "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
		})
		if ok != (err == nil) || !ok && !strings.Contains(err.Error(), "must be https") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
