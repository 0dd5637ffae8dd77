package rp

import (
	"errors"
	"net/url"
	"testing"
)

func TestEndSessionURL(t *testing.T) {
	f := newIDP(t)
	_, err := f.party(t).EndSessionURL(t.Context(), EndSession{})
	if expect(t, err, CodeEndSessionUnsupported); !errors.Is(err, ErrNotSupported) {
		t.Errorf("%v", err)
	}
	endpoint := func(raw string) { f.metadata = func(m map[string]any) { m["end_session_endpoint"] = raw } }

	endpoint(f.URL + "/end?x=1")
	e := EndSession{IDTokenHint: "a.b.c", PostLogoutRedirectURI: "https://app.example/out?a=b&c", State: "s &1", LogoutHint: "h"}
	got, err := f.party(t).EndSessionURL(t.Context(), e)
	expect(t, err, "")
	q := must(url.Parse(got)).Query()
	want := url.Values{"x": {"1"}, "client_id": {testClient}, "id_token_hint": {e.IDTokenHint}, "state": {e.State},
		"post_logout_redirect_uri": {e.PostLogoutRedirectURI}, "logout_hint": {"h"}}
	if q.Encode() != want.Encode() {
		t.Errorf("%s", got)
	}
	got, err = f.party(t).EndSessionURL(t.Context(), EndSession{})
	expect(t, err, "")
	if got != f.URL+"/end?x=1&client_id="+url.QueryEscape(testClient) {
		t.Error(got)
	}

	for _, raw := range []string{
		"http://op.example/end", "https://169.254.169.254/end", "javascript:alert(1)", "https://u:p@op.example/", "//op.example/end",
		"https://op.example/end?client_id=other", "https://op.example/end?state=", "https://op.example/end#f",
	} {
		endpoint(raw)
		_, err = f.party(t).EndSessionURL(t.Context(), EndSession{})
		expect(t, err, CodeDiscoveryInvalid)
		if _, err := New(Config{ID: "x", OIDC: true, Issuer: f.URL, ClientID: "c", EndSessionEndpoint: raw}); err == nil || !contains(err.Error(), "EndSessionEndpoint:") {
			t.Errorf("New with %s: %v", raw, err)
		}
		_, err = exchange(t, f.party(t)) // a sign-in does without
		expect(t, err, "")
	}

	configured := func(c *Config) { c.EndSessionEndpoint = f.URL + "/other" }
	got, err = f.party(t, configured).EndSessionURL(t.Context(), EndSession{})
	expect(t, err, "")
	if must(url.Parse(got)).Path != "/other" {
		t.Error(got)
	}
	got, err = f.party(t, f.plain, configured).EndSessionURL(t.Context(), EndSession{})
	expect(t, err, "")
	if must(url.Parse(got)).Path != "/other" {
		t.Error(got)
	}
}
