package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// crowd is how many callers a race has.
const crowd = 50

// race runs call once for each of a crowd, at once, and returns how many
// succeeded. Every other one must fail with lost.
func (d *desk) race(what string, lost error, call func(i int) error) {
	won := 0
	errs := make([]error, crowd)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			<-start
			errs[i] = call(i)
		})
	}
	close(start)
	all.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, lost):
			d.errorf("%s: a loser got %v, not %v", what, err, lost)
		}
	}
	if won != 1 {
		d.errorf("%s: %d of %d succeeded, not 1", what, won, crowd)
	}
}

var raceRows = []row{
	{"one maker", "of any number of Puts with version 0 for one key, one succeeds and the others are ErrConflict", func(d *desk) {
		key := d.key("")
		d.race("making", aura.ErrConflict, func(i int) error {
			r := d.record(key)
			r.Value = []byte(fmt.Sprint(i))
			return d.Store.Put(d.ctx, r)
		})
	}},
	{"one replacer", "of any number of Puts with the version that is there, one succeeds: no update is lost", func(d *desk) {
		r := d.record(d.key(""))
		d.put(r)
		d.race("replacing", aura.ErrConflict, func(i int) error {
			next := r
			next.Version, next.Value = 1, []byte(fmt.Sprint(i))
			return d.Store.Put(d.ctx, next)
		})
		if got, ok := d.get(r.Key); !ok || got.Version != 2 {
			d.errorf("afterwards the record is at version %d, not 2", got.Version)
		}
	}},
	{"one taker", "of any number of Takes for one key, one gets the record and the others ErrNotFound", func(d *desk) {
		r := d.record(d.key(""))
		d.put(r)
		d.race("taking", aura.ErrNotFound, func(int) error {
			got, err := d.Store.Take(d.ctx, r.Key)
			if err == nil && string(got.Value) != string(r.Value) {
				return errors.New("another value")
			}
			return err
		})
	}},
	{"every writer counts", "Puts with AnyVersion that race all succeed, and each counts", func(d *desk) {
		key := d.key("")
		errs := make([]error, crowd)
		var all sync.WaitGroup
		for i := range crowd {
			all.Go(func() {
				r := d.record(key)
				r.Version = aura.AnyVersion
				errs[i] = d.Store.Put(d.ctx, r)
			})
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			d.errorf("Put: %w", err)
		}
		if got, ok := d.get(key); !ok || got.Version != crowd {
			d.errorf("after %d Puts the record is at version %d", crowd, got.Version)
		}
	}},
}

var timeRows = []row{
	{"expiry", "a record that has expired is not there, whether or not it has been removed: not for Get, List or Take", func(d *desk) {
		r := d.record(d.key(""))
		r.Group, r.Expires = fresh("g"), d.Now().Add(2*time.Second).Truncate(time.Second)
		long := d.record(d.key(""))
		long.Group = r.Group
		d.put(r)
		d.put(long)
		if _, ok := d.get(r.Key); !ok {
			d.errorf("it is not there before it expires")
		}
		d.Pass(3 * time.Second)
		d.absent(r.Key, r.Group, "expired")
		if got := d.list(r.Group); !slices.Equal(got, []string{long.Key}) {
			d.errorf("the group is %v, not [%s], which has not expired", got, long.Key)
		}
	}},
	{"expired is not there for Put", "over a record that has expired, Put with version 0 makes a new one, in its own group, and Put with the old version is ErrConflict", func(d *desk) {
		r := d.record(d.key(""))
		r.Group, r.Expires = fresh("g"), d.Now().Add(2*time.Second).Truncate(time.Second)
		d.put(r)
		d.Pass(3 * time.Second)
		stale := d.record(r.Key)
		stale.Version = 1
		if err := d.Store.Put(d.ctx, stale); !errors.Is(err, aura.ErrConflict) {
			d.errorf("the old version: %v, not ErrConflict", err)
		}
		again := d.record(r.Key)
		again.Group = fresh("g")
		d.put(again)
		d.holds(again, 1, "made again")
		if got := d.list(r.Group); len(got) != 0 {
			d.errorf("its group of before has %v", got)
		}
		if got := d.list(again.Group); !slices.Equal(got, []string{r.Key}) {
			d.errorf("its new group is %v", got)
		}
	}},
	{"expiry moves", "a Put sets when the record expires, later or sooner than before", func(d *desk) {
		r := d.record(d.key(""))
		r.Expires = d.Now().Add(2 * time.Second).Truncate(time.Second)
		d.put(r)
		later := d.record(r.Key)
		later.Version = 1
		d.put(later)
		sooner := d.record(d.key(""))
		d.put(sooner)
		sooner.Version, sooner.Expires = 1, d.Now().Add(2*time.Second).Truncate(time.Second)
		d.put(sooner)
		d.Pass(3 * time.Second)
		d.holds(later, 2, "prolonged")
		d.absent(sooner.Key, "", "shortened")
	}},
}

// every calls each method once.
func (d *desk) every(ctx context.Context, key string) map[string]error {
	_, get := d.Store.Get(ctx, key)
	_, take := d.Store.Take(ctx, key)
	_, list := d.Store.List(ctx, "g")
	r := d.record(key)
	r.Version, r.Value = aura.AnyVersion, []byte("changed")
	return map[string]error{"Get": get, "Take": take, "List": list, "Put": d.Store.Put(ctx, r)}
}

var faultRows = []row{
	{"cancelled", "with a context that has ended, every method returns its error and changes nothing", func(d *desk) {
		r := d.record(d.key(""))
		d.put(r)
		ctx, cancel := context.WithCancel(d.ctx)
		cancel()
		for name, err := range d.every(ctx, r.Key) {
			if !errors.Is(err, context.Canceled) {
				d.errorf("%s: %v, not context.Canceled", name, err)
			}
		}
		d.holds(r, 1, "after the calls")
	}},
	{"outage", "a store that cannot be reached says so: no method finds nothing, or says that a record is missing or another", func(d *desk) {
		if d.Outage == nil {
			return
		}
		r := d.record(d.key(""))
		d.put(r)
		d.Outage()
		ctx, cancel := context.WithTimeout(d.ctx, 10*time.Second)
		defer cancel()
		for name, err := range d.every(ctx, r.Key) {
			if err == nil || errors.Is(err, aura.ErrNotFound) || errors.Is(err, aura.ErrConflict) {
				d.errorf("%s: %v, not an error of its own", name, err)
			}
		}
	}},
}
