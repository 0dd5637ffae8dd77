package aura_test

import (
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// noEnvironment removes every variable that could fill a field of a Config.
func noEnvironment(t *testing.T) {
	t.Helper()
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		for _, prefix := range []string{"AURA_", "AUTH_", "GH_", "DEV_"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "") // restored when the test ends
				if err := os.Unsetenv(name); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func goodConfig() aura.Config {
	return aura.Config{
		Secrets: []aura.Secret{testSecret}, Salt: testSalt, Providers: []aura.Provider{ghProvider()},
		Logger: slog.New(slog.DiscardHandler),
	}
}

const makeOne = "openssl rand -base64 32"

// A misconfiguration is answered with the field, the reason and what to do.
func TestConfigProblems(t *testing.T) {
	gh := func(change func(*aura.Provider)) func(*aura.Config) {
		return func(c *aura.Config) { change(&c.Providers[0]) }
	}
	oidc := func(issuer string) func(*aura.Config) {
		return func(c *aura.Config) {
			c.Providers[0] = aura.Provider{ID: "gh", OIDC: true, Issuer: issuer, ClientID: "c", ClientSecret: "s"}
		}
	}
	base := func(url string) func(*aura.Config) { return func(c *aura.Config) { c.BaseURL = url } }
	path := func(path string) func(*aura.Config) { return func(c *aura.Config) { c.BasePath = path } }
	hosts := func(host string) func(*aura.Config) {
		return func(c *aura.Config) { c.TrustedHosts = []string{"ok.example", host} }
	}
	origins := func(origin string) func(*aura.Config) {
		return func(c *aura.Config) {
			c.BaseURL, c.TrustedOrigins = "https://app.example", []string{"https://ok.example", origin}
		}
	}
	proxies := func(prefix netip.Prefix) func(*aura.Config) {
		return func(c *aura.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), prefix} }
	}
	cookies := func(k aura.CookieConfig) func(*aura.Config) {
		return func(c *aura.Config) { c.Cookies = k }
	}
	session := func(change func(*aura.SessionConfig)) func(*aura.Config) {
		return func(c *aura.Config) { change(&c.Session) }
	}
	updatable := func(field string) func(*aura.Config) {
		return session(func(s *aura.SessionConfig) { s.UpdatableFields = []string{"name", field} })
	}
	secrets := func(s ...aura.Secret) func(*aura.Config) { return func(c *aura.Config) { c.Secrets = s } }

	for _, test := range []struct {
		name   string
		change func(*aura.Config)
		want   []string // each is part of the message
	}{
		// SE-15: secrets and salts that are none.
		{"no secret", secrets(), []string{"Secrets", "AURA_AUTH_SECRET", makeOne}},
		{"empty secret", secrets(""), []string{"Secrets[0]", "AURA_AUTH_SECRET", "0 bytes", makeOne}},
		{"changeme", secrets("changeme"), []string{"Secrets[0]", "8 bytes", "32", makeOne}},
		{"one byte short", secrets(aura.Secret(testSecret[:31])), []string{"Secrets[0]", "31 bytes", makeOne}},
		{"one byte all over", secrets(aura.Secret(strings.Repeat("x", 64))), []string{"Secrets[0]", "bits per character", makeOne}},
		{"two bytes all over", secrets(aura.Secret(strings.Repeat("ab", 64))), []string{"Secrets[0]", "bits per character", makeOne}},
		{"weak second secret", secrets(testSecret, "changeme"), []string{"Secrets[1]", makeOne}},
		{"seventeen secrets", secrets(slices.Repeat([]aura.Secret{testSecret}, 17)...), []string{"Secrets", "17", "16", "drop"}},
		{"secret is the salt", func(c *aura.Config) { c.Salt = testSecret }, []string{"Secrets[0]", "salt", makeOne}},
		{"secret is a client secret", gh(func(p *aura.Provider) { p.ClientSecret = testSecret }), []string{"Secrets[0]", "client secret", `"gh"`, makeOne}},
		{"no salt", func(c *aura.Config) { c.Salt = "" }, []string{"Salt", "AURA_AUTH_SALT", makeOne}},
		{"weak salt", func(c *aura.Config) { c.Salt = "pepper" }, []string{"Salt", "AURA_AUTH_SALT", "6 bytes", makeOne}},

		{"base path without slash", path("auth"), []string{"BasePath", `"auth"`, "/auth"}},
		{"base path with slash at its end", path("/auth/"), []string{"BasePath", "/auth"}},
		{"base path is everything", path("/"), []string{"BasePath", "/auth"}},
		{"base path with dots", path("/a/../b"), []string{"BasePath", "/auth"}},
		{"base path with query", path("/auth?x"), []string{"BasePath", "/auth"}},
		{"base path encoded", path("/%61uth"), []string{"BasePath", "/auth"}},

		{"base URL without scheme", base("app.example"), []string{"BaseURL", "https://"}},
		{"base URL of another scheme", base("ftp://app.example"), []string{"BaseURL", "https://"}},
		{"base URL in the clear", base("http://app.example"), []string{"BaseURL", "https", "DangerouslyAllowInsecureHTTP"}},
		{"base URL with a password", base("https://u:hunter2@app.example"), []string{"BaseURL", "remove", "@"}},
		{"base URL with a query", base("https://app.example/?a=b"), []string{"BaseURL", "query", "remove"}},
		{"base URL with dots", base("https://app.example/a/../b"), []string{"BaseURL", "/prefix"}},
		{"base URL with a backslash", base(`https://app.example\x`), []string{"BaseURL", "backslash"}},

		{"trusted host with scheme", hosts("https://a.example"), []string{"TrustedHosts[1]", "host:port"}},
		{"trusted host with wildcard", hosts("*.a.example"), []string{"TrustedHosts[1]", "wildcard", "list each"}},
		{"trusted host with a user", hosts("a@b.example"), []string{"TrustedHosts[1]", "@", "host:port"}},
		{"trusted host with a final dot", hosts("a.example."), []string{"TrustedHosts[1]", "host:port"}},

		// CS-11 and OR-07.
		{"trusted origin without scheme", origins("a.example"), []string{"TrustedOrigins", `"a.example"`, "scheme"}},
		{"trusted origin with path", origins("https://a.example/"), []string{"TrustedOrigins", "path", "origin alone"}},
		{"trusted origin is everybody", origins("*"), []string{"TrustedOrigins", "every site", "list"}},
		{"trusted origin is a top level", origins("https://*.com"), []string{"TrustedOrigins", "top-level"}},
		{"trusted origin with a star inside", origins("https://a.*.example"), []string{"TrustedOrigins", "*"}},
		{"trusted origin in the clear", origins("http://a.example"), []string{"TrustedOrigins", `"http://a.example"`, "https"}},

		// HP-17.
		{"proxy is everybody", proxies(netip.MustParsePrefix("0.0.0.0/0")), []string{"TrustedProxies[1]", "whole internet", "addresses"}},
		{"proxy is nobody", proxies(netip.Prefix{}), []string{"TrustedProxies[1]", "CIDR"}},
		{"proxy is mapped", proxies(netip.MustParsePrefix("::ffff:10.0.0.0/104")), []string{"TrustedProxies[1]", "IPv4"}},
		{"Forwarded of nobody", func(c *aura.Config) { c.ForwardedHeader = true }, []string{"TrustedProxies", "Forwarded", "CIDR"}},

		{"token mode", session(func(s *aura.SessionConfig) { s.Token = "jwt" }), []string{"Session.Token", `"jwt"`, "sealed, signed or encrypted"}},
		{"expiration", session(func(s *aura.SessionConfig) { s.Expiration = "never" }), []string{"Session.Expiration", `"never"`, "absolute, fixed, rolling or sliding"}},
		{"max age below zero", session(func(s *aura.SessionConfig) { s.MaxAge = -time.Hour }), []string{"Session.MaxAge", "-1h", "second or more"}},
		{"max age below a second", session(func(s *aura.SessionConfig) { s.MaxAge = time.Millisecond }), []string{"Session.MaxAge", "1ms", "second or more"}},
		{"max duration below zero", session(func(s *aura.SessionConfig) { s.MaxDuration = -1 }), []string{"Session.MaxDuration", "second or more", "0 for no bound"}},
		{"max duration below a second", session(func(s *aura.SessionConfig) { s.MaxDuration = time.Millisecond }), []string{"Session.MaxDuration", "1ms"}},
		{"threshold is no number", session(func(s *aura.SessionConfig) { s.SlidingThreshold = math.NaN() }), []string{"Session.SlidingThreshold", "NaN", "between 0 and 1"}},
		{"threshold below zero", session(func(s *aura.SessionConfig) { s.SlidingThreshold = -0.1 }), []string{"Session.SlidingThreshold", "-0.1"}},
		{"threshold above one", session(func(s *aura.SessionConfig) { s.SlidingThreshold = 1.5 }), []string{"Session.SlidingThreshold", "1.5"}},
		{"updatable subject", updatable("sub"), []string{"Session.UpdatableFields[1]", `"sub"`, "cannot"}},
		{"updatable verification", updatable("email_verified"), []string{"Session.UpdatableFields[1]", `"email_verified"`}},
		{"updatable expiry", updatable("exp"), []string{"Session.UpdatableFields[1]", `"exp"`}},
		{"updatable prototype", updatable("__proto__"), []string{"Session.UpdatableFields[1]", `"__proto__"`}},
		{"updatable nothing", updatable(""), []string{"Session.UpdatableFields[1]"}},

		{"cookie prefix", cookies(aura.CookieConfig{Prefix: "a b"}), []string{"Cookies.Prefix", `"a b"`, "token"}},
		{"cookie prefix of ours", cookies(aura.CookieConfig{Prefix: "__Host-x"}), []string{"Cookies.Prefix", "__"}},
		{"cookie domain is a star", cookies(aura.CookieConfig{Domain: "*"}), []string{"Cookies.Domain", "plain domain"}},
		{"cookie domain is a top level", cookies(aura.CookieConfig{Domain: "example"}), []string{"Cookies.Domain", "two labels"}},
		{"cookie domain is a registry", cookies(aura.CookieConfig{Domain: "co.uk"}), []string{"Cookies.Domain", "public suffix"}},
		{"cookie domain is an address", cookies(aura.CookieConfig{Domain: "127.0.0.1"}), []string{"Cookies.Domain", "IP address"}},
		{"cookie domain elsewhere", func(c *aura.Config) {
			c.BaseURL, c.Cookies.Domain = "https://app.example", "other.example"
		}, []string{"Cookies.Domain", `"other.example"`, `"app.example"`}},
		{"host prefix with a domain", cookies(aura.CookieConfig{Domain: "app.example", HostPrefix: true}), []string{"Cookies.HostPrefix", "Domain", "remove"}},
		{"cookie bytes", cookies(aura.CookieConfig{MaxBytes: 100}), []string{"Cookies.MaxBytes", "100", "4096"}},

		{"sign-in page is no path", func(c *aura.Config) { c.Pages.SignIn = "login" }, []string{"Pages.SignIn", `"login"`, "/login"}},
		{"sign-in page elsewhere", func(c *aura.Config) { c.Pages.SignIn = "https://app.example/login" }, []string{"Pages.SignIn", "/login"}},
		{"sign-in page is ours", func(c *aura.Config) { c.Pages.SignIn = "/auth/signOut" }, []string{"Pages.SignIn", "BasePath"}},
		{"error page leaves", func(c *aura.Config) { c.Pages.Error = "//evil.example" }, []string{"Pages.Error", "path"}},

		{"provider without id", gh(func(p *aura.Provider) { p.ID = "" }), []string{"Providers[0]", "ID must match"}},
		{"provider id with a slash", gh(func(p *aura.Provider) { p.ID = "a/b" }), []string{"Providers[0]", "ID must match"}},
		{"provider id too long", gh(func(p *aura.Provider) { p.ID = strings.Repeat("a", 65) }), []string{"Providers[0]", "ID must match"}},
		{"provider id reserved", gh(func(p *aura.Provider) { p.ID = "Credentials" }), []string{"Providers[0]", "reserved"}},
		{"provider twice", func(c *aura.Config) { c.Providers = append(c.Providers, ghProvider()) }, []string{"Providers[1]", `"gh"`, "twice"}},
		{"no client id", gh(func(p *aura.Provider) { p.ClientID = "" }), []string{"Providers[0]", "ClientID", "AURA_AUTH_GH_CLIENT_ID"}},
		{"no client secret", gh(func(p *aura.Provider) { p.ClientSecret = "" }), []string{"Providers[0]", "ClientSecret", "AURA_AUTH_GH_CLIENT_SECRET", "none"}},
		{"public client with a secret", gh(func(p *aura.Provider) { p.AuthMethod = "none" }), []string{"Providers[0]", "AuthMethod", "ClientSecret"}},
		{"unknown auth method", gh(func(p *aura.Provider) { p.AuthMethod = "magic" }), []string{"Providers[0]", "AuthMethod", `"magic"`, "client_secret_basic"}},
		{"no private key", gh(func(p *aura.Provider) { p.AuthMethod, p.ClientSecret = "private_key_jwt", "" }), []string{"Providers[0]", "PrivateKey", "AURA_AUTH_GH_PRIVATE_KEY"}},
		{"private key that is none", gh(func(p *aura.Provider) { p.PrivateKey, p.ClientSecret, p.AuthMethod = "x", "", "" }), []string{"Providers[0]", "PrivateKey", "PEM"}},
		{"max_age of OAuth 2.0", gh(func(p *aura.Provider) { p.AuthParams = map[string]string{"max_age": "60"} }), []string{"Providers[0]", "AuthParams", "max_age"}},
		{"claims that are none", gh(func(p *aura.Provider) { p.AuthParams = map[string]string{"claims": "email"} }), []string{"Providers[0]", "AuthParams", "claims", "JSON"}},
		{"response mode", gh(func(p *aura.Provider) { p.ResponseMode = "fragment" }), []string{"Providers[0]", "ResponseMode", `"fragment"`, "form_post"}},
		{"pushing to nowhere", gh(func(p *aura.Provider) { p.PushedAuthorization = true }), []string{"Providers[0]", "PushedAuthorizationEndpoint"}},
		{"pushing in the clear", gh(func(p *aura.Provider) { p.PushedAuthorizationEndpoint = "http://idp.example/par" }), []string{"Providers[0]", "PushedAuthorizationEndpoint", "https"}},
		{"no endpoints", gh(func(p *aura.Provider) { p.TokenEndpoint = "" }), []string{"Providers[0]", "TokenEndpoint", "required"}},
		{"endpoint in the clear", gh(func(p *aura.Provider) { p.TokenEndpoint = "http://idp.example/token" }), []string{"Providers[0]", "TokenEndpoint", "https"}},
		{"reserved auth param", gh(func(p *aura.Provider) { p.AuthParams = map[string]string{"nonce": "1"} }), []string{"Providers[0]", "AuthParams", `"nonce"`, "protocol"}},
		{"reserved allowed param", gh(func(p *aura.Provider) { p.AllowedParams = []string{"state"} }), []string{"Providers[0]", "AllowedParams", `"state"`, "protocol"}},
		{"two scopes in one", gh(func(p *aura.Provider) { p.Scopes = []string{"a b"} }), []string{"Providers[0]", "Scopes", "one scope per entry"}},
		{"header of the protocol", gh(func(p *aura.Provider) { p.TokenHeader = http.Header{"authorization": {"x"}} }), []string{"Providers[0]", "TokenHeader", "Authorization"}},
		{"userinfo method", gh(func(p *aura.Provider) { p.UserInfoMethod = "PUT" }), []string{"Providers[0]", "UserInfoMethod", "GET nor POST"}},
		{"no issuer", oidc(""), []string{"Providers[0]", "Issuer", "missing"}},
		{"issuer in the clear", oidc("http://idp.example"), []string{"Providers[0]", "Issuer", "https"}},
		{"issuer with a query", oidc("https://idp.example?a"), []string{"Providers[0]", "Issuer", "query"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			noEnvironment(t)
			cfg := goodConfig()
			test.change(&cfg)
			auth, err := aura.New(cfg)
			if err == nil || auth != nil {
				t.Fatalf("New returned %v, %v", auth != nil, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message lacks %q:\n%v", want, err)
				}
			}
			for _, secret := range []string{testSecret, testSalt, "changeme", "hunter2", "gh-client-secret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the message holds a secret:\n%v", err)
				}
			}
		})
	}
}

// Problems of every room are reported in one go: nobody should fix one to meet
// the next.
func TestConfigReportsEverything(t *testing.T) {
	noEnvironment(t)
	t.Setenv("AURA_AUTH_TRUSTED_PROXY_HEADERS", "yes")
	_, err := aura.New(aura.Config{
		BasePath: "auth", BaseURL: "app.example", Secrets: []aura.Secret{"changeme"},
		TrustedHosts: []string{"*.a.example"}, TrustedOrigins: []string{"a.example"}, ForwardedHeader: true,
		Session:   aura.SessionConfig{Token: "jwt", MaxAge: -1, SlidingThreshold: 2, UpdatableFields: []string{"sub"}},
		Cookies:   aura.CookieConfig{Prefix: "a b", Domain: "*", MaxBytes: 1},
		Pages:     aura.Pages{SignIn: "login", Error: "//x"},
		Providers: []aura.Provider{{ID: "credentials"}, {ID: "a/b", OIDC: true}},
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err == nil {
		t.Fatal("New accepted it")
	}
	for _, want := range []string{
		"AURA_AUTH_TRUSTED_PROXIES", "BasePath", "BaseURL", "Secrets[0]", "Salt", "TrustedHosts[0]", "TrustedOrigins", "TrustedProxies",
		"Session.Token", "Session.MaxAge", "Session.SlidingThreshold", "Session.UpdatableFields[0]",
		"Cookies.Prefix", "Cookies.Domain", "Cookies.MaxBytes", "Pages.SignIn", "Pages.Error",
		"Providers[0]", "reserved", "Providers[1]", "ClientID", "ClientSecret", "TokenEndpoint", "Issuer",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("the message:\n%v", err)
	}
}

// What New was given may be changed afterwards: it keeps a copy.
func TestConfigIsCopied(t *testing.T) {
	noEnvironment(t)
	s := newSite(t, func(c *aura.Config) {
		c.BaseURL, c.TrustedOrigins, c.TrustedHosts = "https://app.example", []string{"https://spa.example"}, []string{"app.example"}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.Session.UpdatableFields = []string{"name"}
		c.Providers[0].AuthParams = map[string]string{"prompt": "login"}
		c.Providers[0].AllowedParams = []string{"login_hint"}
		c.Providers[0].TokenHeader = http.Header{"X-Given": {"kept"}}
	})
	p := &s.cfg.Providers[0]
	p.ID, p.ClientID, p.AllowedParams[0], p.Scopes[0] = "evil", "evil", "acr_values", "evil"
	p.AuthParams["prompt"] = "evil"
	p.TokenHeader.Set("X-Given", "evil")
	s.cfg.Secrets[0], s.cfg.TrustedOrigins[0], s.cfg.TrustedHosts[0] = "evil", "https://evil.example", "evil.example"
	s.cfg.Session.UpdatableFields[0] = "email"
	s.cfg.TrustedProxies[0] = netip.MustParsePrefix("10.0.0.0/8")

	g := s.guest()
	location := g.get("/auth/signIn/gh?login_hint=ada&acr_values=1").header.Get("Location")
	for _, want := range []string{"client_id=gh-client", "scope=read", "prompt=login", "login_hint=ada"} {
		if !strings.Contains(location, want) {
			t.Errorf("the authorization URL lacks %q: %s", want, location)
		}
	}
	if strings.Contains(location, "evil") || strings.Contains(location, "acr_values") {
		t.Errorf("the authorization URL follows a change: %s", location)
	}
	if got := s.auth.SafeRedirect("https://spa.example/x"); got != "https://spa.example/x" {
		t.Errorf("SafeRedirect: %q", got)
	}
	if got := s.auth.SafeRedirect("https://evil.example/x"); got != "/" {
		t.Errorf("SafeRedirect of the changed entry: %q", got)
	}
	m := s.member("u-1")
	if r := m.patch(`{"user":{"email":"x@example.com"}}`); r.status != http.StatusUnprocessableEntity {
		t.Errorf("PATCH of the changed field: status %d", r.status)
	}
	if r := m.patch(`{"user":{"name":"Countess"}}`); r.status != http.StatusOK {
		t.Errorf("PATCH of the configured field: status %d\n%s", r.status, r.body)
	}
}
