package password

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Hashes that other software made. argon2id: the tests of the reference
// implementation (phc-winner-argon2, test.c). bcrypt: OpenBSD and
// crypt_blowfish (wrapper.c) for 2a and 2y.
func TestKnownAnswers(t *testing.T) {
	tests := []struct{ name, password, hash string }{
		{"argon2id m=64Mi", "password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
		{"argon2id m=256", "password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
		{"argon2id p=2", "password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
		{"bcrypt 2a", "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
		{"bcrypt 2a, byte over 127", "\xa3", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
		{"bcrypt 2b, byte over 127", "\xa3", "$2b$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
		{"bcrypt 2y, byte over 127", "\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
	}
	var h Hasher
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, &h, tt.password, tt.hash, true)
			expect(t, &h, tt.password+"x", tt.hash, false)
		})
	}
}

func TestWireVector(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Password struct {
			Password string `json:"password"`
			Hash     string `json:"hash"`
			Verifies bool   `json:"verifies"`
		} `json:"password"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	v := file.Password
	if !strings.HasPrefix(v.Hash, pbkdf2Prefix) || !v.Verifies {
		t.Fatalf("the vector is not one of %s that verifies", pbkdf2Prefix)
	}
	var h Hasher
	ok, renew, err := h.Verify(t.Context(), v.Password, v.Hash)
	if !ok || !renew || err != nil {
		t.Errorf("Verify = %v, %v, %v; want true, true, nil", ok, renew, err)
	}
}

// AC-10: nothing is truncated, and no two passwords are one.
func TestEveryByteCounts(t *testing.T) {
	var h Hasher
	long := strings.Repeat("p", bcryptMaxPassword)
	full := strings.Repeat("p", MaxLength)
	tests := []struct {
		name, hash, password string
		want                 bool
	}{
		{"bcrypt, 72 bytes", bcryptOf(t, long), long, true},
		{"bcrypt, 73 bytes", bcryptOf(t, long), long + "p", false},
		{"bcrypt, 1,024 bytes", bcryptOf(t, long), full, false},
		{"bcrypt repeats its key after a NUL", bcryptOf(t, "a"), "a\x00a", false},
		{"bcrypt, NUL of the password's own", bcryptOf(t, "a\x00b"), "a\x00b", false},
		{"pbkdf2, no NUL", pbkdf2Of(t, "secret"), "secret", true},
		{"pbkdf2, HMAC pads with NUL", pbkdf2Of(t, "secret"), "secret\x00", false},
		{"pbkdf2, NUL inside", pbkdf2Of(t, "sec\x00ret"), "sec\x00ret", true},
		{"pbkdf2, NUL inside is no end", pbkdf2Of(t, "sec"), "sec\x00ret", false},
		{"argon2id, NUL", argon2idOf("a\x00"), "a\x00", true},
		{"argon2id, NUL more", argon2idOf("a"), "a\x00", false},
		{"argon2id, last of 1,024 bytes", argon2idOf(full), full[1:] + "q", false},
		{"argon2id, 1,024 bytes", argon2idOf(full), full, true},
		{"NFC is not NFD", argon2idOf("caf\u00e9"), "cafe\u0301", false},
		{"spaces stay", argon2idOf(" a "), "a", false},
		{"empty is a password", argon2idOf(""), "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { expect(t, &h, tt.password, tt.hash, tt.want) })
	}
}

// The refusals above are needed: without them these pass.
func TestCollisionsAreReal(t *testing.T) {
	if err := bcrypt.CompareHashAndPassword([]byte(bcryptOf(t, "a")), []byte("a\x00a")); err != nil {
		t.Errorf("bcrypt tells a NUL now (%v); its rule can go", err)
	}
	salt := []byte("saltsalt")
	if pbkdf2Raw(t, "secret", salt) != pbkdf2Raw(t, "secret\x00", salt) {
		t.Error("PBKDF2 tells a final NUL now; its rule can go")
	}
}
