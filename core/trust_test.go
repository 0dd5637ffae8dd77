package aura_test

import (
	"net/http"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// What Provider says of trust reaches the checks: each fault is refused without
// the setting, and survived with it.
func TestProviderTrustSettings(t *testing.T) {
	for name, row := range map[string]struct {
		fault devidp.Fault
		allow func(*aura.Provider)
		code  aura.Code // without the setting
	}{
		"TrustedAudiences":  {devidp.ManyAudiencesOurAZP, func(p *aura.Provider) { p.IDToken.TrustedAudiences = []string{"another-client"} }, aura.CodeIDTokenInvalid},
		"OptionalTokenType": {devidp.TokenTypeMissing, func(p *aura.Provider) { p.OptionalTokenType = true }, aura.CodeTokenMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			for _, allowed := range []bool{false, true} {
				s := newStage(t, func(c *aura.Config) {
					if allowed {
						row.allow(&c.Providers[0])
					}
				})
				s.idp.Misbehave(row.fault)
				b := s.browser()
				r, _ := attempt(b, []string{"Accept", "application/json"})
				if allowed {
					if r.status != http.StatusFound || b.subject() != "demo-ada" {
						t.Errorf("allowed: status %d\n%s", r.status, r.body)
					}
					continue
				}
				if r.code(t) != string(row.code) || b.subject() != "" {
					t.Errorf("not allowed: status %d\n%s", r.status, r.body)
				}
			}
		})
	}
}

// SigningAlgs narrows as well as it widens: the provider signs with RS256.
func TestProviderSigningAlgs(t *testing.T) {
	for alg, status := range map[string]int{"RS256": http.StatusFound, "ES256": http.StatusUnauthorized, "PS256": http.StatusUnauthorized} {
		s := newStage(t, func(c *aura.Config) { c.Providers[0].IDToken.SigningAlgs = []string{alg} })
		if r, _ := attempt(s.browser(), []string{"Accept", "application/json"}); r.status != status {
			t.Errorf("%s alone: status %d, want %d\n%s", alg, r.status, status, r.body)
		}
	}
}

// New judges these settings, and names the provider and the field.
func TestProviderTrustIsValidated(t *testing.T) {
	s := newRig(t, 1, nil)
	for field, edit := range map[string]func(*aura.Provider){
		"SigningAlgs":        func(p *aura.Provider) { p.IDToken.SigningAlgs = []string{"HS256"} },
		"TrustedAudiences":   func(p *aura.Provider) { p.IDToken.TrustedAudiences = []string{""} },
		"IDTokenAudiences":   func(p *aura.Provider) { p.IDToken.SignInAudiences = []string{p.ClientID} },
		"DiscoveryURL":       func(p *aura.Provider) { p.DiscoveryURL = "http://idp.example/meta" },
		"Tenants":            func(p *aura.Provider) { p.Tenants = []string{"contoso"} },
		"EndSessionEndpoint": func(p *aura.Provider) { p.EndSessionEndpoint = "https://169.254.169.254/end" },
	} {
		p := aura.Provider{ID: "dev", OIDC: true, Issuer: s.idp.Issuer(), ClientID: "id", ClientSecret: "secret"}
		edit(&p)
		_, err := aura.New(aura.Config{Secrets: []aura.Secret{testSecret}, Salt: testSalt, Providers: []aura.Provider{p}})
		if err == nil || !strings.Contains(err.Error(), `Providers[0] "dev": `) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
