// Package refresh makes one call of many that ask for the same thing at once,
// and for a while gives late comers the same answer: a provider that rotates
// refresh tokens takes a second use of one for theft, and ends the whole grant.
package refresh

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// memory is how long an answer is remembered: longer than any request is
	// under way with a cookie from before the refresh.
	memory = 10 * time.Minute
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
	order []key // remembered ones, oldest first
}

// key is the hash of a secret: the secret itself is not kept.
type key [sha256.Size]byte

type call[T any] struct {
	done   chan struct{} // closed when value and err are set
	value  T
	err    error
	forget time.Time // zero: under way
}

// Do returns what fn returns for this secret. Whoever asks while fn runs, or
// within ten minutes after it, gets the same answer without a call; answers that
// fn does not mark as final are not remembered. fn runs on a context that does
// not end when the asking request does, but after ten seconds. When ctx ends
// first, Do returns its error, and fn goes on for the others.
func (g *Group[T]) Do(ctx context.Context, secret string, now func() time.Time, fn func(context.Context) (value T, final bool, err error)) (T, error) {
	k := key(sha256.Sum256([]byte(secret)))
	g.mu.Lock()
	g.sweep(now())
	c, ok := g.calls[k]
	if !ok {
		c = &call[T]{done: make(chan struct{})}
		if g.calls == nil {
			g.calls = make(map[key]*call[T])
		}
		g.calls[k] = c
		go g.run(context.WithoutCancel(ctx), k, c, now, fn)
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

func (g *Group[T]) run(ctx context.Context, k key, c *call[T], now func() time.Time, fn func(context.Context) (T, bool, error)) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	final := false
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if final {
			c.forget = now().Add(memory)
			g.order = append(g.order, k)
		} else {
			delete(g.calls, k)
		}
		close(c.done)
	}()
	c.err = errPanic // stands if fn does not return
	defer func() { _ = recover() }()
	c.value, final, c.err = fn(ctx)
}

// sweep forgets what has been remembered long enough, and the oldest when there
// are too many.
func (g *Group[T]) sweep(now time.Time) {
	n := 0
	for n < len(g.order) && (now.After(g.calls[g.order[n]].forget) || len(g.order)-n > capacity) {
		delete(g.calls, g.order[n])
		n++
	}
	g.order = g.order[n:]
}
