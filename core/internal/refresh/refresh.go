// Package refresh makes one call of many that ask for the same thing at once,
// and for a while gives late comers the same answer: a provider that rotates
// refresh tokens takes a second use of one for theft, and ends the whole grant.
package refresh

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"
)

// Memory is how long an answer should be remembered that must not be asked for
// again: longer than any request is under way with a cookie from before.
const Memory = 10 * time.Minute

const (
	// capacity bounds how many answers are remembered; the oldest give way.
	capacity = 8192
	// patience bounds one call, whoever waits for it.
	patience = 10 * time.Second
)

// A Group is safe for concurrent use. The zero value is ready. It starts a
// goroutine for each call, which ends with the call.
type Group[T any] struct {
	mu    sync.Mutex
	calls map[key]*call[T]
	order []*call[T] // remembered ones, oldest first
}

// key is the hash of a secret: the secret itself is not kept.
type key [sha256.Size]byte

type call[T any] struct {
	key    key
	done   chan struct{} // closed when value and err are set
	value  T
	err    error
	forget time.Time // zero: under way
}

// Do returns what fn returns for this secret. Whoever asks while fn runs, or for
// as long after it as fn says, gets the same answer without a call. fn runs on a context that does
// not end when the asking request does, but after ten seconds. When ctx ends
// first, Do returns its error, and fn goes on for the others.
func (g *Group[T]) Do(ctx context.Context, secret string, now func() time.Time, fn func(context.Context) (value T, remember time.Duration, err error)) (T, error) {
	k := key(sha256.Sum256([]byte(secret)))
	g.mu.Lock()
	at := now()
	g.sweep(at)
	c, ok := g.calls[k]
	if !ok || c.over(at) {
		c = &call[T]{key: k, done: make(chan struct{})}
		if g.calls == nil {
			g.calls = make(map[key]*call[T])
		}
		g.calls[k] = c
		go g.run(context.WithoutCancel(ctx), c, now, fn)
	}
	g.mu.Unlock()
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// Known returns the answer for this secret if one is remembered, or under way: it
// makes no call.
func (g *Group[T]) Known(ctx context.Context, secret string, now func() time.Time) (T, bool) {
	var zero T
	g.mu.Lock()
	c, ok := g.calls[key(sha256.Sum256([]byte(secret)))]
	ok = ok && !c.over(now())
	g.mu.Unlock()
	if !ok {
		return zero, false
	}
	select {
	case <-c.done:
		return c.value, c.err == nil
	case <-ctx.Done():
		return zero, false
	}
}

func (g *Group[T]) run(ctx context.Context, c *call[T], now func() time.Time, fn func(context.Context) (T, time.Duration, error)) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var remember time.Duration
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if remember > 0 {
			c.forget = now().Add(remember)
			g.order = append(g.order, c)
		} else {
			delete(g.calls, c.key)
		}
		close(c.done)
	}()
	c.err = errPanic // stands if fn does not return
	defer func() {
		if p := recover(); p != nil {
			c.err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	c.value, remember, c.err = fn(ctx)
}

// over reports whether a remembered answer has been remembered long enough.
func (c *call[T]) over(now time.Time) bool { return !c.forget.IsZero() && now.After(c.forget) }

// sweep forgets what has been remembered long enough, and the oldest when there
// are too many.
func (g *Group[T]) sweep(now time.Time) {
	n := 0
	for n < len(g.order) && (g.order[n].over(now) || len(g.order)-n > capacity) {
		if c := g.order[n]; g.calls[c.key] == c {
			delete(g.calls, c.key)
		}
		n++
	}
	g.order = g.order[n:]
}
