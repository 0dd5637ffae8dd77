package password

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	tests := []struct {
		name   string
		hasher *Hasher
		want   string
	}{
		{"zero value", new(Hasher), `^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`},
		{"configured", &Hasher{Memory: 12288, Time: 3, Parallelism: 2}, `^\$argon2id\$v=19\$m=12288,t=3,p=2\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hash, err := tt.hasher.Hash(t.Context(), "correct horse")
			if err != nil || !regexp.MustCompile(tt.want).MatchString(hash) {
				t.Fatalf("Hash = %q, %v; want %s", hash, err, tt.want)
			}
			ok, renew, err := tt.hasher.Verify(t.Context(), "correct horse", hash)
			if !ok || renew || err != nil {
				t.Errorf("Verify = %v, %v, %v; want true, false, nil", ok, renew, err)
			}
			expect(t, tt.hasher, "correct horsE", hash, false)
			again, err := tt.hasher.Hash(t.Context(), "correct horse")
			if err != nil || again == hash {
				t.Errorf("two hashes of one password are the same (%v): the salt is not fresh", err)
			}
		})
	}
}

// LK-04: whoever can count hashes and read answers learns nothing about whether
// the user exists.
func TestUnknownUser(t *testing.T) {
	var count tally
	h := Hasher{Memory: 12288, Time: 3, onHash: count.add}
	hash, err := h.Hash(t.Context(), "right")
	if err != nil {
		t.Fatal(err)
	}
	count.take()

	for _, guess := range []string{"wrong", "", strings.Repeat("w", MaxLength), "\x00"} {
		expect(t, &h, guess, hash, false)
		wrong := count.take()
		expect(t, &h, guess, "", false)
		unknown := count.take()
		if len(wrong) != 1 || len(unknown) != 1 {
			t.Fatalf("hashes: %d for a wrong password, %d for an unknown user; want 1 and 1", len(wrong), len(unknown))
		}
		if w, u := costOf(t, wrong[0]), costOf(t, unknown[0]); w != u {
			t.Errorf("a wrong password costs %+v, an unknown user %+v", w, u)
		}
	}
}

// cost is what the time of an argon2id hash depends on.
type cost struct {
	memory, time, lanes uint32
	salt, key           int
}

func costOf(t *testing.T, r record) cost {
	t.Helper()
	a, ok := r.(argon2id)
	if !ok {
		t.Fatalf("hashed a %T", r)
	}
	return cost{a.memory, a.time, uint32(a.parallelism), len(a.salt), len(a.key)}
}

func TestUnknownUserIsNeverOK(t *testing.T) {
	var h Hasher
	if err := h.Validate(); err != nil {
		t.Fatal(err)
	}
	h.ready.decoy = argon2idOf("guessed")
	expect(t, &h, "guessed", h.ready.decoy, true)
	ok, renew, err := h.Verify(t.Context(), "guessed", "")
	if ok || renew || err != nil {
		t.Errorf("Verify = %v, %v, %v; want false, false, nil", ok, renew, err)
	}
}

// AC-10 and LK-04: passwords that bcrypt and PBKDF2 cannot tell apart are refused
// after the work, not before.
func TestRefusalsCostAHash(t *testing.T) {
	var count tally
	h := Hasher{onHash: count.add}
	for _, hash := range []string{bcryptOf(t, "a"), pbkdf2Of(t, "a")} {
		for _, guess := range []string{"b", "a\x00", strings.Repeat("a", 73)} {
			expect(t, &h, guess, hash, false)
			if n := len(count.take()); n != 1 {
				t.Errorf("%d hashes; want 1", n)
			}
		}
	}
}

// DO-09: more than MaxLength bytes are refused before anything else is looked at.
func TestTooLong(t *testing.T) {
	var count tally
	h := Hasher{onHash: count.add}
	for _, size := range []int{MaxLength + 1, 1 << 20} {
		long := strings.Repeat("x", size)
		if hash, err := h.Hash(t.Context(), long); hash != "" || !errors.Is(err, ErrTooLong) {
			t.Errorf("Hash = %q, %v; want ErrTooLong", hash, err)
		}
		for _, hash := range []string{"", argon2idOf("a"), bcryptOf(t, "a"), "garbage"} {
			if ok, renew, err := h.Verify(t.Context(), long, hash); ok || renew || !errors.Is(err, ErrTooLong) {
				t.Errorf("Verify = %v, %v, %v; want ErrTooLong", ok, renew, err)
			}
		}
	}
	if n := len(count.take()); n != 0 {
		t.Errorf("%d hashes were computed", n)
	}
}

func TestRenew(t *testing.T) {
	own := argon2id{memory: defaultMemory, time: defaultTime, parallelism: defaultParallelism, salt: make([]byte, 16)}
	with := func(change func(*argon2id)) func(string) string {
		a := own
		change(&a)
		return func(password string) string {
			a.key = a.derive(password, uint32(32-len(a.key)))
			return a.String()
		}
	}
	tests := []struct {
		name string
		make func(password string) string
		want bool
	}{
		{"own", with(func(*argon2id) {}), false},
		{"more memory", with(func(a *argon2id) { a.memory++ }), false},
		{"more passes", with(func(a *argon2id) { a.time++ }), false},
		{"other parallelism", with(func(a *argon2id) { a.parallelism = 4 }), false},
		{"less memory", with(func(a *argon2id) { a.memory-- }), true},
		{"fewer passes", with(func(a *argon2id) { a.time-- }), true},
		{"less of one, more of the other", with(func(a *argon2id) { a.memory, a.time = 7168, 5 }), true},
		{"short salt", with(func(a *argon2id) { a.salt = a.salt[:15] }), true},
		{"short hash", with(func(a *argon2id) { a.key = make([]byte, 1) }), true}, // 31 bytes
		{"bcrypt", func(p string) string { return bcryptOf(t, p) }, true},
		{"pbkdf2", func(p string) string { return pbkdf2Of(t, p) }, true},
	}
	var h Hasher
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hash := tt.make("right")
			ok, renew, err := h.Verify(t.Context(), "right", hash)
			if !ok || renew != tt.want || err != nil {
				t.Errorf("Verify = %v, %v, %v; want true, %v, nil", ok, renew, err, tt.want)
			}
			if !tt.want {
				return
			}
			// A wrong password must not be stored in the place of the right one.
			ok, renew, err = h.Verify(t.Context(), "wrong", hash)
			if ok || renew || err != nil {
				t.Errorf("Verify of a wrong password = %v, %v, %v; want false, false, nil", ok, renew, err)
			}
		})
	}
}

func TestContextOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var count tally
	h := Hasher{onHash: count.add}
	if ok, _, err := h.Verify(ctx, "a", argon2idOf("a")); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("Verify = %v, %v; want context.Canceled", ok, err)
	}
	if hash, err := h.Hash(ctx, "a"); hash != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("Hash = %q, %v; want context.Canceled", hash, err)
	}
	if n := len(count.take()); n != 0 {
		t.Errorf("%d hashes for a client that has gone", n)
	}
}

// A hash that cannot be computed is an outage and no wrong password. FIPS 140-only
// mode, which needs a process of its own, refuses PBKDF2 with a short salt.
func TestCannotCompute(t *testing.T) {
	const inside = "PASSWORD_TEST_FIPS_ONLY"
	if os.Getenv(inside) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCannotCompute$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1", "GODEBUG=fips140=only")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestCannotCompute") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	var h Hasher
	ok, renew, err := h.Verify(t.Context(), "a", pbk("1", 8, 32))
	if ok || renew || err == nil || errors.Is(err, ErrMalformedHash) {
		t.Errorf("Verify = %v, %v, %v; want an error of the computation", ok, renew, err)
	}
}
