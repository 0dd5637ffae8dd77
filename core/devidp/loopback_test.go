package devidp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aura-stack-go/auth/core/devidp"
)

func TestOutsidersAreRefused(t *testing.T) {
	p, err := devidp.New(devidp.Config{SigningAlg: "ES256", Issuer: "http://127.0.0.1:5556"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, peer, host, header string
		want                     int
	}{
		{"loopback", "127.0.0.1:1000", "127.0.0.1:5556", "", 200},
		{"localhost", "[::1]:1000", "LOCALHOST:5556", "", 200},
		{"IPv6", "[::1]:1000", "[::1]", "", 200},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:1000", "127.0.0.1", "", 200},
		{"peer on the network", "192.0.2.1:1000", "127.0.0.1:5556", "", 403},
		{"peer unknown", "@", "127.0.0.1:5556", "", 403},
		{"DNS rebinding", "127.0.0.1:1000", "attacker.example:5556", "", 403},
		{"host that begins right", "127.0.0.1:1000", "127.0.0.1.attacker.example", "", 403},
		{"host empty", "127.0.0.1:1000", "", "", 403},
		{"host on all interfaces", "127.0.0.1:1000", "0.0.0.0:5556", "", 403},
		{"X-Forwarded-For", "127.0.0.1:1000", "localhost", "X-Forwarded-For", 403},
		{"X-Forwarded-Proto", "127.0.0.1:1000", "localhost", "X-Forwarded-Proto", 403},
		{"Forwarded", "127.0.0.1:1000", "localhost", "Forwarded", 403},
		{"X-Real-IP", "127.0.0.1:1000", "localhost", "X-Real-IP", 403},
		{"Via", "127.0.0.1:1000", "localhost", "Via", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/jwks", nil)
			r.RemoteAddr, r.Host = tt.peer, tt.host
			if tt.header != "" {
				r.Header.Set(tt.header, "x")
			}
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("%d, want %d: %s", w.Code, tt.want, w.Body)
			}
			if tt.want == 403 && len(w.Body.String()) < 30 {
				t.Errorf("the refusal gives no reason: %q", w.Body)
			}
		})
	}
	if p.Counts().JWKS != 4 {
		t.Errorf("JWKS counted %d, want the 4 that were let in", p.Counts().JWKS)
	}
}

func TestConfigIsChecked(t *testing.T) {
	tests := []struct {
		name string
		cfg  devidp.Config
		want []string
	}{
		{"listener on all interfaces", devidp.Config{Issuer: "http://0.0.0.0:0"}, []string{"Issuer", "loopback"}},
		{"listener on the network", devidp.Config{Issuer: "http://192.0.2.1:0"}, []string{"Issuer", "loopback"}},
		{"another host name", devidp.Config{Issuer: "http://idp.example:80"}, []string{"Issuer", "loopback"}},
		{"no port", devidp.Config{Issuer: "http://127.0.0.1"}, []string{"Issuer", "port"}},
		{"https", devidp.Config{Issuer: "https://127.0.0.1:0"}, []string{"Issuer", "https"}},
		{"query", devidp.Config{Issuer: "http://127.0.0.1:0/?a"}, []string{"Issuer", "query"}},
		{"everything at once", devidp.Config{
			SigningAlg: "none",
			Lifetimes:  devidp.Lifetimes{Code: -1},
			Users:      []devidp.User{{}, {Subject: "a", Claims: map[string]any{"iss": "x"}}, {Subject: "a"}},
			Clients:    []devidp.Client{{ID: ""}, {ID: "c", RedirectURIs: []string{"https://app.example/cb"}}, {ID: "c"}},
		}, []string{"SigningAlg", "Lifetimes", "Users[0].Subject", `Users[1].Claims has "iss"`, "Users[2].Subject", "Clients[0].ID", "app.example", "Clients[2].ID"}},
		{"nobody", devidp.Config{Users: []devidp.User{}, Clients: []devidp.Client{}}, []string{"Users is empty", "Clients is empty"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := devidp.Start(tt.cfg)
			if err == nil {
				t.Fatalf("started at %s: %v", p.Issuer(), p.Close())
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not name %q", err, want)
				}
			}
		})
	}
	if _, err := devidp.New(devidp.Config{}); err == nil || !strings.Contains(err.Error(), "Issuer") {
		t.Errorf("New without Issuer: %v", err)
	}
}

func TestClientHidesItsSecret(t *testing.T) {
	c := devidp.Client{ID: "dev", Secret: "hush"}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s", c, c, c, c), c.LogValue().String()} {
		if strings.Contains(s, "hush") || !strings.Contains(s, "dev") {
			t.Errorf("printed as %q", s)
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	p := start(t, devidp.Config{SigningAlg: "ES256", Issuer: "http://127.0.0.1:0/tenant"})
	for path, want := range map[string]int{"/tenant/jwks": 200, "/jwks": 404, "/tenant/": 404, "/": 404, "/tenantjwks": 404, "/tenant/.well-known/openid-configuration": 200} {
		u := strings.TrimSuffix(p.Issuer(), "/tenant") + path
		if a := get(t, u); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
}
