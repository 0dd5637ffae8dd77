package ratelimit_test

import (
	"context"
	"math/big"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

// A model is the contract of Store in the plainest words: lists that are counted
// anew each time and fractions that are never rounded. With a fault it gets one
// thing wrong.
type model struct {
	fault   string
	mu      sync.Mutex
	calls   atomic.Int64
	calling atomic.Int64
	windows map[ratelimit.Charge][]time.Time
	buckets map[ratelimit.Charge]*level
}

type level struct {
	tokens *big.Rat
	seen   time.Time
}

func newModel(fault string) *model {
	return &model{fault: fault, windows: map[ratelimit.Charge][]time.Time{}, buckets: map[ratelimit.Charge]*level{}}
}

func (m *model) Take(_ context.Context, now time.Time, charges []ratelimit.Charge) ([]ratelimit.Decision, error) {
	m.calling.Add(1)
	defer m.calling.Add(-1)
	m.mu.Lock()
	defer m.mu.Unlock()

	decisions, allowed := make([]ratelimit.Decision, len(charges)), true
	for i, c := range charges {
		if c.Rule.Algorithm == ratelimit.TokenBucket {
			decisions[i] = m.decideBucket(c, now)
		} else {
			decisions[i] = m.decideWindow(c, now)
		}
		m.distort(&decisions[i], c.Rule, now)
		allowed = allowed && decisions[i].Allowed
	}
	// The first call lingers until others have come, and those as long as they
	// are not alone: a race that is lost every time.
	if m.fault == "checks, then charges" && (m.calls.Add(1) == 1 || m.calling.Load() > 1) {
		m.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		m.mu.Lock()
	}
	for i, c := range charges {
		switch {
		case allowed, m.fault == "counts refusals",
			m.fault == "charges one by one" && decisions[i].Allowed:
			m.charge(c, now)
		}
	}
	return decisions, nil
}

func (m *model) decideWindow(c ratelimit.Charge, now time.Time) ratelimit.Decision {
	counted := m.windows[m.key(c)]
	for i, t := range counted {
		if t.After(now) && m.fault != "believes in the future" {
			counted[i] = now
		}
	}
	counted = slices.DeleteFunc(slices.Clone(counted), func(t time.Time) bool {
		switch m.fault {
		case "counts a moment too long":
			return now.Sub(t) > c.Rule.Window
		case "counts by the quarter":
			return !now.Truncate(c.Rule.Window).Equal(t.Truncate(c.Rule.Window))
		}
		return now.Sub(t) >= c.Rule.Window
	})
	m.windows[m.key(c)] = counted
	d := ratelimit.Decision{Allowed: len(counted) < c.Rule.Limit, Limit: c.Rule.Limit, Reset: now.Add(c.Rule.Window)}
	if d.Allowed {
		d.Remaining = c.Rule.Limit - len(counted) - 1
		return d
	}
	d.RetryAfter = slices.MinFunc(counted, time.Time.Compare).Add(c.Rule.Window).Sub(now)
	d.Reset = slices.MaxFunc(counted, time.Time.Compare).Add(c.Rule.Window)
	return d
}

func (m *model) decideBucket(c ratelimit.Charge, now time.Time) ratelimit.Decision {
	b, limit := m.buckets[m.key(c)], big.NewRat(int64(c.Rule.Limit), 1)
	if b == nil {
		b = &level{limit, now}
		m.buckets[m.key(c)] = b
	}
	passed := now.Sub(b.seen)
	if passed < -c.Rule.Window && m.fault != "waits for the clock" || m.fault == "follows the clock" {
		b.seen = now
	}
	if passed > 0 {
		flown := new(big.Rat).Mul(limit, big.NewRat(int64(passed), int64(c.Rule.Window)))
		if m.fault == "rounds tokens" {
			flown.SetInt64(floor(flown))
		}
		b.tokens, b.seen = new(big.Rat).Add(b.tokens, flown), now
		if b.tokens.Cmp(limit) > 0 && m.fault != "overflows" {
			b.tokens = limit
		}
	}
	one := big.NewRat(1, 1)
	d := ratelimit.Decision{Allowed: b.tokens.Cmp(one) >= 0, Limit: c.Rule.Limit}
	left := b.tokens
	if d.Allowed {
		left = new(big.Rat).Sub(left, one)
	} else {
		d.RetryAfter = b.seen.Sub(now) + m.refill(c.Rule, new(big.Rat).Sub(one, left))
	}
	d.Remaining = int(floor(left))
	d.Reset = b.seen.Add(m.refill(c.Rule, new(big.Rat).Sub(limit, left)))
	return d
}

// refill is how long tokens take to flow back, rounded up.
func (m *model) refill(r ratelimit.Rule, tokens *big.Rat) time.Duration {
	ns := new(big.Rat).Mul(tokens, big.NewRat(int64(r.Window), int64(r.Limit)))
	return time.Duration(-floor(ns.Neg(ns)))
}

func floor(r *big.Rat) int64 { return new(big.Int).Div(r.Num(), r.Denom()).Int64() }

func (m *model) charge(c ratelimit.Charge, now time.Time) {
	if c.Rule.Algorithm == ratelimit.TokenBucket {
		b := m.buckets[m.key(c)]
		b.tokens = new(big.Rat).Sub(b.tokens, big.NewRat(1, 1))
		return
	}
	m.windows[m.key(c)] = append(m.windows[m.key(c)], now)
}

func (m *model) Refund(_ context.Context, at time.Time, charges []ratelimit.Charge) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range charges {
		if b := m.buckets[m.key(c)]; b != nil {
			b.tokens = new(big.Rat).Add(b.tokens, big.NewRat(1, 1))
			if limit := big.NewRat(int64(c.Rule.Limit), 1); b.tokens.Cmp(limit) > 0 && m.fault != "refunds above full" {
				b.tokens = limit
			}
		}
		if m.fault == "refunds everything" {
			delete(m.windows, m.key(c))
		}
		newest := -1
		for i, t := range m.windows[m.key(c)] {
			before := !t.After(at) || m.fault == "refunds the newest"
			if before && (newest < 0 || !t.Before(m.windows[m.key(c)][newest])) {
				newest = i
			}
		}
		if newest >= 0 && m.fault != "refunds nothing" {
			m.windows[m.key(c)] = slices.Delete(m.windows[m.key(c)], newest, newest+1)
		}
	}
	return nil
}

// key is what c is counted under.
func (m *model) key(c ratelimit.Charge) ratelimit.Charge {
	switch m.fault {
	case "cuts keys":
		c.Key = c.Key[:min(len(c.Key), 250)]
	case "folds keys":
		c.Key = strings.ToLower(c.Key)
	case "cleans keys":
		c.Key = strings.ToValidUTF8(c.Key, "?")
	case "trims keys":
		c.Key = strings.TrimSpace(c.Key)
	case "mixes rules":
		c.Rule = ratelimit.Rule{}
	}
	return c
}

// distort is where decisions are misreported.
func (m *model) distort(d *ratelimit.Decision, r ratelimit.Rule, now time.Time) {
	switch m.fault {
	case "refuses for a Window":
		if !d.Allowed {
			d.RetryAfter = r.Window
		}
	case "refuses for a moment":
		d.RetryAfter = min(d.RetryAfter, time.Millisecond)
	case "resets now":
		d.Reset = now
	case "resets a Window later":
		d.Reset = d.Reset.Add(r.Window)
	case "reports what was left before":
		d.Remaining = min(d.Remaining+1, r.Limit)
	}
}
