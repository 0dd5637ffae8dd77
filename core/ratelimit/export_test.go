package ratelimit

import (
	"context"
	"time"
)

// Counters is a Store of bare counters that never drops one.
type Counters map[Charge]*counter

func (s Counters) Take(_ context.Context, now time.Time, charges []Charge) ([]Decision, error) {
	at := now.UnixNano()
	decisions, allowed := make([]Decision, len(charges)), true
	for i, c := range charges {
		if s[c] == nil {
			s[c] = new(counter)
		}
		s[c].advance(c.Rule, at)
		decisions[i] = s[c].decide(c.Rule, at)
		allowed = allowed && decisions[i].Allowed
	}
	for _, c := range charges {
		if allowed {
			s[c].charge(c.Rule, at)
		}
	}
	return decisions, nil
}

func (s Counters) Refund(_ context.Context, at time.Time, charges []Charge) error {
	for _, c := range charges {
		if s[c] != nil {
			s[c].refund(c.Rule, at.UnixNano())
		}
	}
	return nil
}

// Keys is how many keys m holds.
func (m *Memory) Keys() int {
	n := 0
	for i := range m.shards {
		n += len(m.shards[i].entries)
	}
	return n
}

// Holds reports whether m has a counter for c.
func (m *Memory) Holds(c Charge) bool {
	k := m.marks([]Charge{c})[0]
	_, ok := m.shards[k.shard].place[k.id]
	return ok
}
