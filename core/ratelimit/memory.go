package ratelimit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"strconv"
	"time"
)

// DefaultMemory is the size of [NewMemory] unless told otherwise: 32 MiB, which
// holds about 160,000 keys that were charged once or twice.
const DefaultMemory = 32 << 20

// Memory is a [Store] for one process. It takes no more than the bytes it was
// made with. It has no goroutine: what has run out is dropped, and room that is
// no longer needed given back, as new charges are made.
//
// # When it is full
//
// Each new key then displaces one of eight that are picked at random: the one
// with the smallest share of its limit used up, of equals the one that would be
// free soonest. So whoever was charged once and never came back goes first, and
// a key that is at its limit, or close to it, stays for as long as there is
// anything else: 10 million addresses with an attempt each displace each other
// and free nobody. What such a flood does gain is that keys with a small share
// used up are forgotten early, which gives that share back.
//
// To make a Memory forget keys that matter, an attacker has to use up the limits
// of as many others as it holds, which takes about 160,000 addresses and all of
// their attempts within the longest window. From then on a new key lasts until
// an eighth as many other new ones have come as there are keys. The remedies are
// a larger Memory and a store on another machine.
//
// Keys that differ in what the client may choose, such as a name, cost nothing
// to make. Charge them together with one that is costly, such as an address: a
// refused attempt creates no key.
type Memory struct {
	// seed keeps strangers from choosing keys that meet in one shard.
	seed   [16]byte
	shards []shard
}

// An id stands for a key and its rule: the only trace of a key that is kept.
type id [16]byte

// A mark is where one charge is counted.
type mark struct {
	id    id
	shard int
	rule  Rule
}

// A shard is large enough for all charges of one call with the largest logs there
// are, 720 kB; there are enough of them that locks are not contended for.
const (
	shardBytes = 1 << 20
	maxShards  = 64
)

// NewMemory returns an empty Memory that takes at most the given number of
// bytes: DefaultMemory if it is 0, and never less than 1 MiB. A key costs about
// 200 bytes and 9 for each attempt that counts in a sliding window. Raise it
// when more clients than that are active within the longest window.
func NewMemory(bytes int) *Memory {
	if bytes == 0 {
		bytes = DefaultMemory
	}
	bytes = max(bytes, shardBytes)
	m := &Memory{shards: make([]shard, min(bytes/shardBytes, maxShards))}
	rand.Read(m.seed[:]) // never fails: crypto/rand ends the program instead
	for i := range m.shards {
		m.shards[i].budget = bytes / len(m.shards)
	}
	return m
}

// Take implements [Store]. It does no input or output, heeds no context and
// never returns an error.
func (m *Memory) Take(_ context.Context, now time.Time, charges []Charge) ([]Decision, error) {
	marks := m.marks(charges)
	defer m.lock(marks)()

	at := now.UnixNano()
	decisions := make([]Decision, len(marks))
	allowed := true
	for i, k := range marks {
		decisions[i] = m.shards[k.shard].decide(k, at)
		allowed = allowed && decisions[i].Allowed
	}
	if !allowed {
		return decisions, nil
	}
	for _, k := range marks {
		m.shards[k.shard].charge(k, at)
	}
	for _, k := range marks {
		m.shards[k.shard].tidy(marks, at)
	}
	return decisions, nil
}

// Refund implements [Store]. It never returns an error.
func (m *Memory) Refund(_ context.Context, at time.Time, charges []Charge) error {
	marks := m.marks(charges)
	defer m.lock(marks)()

	for _, k := range marks {
		m.shards[k.shard].refund(k, at.UnixNano())
	}
	return nil
}

func (m *Memory) marks(charges []Charge) []mark {
	marks := make([]mark, len(charges))
	buffer := make([]byte, 0, 256)
	for i, c := range charges {
		buffer = append(buffer[:0], m.seed[:]...)
		for _, n := range [...]int64{int64(c.Rule.Algorithm), int64(c.Rule.Limit), int64(c.Rule.Window)} {
			buffer = append(strconv.AppendInt(buffer, n, 36), ' ')
		}
		buffer = append(buffer, c.Key...)
		sum := sha256.Sum256(buffer)
		marks[i] = mark{
			id:    id(sum[:16]),
			shard: (int(sum[16])<<8 | int(sum[17])) % len(m.shards),
			rule:  c.Rule,
		}
	}
	return marks
}

// lock locks the shards of all marks, in ascending order so that two calls never
// wait for each other, and returns what unlocks them.
func (m *Memory) lock(marks []mark) (unlock func()) {
	held := make([]int, len(marks))
	for i, k := range marks {
		held[i] = k.shard
	}
	slices.Sort(held)
	held = slices.Compact(held)
	for _, i := range held {
		m.shards[i].mu.Lock()
	}
	return func() {
		for _, i := range held {
			m.shards[i].mu.Unlock()
		}
	}
}
