package rp

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// A flight is one fetch that many wait for. It runs on a context of its own,
// so that a leader who goes away fails no follower.
type flight[T any] struct {
	landed chan struct{}
	value  T
	err    error
}

// launch starts run with its own deadline. land stores the result before
// anyone who waits sees it.
func launch[T any](timeout time.Duration, run func(context.Context) (T, error), land func(T, error)) *flight[T] {
	f := &flight[T]{landed: make(chan struct{})}
	go func() {
		defer close(f.landed)
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		f.value, f.err = guarded(ctx, run)
		land(f.value, f.err)
	}()
	return f
}

// guarded turns a panic into an error. On a request's own goroutine net/http
// recovers what an application's transport throws; on ours nobody would, and
// the process would end.
func guarded[T any](ctx context.Context, run func(context.Context) (T, error)) (value T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &wireError{text: fmt.Sprintf("the HTTP transport panicked (%T)", v), unreachable: true}
		}
	}()
	return run(ctx)
}

// wait returns the result, or ctx's error as soon as ctx ends.
func (f *flight[T]) wait(ctx context.Context) (T, error) {
	select {
	case <-f.landed:
		return f.value, f.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// A backoff remembers a failure for a while, so that a dead provider is asked
// once in that while and not once per visitor.
type backoff struct {
	err   error
	times int
	until time.Time
}

// note records one more failure: 1 s, 2 s, 4 s … up to 30 s, plus up to a
// quarter of jitter so that many processes do not come back at once.
func (b *backoff) note(err error, now time.Time) {
	wait := min(time.Second<<min(b.times, 5), 30*time.Second)
	wait += rand.N(wait / 4) //nolint:gosec // jitter, not a secret
	*b = backoff{err: err, times: b.times + 1, until: now.Add(wait)}
}

func (b *backoff) active(now time.Time) bool { return b.err != nil && now.Before(b.until) }
