package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

const (
	secretNew = "new-secret-J3p8vM0yXk5rT2nQwZ7cB1sD9fG4"
	secretOld = "old-secret-q83vEjRWeJCrze8SNFZ4kKvN7xI0"
)

func TestNewRing(t *testing.T) {
	good := []byte(strings.Repeat("s", 32))
	short := []byte(strings.Repeat("s", 31))
	repeat := func(secret []byte, n int) [][]byte {
		var all [][]byte
		for range n {
			all = append(all, secret)
		}
		return all
	}
	tests := []struct {
		why      string
		secrets  [][]byte
		salt     []byte
		problems int
	}{
		{"one", repeat(good, 1), good, 0},
		{"sixteen", repeat(good, 16), good, 0},
		{"seventeen", repeat(good, 17), good, 1},
		{"none", nil, good, 1},
		{"short secret", [][]byte{good, short}, good, 1},
		{"empty secret", [][]byte{{}}, good, 1},
		{"short salt", repeat(good, 1), short, 1},
		{"no salt", repeat(good, 1), nil, 1},
		{"everything at once", [][]byte{short, short}, short, 3},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			r, err := NewRing(tt.secrets, tt.salt)
			if tt.problems == 0 {
				if err != nil || r == nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || r != nil {
				t.Fatal("no error")
			}
			if got := strings.Count(err.Error(), "\n") + 1; got != tt.problems {
				t.Errorf("%d problems reported, want %d: %v", got, tt.problems, err)
			}
			if strings.Contains(err.Error(), "sss") {
				t.Errorf("the error quotes a secret: %v", err)
			}
		})
	}
}

// Catalogue SE-14.
func TestRotation(t *testing.T) {
	before := formats(t, ring(t, secretOld))
	during := formats(t, ring(t, secretNew, secretOld))
	after := formats(t, ring(t, secretNew))
	for i := range before {
		old, err := before[i].seal([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		if payload, key, err := during[i].open(old); err != nil || key != 1 || string(payload) != claims {
			t.Errorf("%s under the old secret: %q, key %d, %v", before[i].name, payload, key, err)
		}
		renewed, err := during[i].seal([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		if _, key, err := after[i].open(renewed); err != nil || key != 0 {
			t.Errorf("%s: the new secret alone does not open what the pair sealed: key %d, %v", before[i].name, key, err)
		}
		refuse(t, after[i], "sealed under a secret that was dropped", old)
		refuse(t, before[i], "sealed under a secret that is not known yet", renewed)
	}
}

// Both layers of a sealed token belong to one secret.
func TestSealedUnderTwoSecrets(t *testing.T) {
	file := vectors(t)
	sealed := formats(t, ring(t, secretNew, secretOld))[0]
	for _, pair := range [][2]string{{secretNew, secretOld}, {secretOld, secretNew}} {
		jws := forgeJWS(hkdfKey(t, pair[0], file.Salt, "aura:signing"), headerJWS, claims)
		refuse(t, sealed, "mixed", forgeJWE(t, hkdfKey(t, pair[1], file.Salt, "aura:encryption"), headerJWE, "", jws))
	}
}

// Catalogue SE-08: another salt is another application.
func TestOtherSalt(t *testing.T) {
	other, err := NewRing([][]byte{[]byte(secretNew)}, []byte(strings.Repeat("another salt ", 3)))
	if err != nil {
		t.Fatal(err)
	}
	theirs := formats(t, other)
	for i, f := range formats(t, ring(t, secretNew)) {
		token, err := theirs[i].seal([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, f, "another salt", token)
	}
}

func TestMAC(t *testing.T) {
	salt := vectors(t).Salt
	macs := ring(t, secretNew, secretOld).MAC("aura:csrf", []byte("sid"))
	if len(macs) != 2 {
		t.Fatalf("%d values for two secrets", len(macs))
	}
	for i, secret := range []string{secretNew, secretOld} {
		mac := hmac.New(sha256.New, hkdfKey(t, secret, salt, "aura:csrf"))
		mac.Write([]byte("sid"))
		if !bytes.Equal(macs[i], mac.Sum(nil)) {
			t.Errorf("value %d is not HMAC(HKDF(secret, aura:csrf), sid)", i)
		}
	}
}

// Catalogue SE-12: length is judged before anything is parsed.
func TestMaxLen(t *testing.T) {
	r := ring(t, secretNew)
	exact := func(mode Mode) (string, int) {
		token, err := codec(t, r, Options{Mode: mode}).Seal([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		return token, len(token)
	}
	for _, mode := range []Mode{Sealed, Signed, Encrypted} {
		token, size := exact(mode)
		fits := codec(t, r, Options{Mode: mode, MaxLen: size})
		if _, err := fits.Seal([]byte(claims)); err != nil {
			t.Errorf("%s of exactly MaxLen is not written: %v", mode, err)
		}
		if _, _, err := fits.Open(token); err != nil {
			t.Errorf("%s of exactly MaxLen is not read: %v", mode, err)
		}
		tight := codec(t, r, Options{Mode: mode, MaxLen: size - 1})
		if got, err := tight.Seal([]byte(claims)); !errors.Is(err, ErrTooLong) || got != "" {
			t.Errorf("%s over MaxLen is written: %v", mode, err)
		}
		refuse(t, format{name: mode.String(), open: tight.Open}, "one byte too long", token)
	}

	box, signer := r.Box("aura:flow"), r.Signer("aura:app:x")
	for _, limited := range []format{
		{"box", box.Limit(100).Seal, box.Limit(100).Open},
		{"signer", signer.Limit(60).Seal, signer.Limit(60).Open},
	} {
		if _, err := limited.seal([]byte(claims)); !errors.Is(err, ErrTooLong) {
			t.Errorf("%s: %v, want ErrTooLong", limited.name, err)
		}
	}
	if _, err := box.Seal([]byte(claims)); err != nil {
		t.Errorf("Limit changed the box that it was called on: %v", err)
	}

	big := `{"x":"` + strings.Repeat("x", 64<<10) + `"}`
	hostile := []string{strings.Repeat(".", 1<<20), strings.Repeat("A", 1<<20), "eyJ" + strings.Repeat("A.", 1<<19)}
	for _, f := range formats(t, r) {
		if _, err := f.seal([]byte(big)); !errors.Is(err, ErrTooLong) {
			t.Errorf("%s seals 64 KiB by default: %v", f.name, err)
		}
		for _, token := range hostile {
			refuse(t, f, "1 MiB", token)
			if allocs := testing.AllocsPerRun(5, func() { f.open(token) }); allocs > 4 {
				t.Errorf("%s: refusing 1 MiB costs %.0f allocations", f.name, allocs)
			}
		}
		// Within the limit, dots alone cost nothing either.
		dots := strings.Repeat(".", DefaultMaxLen)
		if allocs := testing.AllocsPerRun(5, func() { f.open(dots) }); allocs > 4 {
			t.Errorf("%s: refusing dots costs %.0f allocations", f.name, allocs)
		}
	}
	if raised, err := codec(t, r, Options{MaxLen: 1 << 20}).Seal([]byte(big)); err != nil || len(raised) < 64<<10 {
		t.Errorf("with MaxLen raised: %v", err)
	}
}

func TestCodecOptions(t *testing.T) {
	r := ring(t, secretNew)
	for _, opts := range []Options{{MaxLen: -1}, {Mode: -1}, {Mode: Encrypted + 1}} {
		if c, err := r.Codec(opts); err == nil || c != nil {
			t.Errorf("Codec(%+v) has no error", opts)
		}
	}
}

func TestMode(t *testing.T) {
	var zero Mode
	if zero != Sealed {
		t.Error("the zero Mode is not Sealed")
	}
	for _, mode := range []Mode{Sealed, Signed, Encrypted} {
		if got, err := ParseMode(mode.String()); err != nil || got != mode {
			t.Errorf("ParseMode(%q) = %v, %v", mode, got, err)
		}
	}
	for _, bad := range []string{"", "SEALED", "jwt", "Mode(3)"} {
		if _, err := ParseMode(bad); err == nil {
			t.Errorf("ParseMode(%q) has no error", bad)
		}
	}
	if got := Mode(3).String(); got != "Mode(3)" {
		t.Errorf("Mode(3) prints as %s", got)
	}
}

// The zero values refuse everything, and panic at nothing.
func TestZeroValues(t *testing.T) {
	var r Ring
	var c Codec
	var b Box
	var s Signer
	var k SigningKeys
	var e EncryptionKeys
	if _, err := r.Codec(Options{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("Codec of a zero Ring: %v", err)
	}
	if macs := r.MAC("aura:csrf", []byte("x")); len(macs) != 0 {
		t.Errorf("MAC of a zero Ring: %x", macs)
	}
	good := ring(t, secretNew)
	sealed, _ := codec(t, good, Options{}).Seal([]byte(claims))
	signed, _ := good.SignJWS([]byte(claims))
	for _, f := range []format{
		{"Ring", r.SignJWS, r.VerifyJWS},
		{"its Box", r.Box("x").Seal, r.Box("x").Open},
		{"its Signer", r.Signer("x").Seal, r.Signer("x").Open},
		{"Codec", c.Seal, c.Open},
		{"Box", b.Seal, b.Open},
		{"Signer", s.Seal, s.Open},
		{"SigningKeys", k.Seal, k.Open},
		{"EncryptionKeys", e.seal, e.open},
	} {
		if token, err := f.seal([]byte(claims)); !errors.Is(err, ErrNoKey) || token != "" {
			t.Errorf("zero %s seals: %q, %v", f.name, token, err)
		}
		for _, token := range []string{"", "..", "....", sealed, signed} {
			refuse(t, f, "zero value", token)
		}
	}
}

// Catalogue LK-06.
func TestRedaction(t *testing.T) {
	r := ring(t, secretNew)
	pair := rsaPair(t)
	signing, err := ParseSigningKeys(pair.public, pair.private, "")
	if err != nil {
		t.Fatal(err)
	}
	encryption, err := ParseEncryptionKeys(pair.public, pair.private, "")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]any{
		"token.Ring[redacted]":           {r, *r},
		"token.Box[redacted]":            {r.Box("x"), *r.Box("x")},
		"token.Signer[redacted]":         {r.Signer("x"), *r.Signer("x")},
		"token.Codec[redacted]":          {codec(t, r, Options{}), *codec(t, r, Options{})},
		"token.SigningKeys[redacted]":    {signing, *signing},
		"token.EncryptionKeys[redacted]": {encryption, *encryption},
	}
	for want, both := range values {
		for _, v := range both {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				if got := fmt.Sprintf(verb, v); got != want {
					t.Errorf("%s prints %T as %.80s", verb, v, got)
				}
			}
			if got, err := json.Marshal(v); err != nil || string(got) != "{}" {
				t.Errorf("%T in JSON is %.80s (%v)", v, got, err)
			}
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", v)
			if !strings.Contains(log.String(), want) {
				t.Errorf("%T is logged as %.120s", v, log.String())
			}
		}
	}
	if got := fmt.Sprintf("%+v", Options{Signing: signing, Encryption: encryption}); strings.Count(got, "[redacted]") != 2 {
		t.Errorf("Options print as %.200s", got)
	}
}

// One codec serves all requests at once; run with -race.
func TestConcurrentUse(t *testing.T) {
	all := formats(t, ring(t, secretNew, secretOld))
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 20 {
				payload := fmt.Sprintf(`{"worker":%d,"i":%d}`, worker, i)
				for _, f := range all {
					token, err := f.seal([]byte(payload))
					if err != nil {
						t.Errorf("%s: %v", f.name, err)
						return
					}
					if got, _, err := f.open(token); err != nil || string(got) != payload {
						t.Errorf("%s: %s became %s (%v)", f.name, payload, got, err)
					}
				}
			}
		})
	}
	group.Wait()
}

// Two seals of the same payload must not be linkable, and an IV never returns.
func TestFreshIV(t *testing.T) {
	c := codec(t, ring(t, secretNew), Options{})
	seen := map[string]bool{}
	for range 1000 {
		token, err := c.Seal([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		iv := strings.Split(token, ".")[2]
		if seen[iv] {
			t.Fatalf("IV %s twice in %d tokens", iv, len(seen))
		}
		seen[iv] = true
	}
}
