package aura_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/ratelimit"
)

// A brokenStore cannot count.
type brokenStore struct{ calls atomic.Int64 }

func (b *brokenStore) Take(context.Context, time.Time, []ratelimit.Charge) ([]ratelimit.Decision, error) {
	b.calls.Add(1)
	return nil, errors.New("zzcanary: connection refused")
}

func (b *brokenStore) Refund(context.Context, time.Time, []ratelimit.Charge) error {
	return errors.New("zzcanary: connection refused")
}

// AC-09: a store that cannot count stops what can be guessed at, and only that.
func TestLimitsStoreDown(t *testing.T) {
	store := &brokenStore{}
	created := 0
	s, table := newBank(t, func(c *aura.Config) {
		c.Limits.Store = store
		c.SignUp.Create = func(context.Context, aura.SignUpForm) (aura.User, error) {
			created++
			return aura.User{Subject: "x"}, nil
		}
	})
	g := s.member("u-1")
	for name, r := range map[string]reply{"credentials": g.password("ada", "right"), "sign-up": g.join(`{}`)} {
		if r.status != 503 || r.code(t) != string(aura.CodeLimiterUnavailable) || r.header.Get("Retry-After") == "" || len(r.header["Set-Cookie"]) != 0 || strings.Contains(r.body, "zzcanary") {
			t.Errorf("%s: status %d, Retry-After %q\n%s", name, r.status, r.header.Get("Retry-After"), r.body)
		}
	}
	form := g.form("/auth/signIn/credentials", url.Values{"username": {"ada"}, "password": {"right"}, "csrfToken": {g.csrf()}})
	if want := "/login?error=RATE_LIMIT_UNAVAILABLE"; form.status != 303 || form.header.Get("Location") != want {
		t.Errorf("form: status %d, Location %q, want %q", form.status, form.header.Get("Location"), want)
	}
	if table.calls()+created != 0 {
		t.Error("the application was asked all the same")
	}
	if r := g.patch(`{}`); r.status != 200 {
		t.Errorf("PATCH: status %d\n%s", r.status, r.body)
	}
	if r := g.signIn(); r.status != 302 || g.subject() != "u-1" {
		t.Errorf("sign-in with a provider: status %d", r.status)
	}
	if n := store.calls.Load(); n != 5 || !strings.Contains(s.log.String(), "limiterFailed") {
		t.Errorf("the store was asked %d times, want 5; the failure is logged: %v", n, strings.Contains(s.log.String(), "limiterFailed"))
	}
}

// A keyStore counts in memory and keeps the keys that it was given.
type keyStore struct {
	*ratelimit.Memory
	mu   sync.Mutex
	keys []string
}

func (k *keyStore) Take(ctx context.Context, now time.Time, charges []ratelimit.Charge) ([]ratelimit.Decision, error) {
	k.mu.Lock()
	for _, c := range charges {
		k.keys = append(k.keys, c.Key)
	}
	k.mu.Unlock()
	return k.Memory.Take(ctx, now, charges)
}

// No two rules count under one key, whatever a user name looks like, and no key
// holds a password.
func TestLimitsKeys(t *testing.T) {
	store := &keyStore{Memory: ratelimit.NewMemory(0)}
	s, _ := newBank(t, func(c *aura.Config) { c.Limits.Store = store })
	g := s.guest()
	for _, name := range []string{"ada", "127.0.0.1", "127.0.0.1:ada", ":", "account:ada", "credentials:127.0.0.1"} {
		g.password(name, "zzsecret")
	}
	seen := map[string]int{}
	for _, key := range store.keys {
		seen[key]++
		if strings.Contains(key, "zzsecret") {
			t.Errorf("key %q", key)
		}
	}
	// Each name has two keys of its own; the address's is shared.
	if len(seen) != 13 || seen["credentials:127.0.0.1"] != 6 {
		t.Errorf("keys %v", seen)
	}
}

// A rule that is none is named by New.
func TestLimitsConfig(t *testing.T) {
	bad := ratelimit.Rule{Limit: -1, Window: time.Minute}
	for field, change := range map[string]func(*aura.LimitsConfig){
		"SignIn": func(l *aura.LimitsConfig) { l.SignIn = bad }, "Credentials": func(l *aura.LimitsConfig) { l.Credentials = bad },
		"CredentialsSource": func(l *aura.LimitsConfig) { l.CredentialsSource = bad }, "CredentialsTarget": func(l *aura.LimitsConfig) { l.CredentialsTarget = bad },
		"SignUp": func(l *aura.LimitsConfig) { l.SignUp = bad }, "Session": func(l *aura.LimitsConfig) { l.Session = bad },
	} {
		noEnvironment(t)
		cfg := goodConfig()
		change(&cfg.Limits)
		if _, err := aura.New(cfg); err == nil || !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(line string) bool {
			return strings.Contains(line, "Limits."+field+": ") && strings.Contains(line, "-1")
		}) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
