package ratelimit

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

// A Decision is the answer to an attempt. The zero Decision is a refusal.
type Decision struct {
	Allowed bool
	// Limit is the Limit of the rule that decided; 0 if there was no rule.
	Limit int
	// Remaining is how many more attempts would pass now.
	Remaining int
	// RetryAfter is how long to wait before one more attempt passes, if nobody
	// else takes it first. 0 if Allowed.
	RetryAfter time.Duration
	// Reset is when the whole Limit is free again, if nothing more is taken.
	Reset time.Time
	// Charge is which of the charges decided: its position in the call of Take.
	Charge int
}

// Header returns the header lines that tell a client: X-RateLimit-Limit,
// X-RateLimit-Remaining and X-RateLimit-Reset (Unix seconds), and for a refusal
// Retry-After (seconds, RFC 9110 §10.2.3). Times are rounded up: who waits as
// told is not refused for coming a moment early. Without a rule there are none.
func (d Decision) Header() http.Header {
	h := make(http.Header, 4)
	if !d.Allowed {
		h.Set("Retry-After", strconv.FormatInt(max(1, seconds(d.RetryAfter)), 10))
	}
	if d.Limit == 0 {
		return h
	}
	reset := d.Reset.Unix()
	if d.Reset.Nanosecond() > 0 {
		reset++
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(d.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(d.Remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset, 10))
	return h
}

// seconds rounds up.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}

// stricter orders decisions by what the client has to mind: a refusal before
// anything else, and of several refusals the longest, for an attempt before its
// end is refused again.
func stricter(a, b Decision) int {
	switch {
	case !a.Allowed && !b.Allowed:
		return cmp.Compare(b.RetryAfter, a.RetryAfter)
	case !a.Allowed:
		return -1
	case !b.Allowed:
		return 1
	}
	return cmp.Or(cmp.Compare(a.Remaining, b.Remaining), b.Reset.Compare(a.Reset))
}
