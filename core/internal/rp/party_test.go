package rp

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

var errDeadline = context.DeadlineExceeded

// New names every problem at once, and does no I/O (FA-01).
func TestNewValidates(t *testing.T) {
	oidc := Config{ID: "idp", OIDC: true, Issuer: "https://idp.example", ClientID: "c", ClientSecret: "s"}
	plain := Config{ID: "gh", AuthorizationEndpoint: "https://gh.example/a", TokenEndpoint: "https://gh.example/t", ClientID: "c"}
	tenants := oidc
	tenants.Issuer, tenants.DiscoveryURL = "https://idp.example/{tenantid}/v2.0", "https://idp.example/common/v2.0/meta"
	for name, row := range map[string]struct {
		base  Config
		edit  func(*Config)
		field string // "" for success
	}{
		"OIDC":                         {oidc, func(*Config) {}, ""},
		"OAuth 2.0":                    {plain, func(*Config) {}, ""},
		"no issuer":                    {oidc, func(c *Config) { c.Issuer = "" }, "Issuer"},
		"issuer with query":            {oidc, func(c *Config) { c.Issuer += "?x=1" }, "Issuer"},
		"issuer with fragment":         {oidc, func(c *Config) { c.Issuer += "#" }, "Issuer"},
		"http issuer":                  {oidc, func(c *Config) { c.Issuer = "http://idp.example" }, "Issuer"},
		"http issuer on loopback":      {oidc, func(c *Config) { c.Issuer = "http://localhost:8080/" }, ""},
		"not a URL":                    {oidc, func(c *Config) { c.Issuer = "https://[" }, "Issuer"},
		"loopback token endpoint":      {oidc, func(c *Config) { c.TokenEndpoint = "https://localhost/t" }, "TokenEndpoint"},
		"http token endpoint":          {plain, func(c *Config) { c.TokenEndpoint = "http://gh.example/t" }, "TokenEndpoint"},
		"http userinfo endpoint":       {plain, func(c *Config) { c.UserInfoEndpoint = "http://gh.example/u" }, "UserInfoEndpoint"},
		"http revocation endpoint":     {plain, func(c *Config) { c.RevocationEndpoint = "http://gh.example/r" }, "RevocationEndpoint"},
		"loopback revocation endpoint": {oidc, func(c *Config) { c.RevocationEndpoint = "https://localhost/r" }, "RevocationEndpoint"},
		"metadata service":             {plain, func(c *Config) { c.TokenEndpoint = "https://169.254.169.254/t" }, "TokenEndpoint"},
		"link-local issuer":            {oidc, func(c *Config) { c.Issuer = "https://[fe80::1]" }, "Issuer"},
		"DiscoveryURL":                 {oidc, func(c *Config) { c.DiscoveryURL = "https://idp.example/meta" }, ""},
		"http DiscoveryURL":            {oidc, func(c *Config) { c.DiscoveryURL = "http://idp.example/meta" }, "DiscoveryURL"},
		"DiscoveryURL, OAuth 2.0":      {plain, func(c *Config) { c.DiscoveryURL = "https://gh.example/meta" }, "DiscoveryURL"},
		"SigningAlgs, OAuth 2.0":       {plain, func(c *Config) { c.SigningAlgs = []string{"RS256"} }, "DiscoveryURL"},
		"TrustedAudiences, OAuth 2.0":  {plain, func(c *Config) { c.TrustedAudiences = []string{"x"} }, "DiscoveryURL"},
		"IDTokenAudiences, OAuth 2.0":  {plain, func(c *Config) { c.IDTokenAudiences = []string{"x"} }, "DiscoveryURL"},
		"trusted: ourselves":           {oidc, func(c *Config) { c.TrustedAudiences = []string{"c"} }, "TrustedAudiences"},
		"native: empty":                {oidc, func(c *Config) { c.IDTokenAudiences = []string{""} }, "IDTokenAudiences"},
		"audiences":                    {oidc, func(c *Config) { c.TrustedAudiences, c.IDTokenAudiences = []string{"x"}, []string{"y"} }, ""},
		"many tenants":                 {tenants, func(*Config) {}, ""},
		"some tenants":                 {tenants, func(c *Config) { c.Tenants = []string{tenantA} }, ""},
		"no tenants":                   {tenants, func(c *Config) { c.Tenants = []string{} }, "Tenants"},
		"tenant by name":               {tenants, func(c *Config) { c.Tenants = []string{"contoso.example"} }, "Tenants"},
		"tenants without mark":         {oidc, func(c *Config) { c.Tenants = []string{tenantA} }, "Tenants"},
		"tenants, OAuth 2.0":           {plain, func(c *Config) { c.Tenants = []string{tenantA} }, "Tenants"},
		"mark, OAuth 2.0":              {plain, func(c *Config) { c.Issuer = tenants.Issuer }, "Issuer"},
		"mark in the host":             {tenants, func(c *Config) { c.Issuer = "https://{tenantid}.example/" }, "Issuer"},
		"half a segment":               {tenants, func(c *Config) { c.Issuer = "https://idp.example/x{tenantid}" }, "Issuer"},
		"mark twice":                   {tenants, func(c *Config) { c.Issuer += "/{tenantid}" }, "Issuer"},
		"mark without DiscoveryURL":    {tenants, func(c *Config) { c.DiscoveryURL = "" }, "DiscoveryURL"},
		"all on loopback":              {plain, func(c *Config) { c.AuthorizationEndpoint, c.TokenEndpoint = "http://127.0.0.1/a", "http://localhost/t" }, ""},
		"private address, by choice":   {plain, func(c *Config) { c.TokenEndpoint = "https://10.0.0.5/t" }, ""},
		"no endpoints":                 {plain, func(c *Config) { c.AuthorizationEndpoint = "" }, "AuthorizationEndpoint"},
		"state in the endpoint":        {plain, func(c *Config) { c.AuthorizationEndpoint += "?state=1" }, "AuthorizationEndpoint"},
		"no client":                    {plain, func(c *Config) { c.ClientID = "" }, "ClientID"},
		"unknown method":               {plain, func(c *Config) { c.AuthMethod = "tls_client_auth" }, "AuthMethod"},
		"none with secret":             {oidc, func(c *Config) { c.AuthMethod = "none" }, "AuthMethod"},
		"scope with space":             {plain, func(c *Config) { c.Scopes = []string{"a b"} }, "Scopes"},
		"scopes without openid":        {oidc, func(c *Config) { c.Scopes = []string{"email"} }, "Scopes"},
		"reserved parameter":           {plain, func(c *Config) { c.AuthParams = map[string]string{"redirect_uri": "x"} }, "AuthParams"},
		"userinfo by PUT":              {plain, func(c *Config) { c.UserInfoMethod = "PUT" }, "UserInfoMethod"},
		"symmetric algorithm":          {oidc, func(c *Config) { c.SigningAlgs = []string{"RS256", "HS256"} }, "SigningAlgs"},
		"Authorization in TokenHeader": {plain, func(c *Config) { c.TokenHeader = http.Header{"authorization": {"x"}} }, "TokenHeader"},
		"Idempotency-Key":              {plain, func(c *Config) { c.TokenHeader = http.Header{"Idempotency-Key": {"x"}} }, "TokenHeader"},
		"line break in UserInfoHeader": {plain, func(c *Config) { c.UserInfoHeader = http.Header{"X": {"a\r\nb"}} }, "UserInfoHeader"},
	} {
		t.Run(name, func(t *testing.T) {
			c := row.base
			row.edit(&c)
			p, err := New(c)
			if row.field == "" {
				if err != nil || p == nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || p != nil || !strings.Contains(err.Error(), row.field+":") && !strings.Contains(err.Error(), row.field+" and") {
				t.Errorf("got %v, want an error that names %s", err, row.field)
			}
		})
	}

	_, err := New(Config{ID: "all", OIDC: true, AuthMethod: "x", UserInfoMethod: "y", SigningAlgs: []string{"z"}})
	if err == nil || !contains(err.Error(), `"all"`, "Issuer", "ClientID", "AuthMethod", "UserInfoMethod", "SigningAlgs") {
		t.Errorf("not every problem is named: %v", err)
	}
}
