package ratelimit_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

var (
	epoch  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	eight  = ratelimit.Rule{Limit: 8, Window: 15 * time.Minute}
	bucket = ratelimit.Rule{Algorithm: ratelimit.TokenBucket, Limit: 200, Window: 40 * time.Second}
)

// pass makes n attempts and returns how many pass.
func pass(tb testing.TB, store ratelimit.Store, now time.Time, n int, charges ...ratelimit.Charge) int {
	tb.Helper()
	passed := 0
	for range n {
		d, err := ratelimit.Take(tb.Context(), store, now, charges...)
		if err != nil {
			tb.Fatal(err)
		}
		if d.Allowed {
			passed++
		}
	}
	return passed
}

// held is what the heap holds, after everything that can be dropped has been.
func held() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Measures what Memory claims under what strangers can do to it: very many keys,
// few with long records, and, since it is one Memory, each after the others.
func TestMemoryStaysWithinItsBytes(t *testing.T) {
	const size = 4 << 20
	tests := []struct {
		name           string
		rule           ratelimit.Rule
		keys, attempts int
	}{
		{"ten times what fits", eight, 200_000, 1},
		{"buckets", bucket, 50_000, 1},
		{"two attempts each", eight, 40_000, 2},
		{"all of 8", eight, 25_000, 8},
		{"all of 300", ratelimit.Rule{Limit: 300, Window: time.Minute}, 1_600, 300},
		{"all of the largest limit", ratelimit.Rule{Limit: ratelimit.MaxLimit, Window: time.Minute}, 45, ratelimit.MaxLimit},
		{"keys again", eight, 50_000, 1},
	}
	before := held()
	m := ratelimit.NewMemory(size)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.keys / 5 {
				charges := make([]ratelimit.Charge, 5)
				for k := range charges {
					charges[k] = ratelimit.Charge{fmt.Sprint(tt.name, i, k), tt.rule}
				}
				if got := pass(t, m, epoch, tt.attempts, charges...); got != tt.attempts {
					t.Fatalf("%d of %d attempts passed", got, tt.attempts)
				}
			}
			grown := held() - before
			t.Logf("%d keys in %d bytes, %d each", m.Keys(), grown, grown/int64(m.Keys()))
			if grown > size {
				t.Errorf("holds %d bytes, more than %d", grown, size)
			}
			if grown < size/2 {
				t.Errorf("holds %d bytes, less than half of %d: the measurement or the accounting is wrong", grown, size)
			}
		})
	}
	runtime.KeepAlive(m)
}

func TestMemoryHoldsWhatItsDocumentationSays(t *testing.T) {
	fill := func(m *ratelimit.Memory, keys int) int {
		for i := range keys {
			pass(t, m, epoch, 1, ratelimit.Charge{Key: fmt.Sprint(i), Rule: eight})
		}
		return m.Keys()
	}
	least := fill(ratelimit.NewMemory(-1), 6_000)
	if n := least * (ratelimit.DefaultMemory >> 20); n < 155_000 || n > 165_000 {
		t.Errorf("%d keys in DefaultMemory, not about 160,000", n)
	}
	if n := fill(ratelimit.NewMemory(0), 20_000); n != 20_000 {
		t.Errorf("%d of 20,000 keys: the default is not DefaultMemory", n)
	}
}

func BenchmarkTake(b *testing.B) {
	for _, keys := range []int{1, 1_000, 1_000_000} {
		b.Run(fmt.Sprint(keys, " keys"), func(b *testing.B) {
			names := make([]string, keys)
			for i := range names {
				names[i] = fmt.Sprint("credentials:192.0.2.7:", i)
			}
			m := ratelimit.NewMemory(0)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, _ = ratelimit.Take(b.Context(), m, epoch, ratelimit.Charge{names[rand.IntN(keys)], eight})
				}
			})
		})
	}
}
