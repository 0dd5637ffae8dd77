package token

import "fmt"

// Mode is the form of a session token (docs/wire.md).
type Mode int

const (
	// Sealed signs the claims and encrypts the result. It is the default.
	Sealed Mode = iota
	// Signed leaves the claims readable to whoever sees the cookie.
	Signed
	// Encrypted encrypts the claims and relies on the cipher's own tag.
	Encrypted
)

// ParseMode reads what [Mode.String] writes.
func ParseMode(s string) (Mode, error) {
	for m := Sealed; m <= Encrypted; m++ {
		if s == m.String() {
			return m, nil
		}
	}
	return Sealed, fmt.Errorf(`token: unknown mode %q; use "sealed", "signed" or "encrypted"`, s)
}

func (m Mode) String() string {
	switch m {
	case Sealed:
		return "sealed"
	case Signed:
		return "signed"
	case Encrypted:
		return "encrypted"
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}
