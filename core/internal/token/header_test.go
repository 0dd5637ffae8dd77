package token

import (
	"fmt"
	"strings"
	"testing"
)

// The gate itself, without go-jose behind it, which refuses some of this too.
func TestHeaderCheck(t *testing.T) {
	escaped := func(s string) string {
		var b strings.Builder
		for _, c := range s {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		return `"` + b.String() + `"`
	}
	tests := []struct {
		header string
		ok     bool
	}{
		{headerJWS, true},
		{`{` + escaped("alg") + `:` + escaped("HS256") + `,` + escaped("typ") + `:` + escaped("JWT") + `}`, true},
		{`{"alg":"HS256","alg":"HS256","typ":"JWT"}`, false},
		{`{"alg":"none","alg":"HS256","typ":"JWT"}`, false},
		{`{"alg":"HS256","typ":"JWT","typ":"JWT"}`, false},
		{headerJWS + `x`, false},
		{headerJWS + `{}`, false},
		{headerJWS + `]`, false},
		{headerJWS + `,`, false},
		{headerJWS + "\x00", false},
		{headerJWS + strings.Repeat(" ", 8*len(headerJWS)), false},
		{`{"alg":"HS256","typ":"JWT"`, false},
		{`{"alg":"HS256","typ":"JWT",`, false},
		{`{"alg":"HS256","typ":}`, false},
		{`{"alg":"HS256","typ"}`, false},
		{`{"alg":"HS256","typ":"JWT",1:"x"}`, false},
		{`{"alg":"HS256","typ":{}}`, false},
		{`"alg"`, false},
		{``, false},
	}
	for _, tt := range tests {
		if err := jwsHeader("HS256").check(b64([]byte(tt.header))); (err == nil) != tt.ok {
			t.Errorf("%q: %v, want ok: %v", tt.header, err, tt.ok)
		}
	}
	for _, segment := range []string{"", "!", "e30=", "e31"} {
		if jwsHeader("HS256").check(segment) == nil {
			t.Errorf("the segment %q passes", segment)
		}
	}
}

// What we write is docs/wire.md, byte for byte.
func TestHeaderBytes(t *testing.T) {
	for want, got := range map[string]string{
		headerJWS: jwsHeader("HS256").encoded,
		headerJWE: jweHeader("dir").encoded,
		`{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT","typ":"JWT"}`: jweHeader("RSA-OAEP-256").encoded,
	} {
		if got != b64([]byte(want)) {
			t.Errorf("%s is not written for %s", got, want)
		}
	}
}
