package token

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// The bar of docs/configuration.md. It is lower than the TypeScript library's 4.0 bits
// per character, which no hexadecimal text reaches: a random one of 64 digits is
// as good a key as there is.
const (
	minBitsPerChar = 3.0
	minBitsTotal   = 128.0
)

// CheckQuality reports whether a text is good enough for a secret or a salt: at
// least 32 bytes, and by Shannon's measure of its characters at least 3.0 bits
// each and 128 bits in all. The measure finds what was typed or repeated; it
// cannot find what was published.
//
// The error names every rule that failed with the figures and ends with the
// command that makes a good one; it reads as a sentence after the name of the
// field, and never contains the text.
func CheckQuality(secret string) error {
	perChar, total := entropy(secret)
	var problems []string
	if len(secret) < minBytes {
		problems = append(problems, fmt.Sprintf("has %d bytes and needs at least %d", len(secret), minBytes))
	}
	if perChar < minBitsPerChar {
		problems = append(problems, fmt.Sprintf("has %.2f bits per character and needs at least %.1f", down(perChar), minBitsPerChar))
	}
	if total < minBitsTotal {
		problems = append(problems, fmt.Sprintf("has %.0f bits in total and needs at least %.0f", math.Floor(total), minBitsTotal))
	}
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, ", ") + "; make one with: openssl rand -base64 32")
}

// down keeps 2.999 from being reported as the 3.00 that it is not.
func down(bits float64) float64 { return math.Floor(bits*100) / 100 }

// entropy is the Shannon entropy of the distribution of s's characters, in bits
// per character, and that times their number.
func entropy(s string) (perChar, total float64) {
	counts := make(map[string]int)
	n := 0
	for rest := s; rest != ""; n++ {
		// A byte that is not UTF-8 counts as the byte it is, so that random
		// bytes do not collapse into one replacement character.
		_, size := utf8.DecodeRuneInString(rest)
		counts[rest[:size]]++
		rest = rest[size:]
	}
	for _, count := range counts {
		p := float64(count) / float64(n)
		perChar -= p * math.Log2(p)
	}
	return perChar, perChar * float64(n)
}
