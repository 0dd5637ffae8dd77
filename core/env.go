package aura

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"time"
)

// This file is the only one that reads the environment, and it does so for
// zero fields only.

// lookup returns the value of the first of AURA_AUTH_<key>, AURA_<key> and
// AUTH_<key> that is defined, with its name.
func lookup(key string) (name, value string, ok bool) {
	for _, prefix := range []string{"AURA_AUTH_", "AURA_", "AUTH_"} {
		if v, ok := os.LookupEnv(prefix + key); ok {
			return prefix + key, strings.TrimSpace(v), true
		}
	}
	return "AURA_AUTH_" + key, "", false
}

// fromEnvironment fills the zero fields of c.
func (c *Config) fromEnvironment() error {
	var errs []error
	if c.BaseURL == "" {
		if _, v, _ := lookup("BASE_URL"); v != "/" {
			c.BaseURL = v
		}
	}
	if len(c.Secrets) == 0 {
		_, v, _ := lookup("SECRET")
		for _, s := range list(v, ",") {
			c.Secrets = append(c.Secrets, Secret(s))
		}
	}
	if c.Salt == "" {
		_, v, _ := lookup("SALT")
		c.Salt = Secret(v)
	}
	if len(c.TrustedHosts) == 0 {
		_, v, _ := lookup("TRUSTED_HOSTS")
		c.TrustedHosts = list(v, ",")
	}
	if len(c.TrustedOrigins) == 0 {
		_, v, _ := lookup("TRUSTED_ORIGINS")
		c.TrustedOrigins = list(v, ",;\n")
	}
	if len(c.TrustedProxies) == 0 {
		name, v, _ := lookup("TRUSTED_PROXIES")
		for _, s := range list(v, ",") {
			p, err := netip.ParsePrefix(s)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %q is not a CIDR such as 10.0.0.0/8", name, s))
				continue
			}
			c.TrustedProxies = append(c.TrustedProxies, p)
		}
	}
	if name, v, _ := lookup("TRUSTED_PROXY_HEADERS"); truthy(v) && len(c.TrustedProxies) == 0 {
		errs = append(errs, fmt.Errorf("%s is set, but no proxy is named: set AURA_AUTH_TRUSTED_PROXIES to the addresses of your proxies, as CIDRs", name))
	}
	if c.Logger == nil {
		c.Logger = loggerFromEnvironment()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for i := range c.Providers {
		c.Providers[i].fromEnvironment()
	}
	return errors.Join(errs...)
}

// fromEnvironment fills the zero credentials of p.
func (p *Provider) fromEnvironment() {
	if p.ClientID == "" {
		p.ClientID = lookupProvider(p.ID, "CLIENT_ID")
	}
	// One way to authenticate is enough, and what the code has chosen is
	// not joined by what happens to be in the environment.
	if p.ClientSecret == "" && p.MakeClientSecret == nil && p.PrivateKey == "" && p.AuthMethod != "private_key_jwt" {
		p.ClientSecret = Secret(lookupProvider(p.ID, "CLIENT_SECRET"))
	}
	if p.PrivateKey == "" && p.MakeClientSecret == nil && p.ClientSecret == "" &&
		(p.AuthMethod == "" || p.AuthMethod == "private_key_jwt") {
		p.PrivateKey = Secret(lookupProvider(p.ID, "PRIVATE_KEY"))
	}
	if p.KeyID == "" {
		p.KeyID = lookupProvider(p.ID, "KEY_ID")
	}
}

// lookupProvider reads AURA_AUTH_<ID>_<key> and its shorter forms; for
// providers, and for nothing else, the bare <ID>_<key> serves too.
func lookupProvider(id, key string) string {
	variables := []string{providerVariable(id)}
	if id == "click-up" { // Aura Auth for TypeScript reads CLICKUP_ for it
		variables = append(variables, "CLICKUP")
	}
	for _, variable := range variables {
		full := variable + "_" + key
		if _, v, ok := lookup(full); ok {
			return v
		}
		if v, ok := os.LookupEnv(full); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Configured reports whether the provider has a client id, in its field or in
// the environment: an application can offer just those presets for which
// credentials are there.
func (p Provider) Configured() bool {
	return p.ClientID != "" || lookupProvider(p.ID, "CLIENT_ID") != ""
}

// providerVariable is how a provider's id is written in the environment.
func providerVariable(id string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(id))
}

func loggerFromEnvironment() *slog.Logger {
	var level slog.Level
	if _, v, _ := lookup("DEBUG"); truthy(v) {
		level = slog.LevelDebug
	} else if _, v, _ := lookup("LOG_LEVEL"); v == "" || level.UnmarshalText([]byte(v)) != nil {
		return slog.Default()
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// list splits at any of the separators and drops what is empty.
func list(s, separators string) []string {
	var parts []string
	for _, p := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}

func truthy(s string) bool {
	switch strings.ToLower(s) {
	case "1", "true", "yes", "on", "debug":
		return true
	}
	return false
}
