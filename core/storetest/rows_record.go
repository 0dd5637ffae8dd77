package storetest

import (
	cryptorand "crypto/rand"
	"errors"
	"slices"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

func rand() string { return cryptorand.Text() }

// maxValue is the largest value that core writes.
const maxValue = 64 << 10

var recordRows = []row{
	{"unknown", "a record that was never there is no outage: Get and List find nothing, Take says ErrNotFound", func(d *desk) {
		d.absent(d.key(""), fresh("g"), "a key that was never used")
		if keys := d.list(fresh("g")); len(keys) != 0 {
			d.errorf("a group that was never used holds %v", keys)
		}
		if found, err := d.Store.Get(d.ctx); err != nil || len(found) != 0 {
			d.errorf("Get of no keys: %v, %v", found, err)
		}
	}},
	{"create", "Put with version 0 makes a record, and Get returns what was put, at version 1", func(d *desk) {
		r := d.record(d.key(""))
		r.Group = fresh("g")
		d.put(r)
		d.holds(r, 1, "after Put")
	}},
	{"create only once", "Put with version 0 over a record is ErrConflict, in another group, too: a key is one in the whole store; and the record stays as it was", func(d *desk) {
		r := d.record(d.key(""))
		d.put(r)
		again := r
		again.Value = []byte("another")
		if err := d.Store.Put(d.ctx, again); !errors.Is(err, aura.ErrConflict) {
			d.errorf("the second Put: %v, not ErrConflict", err)
		}
		d.holds(r, 1, "after the second Put")
		again.Group = fresh("g")
		if err := d.Store.Put(d.ctx, again); !errors.Is(err, aura.ErrConflict) {
			d.errorf("a Put into another group: %v, not ErrConflict", err)
		}
		d.holds(r, 1, "after the Put into another group")
		if keys := d.list(again.Group); len(keys) != 0 {
			d.errorf("the other group holds %v", keys)
		}
	}},
	{"replace", "Put with the version that Get returned replaces the record; each Put counts the version up by one", func(d *desk) {
		r := d.record(d.key(""))
		d.put(r)
		for version := int64(1); version <= 3; version++ {
			r.Version, r.Value = version, append(r.Value, '!')
			d.put(r)
			d.holds(r, version+1, "after a replacement")
		}
	}},
	{"replace what was read", "Put with another version than the record's is ErrConflict, also when there is no record: somebody has been there in between", func(d *desk) {
		r := d.record(d.key(""))
		d.put(r)
		for _, version := range []int64{2, 7} {
			stale := r
			stale.Version, stale.Value = version, []byte("stale")
			if err := d.Store.Put(d.ctx, stale); !errors.Is(err, aura.ErrConflict) {
				d.errorf("version %d over version 1: %v, not ErrConflict", version, err)
			}
		}
		d.holds(r, 1, "after refused Puts")
		r = d.record(d.key(""))
		r.Version = 1
		if err := d.Store.Put(d.ctx, r); !errors.Is(err, aura.ErrConflict) {
			d.errorf("version 1 over nothing: %v, not ErrConflict", err)
		}
		d.absent(r.Key, "", "after a refused Put")
	}},
	{"any version", "Put with AnyVersion writes whatever is there: it makes a record, and replaces one, counting the version up", func(d *desk) {
		r := d.record(d.key(""))
		r.Version = aura.AnyVersion
		d.put(r)
		d.holds(r, 1, "made by AnyVersion")
		r.Value = []byte("another")
		d.put(r)
		d.holds(r, 2, "replaced by AnyVersion")
	}},
	{"several keys", "Get returns those of the records that are there, and says nothing about the others", func(d *desk) {
		a, b := d.record(d.key("a")), d.record(d.key("b"))
		d.put(a)
		d.put(b)
		found, err := d.Store.Get(d.ctx, d.key("c"), b.Key, d.key("d"), a.Key)
		if err != nil {
			d.errorf("Get: %w", err)
		}
		want := []string{a.Key, b.Key}
		slices.Sort(want)
		if got := keysOf(found); !slices.Equal(got, want) {
			d.errorf("Get returned %v, not %v", got, want)
		}
	}},
	{"take", "Take returns the record as it was and removes it: after it there is none, in its group neither, and a new one begins at version 1", func(d *desk) {
		r := d.record(d.key(""))
		r.Group = fresh("g")
		d.put(r)
		got, err := d.Store.Take(d.ctx, r.Key)
		if err != nil {
			d.errorf("Take: %w", err)
		}
		want := r
		want.Version = 1
		if diff := differ(got, want); diff != "" {
			d.errorf("Take: %s", diff)
		}
		d.absent(r.Key, r.Group, "after Take")
		d.put(r)
		d.holds(r, 1, "made again")
	}},
	{"groups", "List returns the records of one group and no others; a record without a group is in none", func(d *desk) {
		one, two := fresh("g"), fresh("g")
		put := func(group string) string {
			r := d.record(d.key(""))
			r.Group = group
			d.put(r)
			return r.Key
		}
		inOne := []string{put(one), put(one)}
		inTwo := put(two)
		put("")
		slices.Sort(inOne)
		if got := d.list(one); !slices.Equal(got, inOne) {
			d.errorf("the first group is %v, not %v", got, inOne)
		}
		if got := d.list(two); !slices.Equal(got, []string{inTwo}) {
			d.errorf("the second group is %v, not [%s]", got, inTwo)
		}
		found, err := d.Store.List(d.ctx, two)
		if err != nil || len(found) != 1 || found[0].Group != two || found[0].Version != 1 || len(found[0].Value) == 0 {
			d.errorf("List returns less than Get: %v, %v", found, err)
		}
	}},
	{"groups stay", "a record keeps the group that it was made with: a Put that names another, or none, does not move it", func(d *desk) {
		r := d.record(d.key(""))
		r.Group = fresh("g")
		d.put(r)
		moved := r
		moved.Group, moved.Version = fresh("g"), 1
		d.put(moved)
		if got := d.list(r.Group); !slices.Equal(got, []string{r.Key}) {
			d.errorf("its group is now %v", got)
		}
		if got := d.list(moved.Group); len(got) != 0 {
			d.errorf("the other group has %v", got)
		}
		moved.Group = r.Group
		d.holds(moved, 2, "after the Put")
	}},
	{"values", "a value is bytes, none to 64 KiB of them, and comes back as it was", func(d *desk) {
		large := make([]byte, maxValue)
		for i := range large {
			large[i] = byte(i * 7)
		}
		for _, value := range [][]byte{{}, {0}, []byte("\xff\xfe\x00'\"\\%;--"), large} {
			r := d.record(d.key(""))
			r.Value = value
			d.put(r)
			d.holds(r, 1, "a value of its own")
		}
	}},
	{"keys", "keys and groups are compared byte for byte and may hold any printable ASCII, up to 200 bytes", func(d *desk) {
		odd := d.key("") + ".{a}:*?[x]%_'\"\\ $1;--"
		long := d.key("") + strings.Repeat("x", 200)
		keys := []string{odd, strings.ToUpper(odd), strings.Replace(odd, "_", "x", 1), long[:199], long[:200]}
		for _, key := range keys {
			r := d.record(key)
			r.Group = key
			d.put(r)
		}
		for _, key := range keys {
			want := d.record(key)
			want.Group = key
			d.holds(want, 1, "the key "+short(key))
			if got := d.list(key); !slices.Equal(got, []string{key}) {
				d.errorf("the group %s is %q", short(key), got)
			}
		}
	}},
	{"memory", "the caller's memory and the store's are two: what is written into a value afterwards changes nothing", func(d *desk) {
		r := d.record(d.key(""))
		r.Group = fresh("g")
		want := r
		want.Value = slices.Clone(r.Value)
		d.put(r)
		spoil := func(b []byte) {
			for i := range b {
				b[i] = 'x'
			}
		}
		spoil(r.Value)
		d.holds(want, 1, "after the caller changed what it had put")
		got, _ := d.get(r.Key)
		spoil(got.Value)
		d.holds(want, 1, "after the caller changed what it had got")
		listed, err := d.Store.List(d.ctx, r.Group)
		if err == nil && len(listed) == 1 {
			spoil(listed[0].Value)
		}
		d.holds(want, 1, "after the caller changed what it had listed")
	}},
}
