package devidp_test

import (
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/devidp"
)

func TestTokenRefuses(t *testing.T) {
	other := devidp.Client{ID: "other", Secret: "other-secret"}
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{{ID: "dev", Secret: "dev-secret"}, other, {ID: "spa"}}})
	basic := func(value string) http.Header { return http.Header{"Authorization": {value}} }
	tests := []struct {
		name    string
		changes []string
		header  http.Header
		status  int
		code    string
	}{
		{"unknown code", []string{"code", "unknown"}, nil, 400, "invalid_grant"},
		{"no code", []string{"code", ""}, nil, 400, "invalid_grant"},
		{"no verifier", []string{"code_verifier", ""}, nil, 400, "invalid_grant"},
		{"wrong verifier", []string{"code_verifier", verifier + "x"}, nil, 400, "invalid_grant"},
		{"other redirect_uri", []string{"redirect_uri", callback + "2"}, nil, 400, "invalid_grant"},
		{"no redirect_uri", []string{"redirect_uri", ""}, nil, 400, "invalid_grant"},
		{"code of another client", []string{"client_id", "other", "client_secret", "other-secret"}, nil, 400, "invalid_grant"},
		{"wrong secret", []string{"client_secret", "wrong"}, nil, 401, "invalid_client"},
		{"no secret", []string{"client_secret", ""}, nil, 401, "invalid_client"},
		{"public client with a secret", []string{"client_id", "spa", "client_secret", "x"}, nil, 401, "invalid_client"},
		{"unknown client", []string{"client_id", "nobody"}, nil, 401, "invalid_client"},
		{"no client", []string{"client_id", "", "client_secret", ""}, nil, 401, "invalid_client"},
		{"secret in two ways", nil, basic("Basic ZGV2OmRldi1zZWNyZXQ="), 400, "invalid_request"},
		{"another id beside Basic", []string{"client_id", "other", "client_secret", ""}, basic("Basic ZGV2OmRldi1zZWNyZXQ="), 400, "invalid_request"},
		{"wrong secret by Basic", []string{"client_id", "", "client_secret", ""}, basic("Basic ZGV2Ondyb25n"), 401, "invalid_client"},
		{"another scheme", []string{"client_secret", ""}, basic("Bearer x"), 401, "invalid_client"},
		{"Basic twice", []string{"client_secret", ""}, http.Header{"Authorization": {"Basic ZGV2OmRldi1zZWNyZXQ=", "Basic ZGV2OmRldi1zZWNyZXQ="}}, 401, "invalid_client"},
		{"no grant_type", []string{"grant_type", ""}, nil, 400, "invalid_request"},
		{"password grant", []string{"grant_type", "password"}, nil, 400, "unsupported_grant_type"},
		{"unknown refresh token", []string{"grant_type", "refresh_token", "refresh_token", "x"}, nil, 400, "invalid_grant"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code := newCode(t, p)
			a := do(t.Context(), "POST", base(p)+"/token", tokenRequest(p, code, tt.changes...), tt.header)
			if a.status != tt.status || a.text("error") != tt.code || a.text("error_description") == "" {
				t.Errorf("%d %s, want %d %s", a.status, a.body, tt.status, tt.code)
			}
			if a.status == 401 && a.header.Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
			// The code was not spent by the failure.
			if a := post(t, base(p)+"/token", tokenRequest(p, code)); a.status != 200 {
				t.Errorf("the honest request after it: %d %s", a.status, a.body)
			}
		})
	}
	repeated := tokenRequest(p, newCode(t, p))
	repeated.Add("code", "again")
	if a := post(t, base(p)+"/token", repeated); a.text("error") != "invalid_request" {
		t.Errorf("code repeated: %d %s", a.status, a.body)
	}
	if a := post(t, base(p)+"/token", url.Values{"code": {string(make([]byte, 300<<10))}}); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of 300 KiB: %d", a.status)
	}
	if a := get(t, base(p)+"/token"); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
		t.Errorf("GET: %d Allow %q", a.status, a.header.Get("Allow"))
	}
}

func TestTokenAnswer(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	p := start(t, devidp.Config{SigningAlg: "ES256", Now: c.now, Users: []devidp.User{{Subject: "demo-ada", Email: "a@example.com", Claims: map[string]any{"email_verified": "true", "groups": []string{"x"}}}}})
	a := newTokens(t, p)
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", a.header)
	}
	if a.text("token_type") != "Bearer" || a.object()["expires_in"] != float64(3600) || a.text("scope") != "openid profile email" || a.text("refresh_token") == "" {
		t.Errorf("answer %s", a.body)
	}
	claims := decodePart(a.text("id_token"), 1)
	for name, want := range map[string]any{"iss": p.Issuer(), "sub": "demo-ada", "aud": "dev", "iat": 1.8e9, "exp": 1.8e9 + 3600, "auth_time": 1.8e9,
		"nonce": "the-nonce", "email": "a@example.com", "email_verified": "true", "at_hash": atHash(a.text("access_token"))} {
		if claims[name] != want {
			t.Errorf("%s = %v, want %v", name, claims[name], want)
		}
	}
	if _, has := claims["name"]; has {
		t.Error("an empty name became a claim")
	}
	bare := newTokens(t, p, "scope", "openid", "nonce", "")
	claims = decodePart(bare.text("id_token"), 1)
	for _, name := range []string{"email", "name", "nonce"} {
		if _, has := claims[name]; has {
			t.Errorf("%s is there without having been asked for", name)
		}
	}
	if info := userInfo(t, p, bare.text("access_token")); info.text("sub") != "demo-ada" || info.text("email") != "" {
		t.Errorf("userinfo %s", info.body)
	}
}

func TestCodeReplayRevokes(t *testing.T) {
	p := start(t, fast())
	code := newCode(t, p)
	first := post(t, base(p)+"/token", tokenRequest(p, code))
	if a := userInfo(t, p, first.text("access_token")); a.status != 200 {
		t.Fatalf("userinfo before the replay: %d", a.status)
	}
	if a := post(t, base(p)+"/token", tokenRequest(p, code)); a.status != 400 || a.text("error") != "invalid_grant" {
		t.Errorf("replay: %d %s", a.status, a.body)
	}
	if a := userInfo(t, p, first.text("access_token")); a.status != 401 {
		t.Errorf("userinfo after the replay: %d", a.status)
	}
	if a := post(t, base(p)+"/token", refreshRequest(p, first.text("refresh_token"))); a.text("error") != "invalid_grant" {
		t.Errorf("refresh after the replay: %d %s", a.status, a.body)
	}
}

func TestParallelRedemptions(t *testing.T) {
	p := start(t, fast())
	code := newCode(t, p)
	var won atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if do(t.Context(), "POST", base(p)+"/token", tokenRequest(p, code), nil).status == 200 {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 20 redemptions won, want 1", won.Load())
	}
	if p.Counts().Token != 20 {
		t.Errorf("Token counted %d, want 20", p.Counts().Token)
	}
}

func TestLifetimes(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	p := start(t, devidp.Config{SigningAlg: "ES256", Now: c.now, Lifetimes: devidp.Lifetimes{Code: time.Minute, AccessToken: time.Hour, RefreshToken: 24 * time.Hour}})
	code := newCode(t, p)
	tokens := newTokens(t, p)
	page := openPage(t, p)
	c.at = c.at.Add(time.Minute)
	if a := post(t, base(p)+"/token", tokenRequest(p, code)); a.text("error") != "invalid_grant" {
		t.Errorf("a code after a minute: %d %s", a.status, a.body)
	}
	c.at = c.at.Add(59*time.Minute - time.Second)
	if a := userInfo(t, p, tokens.text("access_token")); a.status != 200 {
		t.Errorf("an access token just before its end: %d", a.status)
	}
	c.at = c.at.Add(time.Second)
	if a := userInfo(t, p, tokens.text("access_token")); a.status != 401 {
		t.Errorf("an access token at its end: %d", a.status)
	}
	form := url.Values{"request": {string(requestID.FindSubmatch(page.body)[1])}, "user": {"demo-ada"}}
	if a := post(t, base(p)+"/authorize/user", form); a.status != http.StatusBadRequest {
		t.Errorf("a page after an hour: %d", a.status)
	}
	renewed := post(t, base(p)+"/token", refreshRequest(p, tokens.text("refresh_token")))
	c.at = c.at.Add(24 * time.Hour)
	if a := post(t, base(p)+"/token", refreshRequest(p, renewed.text("refresh_token"))); renewed.status != 200 || a.text("error") != "invalid_grant" {
		t.Errorf("a refresh token at its end: %d %s", a.status, a.body)
	}
}
