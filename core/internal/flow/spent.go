package flow

import (
	"cmp"
	"sync"
	"time"
)

// spentCap bounds the memory of a Spent: 65,536 entries of about 60 bytes.
const spentCap = 1 << 16

// Spent remembers which flows this process has consumed, so that a callback
// works once even where no store is shared: the provider's own check that a
// code is used once guards the rest. Safe for concurrent use. The zero value
// is ready.
type Spent struct {
	Keep time.Duration // how long one is remembered; 0: Lifetime

	mu    sync.Mutex
	until map[string]time.Time
	order []string // ids in the order of consumption, which is that of expiry
}

// Consume reports whether id had not been consumed before, and marks it.
func (s *Spent) Consume(id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil {
		s.until = make(map[string]time.Time)
	}
	s.sweep(now)
	if _, spent := s.until[id]; spent {
		return false
	}
	s.until[id] = now.Add(cmp.Or(s.Keep, Lifetime))
	s.order = append(s.order, id)
	return true
}

// Has reports whether id has been consumed.
func (s *Spent) Has(id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	_, spent := s.until[id]
	return spent
}

// sweep drops what has expired, and the oldest when the cap is reached: 65,536
// sign-ins within ten minutes, after which the provider's check stands alone.
func (s *Spent) sweep(now time.Time) {
	n := 0
	for n < len(s.order) && (now.After(s.until[s.order[n]]) || len(s.order)-n >= spentCap) {
		delete(s.until, s.order[n])
		n++
	}
	s.order = s.order[n:] // append moves the rest to a fresh array in time
}
