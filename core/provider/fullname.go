package provider

import "strings"

// fullName joins what a provider keeps apart.
func fullName(first, last string) string { return strings.TrimSpace(first + " " + last) }
