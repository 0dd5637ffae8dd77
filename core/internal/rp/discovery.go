package rp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	metadataTTL = time.Hour
	// staleLimit is how long an outage of the provider is bridged with what
	// it said last: metadata and keys.
	staleLimit = 24 * time.Hour
)

// metadata is what we use of a discovery document (OpenID Connect Discovery
// §3, RFC 8414 §2, RFC 9207 §3).
type metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	UserInfoEndpoint      string `json:"userinfo_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"` // judged when it is used: a sign-in does without
	EndSessionEndpoint    string `json:"end_session_endpoint"`
	JWKSURI               string `json:"jwks_uri"`

	// Judged when they are used, too.
	PushedAuthorizationEndpoint string `json:"pushed_authorization_request_endpoint"` // RFC 9126 §5
	DeviceAuthorizationEndpoint string `json:"device_authorization_endpoint"`         // RFC 8628 §4
	RequirePushed               bool   `json:"require_pushed_authorization_requests"`

	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
	ResponseIssuer        bool     `json:"authorization_response_iss_parameter_supported"`
}

// discovery caches the metadata of one issuer. Fresh for an hour; then it is
// served while one request refreshes it, for a day at most.
type discovery struct {
	fetch   func(context.Context) (*metadata, error)
	now     func() time.Time
	timeout time.Duration
	log     *slog.Logger

	mu        sync.Mutex
	current   *metadata
	fetchedAt time.Time
	failure   backoff
	inflight  *flight[*metadata]
}

func newDiscovery(c Config, fetch func(context.Context) (*metadata, error)) *discovery {
	return &discovery{fetch: fetch, now: c.Now, timeout: c.Timeout, log: c.Logger.With("provider", c.ID)}
}

// get returns the metadata. It blocks only while there is none to serve, and
// no longer than ctx.
func (d *discovery) get(ctx context.Context) (*metadata, error) {
	served, pending, err := d.lookup()
	if served != nil || err != nil {
		return served, err
	}
	m, err := pending.wait(ctx)
	if err != nil {
		return nil, failed(CodeDiscoveryUnreachable, "discovery", err)
	}
	return m, nil
}

// lookup returns the metadata to serve, or the error to serve in its place, or
// the flight to wait for.
func (d *discovery) lookup() (*metadata, *flight[*metadata], error) {
	d.mu.Lock()
	defer d.mu.Unlock()

	now := d.now()
	age := now.Sub(d.fetchedAt)
	served := d.current
	if served != nil && age >= staleLimit {
		served = nil
	}
	if served != nil && age < metadataTTL {
		return served, nil, nil
	}
	if d.inflight == nil && d.failure.active(now) {
		if served != nil {
			return served, nil, nil
		}
		return nil, nil, d.failure.err
	}
	if d.inflight == nil {
		d.inflight = launch(d.timeout, d.fetch, d.land)
	}
	return served, d.inflight, nil
}

func (d *discovery) land(m *metadata, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inflight = nil
	if err != nil {
		d.failure.note(failed(CodeDiscoveryUnreachable, "discovery", err), d.now())
		if d.current != nil {
			// Nobody gets this error: the old metadata is served.
			d.log.Warn("aura: discovery failed, serving the last answer", "error", d.failure.err.Error())
		}
		return
	}
	d.current, d.fetchedAt, d.failure = m, d.now(), backoff{}
}

// wellKnown is OpenID Connect Discovery §4.1: one terminating slash of the
// issuer is removed, and only for the address.
func wellKnown(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

// discoveryURL is where the metadata is.
func (c Config) discoveryURL() string { return cmp.Or(c.DiscoveryURL, wellKnown(c.Issuer)) }

func (p *Party) fetchMetadata(ctx context.Context) (*metadata, error) {
	address := p.config.discoveryURL()
	a, err := p.getPublic(ctx, address)
	if err != nil {
		return nil, failed(wireCode(err, CodeDiscoveryUnreachable, CodeDiscoveryInvalid), "discovery", err)
	}
	if a.status != http.StatusOK {
		e := failure(CodeDiscoveryInvalid, "discovery: %s answered %d; check Issuer and DiscoveryURL", address, a.status)
		e.unreachable = a.down()
		return nil, e
	}
	if _, err := strictObject(a.body, nil); err != nil {
		return nil, failure(CodeDiscoveryInvalid, "discovery: the answer is not a JSON object: %w", err)
	}
	m := new(metadata)
	if err := json.Unmarshal(a.body, m); err != nil {
		return nil, failure(CodeDiscoveryInvalid, "discovery: a member has the wrong type: %w", err)
	}
	if m.Issuer != p.config.Issuer {
		return nil, failure(CodeDiscoveryIssuer,
			"discovery: the document is of issuer %q, configured is %q; they must be equal, trailing slash included",
			brief(m.Issuer), p.config.Issuer)
	}
	p.override(m)
	if err := p.checkMetadata(m); err != nil {
		return nil, failure(CodeDiscoveryInvalid, "discovery: %w", err)
	}
	return m, nil
}

// override puts the endpoints of the configuration in place.
func (p *Party) override(m *metadata) {
	for _, e := range []struct {
		configured string
		discovered *string
	}{
		{p.config.AuthorizationEndpoint, &m.AuthorizationEndpoint},
		{p.config.TokenEndpoint, &m.TokenEndpoint},
		{p.config.UserInfoEndpoint, &m.UserInfoEndpoint},
		{p.config.RevocationEndpoint, &m.RevocationEndpoint},
		{p.config.EndSessionEndpoint, &m.EndSessionEndpoint},
		{p.config.PushedAuthorizationEndpoint, &m.PushedAuthorizationEndpoint},
		{p.config.DeviceAuthorizationEndpoint, &m.DeviceAuthorizationEndpoint},
	} {
		if e.configured != "" {
			*e.discovered = e.configured
		}
	}
}

// checkMetadata requires what a sign-in needs. userinfo_endpoint is only
// recommended by the specification, and some providers have none.
func (p *Party) checkMetadata(m *metadata) error {
	for _, e := range []struct {
		member, value, configured string
		required                  bool
	}{
		{"authorization_endpoint", m.AuthorizationEndpoint, p.config.AuthorizationEndpoint, true},
		{"token_endpoint", m.TokenEndpoint, p.config.TokenEndpoint, true},
		{"userinfo_endpoint", m.UserInfoEndpoint, p.config.UserInfoEndpoint, false},
		{"jwks_uri", m.JWKSURI, "", true},
	} {
		if e.value == e.configured && e.value != "" {
			continue // New has checked it
		}
		if e.value == "" && e.required {
			return fmt.Errorf("%s is missing", e.member)
		}
		if e.value == "" {
			continue
		}
		if err := p.rules.checkDiscovered(e.member, e.value); err != nil {
			return err
		}
	}
	return checkQuery("authorization_endpoint", m.AuthorizationEndpoint)
}

// metadata returns the endpoints: discovered, or for plain OAuth 2.0
// configured.
func (p *Party) metadata(ctx context.Context) (*metadata, error) {
	if p.discovery != nil {
		return p.discovery.get(ctx)
	}
	return &metadata{
		AuthorizationEndpoint: p.config.AuthorizationEndpoint,
		TokenEndpoint:         p.config.TokenEndpoint,
		UserInfoEndpoint:      p.config.UserInfoEndpoint,
		RevocationEndpoint:    p.config.RevocationEndpoint,
		EndSessionEndpoint:    p.config.EndSessionEndpoint,

		PushedAuthorizationEndpoint: p.config.PushedAuthorizationEndpoint,
		DeviceAuthorizationEndpoint: p.config.DeviceAuthorizationEndpoint,
	}, nil
}

// getPublic fetches a document that holds no secrets. Its content type is not
// judged: key sets are often static files.
func (p *Party) getPublic(ctx context.Context, address string) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &wireError{text: "the address cannot be used"}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	// A key set out of some proxy's cache would lack the key that we look for.
	req.Header.Set("Cache-Control", "no-cache")
	return p.out.send(req, secrets{p.config.ClientSecret})
}

// wireCode chooses between the code for no answer and the code for a bad one.
func wireCode(err error, unreachable, invalid string) string {
	var e *wireError
	if errors.As(err, &e) && !e.unreachable {
		return invalid
	}
	return unreachable
}
