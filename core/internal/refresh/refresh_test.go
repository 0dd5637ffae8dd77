package refresh

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func clockAt(t *time.Time) func() time.Time { return func() time.Time { return *t } }

func TestOneCallForMany(t *testing.T) {
	var g Group[string]
	var calls atomic.Int32
	release := make(chan struct{})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			got, err := g.Do(t.Context(), "old", time.Now, func(context.Context) (string, time.Duration, error) {
				calls.Add(1)
				<-release
				return "new", Memory, nil
			})
			if got != "new" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestLateComersGetTheSameAnswer(t *testing.T) {
	var g Group[int]
	now := time.Unix(1_800_000_000, 0)
	n := 0
	do := func() int {
		got, err := g.Do(t.Context(), "old", clockAt(&now), func(context.Context) (int, time.Duration, error) { n++; return n, Memory, nil })
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first, second := do(), do()
	if first != 1 || second != 1 {
		t.Error("asked again, it called again")
	}
	now = now.Add(Memory)
	if do() != 1 {
		t.Error("forgotten too early")
	}
	now = now.Add(time.Second)
	if do() != 2 {
		t.Error("remembered for more than ten minutes")
	}
}

func TestFailuresAreNotRemembered(t *testing.T) {
	var g Group[int]
	outage := errors.New("outage")
	_, err := g.Do(t.Context(), "old", time.Now, func(context.Context) (int, time.Duration, error) { return 0, 0, outage })
	if !errors.Is(err, outage) {
		t.Fatalf("got %v", err)
	}
	got, err := g.Do(t.Context(), "old", time.Now, func(context.Context) (int, time.Duration, error) { return 7, Memory, nil })
	if got != 7 || err != nil {
		t.Errorf("after an outage: %d, %v", got, err)
	}
	if len(g.calls) != 1 || len(g.order) != 1 {
		t.Errorf("%d calls and %d in order, want one of each", len(g.calls), len(g.order))
	}
}

// The request that happens to lead is cancelled: the others still get the answer.
func TestLeaderLeaves(t *testing.T) {
	var g Group[string]
	started, release := make(chan struct{}), make(chan struct{})
	leader, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := g.Do(leader, "old", time.Now, func(ctx context.Context) (string, time.Duration, error) {
			close(started)
			<-release
			return "new", Memory, ctx.Err()
		})
		left <- err
	}()
	<-started
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the leader got %v, want its own cancellation", err)
	}
	close(release)
	got, err := g.Do(t.Context(), "old", time.Now, func(context.Context) (string, time.Duration, error) { return "second call", Memory, nil })
	if got != "new" || err != nil {
		t.Errorf("the follower got %q, %v", got, err)
	}
}

func TestPanicEndsTheCall(t *testing.T) {
	var g Group[int]
	if _, err := g.Do(t.Context(), "old", time.Now, func(context.Context) (int, time.Duration, error) { panic("in a provider") }); !errors.Is(err, errPanic) {
		t.Errorf("got %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var g Group[int]
	now := time.Unix(1_800_000_000, 0)
	for i := range capacity + 100 {
		if _, err := g.Do(t.Context(), strconv.Itoa(i), clockAt(&now), func(context.Context) (int, time.Duration, error) { return i, Memory, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(g.calls) > capacity+1 {
		t.Errorf("%d answers are remembered, the bound is %d", len(g.calls), capacity)
	}
}

// An answer with a short life is forgotten before others that came earlier.
func TestShortMemory(t *testing.T) {
	var g Group[int]
	now := time.Unix(1_800_000_000, 0)
	n := 0
	do := func(secret string, remember time.Duration) int {
		got, err := g.Do(t.Context(), secret, clockAt(&now), func(context.Context) (int, time.Duration, error) { n++; return n, remember, nil })
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	long, short := do("long", Memory), do("short", time.Minute)
	now = now.Add(time.Minute + time.Second)
	if again := do("short", time.Minute); again == short {
		t.Error("remembered for more than a minute")
	}
	if do("long", Memory) != long {
		t.Error("the long one was forgotten with it")
	}
	now = now.Add(Memory + time.Second)
	do("sweep", 0)
	if len(g.calls) != 0 || len(g.order) != 0 {
		t.Errorf("%d calls and %d in order are left", len(g.calls), len(g.order))
	}
}

func TestKnown(t *testing.T) {
	var g Group[string]
	now := time.Unix(1_800_000_000, 0)
	if _, ok := g.Known(t.Context(), "old", clockAt(&now)); ok || len(g.calls) != 0 {
		t.Error("knows what nobody has asked for, or notes that it was asked")
	}
	if _, err := g.Do(t.Context(), "old", clockAt(&now), func(context.Context) (string, time.Duration, error) { return "new", Memory, nil }); err != nil {
		t.Fatal(err)
	}
	if got, ok := g.Known(t.Context(), "old", clockAt(&now)); !ok || got != "new" {
		t.Errorf("got %q, %v", got, ok)
	}
	now = now.Add(Memory + time.Second)
	if _, ok := g.Known(t.Context(), "old", clockAt(&now)); ok {
		t.Error("knows for longer than it remembers")
	}
}
