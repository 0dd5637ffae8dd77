package password

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const crowd = 200

// DO-09: of 200 at once, MaxConcurrent are hashed and the others get ErrBusy when
// MaxWait is over, not earlier and not later.
func TestCrowdIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slots = 3
		var inside, right, busy, other atomic.Int64
		release := make(chan struct{})
		h := Hasher{MaxConcurrent: slots, MaxWait: time.Second, onHash: func(record) {
			inside.Add(1)
			<-release
		}}
		hash := argon2idOf("right")
		for i := range crowd {
			stored := hash
			if i%2 == 1 {
				stored = "" // unknown users wait in the same line
			}
			go func() {
				_, _, err := h.Verify(t.Context(), "right", stored)
				switch {
				case err == nil:
					right.Add(1)
				case errors.Is(err, ErrBusy):
					busy.Add(1)
				default:
					other.Add(1)
				}
			}()
		}
		check := func(when string, wantInside, wantBusy, wantRight int64) {
			t.Helper()
			synctest.Wait()
			if inside.Load() != wantInside || busy.Load() != wantBusy || right.Load() != wantRight || other.Load() != 0 {
				t.Errorf("%s: %d hashed, %d busy, %d answered, %d failed; want %d, %d, %d, 0", when,
					inside.Load(), busy.Load(), right.Load(), other.Load(), wantInside, wantBusy, wantRight)
			}
		}
		check("at once", slots, 0, 0)
		time.Sleep(time.Second - time.Nanosecond)
		check("just before MaxWait", slots, 0, 0)
		time.Sleep(time.Nanosecond)
		check("at MaxWait", slots, crowd-slots, 0)
		close(release)
		check("in the end", slots, crowd-slots, slots)
	})
}

// The slots are handed on: everyone has a turn, and never are more than
// MaxConcurrent (nor, while some wait, fewer) inside.
func TestCrowdTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slots = 7
		var inside atomic.Int64
		turn := make(chan struct{})
		h := Hasher{MaxConcurrent: slots, onHash: func(record) {
			inside.Add(1)
			<-turn
			inside.Add(-1)
		}}
		hash := argon2idOf("right")
		var wg sync.WaitGroup
		for range crowd {
			wg.Go(func() { expect(t, &h, "right", hash, true) })
		}
		for left := crowd; left > 0; left-- {
			synctest.Wait()
			if got := inside.Load(); got != int64(min(slots, left)) {
				t.Errorf("%d inside with %d to come; want %d", got, left, min(slots, left))
			}
			turn <- struct{}{}
		}
		wg.Wait()
	})
}

func TestDefaultWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Hasher{MaxConcurrent: 1}
		occupy(t, &h)
		begun := time.Now()
		_, err := h.Hash(t.Context(), "a")
		if waited := time.Since(begun); !errors.Is(err, ErrBusy) || waited != time.Second {
			t.Errorf("%v after %v; want ErrBusy after 1s", err, waited)
		}
	})
}

func TestCancelWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var count tally
		h := Hasher{MaxConcurrent: 1, onHash: count.add}
		leave := occupy(t, &h)
		ctx, cancel := context.WithCancel(t.Context())
		hash := argon2idOf("right")
		var (
			ok  bool
			err error
		)
		go func() { ok, _, err = h.Verify(ctx, "right", hash) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if ok || !errors.Is(err, context.Canceled) || errors.Is(err, ErrBusy) {
			t.Errorf("Verify = %v, %v; want context.Canceled", ok, err)
		}
		if n := len(count.take()); n != 0 {
			t.Errorf("%d hashes for a client that has gone", n)
		}
		leave()
		expect(t, &h, "right", hash, true) // the slot was not lost
	})
}

// lateContext is cancelled between the moment a slot comes and the look at it.
type lateContext struct {
	context.Context
	looks atomic.Int64
}

func (c *lateContext) Err() error {
	if c.looks.Add(1) == 1 {
		return nil
	}
	return context.Canceled
}

func TestSlotOfTheCancelledIsHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Hasher{MaxConcurrent: 1}
		leave := occupy(t, &h)
		var err error
		go func() { _, _, err = h.Verify(&lateContext{Context: t.Context()}, "a", argon2idOf("a")) }()
		synctest.Wait()
		leave()
		synctest.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Verify = %v; want context.Canceled", err)
		}
		expect(t, &h, "a", argon2idOf("a"), true)
	})
}

// net/http recovers a handler's panic: the slot must not go with it.
func TestPanicGivesTheSlotBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		h := Hasher{MaxConcurrent: 1, onHash: func(record) {
			if calls++; calls <= 2 {
				panic("a fault")
			}
		}}
		for _, call := range []func(){
			func() { _, _ = h.Hash(t.Context(), "a") },
			func() { _, _, _ = h.Verify(t.Context(), "a", "") },
		} {
			func() {
				defer func() { _ = recover() }()
				call()
			}()
		}
		expect(t, &h, "a", argon2idOf("a"), true)
	})
}

// occupy takes a slot and returns what gives it back.
func occupy(t *testing.T, h *Hasher) (leave func()) {
	t.Helper()
	if err := h.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := h.ready.gate.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h.ready.gate.leave
}
