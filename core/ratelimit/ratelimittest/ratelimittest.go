// Package ratelimittest is the contract of ratelimit.Store, as a test that
// anyone can run:
//
//	func TestStore(t *testing.T) {
//		ratelimittest.Run(t, func(t *testing.T) ratelimit.Store { return mystore.New(…) })
//	}
//
// A row has a name and an explanation; all that fail are reported. The rows have
// a clock of their own that begins in 2026 and hardly moves while they run: what
// a store lets expire it must let expire relative to the moment of writing. They
// ask for no finer time than milliseconds.
package ratelimittest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

// Run runs every row against a store that newStore has just made. It must be
// empty, and count by the time it is given.
func Run(t *testing.T, newStore func(t *testing.T) ratelimit.Store) {
	t.Helper()
	for _, row := range rows() {
		t.Run(row.name, func(t *testing.T) {
			d := &desk{ctx: t.Context(), store: newStore(t), now: epoch}
			if err := row.check(d); err != nil {
				t.Errorf("%v\nThe contract: %s", err, row.explanation)
			}
		})
	}
}

// Check runs every row as Run does, and returns what each that failed has to
// say, by its name: for tests that expect failures.
func Check(ctx context.Context, newStore func() ratelimit.Store) map[string]error {
	failed := make(map[string]error)
	for _, row := range rows() {
		d := &desk{ctx: ctx, store: newStore(), now: epoch}
		if err := row.check(d); err != nil {
			failed[row.name] = err
		}
	}
	return failed
}

type row struct {
	name, explanation string
	check             func(*desk) error
}

func rows() []row {
	return append(countRows(), timeRows()...)
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var (
	window = ratelimit.Rule{Algorithm: ratelimit.SlidingWindow, Limit: 8, Window: 15 * time.Minute}
	bucket = ratelimit.Rule{Algorithm: ratelimit.TokenBucket, Limit: 200, Window: 40 * time.Second}
)

// A desk is a store at a point in time.
type desk struct {
	ctx   context.Context
	store ratelimit.Store
	now   time.Time
}

func charge(key string, rule ratelimit.Rule) ratelimit.Charge {
	return ratelimit.Charge{Key: key, Rule: rule}
}

func (d *desk) take(charges ...ratelimit.Charge) (ratelimit.Decision, error) {
	return ratelimit.Take(d.ctx, d.store, d.now, charges...)
}

// passes makes attempts n times and says unless exactly want pass.
func (d *desk) passes(want, n int, charges ...ratelimit.Charge) error {
	passed := 0
	for range n {
		decision, err := d.take(charges...)
		if err != nil {
			return err
		}
		if decision.Allowed {
			passed++
		}
	}
	if passed != want {
		return fmt.Errorf("%v after the start, %d of %d attempts passed, not %d", d.now.Sub(epoch), passed, n, want)
	}
	return nil
}

// crowd makes n attempts at once and says unless exactly want pass.
func (d *desk) crowd(want, n int, charges func(i int) []ratelimit.Charge) error {
	var (
		passed atomic.Int64
		errs   = make([]error, n)
		start  = make(chan struct{})
		all    sync.WaitGroup
	)
	for i := range n {
		all.Go(func() {
			<-start
			decision, err := d.take(charges(i)...)
			errs[i] = err
			if decision.Allowed {
				passed.Add(1)
			}
		})
	}
	close(start)
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if passed.Load() != int64(want) {
		return fmt.Errorf("%d of %d parallel attempts passed, not %d", passed.Load(), n, want)
	}
	return nil
}

func same(c ...ratelimit.Charge) func(int) []ratelimit.Charge {
	return func(int) []ratelimit.Charge { return c }
}
