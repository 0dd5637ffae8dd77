package ratelimit

import (
	"context"
	"time"
)

// A Charge is one attempt against one rule.
type Charge struct {
	// Key names who or what is limited, with the purpose in front, as in
	// "signUp:192.0.2.7". Keys come from outside: they may be long, hold any
	// byte, and name people.
	Key string
	// Rule belongs to the key: equal keys with different rules are different
	// counters, so a rule that is changed begins afresh.
	Rule Rule
}

// A Store keeps the counters. It is written for [Take] and [Refund], which see
// to it that charges are valid, differ from each other, and are one to
// MaxCharges; call those instead. Package ratelimittest proves a Store.
//
// The methods are called from many goroutines. Time is what the caller says it
// is, or the store's own clock where several machines share it; it may be
// rounded to milliseconds. Keys must not be kept as they are: a digest of key
// and rule costs the same for each and tells nobody's name.
type Store interface {
	// Take makes all charges, or none of them when at least one is refused, as
	// one atomic step. It returns one Decision for each charge, in their order,
	// Charge left zero. Allowed is about that charge alone; Remaining is what
	// would be left once it is made. A refused charge changes no counter and
	// creates none.
	//
	// An error is an outage, never a refusal: nothing is known. Then charges may
	// have been made or not, but not partly forgotten: a store that cannot tell
	// leaves them made.
	Take(ctx context.Context, now time.Time, charges []Charge) ([]Decision, error)

	// Refund takes back one charge of each, made by Take at the time at: in a
	// window the newest that is not after at, in a bucket one token, never above
	// full. It is no error when there is nothing to take back: it has run out,
	// or the store has forgotten it. It creates no counter.
	Refund(ctx context.Context, at time.Time, charges []Charge) error
}
