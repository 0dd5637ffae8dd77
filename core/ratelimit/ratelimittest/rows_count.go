package ratelimittest

import (
	"fmt"
	"strings"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

func countRows() []row {
	return []row{
		{
			"window in parallel",
			"of 1,000 parallel attempts exactly Limit pass",
			func(d *desk) error { return d.crowd(8, 1000, same(charge("a", window))) },
		},
		{
			"bucket in parallel",
			"of 1,000 parallel attempts exactly Limit pass",
			func(d *desk) error { return d.crowd(200, 1000, same(charge("a", bucket))) },
		},
		{
			"several in parallel",
			"charges that are made together are one atomic step: exactly as many pass as the strictest allows, in whatever order they are named",
			several,
		},
		{
			"a refusal charges nothing",
			"an attempt that one charge refuses leaves the others as they were",
			refusal,
		},
		{
			"keys are apart",
			"each key has a counter of its own, however long it is and whatever it holds; so has each rule",
			keysApart,
		},
		{
			"a refund gives back one",
			"Refund takes back one charge of each, so that as many attempts pass again, and not one more",
			refundOne,
		},
		{
			"a refund of nothing gives nothing",
			"to take back what was never charged, or again, is no error and raises no limit",
			refundNothing,
		},
		{
			"a refund takes its own",
			"Refund takes back the newest charge that is not after the given time, and none of those after it",
			refundOwn,
		},
	}
}

func several(d *desk) error {
	address := charge("address", ratelimit.Rule{Limit: 100, Window: time.Hour})
	account := charge("account", bucket)
	err := d.crowd(100, 1000, func(i int) []ratelimit.Charge {
		if i%2 == 0 {
			return []ratelimit.Charge{address, account}
		}
		return []ratelimit.Charge{account, address}
	})
	if err != nil {
		return err
	}
	return d.passes(100, 150, account)
}

func refusal(d *desk) error {
	closed, open := charge("closed", ratelimit.Rule{Limit: 1, Window: time.Hour}), charge("open", window)
	if err := d.passes(1, 1, closed); err != nil {
		return err
	}
	if err := d.passes(0, 20, open, closed); err != nil {
		return err
	}
	if err := d.passes(0, 20, closed, open); err != nil {
		return err
	}
	return d.passes(8, 20, open)
}

func keysApart(d *desk) error {
	long := strings.Repeat("x", 1<<16)
	for _, key := range []string{"a", "b", "A", "a ", "a\x00", "\xff", "\xfe", "a:b", long + "1", long + "2"} {
		if err := d.passes(8, 10, charge(key, window)); err != nil {
			return fmt.Errorf("key %.10q of %d bytes: %w", key, len(key), err)
		}
	}
	stricter, shorter, other := window, window, window
	stricter.Limit, shorter.Window, other.Algorithm = 5, time.Minute, ratelimit.TokenBucket
	for _, rule := range []ratelimit.Rule{stricter, shorter, other} {
		if err := d.passes(rule.Limit, 10, charge("a", rule)); err != nil {
			return fmt.Errorf("%+v after %+v: %w", rule, window, err)
		}
	}
	return nil
}

func refundOne(d *desk) error {
	charges := []ratelimit.Charge{charge("a", window), charge("a", bucket)}
	if err := d.passes(8, 10, charges...); err != nil {
		return err
	}
	for range 2 {
		if err := ratelimit.Refund(d.ctx, d.store, d.now, charges...); err != nil {
			return err
		}
	}
	if err := d.passes(2, 10, charges...); err != nil {
		return err
	}
	return d.passes(192, 250, charge("a", bucket))
}

func refundNothing(d *desk) error {
	for _, c := range []ratelimit.Charge{charge("a", window), charge("a", bucket)} {
		for attempts := range 2 {
			if err := d.passes(attempts, attempts, c); err != nil {
				return err
			}
			for range 3 {
				if err := ratelimit.Refund(d.ctx, d.store, d.now, c); err != nil {
					return err
				}
			}
		}
		if err := d.passes(c.Rule.Limit, 300, c); err != nil {
			return err
		}
	}
	return nil
}

func refundOwn(d *desk) error {
	c := charge("a", window)
	for range 2 {
		if err := d.passes(1, 1, c); err != nil {
			return err
		}
		d.now = d.now.Add(5 * time.Minute)
	}
	if err := d.passes(6, 10, c); err != nil { // at 0, 5 and six at 10 minutes
		return err
	}
	if err := ratelimit.Refund(d.ctx, d.store, epoch, c); err != nil {
		return err
	}
	if err := d.passes(1, 10, c); err != nil {
		return err
	}
	// Nothing is left of minute 0: neither to take back nor to run out.
	if err := ratelimit.Refund(d.ctx, d.store, epoch, c); err != nil {
		return err
	}
	d.now = epoch.Add(15 * time.Minute)
	return d.passes(0, 10, c)
}
