package storetest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/memstore"
	"github.com/aura-stack-go/auth/core/storetest"
)

// A broken store is a good one with methods replaced.
type broken struct {
	*memstore.Store
	get  func(ctx context.Context, keys ...string) ([]aura.Record, error)
	put  func(ctx context.Context, r aura.Record) error
	take func(ctx context.Context, key string) (aura.Record, error)
	list func(ctx context.Context, group string) ([]aura.Record, error)
}

func (b *broken) Get(ctx context.Context, keys ...string) ([]aura.Record, error) {
	if b.get != nil {
		return b.get(ctx, keys...)
	}
	return b.Store.Get(ctx, keys...)
}

func (b *broken) Put(ctx context.Context, r aura.Record) error {
	if b.put != nil {
		return b.put(ctx, r)
	}
	return b.Store.Put(ctx, r)
}

func (b *broken) Take(ctx context.Context, key string) (aura.Record, error) {
	if b.take != nil {
		return b.take(ctx, key)
	}
	return b.Store.Take(ctx, key)
}

func (b *broken) List(ctx context.Context, group string) ([]aura.Record, error) {
	if b.list != nil {
		return b.list(ctx, group)
	}
	return b.Store.List(ctx, group)
}

// look reads one record past what is broken.
func (b *broken) look(ctx context.Context, key string) (aura.Record, bool) {
	found, err := b.Store.Get(ctx, key)
	if err != nil || len(found) == 0 {
		return aura.Record{}, false
	}
	return found[0], true
}

// Each row fails for a store that breaks the clause it is named after.
func TestBrokenStores(t *testing.T) {
	faults := map[string]func(*broken){
		"unknown": func(b *broken) {
			b.take = func(ctx context.Context, key string) (aura.Record, error) {
				r, err := b.Store.Take(ctx, key)
				if errors.Is(err, aura.ErrNotFound) {
					err = nil // a missing record is taken
				}
				return r, err
			}
		},
		"create": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				r.Expires = r.Expires.Add(time.Second)
				return b.Store.Put(ctx, r)
			}
		},
		"create only once": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				if r.Version == 0 {
					r.Version = aura.AnyVersion
				}
				return b.Store.Put(ctx, r)
			}
		},
		"replace": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				if r.Version > 0 {
					return nil // nothing is replaced
				}
				return b.Store.Put(ctx, r)
			}
		},
		"replace what was read": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				if r.Version > 0 {
					r.Version = aura.AnyVersion
				}
				return b.Store.Put(ctx, r)
			}
		},
		"any version": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				if r.Version == aura.AnyVersion {
					_, _ = b.Store.Take(ctx, r.Key) // the version begins anew
				}
				return b.Store.Put(ctx, r)
			}
		},
		"several keys": func(b *broken) {
			b.get = func(ctx context.Context, keys ...string) ([]aura.Record, error) {
				found, err := b.Store.Get(ctx, keys...)
				return found[:min(len(found), 1)], err
			}
		},
		"take": func(b *broken) {
			b.take = func(ctx context.Context, key string) (aura.Record, error) {
				r, ok := b.look(ctx, key)
				if !ok {
					return r, aura.ErrNotFound
				}
				return r, nil // and it stays
			}
		},
		"groups": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				r.Group = "all of them"
				return b.Store.Put(ctx, r)
			}
			b.list = func(ctx context.Context, _ string) ([]aura.Record, error) { return b.Store.List(ctx, "all of them") }
		},
		"groups stay": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				if old, ok := b.look(ctx, r.Key); ok && r.Version > 0 {
					_, _ = b.Store.Take(ctx, r.Key) // written anew, into the group of the Put
					r.Version = 0
					if err := b.Store.Put(ctx, r); err != nil {
						return err
					}
					for v := int64(1); v <= old.Version; v++ {
						r.Version = v
						if err := b.Store.Put(ctx, r); err != nil {
							return err
						}
					}
					return nil
				}
				return b.Store.Put(ctx, r)
			}
		},
		"values": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				r.Value = r.Value[:min(len(r.Value), 65535)]
				return b.Store.Put(ctx, r)
			}
		},
		"keys": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				r.Key = strings.ToLower(r.Key)
				return b.Store.Put(ctx, r)
			}
			b.get = func(ctx context.Context, keys ...string) ([]aura.Record, error) {
				for i := range keys {
					keys[i] = strings.ToLower(keys[i])
				}
				return b.Store.Get(ctx, keys...)
			}
		},
		"memory": func(b *broken) {
			var mu sync.Mutex
			shared := map[string][]byte{}
			b.put = func(ctx context.Context, r aura.Record) error {
				mu.Lock()
				shared[r.Key] = r.Value
				mu.Unlock()
				return b.Store.Put(ctx, r)
			}
			b.get = func(ctx context.Context, keys ...string) ([]aura.Record, error) {
				found, err := b.Store.Get(ctx, keys...)
				mu.Lock()
				defer mu.Unlock()
				for i := range found {
					found[i].Value = shared[found[i].Key]
				}
				return found, err
			}
		},
		"one maker":    racy(func(r aura.Record) bool { return r.Version == 0 }),
		"one replacer": racy(func(r aura.Record) bool { return r.Version > 0 }),
		"one taker": func(b *broken) {
			b.take = func(ctx context.Context, key string) (aura.Record, error) {
				r, ok := b.look(ctx, key)
				if !ok {
					return r, aura.ErrNotFound
				}
				time.Sleep(20 * time.Millisecond)
				_, _ = b.Store.Take(ctx, key)
				return r, nil
			}
		},
		"every writer counts": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				if old, ok := b.look(ctx, r.Key); ok && r.Version == aura.AnyVersion {
					r.Version = old.Version // and in between another may write
					time.Sleep(time.Millisecond)
				}
				return b.Store.Put(ctx, r)
			}
		},
		"expiry": func(b *broken) {
			forever := memstore.New(func() time.Time { return time.Time{} })
			b.list = forever.List
			b.put = func(ctx context.Context, r aura.Record) error {
				_ = forever.Put(ctx, r)
				return b.Store.Put(ctx, r)
			}
		},
		"expired is not there for Put": func(b *broken) {
			forever := memstore.New(func() time.Time { return time.Time{} })
			b.put = func(ctx context.Context, r aura.Record) error {
				if err := forever.Put(ctx, r); err != nil {
					return err
				}
				return b.Store.Put(ctx, r)
			}
		},
		"expiry moves": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error {
				if old, ok := b.look(ctx, r.Key); ok {
					r.Expires = old.Expires
				}
				return b.Store.Put(ctx, r)
			}
		},
		"cancelled": func(b *broken) {
			b.put = func(ctx context.Context, r aura.Record) error { return b.Store.Put(context.WithoutCancel(ctx), r) }
		},
		"outage": func(*broken) {}, // see the type outage
	}
	if want, got := slices.Sorted(slices.Values(storetest.Rows())), slices.Sorted(maps.Keys(faults)); !slices.Equal(want, got) {
		t.Errorf("the rows are %q, the faults %q", want, got)
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			failed := storetest.Check(t.Context(), func() storetest.Subject {
				clock := storetest.NewClock()
				b := &broken{Store: memstore.New(clock.Now)}
				fault(b)
				o := &outage{Store: b}
				return storetest.Subject{Store: o, Now: clock.Now, Pass: clock.Pass, Outage: func() { o.down(name) }}
			})
			if failed[name] == nil {
				t.Errorf("the row passes; others: %v", failed)
			}
		})
	}
}

// racy compares and writes in two steps.
func racy(which func(aura.Record) bool) func(*broken) {
	return func(b *broken) {
		b.put = func(ctx context.Context, r aura.Record) error {
			if !which(r) {
				return b.Store.Put(ctx, r)
			}
			old, _ := b.look(ctx, r.Key)
			if old.Version != r.Version {
				return aura.ErrConflict
			}
			time.Sleep(20 * time.Millisecond)
			r.Version = aura.AnyVersion
			return b.Store.Put(ctx, r)
		}
	}
}

var errDown = errors.New("the server is down")

// An outage stands before a store until it is down: then nothing answers. For
// the row about outages Get is broken: it finds nothing.
type outage struct {
	aura.Store

	mu   sync.Mutex
	fell bool
	hide bool
}

func (o *outage) down(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fell, o.hide = true, name == "outage"
}

func (o *outage) state() (fell, hide bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fell, o.hide
}

func (o *outage) Get(ctx context.Context, keys ...string) ([]aura.Record, error) {
	switch fell, hide := o.state(); {
	case fell && hide:
		return nil, nil
	case fell:
		return nil, errDown
	}
	return o.Store.Get(ctx, keys...)
}

func (o *outage) Put(ctx context.Context, r aura.Record) error {
	if fell, _ := o.state(); fell {
		return errDown
	}
	return o.Store.Put(ctx, r)
}

func (o *outage) Take(ctx context.Context, key string) (aura.Record, error) {
	if fell, _ := o.state(); fell {
		return aura.Record{}, errDown
	}
	return o.Store.Take(ctx, key)
}

func (o *outage) List(ctx context.Context, group string) ([]aura.Record, error) {
	if fell, _ := o.state(); fell {
		return nil, errDown
	}
	return o.Store.List(ctx, group)
}

// A good store passes every row, with an outage too.
func TestGoodStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Subject {
		clock := storetest.NewClock()
		o := &outage{Store: memstore.New(clock.Now)}
		return storetest.Subject{Store: o, Now: clock.Now, Pass: clock.Pass, Outage: func() { o.down("") }}
	})
}
