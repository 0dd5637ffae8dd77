package ratelimit_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

// deltas are what a byte makes the clock do. The last four set it back.
var deltas = [...]time.Duration{
	0, 0, 0, 1, 333_333_333, 333_333_334, time.Millisecond, 100 * time.Millisecond,
	time.Second - 1, time.Second, time.Second + 1, 3 * time.Second, 7 * time.Second, time.Minute, time.Hour, 0,
	-1, -time.Millisecond, -time.Second, -time.Hour,
}

var charges = [...]ratelimit.Charge{
	{"a", ratelimit.Rule{ratelimit.SlidingWindow, 3, time.Second}},
	{"b", ratelimit.Rule{ratelimit.SlidingWindow, 1, 100 * time.Millisecond}},
	{"a", ratelimit.Rule{ratelimit.SlidingWindow, 5, 7 * time.Second}},
	{"a", ratelimit.Rule{ratelimit.TokenBucket, 3, time.Second}},
	{"b", ratelimit.Rule{ratelimit.TokenBucket, 7, 10*time.Second + 1}},
	{"b", ratelimit.Rule{ratelimit.TokenBucket, 1, time.Minute}},
	{"b", ratelimit.Rule{}},
}

// agree drives a store and the model through what moves spell, three bytes a
// move: by how much the clock goes, which charges are made, and whether one that
// was allowed is then taken back. They must give the same answers.
func agree(t *testing.T, store ratelimit.Store, moves []byte, deltas []time.Duration) {
	t.Helper()
	type passed struct {
		at      time.Time
		charges []ratelimit.Charge
	}
	var (
		reference = newModel("")
		now       = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
		taken     []passed
	)
	for i := 0; i+3 <= len(moves); i += 3 {
		now = now.Add(deltas[int(moves[i])%len(deltas)])
		var made []ratelimit.Charge
		for bit, c := range charges {
			if moves[i+1]>>bit&1 == 1 {
				made = append(made, c)
			}
		}
		want, err := ratelimit.Take(t.Context(), reference, now, made...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ratelimit.Take(t.Context(), store, now, made...)
		if err != nil {
			t.Fatal(err)
		}
		same := got.Reset.Equal(want.Reset)
		got.Reset = want.Reset
		if !same || got != want {
			t.Fatalf("move %d: %+v, the model says %+v", i/3, got, want)
		}
		if got.Allowed {
			taken = append(taken, passed{now, made})
		}
		if moves[i+2]%4 != 0 || len(taken) == 0 {
			continue
		}
		which := int(moves[i+2]/4) % len(taken)
		p := taken[which]
		taken = append(taken[:which], taken[which+1:]...)
		for _, s := range []ratelimit.Store{reference, store} {
			if err := ratelimit.Refund(t.Context(), s, p.at, p.charges...); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// agreeAll leaves clocks that are set back to the bare counters: a Memory may
// have dropped what had run out by the later time, at a moment of its choice.
func agreeAll(t *testing.T, moves []byte) {
	t.Helper()
	agree(t, ratelimit.Counters{}, moves, deltas[:])
	agree(t, ratelimit.NewMemory(0), moves, deltas[:len(deltas)-4])
}

func FuzzAgreesWithModel(f *testing.F) {
	f.Add([]byte{0, 0xff, 1, 7, 1, 0, 18, 9, 1, 9, 9, 0})
	f.Fuzz(func(t *testing.T, moves []byte) {
		agreeAll(t, moves[:min(len(moves), 3000)])
	})
}

func TestAgreesWithModel(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 4))
		moves := make([]byte, 900)
		for i := range moves {
			moves[i] = byte(random.Uint32())
			if i%3 == 1 && seed%2 == 0 {
				moves[i] = 1 << (moves[i] % 7) // charges one at a time get further
			}
		}
		agreeAll(t, moves)
	}
}
