package ratelimit_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

// Wrong passwords are counted for each account and address together, and for
// the address; one that was right is given back.
func Example() {
	var (
		ctx     = context.Background()
		limits  = ratelimit.NewMemory(0)
		now     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		address = ratelimit.Address(netip.MustParseAddr("2001:db8::7"))
		charges = []ratelimit.Charge{
			{Key: "credentials:" + address + ":ada", Rule: ratelimit.Rule{Limit: 3, Window: 15 * time.Minute}},
			{Key: "credentials:" + address, Rule: ratelimit.Rule{Limit: 100, Window: 15 * time.Minute}},
		}
	)
	for _, password := range []string{"hunter2", "right", "letmein", "qwerty", "right"} {
		decision, err := ratelimit.Take(ctx, limits, now, charges...)
		if err != nil || !decision.Allowed {
			fmt.Println("429, Retry-After:", decision.Header().Get("Retry-After"))
			continue
		}
		if password == "right" {
			fmt.Println("welcome", ratelimit.Refund(ctx, limits, now, charges...))
			continue
		}
		fmt.Println("wrong,", decision.Remaining, "more")
	}
	// Output:
	// wrong, 2 more
	// welcome <nil>
	// wrong, 1 more
	// wrong, 0 more
	// 429, Retry-After: 900
}
