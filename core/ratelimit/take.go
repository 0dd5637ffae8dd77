package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// MaxCharges is how many charges one call may make.
const MaxCharges = 8

// Take makes all charges at the time now, or none of them when at least one is
// refused, and decides for all: refused, it is the Decision of the charge that
// refuses for longest; allowed, that of the one with the least left.
//
// Charges with the zero Rule are skipped, and the same charge twice is one. If
// no charge is left, the attempt is allowed and Limit is 0.
//
// An error means that nothing is known, because the store fails or a charge is
// invalid; the Decision is then a refusal. Where guessing is what the limit is
// for, stop there. Errors name a charge by its position and never quote a key.
func Take(ctx context.Context, store Store, now time.Time, charges ...Charge) (Decision, error) {
	made, index, err := sift(store, charges)
	if err != nil {
		return Decision{}, err
	}
	if len(made) == 0 {
		return Decision{Allowed: true}, nil
	}
	decisions, err := store.Take(ctx, now, made)
	if err != nil {
		return Decision{}, fmt.Errorf("ratelimit: the store cannot count: %w", err)
	}
	if len(decisions) != len(made) {
		return Decision{}, fmt.Errorf("ratelimit: the store answered %d decisions for %d charges", len(decisions), len(made))
	}
	for i := range decisions {
		decisions[i].Charge = index[i]
	}
	return slices.MinFunc(decisions, stricter), nil
}

// Refund takes back what one allowed [Take] charged at the time at, the now of
// that call; give it the same charges, at most once. Nothing to give back, since
// it has run out or been forgotten, is no error.
func Refund(ctx context.Context, store Store, at time.Time, charges ...Charge) error {
	made, _, err := sift(store, charges)
	if err != nil || len(made) == 0 {
		return err
	}
	if err := store.Refund(ctx, at, made); err != nil {
		return fmt.Errorf("ratelimit: the store cannot refund: %w", err)
	}
	return nil
}

// sift returns the charges that count and where each was in the argument.
func sift(store Store, charges []Charge) (made []Charge, index []int, err error) {
	if store == nil {
		return nil, nil, errors.New("ratelimit: no store: use NewMemory")
	}
	if len(charges) > MaxCharges {
		return nil, nil, fmt.Errorf("ratelimit: %d charges in one call: at most %d", len(charges), MaxCharges)
	}
	made = make([]Charge, 0, len(charges))
	index = make([]int, 0, len(charges))
	for i, c := range charges {
		if err := c.Rule.Validate(); err != nil {
			return nil, nil, fmt.Errorf("ratelimit: charge %d: Rule: %w", i, err)
		}
		// Everybody who has no name would share this counter, and one of them
		// could close it for all.
		if c.Key == "" {
			return nil, nil, fmt.Errorf("ratelimit: charge %d: Key is empty: name who is limited", i)
		}
		if c.Rule.IsZero() || slices.Contains(made, c) {
			continue
		}
		made = append(made, c)
		index = append(index, i)
	}
	return made, index, nil
}
