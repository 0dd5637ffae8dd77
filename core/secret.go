package aura

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every rendering of a Secret shows.
const redacted = "[redacted]"

// A Secret is a string that redacts itself: fmt (with every verb), log/slog,
// encoding/json and encoding.TextMarshaler all render it as "[redacted]".
// string(s) is the one way to its value, so that each use can be found by
// reading the code.
type Secret string

// Format implements fmt.Formatter, so that no verb (%s, %q, %x, %#v, …) shows
// the value.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String implements fmt.Stringer for callers that do not go through a verb.
func (Secret) String() string { return redacted }

// MarshalText implements encoding.TextMarshaler; encoding/json uses it too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
