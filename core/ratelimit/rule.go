package ratelimit

import (
	"fmt"
	"time"
)

// An Algorithm is a way of counting.
type Algorithm uint8

const (
	// SlidingWindow allows Limit attempts in any stretch of time as long as
	// Window, wherever it begins. An attempt counts until exactly Window after
	// it was made. It remembers the time of each attempt, eight bytes, which is
	// what makes it exact where two fixed windows meet.
	SlidingWindow Algorithm = iota
	// TokenBucket allows Limit attempts at once, and then as many as flow back
	// at Limit per Window: 200 refilled at 5 a second is a Limit of 200 and a
	// Window of 40 s. Its memory does not depend on Limit.
	TokenBucket
)

// Bounds of a [Rule]. They keep the arithmetic of buckets, Limit times Window in
// nanoseconds, inside 63 bits, and the record of one window under 80 kB.
const (
	MaxLimit  = 10_000
	MaxWindow = 7 * 24 * time.Hour
)

// A Rule says how much is allowed. The zero Rule is no rule: it allows
// everything and counts nothing.
type Rule struct {
	// Algorithm is SlidingWindow unless set.
	Algorithm Algorithm
	// Limit is how many attempts are allowed in a Window, or at once from a full
	// bucket; 1 to MaxLimit.
	Limit int
	// Window is how long an attempt counts, or how long an empty bucket takes to
	// be full again; 1 ms to MaxWindow.
	Window time.Duration
}

// IsZero reports whether r is no rule at all.
func (r Rule) IsZero() bool { return r == Rule{} }

// Validate names the field that is out of bounds. The zero Rule is valid; one
// that is half filled in is not, for it would silently limit nothing.
func (r Rule) Validate() error {
	switch {
	case r.IsZero():
		return nil
	case r.Algorithm > TokenBucket:
		return fmt.Errorf("Algorithm %d is unknown: use SlidingWindow or TokenBucket", r.Algorithm)
	case r.Limit < 1 || r.Limit > MaxLimit:
		return fmt.Errorf("Limit %d is not within 1 to %d", r.Limit, MaxLimit)
	case r.Window < time.Millisecond || r.Window > MaxWindow:
		return fmt.Errorf("Window %v is not within %v to %v", r.Window, time.Millisecond, MaxWindow)
	}
	return nil
}
