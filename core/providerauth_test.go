package aura_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/provider"
)

// keyPair is a private key of ours and what the provider is given of it, as PEM.
func keyPair(t *testing.T) (private, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return block("PRIVATE KEY", ours), block("PUBLIC KEY", theirs)
}

// newKeyRig is a rig whose provider knows us by a key and takes pushed requests
// only.
func newKeyRig(t *testing.T, change func(*aura.Provider)) *rig {
	t.Helper()
	private, public := keyPair(t)
	idp, err := devidp.Start(devidp.Config{
		Clients: []devidp.Client{{ID: "by key", PublicKeys: public}}, RequirePushedAuthorization: true,
		SigningAlg: "ES256", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	s := newRig(t, 1, func(_ string, c *aura.Config) {
		p := provider.OIDC("dev", idp.Issuer())
		p.ClientID, p.PrivateKey, p.KeyID = "by key", aura.Secret(private), ""
		if change != nil {
			change(&p)
		}
		c.Providers, c.Now = []aura.Provider{p}, nil
	})
	s.idp = idp
	return s
}

// A sign-in, a refresh of the user and a revocation by private_key_jwt, started
// by a pushed request: the provider uses each assertion up and would refuse a
// second use.
func TestSignInByKeyAndPushedRequest(t *testing.T) {
	s := newKeyRig(t, nil)
	for range 2 {
		b := s.browser()
		location := b.start("/after")
		u, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		if q := u.Query(); len(q) != 2 || q.Get("client_id") != "by key" || q.Get("request_uri") == "" {
			t.Errorf("the browser carries more than a reference: %s", location)
		}
		if r := b.get(b.consent(location, "demo-ada")); r.status != http.StatusFound || r.header.Get("Location") != s.url+"/after" && r.header.Get("Location") != "/after" {
			t.Fatalf("callback: status %d, Location %q\n%s", r.status, r.header.Get("Location"), r.body)
		}
		if b.subject() != "demo-ada" {
			t.Fatalf("signed in as %q", b.subject())
		}
		if r := b.act(http.MethodPost, "/auth/providers/dev/tokens/revoke"); r.status != http.StatusOK {
			t.Errorf("revocation: status %d\n%s", r.status, r.body)
		}
	}
	if c := s.idp.Counts(); c.PushedAuthorization != 2 || c.Token != 2 || c.Revoke != 4 {
		t.Errorf("requests: %+v", c)
	}
	for _, canary := range []string{"PRIVATE KEY", "client_assertion", "eyJ"} {
		if strings.Contains(s.log.String(), canary) {
			t.Errorf("the log holds %s", canary)
		}
	}
}

// A pushed request that cannot be handed in leaves no flow, and says by its
// status whose fault it is.
func TestPushedRequestFails(t *testing.T) {
	for name, row := range map[string]struct {
		rewrite func(*devidp.Answer)
		status  int
		code    aura.Code
	}{
		"down":      {func(a *devidp.Answer) { a.Status = 503 }, 503, aura.CodePushUnreachable},
		"refused":   {func(a *devidp.Answer) { a.Status = 401 }, 502, aura.CodePushRejected},
		"malformed": {func(a *devidp.Answer) { a.Body = []byte(`{}`) }, 502, aura.CodePushMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			s := newKeyRig(t, nil)
			s.idp.Misbehave(devidp.Fault{Endpoint: devidp.PushedAuthorization, Rewrite: row.rewrite})
			b := s.browser()
			r := b.get("/auth/signIn/dev")
			r.wantRefusal(t, row.status, row.code)
			if (r.header.Get("Retry-After") != "") != (row.status == 503) {
				t.Errorf("Retry-After: %q", r.header.Get("Retry-After"))
			}
			if len(b.flows()) != 0 {
				t.Errorf("a flow that leads nowhere: %v", b.flows())
			}
			s.idp.Behave()
			b.signIn("demo-ada")
		})
	}
}

// A max_age out of the query is judged before anything is asked or sent.
func TestMaxAgeOfQuery(t *testing.T) {
	s := newRig(t, 1, func(_ string, c *aura.Config) { c.Providers[0].AllowedParams = []string{"max_age"} })
	b := s.browser()
	for _, bad := range []string{"-1", "1.5", "soon", "%2B1"} {
		b.get("/auth/signIn/dev?max_age="+bad).wantRefusal(t, 422, aura.CodeUnprocessable)
	}
	r := b.get("/auth/signIn/dev?max_age=300")
	if u, err := url.Parse(r.header.Get("Location")); err != nil || r.status != http.StatusFound || u.Query().Get("max_age") != "300" {
		t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
	}
}

// A secret is made for each request; that none can be made is our fault (500),
// and what went wrong is nobody's business.
func TestMadeClientSecret(t *testing.T) {
	const canary = "canary-of-the-signing-key"
	var fail error
	var times []time.Time
	s := newRig(t, 1, func(_ string, c *aura.Config) {
		p := &c.Providers[0]
		secret := p.ClientSecret
		p.ClientSecret = ""
		p.MakeClientSecret = func(clientID string, now time.Time) (aura.Secret, error) {
			if clientID != p.ClientID {
				return "", errors.New("not our client id")
			}
			times = append(times, now)
			return secret, fail
		}
	})
	b := s.browser()
	b.signIn("demo-ada")
	if len(times) != 1 || times[0].IsZero() {
		t.Errorf("made %d secrets for one request", len(times))
	}
	fail = errors.New(canary)
	r := b.get(b.consent(b.start("/after"), "demo-grace"))
	r.wantRefusal(t, 500, aura.CodeClientAuth)
	if strings.Contains(r.body, canary) || strings.Contains(s.log.String(), canary) {
		t.Error("the maker's error is told")
	}
	if b.subject() != "demo-ada" {
		t.Errorf("signed in as %q", b.subject())
	}
}

// The environment's key serves where nothing else is set, and joins nothing.
func TestEnvironmentPrivateKey(t *testing.T) {
	private, _ := keyPair(t)
	setEnv(t)
	t.Setenv("AURA_AUTH_GH_PRIVATE_KEY", private)
	for name, row := range map[string]struct {
		change func(*aura.Provider)
		secret bool // in the environment, too
	}{
		"alone":                     {func(p *aura.Provider) { p.ClientSecret, p.AuthMethod = "", "" }, false},
		"its method":                {func(p *aura.Provider) { p.ClientSecret, p.AuthMethod = "", "private_key_jwt" }, false},
		"its method, and a secret":  {func(p *aura.Provider) { p.ClientSecret, p.AuthMethod = "", "private_key_jwt" }, true},
		"a secret in the code":      {func(*aura.Provider) {}, false},
		"a secret beside it":        {func(p *aura.Provider) { p.ClientSecret, p.AuthMethod = "", "" }, true},
		"a made secret in the code": {func(p *aura.Provider) { p.ClientSecret, p.MakeClientSecret = "", makes }, true},
		"a key in the code":         {func(p *aura.Provider) { p.ClientSecret, p.AuthMethod, p.PrivateKey = "", "", aura.Secret(private) }, true},
		"a public client":           {func(p *aura.Provider) { p.ClientSecret, p.AuthMethod = "", "none" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			if row.secret {
				t.Setenv("AURA_AUTH_GH_CLIENT_SECRET", "s")
			}
			cfg := goodConfig()
			row.change(&cfg.Providers[0])
			if _, err := aura.New(cfg); err != nil {
				t.Error(err)
			}
			if cfg.Providers[0].PrivateKey != "" && name != "a key in the code" {
				t.Error("New has written into its caller's Config")
			}
		})
	}
}

func makes(string, time.Time) (aura.Secret, error) { return "made", nil }
