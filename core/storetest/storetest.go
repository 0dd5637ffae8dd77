// Package storetest is the contract of [aura.Store], as a test that anyone can
// run on a new one:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Subject {
//			clock := storetest.NewClock()
//			return storetest.Subject{Store: mystore.New(clock.Now), Now: clock.Now, Pass: clock.Pass}
//		})
//	}
//
// A row has a name and an explanation; all that fail are reported.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// A Subject is a store under test. It need not be empty: rows use keys that
// have not been used before.
type Subject struct {
	Store aura.Store
	// Now is the clock that the store goes by.
	Now func() time.Time
	// Pass lets time pass on that clock, a few seconds at most: it moves a clock
	// that the test holds, or waits where the store goes by a server's.
	Pass func(time.Duration)
	// Outage makes the store's server unreachable for good. Nil where there is
	// nothing that could be: the row about outages then passes.
	Outage func()
}

// A Clock stands still until it is told to pass.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock returns a clock that begins in 2026.
func NewClock() *Clock { return &Clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Pass moves the clock.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Run runs every row as a subtest, each against a Subject of its own.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			if err := r.check(t.Context(), open(t)); err != nil {
				t.Errorf("%v\nThe contract: %s", err, r.why)
			}
		})
	}
}

// Check runs every row as Run does, and returns what each that failed has to
// say, by its name: for tests that expect failures.
func Check(ctx context.Context, open func() Subject) map[string]error {
	failed := map[string]error{}
	for _, r := range rows() {
		if err := r.check(ctx, open()); err != nil {
			failed[r.name] = err
		}
	}
	return failed
}

// Rows returns the names of all rows, in order.
func Rows() (names []string) {
	for _, r := range rows() {
		names = append(names, r.name)
	}
	return names
}

// A row is one clause of the contract.
type row struct {
	name, why string
	run       func(*desk)
}

func rows() []row { return slices.Concat(recordRows, raceRows, timeRows, faultRows) }

// A desk is a store with what a row needs to judge it.
type desk struct {
	Subject
	ctx  context.Context
	errs []error
}

// errStopped ends a row that cannot go on.
var errStopped = errors.New("stopped")

func (r row) check(ctx context.Context, s Subject) (err error) {
	d := &desk{Subject: s, ctx: ctx}
	defer func() {
		if v := recover(); v != nil && v != any(errStopped) {
			d.errorf("panic: %v", v)
		}
		err = errors.Join(d.errs...)
	}()
	r.run(d)
	return nil
}

func (d *desk) errorf(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf(format, args...))
}

// key returns a key that no row has used, ending in suffix.
func (d *desk) key(suffix string) string { return fresh("k") + suffix }

// record makes one that lives for a minute.
func (d *desk) record(key string) aura.Record {
	return aura.Record{Key: key, Value: []byte("value of " + key), Expires: d.Now().Add(time.Minute).Truncate(time.Second)}
}

// put writes a record and ends the row if that fails.
func (d *desk) put(r aura.Record) {
	if err := d.Store.Put(d.ctx, r); err != nil {
		d.errorf("Put(%s, version %d): %w", short(r.Key), r.Version, err)
		panic(errStopped)
	}
}

// get returns the one record under a key.
func (d *desk) get(key string) (aura.Record, bool) {
	found, err := d.Store.Get(d.ctx, key)
	if err != nil {
		d.errorf("Get(%s): %w", short(key), err)
		panic(errStopped)
	}
	if len(found) > 1 {
		d.errorf("Get(%s) returned %d records", short(key), len(found))
	}
	if len(found) == 0 {
		return aura.Record{}, false
	}
	return found[0], true
}

// list returns the keys of a group, sorted.
func (d *desk) list(group string) []string {
	found, err := d.Store.List(d.ctx, group)
	if err != nil {
		d.errorf("List: %w", err)
		panic(errStopped)
	}
	return keysOf(found)
}

// absent says unless a record cannot be found in any way.
func (d *desk) absent(key, group, why string) {
	if r, ok := d.get(key); ok {
		d.errorf("%s: Get returned version %d", why, r.Version)
	}
	if group != "" && slices.Contains(d.list(group), key) {
		d.errorf("%s: List has it", why)
	}
	if _, err := d.Store.Take(d.ctx, key); !errors.Is(err, aura.ErrNotFound) {
		d.errorf("%s: Take returned %v, not ErrNotFound", why, err)
	}
}

// holds says unless the record under want.Key is want, at a version.
func (d *desk) holds(want aura.Record, version int64, why string) {
	got, ok := d.get(want.Key)
	if !ok {
		d.errorf("%s: there is no record", why)
		return
	}
	want.Version = version
	if diff := differ(got, want); diff != "" {
		d.errorf("%s: %s", why, diff)
	}
}

// differ says in what two records differ.
func differ(got, want aura.Record) string {
	var diffs []string
	note := func(what string, got, want any) {
		diffs = append(diffs, fmt.Sprintf("%s is %v, not %v", what, got, want))
	}
	if got.Key != want.Key {
		note("Key", short(got.Key), short(want.Key))
	}
	if got.Group != want.Group {
		note("Group", short(got.Group), short(want.Group))
	}
	if string(got.Value) != string(want.Value) {
		note("Value", fmt.Sprintf("%d bytes, %.20q", len(got.Value), got.Value), fmt.Sprintf("%d bytes, %.20q", len(want.Value), want.Value))
	}
	if got.Version != want.Version {
		note("Version", got.Version, want.Version)
	}
	if !got.Expires.Equal(want.Expires) {
		note("Expires", got.Expires, want.Expires)
	}
	return strings.Join(diffs, "; ")
}

func keysOf(records []aura.Record) []string {
	keys := make([]string, 0, len(records))
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	slices.Sort(keys)
	return keys
}

func short(key string) string {
	if len(key) > 40 {
		return key[:40] + "…"
	}
	return key
}

// fresh returns a name that is not used twice, in any process.
func fresh(prefix string) string { return prefix + "-" + rand() }
