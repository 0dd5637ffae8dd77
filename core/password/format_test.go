package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// spell writes a record as parse accepts it.
func spell(r record) string {
	switch r := r.(type) {
	case argon2id:
		return r.String()
	case pbkdf2Hash:
		b64 := base64.RawURLEncoding
		return fmt.Sprintf("%s%d:%s:%s", pbkdf2Prefix, r.iterations, b64.EncodeToString(r.salt), b64.EncodeToString(r.key))
	case bcryptHash:
		return string(r)
	}
	return ""
}

func b64(size int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, size)) }

const (
	bcryptTail = "$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	argonHead  = "$argon2id$v=19$m=19456,t=2,p=1$"
)

func argon(params string, salt, key int) string {
	return "$argon2id$v=19$" + params + "$" + b64(salt) + "$" + b64(key)
}

func pbk(iterations string, salt, key int) string {
	return "pbkdf2-sha256:" + iterations + ":" + b64(salt) + ":" + b64(key)
}

// AC-11: bounds are met exactly, and everything outside is refused by parse,
// which computes nothing.
func TestParse(t *testing.T) {
	const good, bad = true, false
	tests := []struct {
		name, hash string
		want       bool
	}{
		{"argon2id default", argon("m=19456,t=2,p=1", 16, 32), good},
		{"argon2id least", argon("m=8,t=1,p=1", 8, 16), good},
		{"argon2id most memory", argon("m=262144,t=4,p=16", 64, 64), good},
		{"argon2id most time", argon("m=16384,t=64,p=1", 16, 32), good},
		{"argon2id memory over", argon("m=262145,t=1,p=1", 16, 32), bad},
		{"argon2id memory 4 TiB", argon("m=4294967295,t=1,p=1", 16, 32), bad},
		{"argon2id memory past 32 bits", argon("m=4294967304,t=1,p=1", 16, 32), bad},
		{"argon2id memory under", argon("m=7,t=1,p=1", 16, 32), bad},
		{"argon2id memory under 8p", argon("m=31,t=1,p=4", 16, 32), bad},
		{"argon2id time over", argon("m=8,t=65,p=1", 16, 32), bad},
		{"argon2id time 0", argon("m=8,t=0,p=1", 16, 32), bad},
		{"argon2id cost over", argon("m=262144,t=5,p=1", 16, 32), bad},
		{"argon2id lanes over", argon("m=19456,t=2,p=17", 16, 32), bad},
		{"argon2id lanes past 8 bits", argon("m=19456,t=2,p=257", 16, 32), bad},
		{"argon2id lanes 0", argon("m=19456,t=2,p=0", 16, 32), bad},
		{"argon2id salt under", argon("m=8,t=1,p=1", 7, 32), bad},
		{"argon2id salt over", argon("m=8,t=1,p=1", 65, 32), bad},
		{"argon2id hash under", argon("m=8,t=1,p=1", 16, 15), bad},
		{"argon2id hash over", argon("m=8,t=1,p=1", 16, 65), bad},
		{"argon2id hash empty", argon("m=8,t=1,p=1", 16, 0), bad},
		{"argon2id order", argon("t=2,m=19456,p=1", 16, 32), bad},
		{"argon2id twice", argon("m=8,m=19456,t=2,p=1", 16, 32), bad},
		{"argon2id keyid", argon("m=19456,t=2,p=1,keyid=YQ", 16, 32), bad},
		{"argon2id sign", argon("m=+19456,t=2,p=1", 16, 32), bad},
		{"argon2id leading zero", argon("m=019456,t=2,p=1", 16, 32), bad},
		{"argon2id no number", argon("m=,t=2,p=1", 16, 32), bad},
		{"argon2id no name", argon("19456,t=2,p=1", 16, 32), bad},
		{"argon2id version 16", strings.Replace(argon("m=19456,t=2,p=1", 16, 32), "v=19", "v=16", 1), bad},
		{"argon2id no version", "$argon2id$m=19456,t=2,p=1$" + b64(16) + "$" + b64(32), bad},
		{"argon2id no hash", argonHead + b64(16), bad},
		{"argon2id more", argon("m=19456,t=2,p=1", 16, 32) + "$", bad},
		{"argon2id padding", argon("m=19456,t=2,p=1", 16, 32) + "=", bad},
		{"argon2id line break", argon("m=19456,t=2,p=1", 16, 32) + "\n", bad},
		{"argon2id line break inside", argonHead + "\r\n" + b64(16) + "$" + b64(32), bad},
		{"argon2id base64url", argonHead + b64(16) + "$" + strings.Repeat("_", 43), bad},
		{"argon2id trailing bits", argonHead + b64(16) + "$" + strings.Repeat("A", 42) + "B", bad},
		{"argon2i", strings.Replace(argon("m=19456,t=2,p=1", 16, 32), "2id", "2i", 1), bad},
		{"argon2d", strings.Replace(argon("m=19456,t=2,p=1", 16, 32), "2id", "2d", 1), bad},
		{"argon2id 1 MiB", argonHead + strings.Repeat("A", 1<<20), bad},

		{"bcrypt least", "$2a$04" + bcryptTail, good},
		{"bcrypt most", "$2b$15" + bcryptTail, good},
		{"bcrypt 2y", "$2y$10" + bcryptTail, good},
		{"bcrypt cost over", "$2b$16" + bcryptTail, bad},
		{"bcrypt cost 31", "$2b$31" + bcryptTail, bad},
		{"bcrypt cost under", "$2b$03" + bcryptTail, bad},
		{"bcrypt cost 0", "$2b$00" + bcryptTail, bad},
		{"bcrypt cost sign", "$2b$+9" + bcryptTail, bad},
		{"bcrypt cost of one digit", "$2b$9" + bcryptTail + ".", bad},
		{"bcrypt 2x", "$2x$10" + bcryptTail, bad},
		{"bcrypt 2", "$2$10" + bcryptTail, bad},
		{"bcrypt short", "$2b$10" + bcryptTail[:53], bad},
		{"bcrypt long", "$2b$10" + bcryptTail + ".", bad},
		{"bcrypt alphabet at an end", "$2b$10" + bcryptTail[:53] + "+", bad},
		{"bcrypt alphabet in the middle", "$2b$10" + bcryptTail[:30] + "\n" + bcryptTail[31:], bad},
		{"bcrypt no separator", "$2b$10." + bcryptTail[1:], bad},

		{"pbkdf2 default", pbk("600000", 16, 32), good},
		{"pbkdf2 least", pbk("1", 8, 32), good},
		{"pbkdf2 most", pbk("2000000", 64, 32), good},
		{"pbkdf2 iterations over", pbk("2000001", 16, 32), bad},
		{"pbkdf2 iterations 10^9", pbk("1000000000", 16, 32), bad},
		{"pbkdf2 iterations 10^30", pbk("1"+strings.Repeat("0", 30), 16, 32), bad},
		{"pbkdf2 iterations 0", pbk("0", 16, 32), bad},
		{"pbkdf2 iterations negative", pbk("-1", 16, 32), bad},
		{"pbkdf2 iterations 6e5", pbk("6e5", 16, 32), bad},
		{"pbkdf2 iterations leading zero", pbk("0600000", 16, 32), bad},
		{"pbkdf2 iterations underscore", pbk("600_000", 16, 32), bad},
		{"pbkdf2 iterations empty", pbk("", 16, 32), bad},
		{"pbkdf2 salt under", pbk("600000", 7, 32), bad},
		{"pbkdf2 salt over", pbk("600000", 65, 32), bad},
		{"pbkdf2 hash under", pbk("600000", 16, 31), bad},
		{"pbkdf2 hash over", pbk("600000", 16, 33), bad},
		{"pbkdf2 base64", "pbkdf2-sha256:600000:" + b64(16) + ":" + strings.Repeat("/", 43), bad},
		{"pbkdf2 line break", pbk("600000", 16, 32) + "\n", bad},
		{"pbkdf2 more", pbk("600000", 16, 32) + ":", bad},
		{"pbkdf2 no hash", "pbkdf2-sha256:600000:" + b64(16), bad},
		{"pbkdf2 sha512", strings.Replace(pbk("600000", 16, 32), "256", "512", 1), bad},

		{"a password in clear", "correct horse battery staple", bad},
		{"md5 crypt", "$1$abcdefgh$0123456789012345678901", bad},
		{"space before", " " + argon("m=19456,t=2,p=1", 16, 32), bad},
		{"NUL", "\x00", bad},
	}
	var (
		count tally
		h     = Hasher{onHash: count.add}
	)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := parse(tt.hash)
			if tt.want == good {
				if err != nil || spell(r) != tt.hash {
					t.Errorf("parse = %v, %v; want a record of the same spelling", r, err)
				}
				return
			}
			if !errors.Is(err, ErrMalformedHash) {
				t.Fatalf("parse = %v, %v; want ErrMalformedHash", r, err)
			}
			refused(t, &h, &count, tt.hash, err)
		})
	}
}

// refused checks that Verify refuses too, without a hash, and in words that hold
// nothing of the hash or the password.
func refused(t *testing.T, h *Hasher, count *tally, hash string, cause error) {
	t.Helper()
	const guess = "hunter2-hunter2"
	ok, renew, err := h.Verify(t.Context(), guess, hash)
	if ok || renew || err == nil || err.Error() != cause.Error() {
		t.Errorf("Verify = %v, %v, %v; want false, false, %v", ok, renew, err, cause)
	}
	if n := len(count.take()); n != 0 {
		t.Errorf("%d hashes were computed", n)
	}
	fields := strings.FieldsFunc(hash, func(r rune) bool { return strings.ContainsRune("$:,= \r\n", r) })
	for _, field := range append(fields, guess) {
		if len(field) > 7 && field != "argon2id" && field != "pbkdf2-sha256" && strings.Contains(err.Error(), field) {
			t.Errorf("the error %q shows %q", err, field)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "$argon2id$", "$2b$", "pbkdf2-sha256:", argonHead, argon("m=8,t=1,p=1", 8, 16),
		argon("m=262144,t=4,p=16", 64, 64), pbk("1", 8, 32), pbk("2000000", 64, 32), "$2y$15" + bcryptTail,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hash string) {
		r, err := parse(hash)
		if err != nil {
			if !errors.Is(err, ErrMalformedHash) {
				t.Fatalf("%v is not ErrMalformedHash", err)
			}
			return
		}
		if spell(r) != hash {
			t.Fatalf("%q is spelt %q", hash, spell(r))
		}
		switch r := r.(type) {
		case argon2id:
			if r.memory*r.time > 1<<20 || r.memory < 8*uint32(r.parallelism) || r.time < 1 || r.parallelism < 1 {
				t.Fatalf("out of bounds: %q", hash)
			}
		case pbkdf2Hash:
			if r.iterations < 1 || r.iterations > 2_000_000 || len(r.key) != 32 {
				t.Fatalf("out of bounds: %q", hash)
			}
		case bcryptHash:
			if cost := hash[4:6]; cost < "04" || cost > "15" {
				t.Fatalf("out of bounds: %q", hash)
			}
		}
	})
}
