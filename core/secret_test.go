package aura_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// LK-06: no way of printing a secret, or what holds one, shows it.
func TestSecretsRedactThemselves(t *testing.T) {
	secret := aura.Secret("canary-client-secret-0123456789abcdef")
	cfg := goodConfig()
	cfg.Secrets = []aura.Secret{testSecret, otherSecret}
	cfg.Providers[0].ClientSecret = secret
	auth, err := aura.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	hidden := []string{testSecret, otherSecret, testSalt, string(secret)}
	shows := func(t *testing.T, how, text string) {
		t.Helper()
		for _, h := range hidden {
			for _, form := range []string{h, fmt.Sprintf("%x", h), fmt.Sprintf("%X", h), fmt.Sprintf("%q", h)[1:20], fmt.Sprint([]byte(h))} {
				if strings.Contains(text, form) {
					t.Fatalf("%s shows %.8q…", how, h) // one is enough to know
				}
			}
		}
	}
	things := map[string]any{
		"Secret": secret, "*Secret": &secret, "[]Secret": cfg.Secrets, "map": map[string]aura.Secret{"k": secret},
		"struct": struct{ S aura.Secret }{secret}, "Config": cfg, "*Config": &cfg, "Provider": cfg.Providers[0], "[]Provider": cfg.Providers,
		"*Auth": auth, "struct of Auth": struct{ Auth *aura.Auth }{auth}, "[]any": []any{secret, cfg, auth},
	}
	for name, thing := range things {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%+q", "%#q", "%x", "%X", "% x", "%#x", "%d", "%c", "%U", "%t", "%e", "%10.3s", "%-60s|", "%T"} {
				shows(t, verb, fmt.Sprintf(verb, thing))
			}
			shows(t, "Print", fmt.Sprint(thing)+fmt.Sprintln(thing))
			shows(t, "Errorf", fmt.Errorf("x: %v %+v", thing, thing).Error())
			if b, err := json.Marshal(thing); err == nil {
				shows(t, "json", string(b))
			} else {
				shows(t, "json error", err.Error())
			}
			var b bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
				log := slog.New(h).With("with", thing)
				log.Info("m", "thing", thing, slog.Group("g", "thing", thing))
			}
			shows(t, "slog", b.String())
		})
	}
	if got := fmt.Sprintf("%v|%s|%q|%x|%#v", secret, secret, secret, secret, secret); got != "[redacted]|[redacted]|[redacted]|[redacted]|[redacted]" {
		t.Errorf("Sprintf: %s", got)
	}
	if b, err := json.Marshal(map[string]aura.Secret{"s": secret}); err != nil || string(b) != `{"s":"[redacted]"}` {
		t.Errorf("json: %s, %v", b, err)
	}
	if text, err := secret.MarshalText(); err != nil || string(text) != "[redacted]" || secret.String() != "[redacted]" || secret.LogValue().String() != "[redacted]" {
		t.Errorf("text %q %v, String %q", text, err, secret.String())
	}
	if string(secret) != "canary-client-secret-0123456789abcdef" {
		t.Error("string(s) is not the value")
	}
}

// Errors say which code, and carry the cause for errors.Is and errors.As.
func TestErrors(t *testing.T) {
	cause := errors.New("the database is down")
	err := fmt.Errorf("dashboard: %w", &aura.Error{Code: aura.CodeUnavailable, Err: cause})
	if !errors.Is(err, aura.ErrUnavailable) || errors.Is(err, aura.ErrNoSession) || !errors.Is(err, cause) {
		t.Error("errors.Is does not follow code and cause")
	}
	if aura.CodeOf(err) != aura.CodeUnavailable || aura.CodeOf(nil) != "" || aura.CodeOf(cause) != aura.CodeServerError {
		t.Error("CodeOf")
	}
	if got := (&aura.Error{Code: aura.CodeNoSession}).Error(); got != "aura: SESSION_NOT_FOUND" {
		t.Errorf("Error: %q", got)
	}
	// The text of an *Error may be logged: it has no room for headers.
	if _, _, err := (newSite(t, nil)).auth.GetSession(&http.Request{Host: "evil.example", Header: http.Header{"Cookie": {"secret=1"}}}); err == nil || strings.Contains(err.Error(), "secret=1") {
		t.Errorf("GetSession at another host: %v", err)
	}
}
