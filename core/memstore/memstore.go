// Package memstore is an [aura.Store] in the memory of one process: for tests,
// for development, and for applications that run as one process and may forget,
// when it ends, which sessions had been ended before their time.
package memstore

import (
	"context"
	"slices"
	"sync"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// Store implements [aura.Store]. Make one with New; it is safe for concurrent
// use. It starts no goroutine: a Put now and then removes what has expired, so
// that at most about twice as many records are held as there are live ones.
type Store struct {
	now func() time.Time

	mu      sync.Mutex
	records map[string]aura.Record
	groups  map[string]map[string]struct{} // keys by group
	sweepAt int                            // how many records bring about the next sweep
}

// leastSweep is how many records are held before expired ones are looked for.
const leastSweep = 1024

// New makes an empty Store. now is its clock; nil is time.Now.
func New(now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{now: now, records: map[string]aura.Record{}, groups: map[string]map[string]struct{}{}, sweepAt: leastSweep}
}

// Get implements [aura.Store].
func (s *Store) Get(ctx context.Context, keys ...string) ([]aura.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []aura.Record
	for _, key := range keys {
		if r, ok := s.live(key); ok {
			found = append(found, clone(r))
		}
	}
	return found, nil
}

// Put implements [aura.Store].
func (s *Store) Put(ctx context.Context, r aura.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, there := s.live(r.Key)
	if r.Version != aura.AnyVersion && r.Version != old.Version { // a record that is not there has version 0
		return aura.ErrConflict
	}
	if there {
		r.Group = old.Group
	}
	r = clone(r)
	r.Version = old.Version + 1
	s.forget(r.Key)
	s.records[r.Key] = r
	if r.Group != "" {
		if s.groups[r.Group] == nil {
			s.groups[r.Group] = map[string]struct{}{}
		}
		s.groups[r.Group][r.Key] = struct{}{}
	}
	s.sweep()
	return nil
}

// Take implements [aura.Store].
func (s *Store) Take(ctx context.Context, key string) (aura.Record, error) {
	if err := ctx.Err(); err != nil {
		return aura.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.live(key)
	if !ok {
		return aura.Record{}, aura.ErrNotFound
	}
	s.forget(key)
	return r, nil
}

// List implements [aura.Store].
func (s *Store) List(ctx context.Context, group string) ([]aura.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []aura.Record
	for key := range s.groups[group] {
		if r, ok := s.live(key); ok {
			found = append(found, clone(r))
		}
	}
	return found, nil
}

// live returns a record that has not expired.
func (s *Store) live(key string) (aura.Record, bool) {
	r, ok := s.records[key]
	if !ok || !s.now().Before(r.Expires) {
		return aura.Record{}, false
	}
	return r, true
}

// forget removes a record, expired or not.
func (s *Store) forget(key string) {
	r, ok := s.records[key]
	if !ok {
		return
	}
	delete(s.records, key)
	delete(s.groups[r.Group], key)
	if len(s.groups[r.Group]) == 0 {
		delete(s.groups, r.Group)
	}
}

// sweep removes what has expired once the store has doubled since the last
// time: spread over the Puts in between, that costs each a constant.
func (s *Store) sweep() {
	if len(s.records) < s.sweepAt {
		return
	}
	for key := range s.records {
		if _, ok := s.live(key); !ok {
			s.forget(key)
		}
	}
	s.sweepAt = max(leastSweep, 2*len(s.records))
}

// clone keeps callers and the store out of each other's memory.
func clone(r aura.Record) aura.Record {
	r.Value = slices.Clone(r.Value)
	return r
}
