// Package ratelimit counts attempts and says when there were too many: a
// sliding window or a token bucket per rule, in memory or in a [Store] that
// several processes share.
//
//	limits := ratelimit.NewMemory(0)
//	from := ratelimit.Address(addr)
//	decision, err := ratelimit.Take(ctx, limits, now,
//		ratelimit.Charge{Key: "credentials:" + from + ":" + account, Rule: ratelimit.Rule{Limit: 8, Window: 15 * time.Minute}},
//		ratelimit.Charge{Key: "credentials:" + from, Rule: ratelimit.Rule{Limit: 100, Window: 15 * time.Minute}},
//	)
//
// # What is exact
//
// Of any number of parallel attempts exactly Limit pass, for one charge and for
// several together. Several are one decision: when one refuses, none of them
// has been charged, so that an attacker who is stopped by the limit on his
// address cannot use up what is left of somebody else's account. A refused
// attempt is never counted: hammering at a closed door does not keep it closed.
//
// # Time
//
// The caller gives the time with each call, and there is no goroutine. A clock
// that is set forward by a window frees what was counted before; there is no
// telling that from time that has passed. A clock that is set back frees
// nothing, and nobody waits longer for it than two windows.
//
// # Counting failures only
//
// An attempt has to be charged before its outcome is known, or parallel ones
// slip through. [Refund] gives a charge back once the outcome is known to be
// harmless: a sign-in that succeeded, or one that an outage cut short. It gives
// back that one attempt, and not the failures before it.
package ratelimit
