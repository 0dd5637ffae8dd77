package provider

import (
	"encoding/json"
	"strings"
)

// number is an id that a provider writes as a number, digit by digit as it came:
// no float of 64 bits holds all of them. What is not a whole number above zero
// is nobody's id.
func number(n json.Number) string {
	s := n.String()
	if strings.Trim(s, "0123456789") != "" || strings.Trim(s, "0") == "" {
		return ""
	}
	return s
}
