package ratelimit_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

func TestTakeRefusesWhatIsInvalid(t *testing.T) {
	const secret = "ada@example.com"
	good := ratelimit.Charge{secret, eight}
	tests := []struct {
		name    string
		store   ratelimit.Store
		charges []ratelimit.Charge
		want    string
	}{
		{"no store", nil, []ratelimit.Charge{good}, "no store"},
		{"no key", ratelimit.NewMemory(0), []ratelimit.Charge{good, {"", eight}}, "charge 1: Key is empty"},
		{"no key, no rule", ratelimit.NewMemory(0), []ratelimit.Charge{{}}, "charge 0: Key is empty"},
		{"no limit", ratelimit.NewMemory(0), []ratelimit.Charge{{secret, ratelimit.Rule{Window: time.Minute}}}, "charge 0: Rule: Limit 0 is not within 1 to 10000"},
		{"negative limit", ratelimit.NewMemory(0), []ratelimit.Charge{{secret, ratelimit.Rule{Limit: -1, Window: time.Minute}}}, "Limit -1"},
		{"large limit", ratelimit.NewMemory(0), []ratelimit.Charge{{secret, ratelimit.Rule{ratelimit.TokenBucket, ratelimit.MaxLimit + 1, time.Minute}}}, "Limit 10001"},
		{"no window", ratelimit.NewMemory(0), []ratelimit.Charge{{secret, ratelimit.Rule{Limit: 1}}}, "Window 0s is not within 1ms to 168h0m0s"},
		{"negative window", ratelimit.NewMemory(0), []ratelimit.Charge{{secret, ratelimit.Rule{Limit: 1, Window: -time.Hour}}}, "Window -1h0m0s"},
		{"long window", ratelimit.NewMemory(0), []ratelimit.Charge{{secret, ratelimit.Rule{Limit: 1, Window: ratelimit.MaxWindow + 1}}}, "Window 168h0m0.000000001s"},
		{"only an algorithm", ratelimit.NewMemory(0), []ratelimit.Charge{{secret, ratelimit.Rule{Algorithm: ratelimit.TokenBucket}}}, "Limit 0"},
		{"unknown algorithm", ratelimit.NewMemory(0), []ratelimit.Charge{{secret, ratelimit.Rule{2, 1, time.Minute}}}, "Algorithm 2 is unknown"},
		{"too many", ratelimit.NewMemory(0), make([]ratelimit.Charge, ratelimit.MaxCharges+1), "9 charges in one call: at most 8"},
		{"short answer", short{}, []ratelimit.Charge{good}, "0 decisions for 1 charges"},
		{"outage", down{}, []ratelimit.Charge{good}, "the store cannot count: connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := ratelimit.Take(t.Context(), tt.store, epoch, tt.charges...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if d != (ratelimit.Decision{}) || d.Allowed {
				t.Errorf("an error comes with %+v, which is no refusal", d)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
	if _, err := ratelimit.Take(t.Context(), down{}, epoch, good); !errors.Is(err, errDown) {
		t.Errorf("%v hides the store's error", err)
	}
	if err := ratelimit.Refund(t.Context(), down{}, epoch, good); !errors.Is(err, errDown) {
		t.Errorf("%v hides the store's error", err)
	}
	if err := ratelimit.Refund(t.Context(), ratelimit.NewMemory(0), epoch, ratelimit.Charge{"", eight}); err == nil {
		t.Error("Refund took an empty key")
	}
}

// short forgets to answer.
type short struct{ down }

func (short) Take(context.Context, time.Time, []ratelimit.Charge) ([]ratelimit.Decision, error) {
	return nil, nil
}

func TestLargestRulesDoNotOverflow(t *testing.T) {
	for _, algorithm := range []ratelimit.Algorithm{ratelimit.SlidingWindow, ratelimit.TokenBucket} {
		m, c := ratelimit.NewMemory(0), ratelimit.Charge{"a", ratelimit.Rule{algorithm, ratelimit.MaxLimit, ratelimit.MaxWindow}}
		if got := pass(t, m, epoch, ratelimit.MaxLimit+10, c); got != ratelimit.MaxLimit {
			t.Errorf("algorithm %d: %d pass, not %d", algorithm, got, ratelimit.MaxLimit)
		}
		if got := pass(t, m, epoch.Add(ratelimit.MaxWindow), ratelimit.MaxLimit+10, c); got != ratelimit.MaxLimit {
			t.Errorf("algorithm %d, a window later: %d pass, not %d", algorithm, got, ratelimit.MaxLimit)
		}
		if got := pass(t, m, epoch.AddDate(100, 0, 0), ratelimit.MaxLimit+10, c); got != ratelimit.MaxLimit {
			t.Errorf("algorithm %d, a century later: %d pass, not %d", algorithm, got, ratelimit.MaxLimit)
		}
	}
}

func TestWithoutARuleEverythingPasses(t *testing.T) {
	m, off := ratelimit.NewMemory(0), ratelimit.Charge{"a", ratelimit.Rule{}}
	if got := pass(t, m, epoch, 1000, off); got != 1000 {
		t.Errorf("%d of 1,000 pass", got)
	}
	if got := pass(t, m, epoch, 1000); got != 1000 {
		t.Errorf("without charges %d of 1,000 pass", got)
	}
	if m.Keys() != 0 {
		t.Errorf("%d keys are counted by no rule", m.Keys())
	}
	d, err := ratelimit.Take(t.Context(), m, epoch, off, ratelimit.Charge{"b", eight})
	if err != nil || d.Limit != 8 || d.Charge != 1 {
		t.Errorf("%+v, %v: not the decision of the charge with a rule", d, err)
	}
}

func TestTheSameChargeTwiceIsOne(t *testing.T) {
	m, c := ratelimit.NewMemory(0), ratelimit.Charge{"a", eight}
	if got := pass(t, m, epoch, 20, c, c, c); got != 8 {
		t.Errorf("%d pass, not 8", got)
	}
	if err := ratelimit.Refund(t.Context(), m, epoch, c, c); err != nil {
		t.Fatal(err)
	}
	if got := pass(t, m, epoch, 20, c); got != 1 {
		t.Errorf("%d pass after one refund", got)
	}
}

func TestTakeDecidesForAll(t *testing.T) {
	var (
		hour   = ratelimit.Charge{"hour", ratelimit.Rule{Limit: 2, Window: time.Hour}}
		day    = ratelimit.Charge{"day", ratelimit.Rule{Limit: 3, Window: 24 * time.Hour}}
		minute = ratelimit.Charge{"minute", ratelimit.Rule{Limit: 2, Window: time.Minute}}
	)
	tests := []struct {
		name    string
		before  []ratelimit.Charge // each taken once, alone
		charges []ratelimit.Charge
		want    ratelimit.Decision
	}{
		{"allowed: the least left", nil, []ratelimit.Charge{day, minute, {"eight", eight}},
			ratelimit.Decision{Allowed: true, Limit: 2, Remaining: 1, Reset: epoch.Add(time.Minute), Charge: 1}},
		{"allowed: of equals the latest reset", nil, []ratelimit.Charge{minute, hour},
			ratelimit.Decision{Allowed: true, Limit: 2, Remaining: 1, Reset: epoch.Add(time.Hour), Charge: 1}},
		{"refused: by the only one", []ratelimit.Charge{minute, minute}, []ratelimit.Charge{hour, minute, day},
			ratelimit.Decision{Limit: 2, RetryAfter: time.Minute, Reset: epoch.Add(time.Minute), Charge: 1}},
		{"refused: by the longest", []ratelimit.Charge{minute, minute, hour, hour}, []ratelimit.Charge{minute, day, hour},
			ratelimit.Decision{Limit: 2, RetryAfter: time.Hour, Reset: epoch.Add(time.Hour), Charge: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := ratelimit.NewMemory(0)
			for _, c := range tt.before {
				pass(t, m, epoch, 1, c)
			}
			got, err := ratelimit.Take(t.Context(), m, epoch, tt.charges...)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Reset.Equal(tt.want.Reset) {
				t.Errorf("Reset %v, want %v", got.Reset, tt.want.Reset)
			}
			got.Reset = tt.want.Reset
			if got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	reset := time.Unix(1_800_000_000, 0)
	lines := func(limit, remaining, reset, retry string) http.Header {
		h := http.Header{}
		for name, value := range map[string]string{
			"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset, "Retry-After": retry,
		} {
			if value != "" {
				h.Set(name, value)
			}
		}
		return h
	}
	tests := []struct {
		name string
		d    ratelimit.Decision
		want http.Header
	}{
		{"allowed", ratelimit.Decision{Allowed: true, Limit: 8, Remaining: 7, Reset: reset}, lines("8", "7", "1800000000", "")},
		{"refused", ratelimit.Decision{Limit: 8, RetryAfter: time.Minute, Reset: reset}, lines("8", "0", "1800000000", "60")},
		{"rounded up", ratelimit.Decision{Limit: 8, RetryAfter: time.Minute + 1, Reset: reset.Add(1)}, lines("8", "0", "1800000001", "61")},
		{"a moment", ratelimit.Decision{Limit: 8, RetryAfter: 1, Reset: reset.Add(-1)}, lines("8", "0", "1800000000", "1")},
		{"no rule", ratelimit.Decision{Allowed: true}, http.Header{}},
		{"an error's", ratelimit.Decision{}, lines("", "", "", "1")},
	}
	for _, tt := range tests {
		if got := tt.d.Header(); !maps.EqualFunc(got, tt.want, func(a, b []string) bool { return len(a) == 1 && a[0] == b[0] }) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
