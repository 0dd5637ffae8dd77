package password

import (
	"context"
	"fmt"
	"time"
)

// A gate bounds how many hashes are computed at once. Those who wait, each for no
// longer than wait, enter in the order of their arrival: so Go's channels queue
// senders.
type gate struct {
	slots chan struct{}
	wait  time.Duration
}

func newGate(slots int, wait time.Duration) *gate {
	return &gate{slots: make(chan struct{}, slots), wait: wait}
}

// enter takes a slot, which leave gives back. It fails with ErrBusy, or with an
// error that wraps ctx's.
func (g *gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return givenUp(err)
	}
	select {
	case g.slots <- struct{}{}:
		return nil
	default:
	}

	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return givenUp(ctx.Err())
	case g.slots <- struct{}{}:
	}
	// select chooses at random among what is ready: a slot that comes together
	// with the cancellation must not be spent on a client that has gone.
	if err := ctx.Err(); err != nil {
		g.leave()
		return givenUp(err)
	}
	return nil
}

func (g *gate) leave() { <-g.slots }

func givenUp(err error) error {
	return fmt.Errorf("password: given up before hashing: %w", err)
}
