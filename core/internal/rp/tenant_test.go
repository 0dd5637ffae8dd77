package rp

import (
	"net/http"
	"strings"
	"testing"
)

const (
	tenantA = "9188040d-6c67-4c5b-b112-36a304b66dad"
	tenantB = "72f988bf-86f1-41af-91ab-2d7cd011db47"
)

// tenants turns f into a provider with many, whose user is of tenantA.
func tenants(f *fakeIDP) {
	f.issuer = f.URL + "/{tenantid}/v2.0"
	f.overrides["/common/meta"] = func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = wellKnownPath
		f.mu.Lock()
		f.counts[wellKnownPath]--
		f.mu.Unlock()
		f.serve(w, r)
	}
	ofTenant(f, tenantA, tenantA)
}

func ofTenant(f *fakeIDP, tid any, iss string) {
	f.claims = func(c map[string]any) {
		c["tid"], c["iss"] = tid, f.URL+"/"+iss+"/v2.0"
		if tid == nil {
			delete(c, "tid")
		}
	}
}

func someTenants(f *fakeIDP, tenants ...string) func(*Config) {
	return func(c *Config) { c.DiscoveryURL, c.Tenants = f.URL+"/common/meta", tenants }
}

func TestTenants(t *testing.T) {
	keyIssuer := func(issuer string) func(*fakeIDP) {
		return func(f *fakeIDP) { f.keys[0]["issuer"] = f.URL + issuer }
	}
	of := func(tid any, iss string) func(*fakeIDP) { return func(f *fakeIDP) { ofTenant(f, tid, iss) } }
	const bad, ok = CodeIDTokenInvalid, ""
	for _, row := range []struct {
		name     string
		edit     func(*fakeIDP)
		accepted []string
		want     string
	}{
		{"any tenant", func(*fakeIDP) {}, nil, ok},
		{"one of ours", func(*fakeIDP) {}, []string{tenantB, tenantA}, ok},
		{"one of ours, in capitals", func(*fakeIDP) {}, []string{strings.ToUpper(tenantA)}, ok},
		{"not one of ours", func(*fakeIDP) {}, []string{tenantB}, bad},
		{"iss of another tenant than tid", of(tenantA, tenantB), nil, bad},
		{"iss of ours, tid of another", of(tenantB, tenantA), []string{tenantA}, bad},
		{"iss as published", of(tenantA, "{tenantid}"), nil, bad},
		{"iss in other case", of(tenantA, strings.ToUpper(tenantA)), nil, bad},
		{"no tid", of(nil, tenantA), nil, bad},
		{"no tid, iss as published", of(nil, "{tenantid}"), nil, bad},
		{"tid as published", of("{tenantid}", "{tenantid}"), nil, bad},
		{"tid common", of("common", "common"), nil, bad},
		{"tid empty", of("", ""), nil, bad},
		{"tid number", of(7, tenantA), nil, bad},
		{"tid array", of([]string{tenantA}, tenantA), nil, bad},
		{"tid with path", of(tenantA+"/..", tenantA+"/.."), nil, bad},
		{"tid a GUID in braces", of("{"+tenantA+"}", "{"+tenantA+"}"), nil, bad},
		{"TID", payload(replace(`"tid":`, `"TID":`)), nil, bad},
		{"tid twice", payload(replace(`"tid":`, `"tid":"`+tenantB+`","tid":`)), nil, bad},
		{"key for every tenant", keyIssuer("/{tenantid}/v2.0"), nil, ok},
		{"key of this tenant", keyIssuer("/" + tenantA + "/v2.0"), nil, ok},
		{"key of another tenant", keyIssuer("/" + tenantB + "/v2.0"), nil, bad},
		{"key of nobody we know", keyIssuer("/elsewhere"), nil, bad},
		{"key of a number", func(f *fakeIDP) { f.keys[0]["issuer"] = 7 }, nil, bad},
		{"the document is a tenant's", func(f *fakeIDP) {
			f.metadata = func(m map[string]any) { m["issuer"] = f.URL + "/" + tenantA + "/v2.0" }
		}, nil, CodeDiscoveryIssuer},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newIDP(t)
			tenants(f)
			row.edit(f)
			p := f.party(t, someTenants(f, row.accepted...))
			g, err := exchange(t, p)
			expect(t, err, row.want)
			if f.count(wellKnownPath) != 0 || f.count("/common/meta") != 1 {
				t.Errorf("%d requests below Issuer, %d to DiscoveryURL", f.count(wellKnownPath), f.count("/common/meta"))
			}
			if row.want == ok && g.Issuer != f.URL+"/"+tenantA+"/v2.0" {
				t.Errorf("issuer %s", g.Issuer)
			}
		})
	}
}

// Userinfo does not say whose employee somebody is.
func TestUserInfoKeepsTenant(t *testing.T) {
	f := newIDP(t)
	tenants(f)
	f.userinfo["tid"] = tenantB
	g, err := exchange(t, f.party(t, someTenants(f)))
	expect(t, err, "")
	if !contains(string(g.Profile), tenantA) || contains(string(g.Profile), tenantB) {
		t.Errorf("%s", g.Profile)
	}
}

// A key's own issuer is Microsoft's; other providers may mean anything by it.
func TestKeyIssuerElsewhere(t *testing.T) {
	f := newIDP(t)
	for _, issuer := range []any{"CN=somebody", 7, nil} {
		f.set(func() { f.keys[0]["issuer"] = issuer })
		_, err := exchange(t, f.party(t))
		expect(t, err, "")
	}
}

// RFC 9207 with many tenants.
func TestTenantResponseIssuer(t *testing.T) {
	for iss, want := range map[string]string{
		"/{tenantid}/v2.0":       "",
		"/" + tenantA + "/v2.0":  "",
		"/" + tenantB + "/v2.0":  CodeIssuerMismatch, // one of ours, but not the user's
		"/" + tenantA + "/v2.0/": CodeIssuerMismatch,
		"/common/v2.0":           CodeIssuerMismatch,
		"//v2.0":                 CodeIssuerMismatch,
		"/v2.0":                  CodeIssuerMismatch,
		"/11111111-1111-1111-1111-111111111111/v2.0": CodeIssuerMismatch, // not one of ours
		".evil.example/" + tenantA + "/v2.0":         CodeIssuerMismatch,
	} {
		f := newIDP(t)
		tenants(f)
		r := response()
		r.Iss, r.HasIss = f.URL+iss, true
		_, err := f.party(t, someTenants(f, tenantA, tenantB)).Exchange(t.Context(), r)
		t.Log(iss)
		expect(t, err, want)
		if sent := f.count("/token") == 1; sent != (want == "" || iss == "/"+tenantB+"/v2.0") {
			t.Errorf("the code was sent: %v", sent)
		}
	}
}

// A refresh keeps iss as well as sub: the same sub at another tenant is another
// person.
func TestTenantRefresh(t *testing.T) {
	f := newIDP(t)
	tenants(f)
	p := f.party(t, someTenants(f))
	g, err := exchange(t, p)
	expect(t, err, "")
	_, err = p.Refresh(t.Context(), testRefresh, g.Issuer, g.Subject)
	expect(t, err, "")
	ofTenant(f, tenantB, tenantB)
	_, err = p.Refresh(t.Context(), testRefresh, g.Issuer, g.Subject)
	if e := expect(t, err, CodeIDTokenInvalid); e.InvalidGrant() {
		t.Error("the refresh token was given up")
	}
	_, err = p.Refresh(t.Context(), testRefresh, "", g.Subject)
	expect(t, err, CodeBadRequest)
}

// The other tokens of a provider with many tenants.
func TestTenantTokens(t *testing.T) {
	f := newIDP(t)
	tenants(f)
	p := f.party(t, someTenants(f, tenantA))
	g, err := p.VerifyIDToken(t.Context(), f.mint(), testNonce)
	expect(t, err, "")
	if g.Issuer != f.URL+"/"+tenantA+"/v2.0" {
		t.Error(g.Issuer)
	}
	logout := func(tid any) string {
		return f.logoutToken(func(_, c map[string]any) { c["iss"], c["tid"] = f.URL+"/"+tenantA+"/v2.0", tid }, nil)
	}
	l, err := p.VerifyLogoutToken(t.Context(), logout(tenantA))
	expect(t, err, "")
	if l.Issuer != g.Issuer {
		t.Error(l.Issuer)
	}
	for _, tid := range []any{nil, tenantB, "x"} {
		_, err = p.VerifyLogoutToken(t.Context(), logout(tid))
		expect(t, err, CodeLogoutTokenInvalid)
	}
}
