package ratelimit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

func TestHotKeysOutliveColdOnes(t *testing.T) {
	m := ratelimit.NewMemory(1)
	hot := []ratelimit.Charge{
		{"account", ratelimit.Rule{Limit: 100, Window: 24 * time.Hour}},
		{"session", bucket},
		{"nearly", eight},
	}
	pass(t, m, epoch, 100, hot[0])
	pass(t, m, epoch, 200, hot[1])
	pass(t, m, epoch, 7, hot[2])
	for i := range 100_000 { // some twenty times what it holds
		pass(t, m, epoch, 1, ratelimit.Charge{fmt.Sprint("stranger", i), eight})
	}
	for i, want := range []int{0, 0, 1} {
		if got := pass(t, m, epoch, 10, hot[i]); got != want {
			t.Errorf("%s: %d more attempts pass, not %d", hot[i].Key, got, want)
		}
	}
}

func TestOfEqualsTheOldestGoes(t *testing.T) {
	m := ratelimit.NewMemory(1)
	for i := range 6_000 { // all it holds
		pass(t, m, epoch, 1, ratelimit.Charge{fmt.Sprint("old", i), eight})
	}
	lost := 0
	for i := range 3_000 {
		pass(t, m, epoch.Add(time.Minute), 1, ratelimit.Charge{fmt.Sprint("new", i), eight})
	}
	for i := range 3_000 {
		if !m.Holds(ratelimit.Charge{fmt.Sprint("new", i), eight}) {
			lost++
		}
	}
	if lost > 300 {
		t.Errorf("%d of 3,000 newer keys went before the older ones", lost)
	}
}

// The worst that can be had for money: every key in the table is at its limit.
// Newcomers then compete with nothing but hot keys, and must still be counted.
func TestNewcomersAreLimitedAmongHotKeys(t *testing.T) {
	m := ratelimit.NewMemory(1)
	for i := range 10_000 {
		pass(t, m, epoch, 8, ratelimit.Charge{fmt.Sprint("hot", i), eight})
	}
	const newcomers = 500
	passed := 0
	for i := range newcomers {
		me := ratelimit.Charge{fmt.Sprint("new", i), eight}
		for k := range 16 {
			passed += pass(t, m, epoch, 1, me)
			pass(t, m, epoch, 1, ratelimit.Charge{fmt.Sprint("other", i, k), eight})
		}
	}
	if passed < 8*newcomers || passed > 9*newcomers {
		t.Errorf("%d newcomers passed %d times, not 8 each", newcomers, passed)
	}
}

func TestWhatHasRunOutIsDropped(t *testing.T) {
	m := ratelimit.NewMemory(0)
	now := epoch
	most := 0
	for i := range 100_000 { // 1,000 a window
		now = now.Add(eight.Window / 1000)
		pass(t, m, now, 1, ratelimit.Charge{fmt.Sprint(i), eight})
		if i > 3000 {
			most = max(most, m.Keys())
		}
	}
	if most > 3000 {
		t.Errorf("%d keys held while 1,000 count", most)
	}
	now = now.Add(time.Hour)
	for i := range 10_000 {
		pass(t, m, now, 1, ratelimit.Charge{fmt.Sprint("bucket", i), bucket})
		now = now.Add(time.Millisecond) // a token takes 200 ms
	}
	if n := m.Keys(); n > 1000 {
		t.Errorf("%d keys held while 200 count", n)
	}
}

func TestRefusalsCreateNoKeys(t *testing.T) {
	m := ratelimit.NewMemory(0)
	address := ratelimit.Charge{"address", eight}
	for i := range 1000 {
		pass(t, m, epoch, 1, address, ratelimit.Charge{fmt.Sprint("account", i), eight})
	}
	if n := m.Keys(); n != 9 {
		t.Errorf("%d keys, not the address and the eight accounts it could try", n)
	}
	if err := ratelimit.Refund(t.Context(), m, epoch, ratelimit.Charge{"nobody", eight}); err != nil || m.Keys() != 9 {
		t.Errorf("a refund made a key: %d, %v", m.Keys(), err)
	}
}

// A flood of keys makes the tables large. Later that room has to serve keys with
// long records.
func TestAFloodTakesNoRoomForGood(t *testing.T) {
	m, long := ratelimit.NewMemory(1), ratelimit.Rule{Limit: 300, Window: time.Minute}
	for i := range 20_000 {
		pass(t, m, epoch, 1, ratelimit.Charge{fmt.Sprint("flood", i), eight})
	}
	later := epoch.Add(time.Hour)
	for i := range 200 {
		pass(t, m, later, 300, ratelimit.Charge{fmt.Sprint(i), long})
	}
	for i := range 200 {
		if got := pass(t, m, later, 1, ratelimit.Charge{fmt.Sprint(i), long}); got != 0 {
			t.Fatalf("key %d of 200 was forgotten", i)
		}
	}
}

func TestEachRuleOfAKeyIsCountedApart(t *testing.T) {
	m, other := ratelimit.NewMemory(0), eight
	other.Algorithm = ratelimit.TokenBucket
	pass(t, m, epoch, 1, ratelimit.Charge{"a", eight}, ratelimit.Charge{"a", other})
	if n := m.Keys(); n != 2 {
		t.Errorf("%d counters for two rules", n)
	}
}

// A key that was charged just now is not displaced by what is charged with it,
// nor by its own record growing, even where there is little else to displace.
func TestTheChargedAreNotDisplaced(t *testing.T) {
	m := ratelimit.NewMemory(1)
	charges := make([]ratelimit.Charge, ratelimit.MaxCharges)
	for i := range charges {
		charges[i] = ratelimit.Charge{fmt.Sprint(i), ratelimit.Rule{Limit: ratelimit.MaxLimit, Window: time.Hour}}
	}
	for i := range 6_000 {
		pass(t, m, epoch, 1, ratelimit.Charge{fmt.Sprint("hot", i), ratelimit.Rule{Limit: 1, Window: time.Hour}})
	}
	for range ratelimit.MaxLimit {
		pass(t, m, epoch, 1, charges...)
		for _, c := range charges {
			if !m.Holds(c) {
				t.Fatalf("%s was charged and forgotten", c.Key)
			}
		}
	}
	if got := pass(t, m, epoch, 1, charges...); got != 0 {
		t.Error("one more than Limit passed")
	}
}
