package ratelimit

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// A shard is one part of a Memory with a lock and a budget of its own. The
// methods are called with mu held.
type shard struct {
	mu sync.Mutex
	// entries are dense and in no order, so that any of them can be picked at
	// random; place says where each is.
	entries []entry
	place   map[id]int
	// budget is how many bytes the shard may take; tidy keeps cost within it.
	budget int
	// logs is what the logs of the entries take.
	logs int
	// peak is how many entries there have been since the tables were made:
	// neither a slice nor a map gives back what it has grown to.
	peak int
	// hand goes around the entries in search of some that have run out.
	hand int
}

type entry struct {
	id id
	counter
	rule Rule
}

// entryCost is what an entry takes besides its log, in bytes: 80 in entries, and
// up to a quarter more that append has made ahead of use; up to 57 in place,
// which Go fills to between 7/16 and 7/8 before it grows; and some reserve. TestMemoryStaysWithinItsBytes measures it.
const entryCost = 192

// logCost is what a log takes: eight bytes a time, and up to an eighth more for
// the size classes of the allocator.
func logCost(log []int64) int { return 9 * cap(log) }

// cost is what the shard takes, in bytes.
func (s *shard) cost() int { return s.peak*entryCost + s.logs }

// sample is how many entries compete to be displaced. The more there are, the
// surer it is that a hot one survives; at eight, of entries of which half are
// hot, a hot one goes once in 256.
const sample = 8

// sweep is how many entries each charge looks at in search of some that have run
// out. The one that replaces what is dropped tends to be the newest: with two,
// every other look would be wasted on it, and no more would go than come.
const sweep = 4

func (s *shard) decide(k mark, now int64) Decision {
	i, ok := s.place[k.id]
	if !ok {
		return new(counter).decide(k.rule, now)
	}
	c := &s.entries[i].counter
	c.advance(k.rule, now)
	return c.decide(k.rule, now)
}

func (s *shard) charge(k mark, now int64) {
	i, ok := s.place[k.id]
	if !ok {
		if s.place == nil {
			s.place = make(map[id]int)
		}
		i = len(s.entries)
		s.place[k.id] = i
		s.entries = append(s.entries, entry{id: k.id, rule: k.rule})
		s.peak = max(s.peak, len(s.entries))
	}
	c := &s.entries[i].counter
	s.logs -= logCost(c.log)
	c.charge(k.rule, now)
	s.logs += logCost(c.log)
}

func (s *shard) refund(k mark, at int64) {
	if i, ok := s.place[k.id]; ok {
		s.entries[i].refund(k.rule, at)
	}
}

// tidy drops what has run out, at a pace that outruns the arrival of new keys,
// and then displaces entries until the rest is within budget. The entries of
// keep, those that have just been charged, stay: to forget what was counted a
// moment ago would be no limit at all.
func (s *shard) tidy(keep []mark, now int64) {
	for range sweep {
		if len(s.entries) == 0 {
			return
		}
		s.hand %= len(s.entries)
		e := &s.entries[s.hand]
		e.advance(e.rule, now)
		if e.used(e.rule) == 0 {
			s.drop(s.hand) // the last takes its place and is looked at next
			continue
		}
		s.hand++
	}
	for s.cost() > s.budget {
		i := s.victim(keep, now)
		if i < 0 {
			return // a table of nearly nothing but keep; the next call goes on
		}
		s.drop(i)
	}
}

// victim picks the entry to displace, or -1.
func (s *shard) victim(keep []mark, now int64) int {
	best, bestUsed, bestFree := -1, 0.0, int64(0)
	for range sample {
		i := rand.IntN(len(s.entries)) //nolint:gosec // seeded by the system: as unpredictable as picking needs
		e := &s.entries[i]
		e.advance(e.rule, now)
		used, free := e.used(e.rule), e.free(e.rule)
		if best >= 0 && (used > bestUsed || used == bestUsed && free >= bestFree) {
			continue
		}
		if slices.ContainsFunc(keep, func(k mark) bool { return k.id == e.id }) {
			continue
		}
		best, bestUsed, bestFree = i, used, free
	}
	return best
}

func (s *shard) drop(i int) {
	gone, last := &s.entries[i], len(s.entries)-1
	s.logs -= logCost(gone.log)
	delete(s.place, gone.id)
	if i != last {
		s.entries[i] = s.entries[last]
		s.place[s.entries[i].id] = i
	}
	s.entries[last] = entry{} // lets go of its log
	s.entries = s.entries[:last]
	if s.peak > 2*max(last, 64) {
		s.shrink()
	}
}

// shrink makes the tables anew, as large as they have to be. It comes once in as
// many drops as it leaves entries.
func (s *shard) shrink() {
	s.peak = len(s.entries)
	s.entries = append(make([]entry, 0, s.peak), s.entries...)
	s.place = make(map[id]int, s.peak)
	for i := range s.entries {
		s.place[s.entries[i].id] = i
	}
}
