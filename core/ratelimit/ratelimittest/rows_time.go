package ratelimittest

import (
	"fmt"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

// step is an attempt, or several, at a time after the start.
type step struct {
	at               time.Duration
	attempts, passed int
}

// steps is a row's check: attempts against one key, one step after the other.
func steps(rule ratelimit.Rule, steps ...step) func(*desk) error {
	return func(d *desk) error {
		for _, s := range steps {
			d.now = epoch.Add(s.at)
			if err := d.passes(s.passed, s.attempts, charge("a", rule)); err != nil {
				return err
			}
		}
		return nil
	}
}

func timeRows() []row {
	const ms = time.Millisecond
	third := ratelimit.Rule{Algorithm: ratelimit.TokenBucket, Limit: 3, Window: time.Second}
	return []row{
		{
			"window slides",
			"an attempt counts until exactly Window after it was made, and each for itself: no moment at which all are forgotten",
			steps(window,
				step{0, 3, 3}, step{10 * time.Minute, 10, 5},
				step{15*time.Minute - ms, 10, 0}, step{15 * time.Minute, 10, 3},
				step{25*time.Minute - ms, 10, 0}, step{25 * time.Minute, 10, 5},
				step{30*time.Minute - ms, 10, 0}, step{30 * time.Minute, 10, 3}),
		},
		{
			"window forgives hammering",
			"a refused attempt is not counted and keeps nobody out any longer",
			steps(window, step{0, 8, 8}, step{5 * time.Minute, 100, 0}, step{15*time.Minute - ms, 100, 0}, step{15 * time.Minute, 10, 8}),
		},
		{
			"bucket refills",
			"200 per 40 s is five a second, one each 200 ms, never more than 200",
			steps(bucket,
				step{0, 250, 200}, step{199 * ms, 5, 0}, step{200 * ms, 5, 1}, step{1200 * ms, 10, 5},
				step{21200 * ms, 150, 100}, step{time.Hour, 300, 200}),
		},
		{
			"bucket keeps fractions",
			"what has flowed back of a token is kept while attempts are refused or pass: three a second are three, however often one asks",
			func(d *desk) error {
				if err := d.passes(3, 5, charge("a", third)); err != nil {
					return err
				}
				passed := 0
				for range 100 * 10 {
					d.now = d.now.Add(100 * ms)
					decision, err := d.take(charge("a", third))
					if err != nil {
						return err
					}
					if decision.Allowed {
						passed++
					}
				}
				if passed < 299 || passed > 300 {
					return fmt.Errorf("%d attempts passed in 100 s, not 300", passed)
				}
				return nil
			},
		},
		{"window decides", "Limit, Remaining, RetryAfter and Reset are what the documentation of Decision says", decides(window)},
		{"bucket decides", "Limit, Remaining, RetryAfter and Reset are what the documentation of Decision says", decides(third)},
		{
			"clock set back, window",
			"a clock that is set back frees nothing, and what was counted counts for no more than a Window from then on",
			steps(window, step{0, 5, 5}, step{-10 * time.Minute, 10, 3},
				step{5*time.Minute - ms, 10, 0}, step{5 * time.Minute, 10, 8}),
		},
		{
			"clock set far back, window",
			"nobody is locked out for as long as the clock was wrong",
			steps(window, step{0, 8, 8}, step{-48 * time.Hour, 10, 0}, step{-48*time.Hour + 15*time.Minute, 10, 8}),
		},
		{
			"clock set back, bucket",
			"a clock that is set back frees nothing, and going to and fro frees no more than the time that has passed",
			steps(bucket, step{0, 250, 200}, step{-time.Second, 5, 0}, step{0, 5, 0}, step{-time.Second, 5, 0},
				step{0, 5, 0}, step{time.Second, 10, 5}),
		},
		{
			"clock set far back, bucket",
			"nobody is locked out for as long as the clock was wrong",
			steps(bucket, step{0, 250, 200}, step{-48 * time.Hour, 5, 0}, step{-48*time.Hour + 80*time.Second, 250, 200}),
		},
	}
}

// decides checks the fields of Decision from a fresh key to a refusal, and that
// RetryAfter and Reset are neither too early nor too late by more than 2 ms.
func decides(rule ratelimit.Rule) func(*desk) error {
	return func(d *desk) error {
		c := charge("a", rule)
		for left := rule.Limit - 1; left >= 0; left-- {
			decision, err := d.take(c)
			if err != nil {
				return err
			}
			if !decision.Allowed || decision.Limit != rule.Limit || decision.Remaining != left || decision.RetryAfter != 0 {
				return fmt.Errorf("with %d left: %+v", left, decision)
			}
			d.now = d.now.Add(10 * time.Millisecond)
		}
		refusal, err := d.take(c)
		if err != nil {
			return err
		}
		if refusal.Allowed || refusal.Limit != rule.Limit || refusal.Remaining != 0 || refusal.RetryAfter <= 0 {
			return fmt.Errorf("with none left: %+v", refusal)
		}
		if err := d.opens(d.now.Add(refusal.RetryAfter), 1, c); err != nil {
			return fmt.Errorf("RetryAfter %v: %w", refusal.RetryAfter, err)
		}
		if err := d.opens(refusal.Reset, rule.Limit, c); err != nil {
			return fmt.Errorf("Reset %v: %w", refusal.Reset, err)
		}
		return nil
	}
}

// opens says unless n attempts pass at the given time and n-1 just before. They
// are given back.
func (d *desk) opens(at time.Time, n int, c ratelimit.Charge) error {
	for _, t := range []struct {
		at   time.Time
		pass int
	}{{at.Add(-2 * time.Millisecond), n - 1}, {at, n}} {
		d.now = t.at
		if err := d.passes(t.pass, n, c); err != nil {
			return err
		}
		for range t.pass {
			if err := ratelimit.Refund(d.ctx, d.store, d.now, c); err != nil {
				return err
			}
		}
	}
	return nil
}
