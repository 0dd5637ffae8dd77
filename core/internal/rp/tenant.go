package rp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// tenantMark stands in Issuer where a provider with many tenants has the
// tenant's id. Microsoft Entra publishes its common issuer in this form.
const tenantMark = "{tenantid}"

// A tenancy is whose token this is, where Issuer holds tenantMark. Its zero
// value is that of every other provider.
type tenancy struct {
	id     string // the token's tid
	issuer string // Issuer with id in place of tenantMark
}

// allows compares the member issuer of a key: one that the provider keeps for
// some tenant must not vouch for the users of another. Elsewhere no standard
// gives the member a meaning, and it is left alone.
func (t tenancy) allows(k publicKey) bool {
	return t.id == "" || k.issuer == "" || strings.ReplaceAll(k.issuer, tenantMark, t.id) == t.issuer
}

func (c Config) manyTenants() bool { return strings.Contains(c.Issuer, tenantMark) }

// claimedIssuer says which iss a token must have. With many tenants that
// follows from the token's own tid, which is read here before anything is
// verified: it chooses among the issuers that are accepted anyway, and the
// signature then covers it.
func (p *Party) claimedIssuer(raw string) (string, tenancy, error) {
	if !p.config.manyTenants() {
		return p.config.Issuer, tenancy{}, nil
	}
	var payload []byte
	if parts := strings.Split(raw, "."); len(parts) == 3 {
		payload, _ = base64.RawURLEncoding.DecodeString(parts[1])
	}
	claims, err := strictObject(payload, []string{"tid"})
	if err != nil {
		return "", tenancy{}, fmt.Errorf("payload: %w", err)
	}
	tid, _, err := stringMember(claims, "tid")
	if err != nil || !tenantID(tid) {
		return "", tenancy{}, errors.New("tid is not the id of a tenant")
	}
	if !p.config.acceptsTenant(tid) {
		return "", tenancy{}, errors.New("its tenant is not among Tenants")
	}
	issuer := strings.Replace(p.config.Issuer, tenantMark, tid, 1)
	return issuer, tenancy{id: tid, issuer: issuer}, nil
}

// mayAnswer reports whether an authorization response may name iss (RFC 9207).
// With many tenants that is the issuer as published, or that of a tenant we
// accept; whether it is the user's shows when there is an ID token.
func (p *Party) mayAnswer(iss string) bool {
	if iss == p.config.Issuer || !p.config.manyTenants() {
		return iss == p.config.Issuer
	}
	before, after, _ := strings.Cut(p.config.Issuer, tenantMark)
	tid, okBefore := strings.CutPrefix(iss, before)
	tid, okAfter := strings.CutSuffix(tid, after)
	return okBefore && okAfter && tenantID(tid) && p.config.acceptsTenant(tid)
}

func (c Config) acceptsTenant(tid string) bool {
	return c.Tenants == nil || slices.ContainsFunc(c.Tenants, func(t string) bool { return strings.EqualFold(t, tid) })
}

// tenantProblems lists what is wrong with Issuer and Tenants.
func (c Config) tenantProblems() (errs []error) {
	if c.Tenants != nil && !(c.OIDC && c.manyTenants()) {
		errs = append(errs, fmt.Errorf("Tenants: only an OpenID Connect Issuer with %s in it has tenants; unset one of the two", tenantMark))
	}
	if c.Tenants != nil && len(c.Tenants) == 0 {
		errs = append(errs, errors.New("Tenants: empty, which accepts nobody; name a tenant, or leave it nil for every tenant"))
	}
	for _, t := range c.Tenants {
		if !tenantID(t) {
			errs = append(errs, fmt.Errorf("Tenants: %q is not the id of a tenant, a GUID such as 9188040d-6c67-4c5b-b112-36a304b66dad", t))
		}
	}
	if !c.manyTenants() {
		return errs
	}
	if !c.OIDC {
		return append(errs, fmt.Errorf("Issuer: %s is for OpenID Connect; an OAuth 2.0 provider has one issuer", tenantMark))
	}
	// A whole segment of the path, once: in the host it would let a token
	// choose the host.
	u, err := url.Parse(c.Issuer)
	if err != nil || strings.Count(c.Issuer, tenantMark) != 1 || !slices.Contains(strings.Split(u.Path, "/"), tenantMark) {
		errs = append(errs, fmt.Errorf("Issuer: %s must be one whole segment of its path", tenantMark))
	}
	if c.DiscoveryURL == "" {
		errs = append(errs, fmt.Errorf("DiscoveryURL: must be set where Issuer holds %s, for there is no document below that", tenantMark))
	}
	return errs
}

// tenantID is the form of a GUID: 8-4-4-4-12 hexadecimal digits.
func tenantID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}

// Issues reports whether issuer is this provider: it may have been configured
// anew under the same ID since somebody signed in.
func (p *Party) Issues(issuer string) bool {
	if !p.config.manyTenants() {
		return issuer == p.config.Issuer
	}
	before, after, _ := strings.Cut(p.config.Issuer, tenantMark)
	tid, ok := strings.CutPrefix(issuer, before)
	if !ok {
		return false
	}
	tid, ok = strings.CutSuffix(tid, after)
	return ok && tenantID(tid) && p.config.acceptsTenant(tid)
}
