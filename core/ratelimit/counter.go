package ratelimit

import (
	"time"
)

// A counter is what is known about one key under one rule. The zero counter is
// one that has never been charged. Times are nanoseconds since 1970.
type counter struct {
	// log holds when each attempt that counts was made, oldest first. For a
	// SlidingWindow.
	log []int64
	// debt is what the bucket lacks to be full. A token is Window units and
	// Limit units flow back per nanosecond, so that a rate like three a second
	// is kept without rounding. For a TokenBucket.
	debt int64
	// seen is when debt was right.
	seen int64
}

// advance brings c to the time now.
func (c *counter) advance(r Rule, now int64) {
	if r.Algorithm == TokenBucket {
		c.refill(r, now)
		return
	}
	// What lies ahead was made before the clock was set back, or a moment ago by
	// a caller who read the clock later. It happened, so it counts from now; left
	// where it is, it would count for as long as the clock was wrong.
	for i := len(c.log) - 1; i >= 0 && c.log[i] > now; i-- {
		c.log[i] = now
	}
	gone := 0
	for gone < len(c.log) && now-c.log[gone] >= int64(r.Window) {
		gone++
	}
	if gone == 0 {
		return
	}
	c.log = c.log[:copy(c.log, c.log[gone:])]
}

func (c *counter) refill(r Rule, now int64) {
	window := int64(r.Window)
	passed := now - c.seen
	if passed < -window {
		c.seen = now
		return
	}
	// Moving seen back for a caller who read the clock earlier would pay the
	// same stretch of time out twice, again and again.
	if passed <= 0 {
		return
	}
	c.debt = max(0, c.debt-min(passed, window)*int64(r.Limit))
	c.seen = now
}

// decide says what would come of one more attempt now; c is at now.
func (c *counter) decide(r Rule, now int64) Decision {
	d := Decision{Limit: r.Limit}
	if r.Algorithm == TokenBucket {
		window, limit := int64(r.Window), int64(r.Limit)
		debt, seen := c.debt, max(c.seen, now)
		short := debt + window - limit*window
		d.Allowed = short <= 0
		if d.Allowed {
			debt += window
		} else {
			d.RetryAfter = time.Duration(seen - now + ceilDiv(short, limit))
		}
		d.Remaining = int((limit*window - debt) / window)
		d.Reset = time.Unix(0, seen+ceilDiv(debt, limit))
		return d
	}
	d.Allowed = len(c.log) < r.Limit
	if d.Allowed {
		d.Remaining = r.Limit - len(c.log) - 1
		d.Reset = time.Unix(0, now+int64(r.Window))
		return d
	}
	d.RetryAfter = time.Duration(c.log[0] + int64(r.Window) - now)
	d.Reset = time.Unix(0, c.free(r))
	return d
}

// free is when nothing counts any more, if nothing is added.
func (c *counter) free(r Rule) int64 {
	if r.Algorithm == TokenBucket {
		return c.seen + ceilDiv(c.debt, int64(r.Limit))
	}
	if len(c.log) == 0 {
		return 0
	}
	return c.log[len(c.log)-1] + int64(r.Window)
}

// charge counts one attempt, which decide has allowed.
func (c *counter) charge(r Rule, now int64) {
	if r.Algorithm == TokenBucket {
		c.debt += int64(r.Window)
		// A new counter has seen nothing; one that has seen later keeps it.
		c.seen = max(c.seen, now)
		return
	}
	if len(c.log) == cap(c.log) {
		// append would go beyond what a window can ever hold.
		wider := make([]int64, len(c.log), max(2, min(2*cap(c.log), r.Limit)))
		copy(wider, c.log)
		c.log = wider
	}
	c.log = append(c.log, now)
}

// refund takes back one attempt that was made at the time at.
func (c *counter) refund(r Rule, at int64) {
	if r.Algorithm == TokenBucket {
		c.debt = max(0, c.debt-int64(r.Window))
		return
	}
	// advance may have moved it to an earlier time, never to a later one.
	for i := len(c.log) - 1; i >= 0; i-- {
		if c.log[i] <= at {
			c.log = append(c.log[:i], c.log[i+1:]...)
			return
		}
	}
}

// used is the share of the limit that is used up, from 0, which is the same as
// having never been charged, to 1.
func (c *counter) used(r Rule) float64 {
	if r.Algorithm == TokenBucket {
		return float64(c.debt) / (float64(r.Limit) * float64(r.Window))
	}
	return float64(len(c.log)) / float64(r.Limit)
}

// ceilDiv divides and rounds up; a is not negative, b is positive.
func ceilDiv(a, b int64) int64 {
	return (a + b - 1) / b
}
