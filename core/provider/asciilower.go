package provider

import "strings"

// asciiLower makes A to Z small and nothing else: strings.ToLower and EqualFold
// take the Kelvin sign for a k and the long s for an s, and so one name for
// another.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}
