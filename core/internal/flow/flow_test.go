package flow

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/internal/token"
)

var start = time.Unix(1_800_000_000, 0)

func box(t *testing.T) Box {
	t.Helper()
	ring, err := token.NewRing([][]byte{[]byte(strings.Repeat("secret-", 6))}, []byte(strings.Repeat("salt-of-", 5)))
	if err != nil {
		t.Fatal(err)
	}
	return ring.Box("aura:flow")
}

// FL-09: state, nonce and code verifier are long enough, of the right alphabet,
// all different, and none follows from another that is public.
func TestDerived(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	seen := map[string]bool{}
	for range 1000 {
		f := New("idp", "https://app.example/cb", "/", start)
		for _, v := range []string{f.State(), f.Nonce(), f.CodeVerifier()} {
			if !form.MatchString(v) || seen[v] {
				t.Fatalf("%q is malformed, or was there before", v)
			}
			seen[v] = true
		}
	}
}

func TestID(t *testing.T) {
	f := New("idp", "https://app.example/cb", "/", start)
	sum := sha256.Sum256([]byte(f.State()))
	if want := base64.RawURLEncoding.EncodeToString(sum[:])[:16]; ID(f.State()) != want {
		t.Errorf("ID %q, want %q", ID(f.State()), want)
	}
}

func TestSealAndOpen(t *testing.T) {
	b := box(t)
	f := New("idp", "https://app.example/cb", "/after?x=1", start.Add(900*time.Millisecond))
	sealed, err := f.Seal(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Open(b, sealed, start.Add(Lifetime-time.Second))
	if err != nil || got != f || got.State() != f.State() || !got.Matches(f.State()) || got.Matches(f.Nonce()) {
		t.Errorf("opened %+v (%v), sealed %+v", got, err, f)
	}
	late, err := Open(b, sealed, start.Add(Lifetime))
	if !errors.Is(err, ErrExpired) || late.Provider != "idp" {
		t.Errorf("after its lifetime: %+v, %v", late, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	b := box(t)
	for name, payload := range map[string]string{
		"another version": `{"v":2,"s":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","p":"idp","u":"u","t":"/","c":1800000000}`,
		"a short seed":    `{"v":1,"s":"AAAA","p":"idp","u":"u","t":"/","c":1800000000}`,
		"no provider":     `{"v":1,"s":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","p":"","u":"u","t":"/","c":1800000000}`,
		"another type":    `{"v":"1"}`,
	} {
		sealed, err := b.Seal([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if f, err := Open(b, sealed, start); err == nil {
			t.Errorf("%s: opened %+v", name, f)
		}
	}
	if _, err := Open(b, "not sealed", start); err == nil {
		t.Error("opened what was not sealed")
	}
}

func TestLongTargetsAreDropped(t *testing.T) {
	at, over := "/"+strings.Repeat("x", MaxRedirectTo-1), "/"+strings.Repeat("x", MaxRedirectTo)
	if f := New("idp", "", at, start); f.RedirectTo != at {
		t.Error("a target of 512 bytes was dropped")
	}
	if f := New("idp", "", over, start); f.RedirectTo != "/" {
		t.Error("a target of 513 bytes was kept")
	}
}

func TestSpent(t *testing.T) {
	var s Spent
	if !s.Consume("a", start) || s.Consume("a", start.Add(time.Minute)) || !s.Consume("b", start) {
		t.Error("a flow is consumed once")
	}
	if !s.Consume("a", start.Add(Lifetime+2*time.Second)) {
		t.Error("remembered for longer than a flow lives")
	}
	for i := range spentCap + 10 {
		s.Consume(fmt.Sprint(i), start)
	}
	if len(s.until) > spentCap+1 || len(s.order) > spentCap+1 {
		t.Errorf("%d and %d entries, the bound is %d", len(s.until), len(s.order), spentCap)
	}
	if s.Consume(fmt.Sprint(spentCap+9), start) {
		t.Error("the newest was forgotten instead of the oldest")
	}
}
