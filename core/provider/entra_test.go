package provider_test

import (
	"strings"
	"testing"

	"github.com/aura-stack-go/auth/core/provider"
)

const entraHost = "https://login.microsoftonline.com/"

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
