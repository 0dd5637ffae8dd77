package token

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestCheckQuality(t *testing.T) {
	tests := []struct {
		why, secret string
		want        []string // parts of the error; none: it passes
	}{
		{"empty", "", []string{"0 bytes", "0.00 bits per character", "0 bits in total"}},
		{"a word", "changeme", []string{"8 bytes", "2.75 bits per character", "22 bits in total"}},
		{"all the same", strings.Repeat("a", 64), []string{"0.00 bits per character", "0 bits in total"}},
		{"eight characters in turn, long enough: exactly 3.0", strings.Repeat("abcdefgh", 6), nil},
		{"eight characters in turn, too few in total", strings.Repeat("abcdefgh", 4), []string{"96 bits in total"}},
		{"sixteen characters in turn: exactly 128", strings.Repeat("0123456789abcdef", 2), nil},
		{"31 bytes of the best", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcde", []string{"31 bytes"}},
		{"seven characters in turn", strings.Repeat("abcdefg", 20), []string{"2.80 bits per character"}},
		{"bytes count in UTF-8, characters as they are read", "éèêëàâäïîôöùûüÿç", []string{"64 bits in total"}},
		{"bytes that are not UTF-8 count as they are", "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f", nil},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			err := CheckQuality(tt.secret)
			if len(tt.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range append(tt.want, "openssl rand -base64 32") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if got := strings.Count(err.Error(), "needs at least"); got != len(tt.want) {
				t.Errorf("%q reports %d rules, want %d", err, got, len(tt.want))
			}
			if tt.secret != "" && strings.Contains(err.Error(), tt.secret) {
				t.Errorf("%q quotes the secret", err)
			}
		})
	}
}

// What the usual commands print passes, always.
func TestGeneratedSecretsPass(t *testing.T) {
	for range 500 {
		raw := make([]byte, 32)
		rand.Read(raw)
		for _, secret := range []string{hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw)} {
			if err := CheckQuality(secret); err != nil {
				t.Fatalf("%d characters: %v", len(secret), err)
			}
		}
	}
}
