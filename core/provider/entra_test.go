package provider_test

import (
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

const (
	octoTenant = "11111111-1111-4111-8111-111111111111"
	evilTenant = "22222222-2222-4222-8222-222222222222"
	entraHost  = "https://login.microsoftonline.com/"
)

func TestEntraAddresses(t *testing.T) {
	for tenant, want := range map[string]struct{ issuer, discovery string }{
		"common":        {entraHost + "{tenantid}/v2.0", entraHost + "common/v2.0/.well-known/openid-configuration"},
		"organizations": {entraHost + "{tenantid}/v2.0", entraHost + "organizations/v2.0/.well-known/openid-configuration"},
		// Microsoft answers for consumers with the issuer of one tenant.
		"consumers": {entraHost + "9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", ""},
		strings.ToUpper("abcdef01-1111-4111-8111-111111111111"): {entraHost + "abcdef01-1111-4111-8111-111111111111/v2.0", ""},
	} {
		if p := provider.MicrosoftEntraID(tenant); p.Issuer != want.issuer || p.DiscoveryURL != want.discovery || p.Problem != nil {
			t.Errorf("%s: %q %q %v", tenant, p.Issuer, p.DiscoveryURL, p.Problem)
		}
	}
}

// entra signs in at the many-tenant endpoint with an ID token of these claims.
func entra(t *testing.T, key *rsa.PrivateKey, name string, tenants []string, claims map[string]any) (int, *aura.Session) {
	t.Helper()
	p := provider.MicrosoftEntraID(name)
	p.Tenants = tenants
	issuer := p.Issuer
	h := newOIDCHost(t, key, p, issuer, "the-same-sub", edited(t, "microsoft-entra-id.json", map[string]any{"sub": "the-same-sub"}))
	app := newApplication(t, p, h)
	_, q := app.start("")
	h.claims["nonce"] = q.Get("nonce")
	for name, value := range claims {
		if h.claims[name] = value; value == nil {
			delete(h.claims, name)
		}
	}
	status := app.back(q.Get("state"), "").StatusCode
	r := httptest.NewRequest("GET", "https://app.example/", nil)
	for name, value := range app.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	s, _, err := app.auth.GetSession(r)
	if (err == nil) != (status == 302) {
		t.Fatalf("status %d, session %v", status, err)
	}
	return status, s
}

// One issuer stands for many tenants, all with the same keys: what tells them
// apart is that iss and tid agree, and that the tenant is one of ours.
func TestEntraTenants(t *testing.T) {
	key := newKey(t)
	token := func(iss, tid any) map[string]any { return map[string]any{"iss": iss, "tid": tid} }
	of := func(tenant string) string { return entraHost + tenant + "/v2.0" }
	for _, c := range []struct {
		why     string
		tenants []string
		claims  map[string]any
		want    int
	}{
		{"any tenant", nil, token(of(octoTenant), octoTenant), 302},
		{"ours", []string{octoTenant}, token(of(octoTenant), octoTenant), 302},
		{"another than ours", []string{octoTenant}, token(of(evilTenant), evilTenant), 401},
		{"iss of ours, tid of another", []string{octoTenant}, token(of(octoTenant), evilTenant), 401},
		{"iss of another, tid of ours", []string{octoTenant}, token(of(evilTenant), octoTenant), 401},
		{"iss and tid disagree, any tenant", nil, token(of(octoTenant), evilTenant), 401},
		{"no tid", nil, token(of(octoTenant), nil), 401},
		{"tid empty", nil, token(of(""), ""), 401},
		{"tid a list", nil, token(of(octoTenant), []string{octoTenant}), 401},
		{"the template itself", nil, token(of("{tenantid}"), "{tenantid}"), 401},
		{"the template, a tid", nil, token(of("{tenantid}"), octoTenant), 401},
		{"tid with a path", nil, token(of("x/../"+octoTenant), "x/../"+octoTenant), 401},
		{"another host", nil, token("https://evil.example/"+octoTenant+"/v2.0", octoTenant), 401},
		{"version 1", nil, token("https://sts.windows.net/"+octoTenant+"/", octoTenant), 401},
	} {
		for _, name := range []string{"common", "organizations"} {
			status, s := entra(t, key, name, c.tenants, c.claims)
			if status != c.want {
				t.Errorf("%s: %s: status %d, want %d", name, c.why, status, c.want)
			}
			if status == 302 && s.Issuer != of(octoTenant) {
				t.Errorf("%s: %s: issuer %q", name, c.why, s.Issuer)
			}
		}
	}
	// The same subject of two tenants is two people.
	_, one := entra(t, key, "common", nil, token(of(octoTenant), octoTenant))
	_, other := entra(t, key, "common", nil, token(of(evilTenant), evilTenant))
	if one.Account() == other.Account() || one.User.Subject != other.User.Subject || one.User.EmailVerified {
		t.Errorf("%v and %v", one.Account(), other.Account())
	}
}
