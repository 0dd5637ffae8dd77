package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/provider"
)

// Development mode: an identity provider of our own with demo users, and
// secrets made for this run. Delete this file, and its uses in main.go,
// once the application has a provider and secrets of its own.

// development is the mode; nil is the usual one.
type development struct{ idp *devidp.Provider }

// startDevelopment enters development mode when nothing is configured at all,
// or when AURA_AUTH_DEV=1 asks for it, and in both cases on loopback only: a
// typing error in production must never publish demo accounts.
func startDevelopment(cfg *aura.Config, host string) (*development, error) {
	for _, name := range []string{"DATABASE_URL", "REDIS_URL"} {
		if os.Getenv(name) != "" {
			return nil, fmt.Errorf("%s is set, but sessions in a store are not there yet: unset it to keep them in cookies", name)
		}
	}
	asked := os.Getenv("AURA_AUTH_DEV") == "1"
	if asked && !loopback(host) {
		return nil, fmt.Errorf("AURA_AUTH_DEV=1 works on a loopback HOST only, and HOST is %q", host)
	}
	if !asked && (configured(cfg) || !loopback(host)) {
		return nil, nil
	}
	idp, err := devidp.Start(devidp.Config{})
	if err != nil {
		return nil, err
	}
	p := provider.OIDC("dev", idp.Issuer())
	p.Name, p.ClientID, p.ClientSecret = "Development", idp.Client().ID, aura.Secret(idp.Client().Secret)
	cfg.Providers = append(cfg.Providers, p)
	if !set("SECRET") {
		cfg.Secrets = []aura.Secret{random()}
	}
	if !set("SALT") {
		cfg.Salt = random()
	}
	fmt.Println("Development mode: demo users, and unless AURA_AUTH_SECRET is set, secrets that end with this run. Never publish it.")
	return &development{idp}, nil
}

func configured(cfg *aura.Config) bool {
	return len(cfg.Providers) > 0 || os.Getenv("OIDC_ISSUER") != "" || set("SECRET") || set("SALT") || set("BASE_URL")
}

func set(key string) bool {
	return os.Getenv("AURA_AUTH_"+key)+os.Getenv("AURA_"+key)+os.Getenv("AUTH_"+key) != ""
}

func random() aura.Secret {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return aura.Secret(base64.StdEncoding.EncodeToString(b))
}

// only refuses requests that have come through a proxy or to a public name.
func (d *development) only(next http.Handler) http.Handler {
	if d == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := local(r.Header, r.Host); err != nil {
			http.Error(w, "Development mode: "+err.Error(), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func local(h map[string][]string, host string) error {
	for name := range h {
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return errors.New("the request came through a proxy (" + name + ")")
		}
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if !loopback(host) {
		return errors.New("the request was made to a host that is not loopback")
	}
	return nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}

func (d *development) close() {
	if d != nil {
		_ = d.idp.Close()
	}
}
