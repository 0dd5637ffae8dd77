package ratelimit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
	"github.com/aura-stack-go/auth/core/ratelimit/ratelimittest"
)

func TestMemory(t *testing.T) {
	ratelimittest.Run(t, func(*testing.T) ratelimit.Store { return ratelimit.NewMemory(0) })
}

func TestModel(t *testing.T) {
	ratelimittest.Run(t, func(*testing.T) ratelimit.Store { return newModel("") })
}

// TestRowsCatchBrokenStores breaks the model in one way at a time. Each row has
// to fail for one that breaks what it is about: it would prove nothing otherwise.
func TestRowsCatchBrokenStores(t *testing.T) {
	tests := []struct {
		fault string
		rows  []string
	}{
		{"checks, then charges", []string{"window in parallel", "bucket in parallel", "several in parallel"}},
		{"charges one by one", []string{"a refusal charges nothing", "several in parallel"}},
		{"counts refusals", []string{"window forgives hammering", "a refusal charges nothing"}},
		{"counts by the quarter", []string{"window slides"}},
		{"counts a moment too long", []string{"window slides", "window decides"}},
		{"cuts keys", []string{"keys are apart"}},
		{"folds keys", []string{"keys are apart"}},
		{"cleans keys", []string{"keys are apart"}},
		{"trims keys", []string{"keys are apart"}},
		{"mixes rules", []string{"keys are apart"}},
		{"rounds tokens", []string{"bucket keeps fractions"}},
		{"overflows", []string{"bucket refills"}},
		{"refunds nothing", []string{"a refund gives back one"}},
		{"refunds everything", []string{"a refund gives back one"}},
		{"refunds above full", []string{"a refund of nothing gives nothing"}},
		{"refunds the newest", []string{"a refund takes its own"}},
		{"refuses for a Window", []string{"window decides", "bucket decides"}},
		{"refuses for a moment", []string{"window decides", "bucket decides"}},
		{"resets now", []string{"window decides", "bucket decides"}},
		{"resets a Window later", []string{"window decides", "bucket decides"}},
		{"reports what was left before", []string{"window decides", "bucket decides"}},
		{"believes in the future", []string{"clock set back, window", "clock set far back, window"}},
		{"waits for the clock", []string{"clock set far back, bucket"}},
		{"follows the clock", []string{"clock set back, bucket"}},
	}
	// A store that is down fails every row, and so tells their names.
	unproved := ratelimittest.Check(t.Context(), func() ratelimit.Store { return down{} })
	if len(unproved) < 18 {
		t.Errorf("only %d rows notice that the store is down", len(unproved))
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			failed := ratelimittest.Check(t.Context(), func() ratelimit.Store { return newModel(tt.fault) })
			for _, row := range tt.rows {
				if failed[row] == nil {
					t.Errorf("%q passes", row)
				}
				delete(unproved, row)
			}
		})
	}
	for row := range unproved {
		t.Errorf("no broken store fails %q", row)
	}
}

var errDown = errors.New("connection refused")

// down is a store that cannot be reached.
type down struct{}

func (down) Take(context.Context, time.Time, []ratelimit.Charge) ([]ratelimit.Decision, error) {
	return nil, errDown
}
func (down) Refund(context.Context, time.Time, []ratelimit.Charge) error { return errDown }
