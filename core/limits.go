package aura

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aura-stack-go/auth/core/ratelimit"
)

// LimitsConfig bounds how often things may be tried. Addresses are those of the
// peer, or what a trusted proxy says; IPv6 counts by /64. A zero rule stands for
// the default; ratelimit.Rule with a great Limit lifts one.
type LimitsConfig struct {
	// Store counts. Default: the memory of this process, bounded. Use one that is
	// shared to have one count for several processes.
	Store ratelimit.Store

	SignIn            ratelimit.Rule // starts of sign-ins per address. Default: 300 a minute
	Credentials       ratelimit.Rule // attempts per account and address. Default: 8 in 15 minutes
	CredentialsSource ratelimit.Rule // attempts per address, and as many again with ID tokens. Default: 100 in 15 minutes
	CredentialsTarget ratelimit.Rule // attempts per account, from anywhere. Default: 100 at once, then one in 6 minutes
	SignUp            ratelimit.Rule // per address. Default: 20 an hour
	Session           ratelimit.Rule // updates, tokens, refreshes and revocations per session, over the routes. Default: 200 at once, refilled 5 a second
}

func (l *LimitsConfig) defaults() {
	for rule, otherwise := range map[*ratelimit.Rule]ratelimit.Rule{
		&l.SignIn:            {Limit: 300, Window: time.Minute},
		&l.Credentials:       {Limit: 8, Window: 15 * time.Minute},
		&l.CredentialsSource: {Limit: 100, Window: 15 * time.Minute},
		&l.CredentialsTarget: {Algorithm: ratelimit.TokenBucket, Limit: 100, Window: 10 * time.Hour},
		&l.SignUp:            {Limit: 20, Window: time.Hour},
		&l.Session:           {Algorithm: ratelimit.TokenBucket, Limit: 200, Window: 40 * time.Second},
	} {
		setDefault(rule, otherwise)
	}
	if l.Store == nil {
		l.Store = ratelimit.NewMemory(0)
	}
}

func (l *LimitsConfig) validate(p *problemList) {
	for name, rule := range map[string]ratelimit.Rule{
		"SignIn": l.SignIn, "Credentials": l.Credentials, "CredentialsSource": l.CredentialsSource,
		"CredentialsTarget": l.CredentialsTarget, "SignUp": l.SignUp, "Session": l.Session,
	} {
		p.addAll("Limits."+name+": ", rule.Validate())
	}
}

// address names the client of a visit in limits. Peers without an address (a
// Unix socket, a proxy that hides it) share a name; unknown says so, and their
// rules are wider, so that none of them easily locks out the rest.
func (a *Auth) address(v *visit) (name string, unknown bool) {
	addr, ok := a.origins.ClientAddr(v.r)
	if name = ratelimit.Address(addr); !ok || name == "" {
		return "unknown", true
	}
	return name, false
}

// byAddress is a charge against the address of a visit.
func (a *Auth) byAddress(v *visit, purpose string, rule ratelimit.Rule) ratelimit.Charge {
	name, unknown := a.address(v)
	if unknown {
		rule.Limit = min(rule.Limit*50, ratelimit.MaxLimit)
	}
	return ratelimit.Charge{Key: purpose + ":" + name, Rule: rule}
}

// take makes the charges. A store that cannot count stops what a limit protects
// from guessing (closed), and lets the rest through.
func (a *Auth) take(v *visit, closed bool, charges ...ratelimit.Charge) error {
	ctx, cancel := context.WithTimeout(v.ctx(), storeTimeout)
	defer cancel()
	d, err := ratelimit.Take(ctx, a.cfg.Limits.Store, v.now, charges...)
	switch {
	case err != nil && closed:
		return &Error{Code: CodeLimiterUnavailable, Err: err, retryAfter: retryAfter}
	case err != nil:
		a.log.LogAttrs(v.ctx(), slog.LevelError, "aura: the rate limiter's store fails; going on without it",
			slog.String("event", "limiterFailed"), slog.String("cause", err.Error()))
		return nil
	case !d.Allowed:
		return &Error{Code: CodeRateLimited, Err: errors.New("too many attempts"), limit: &d}
	}
	return nil
}

// storeTimeout bounds one call of a store: somebody is waiting.
const storeTimeout = 2 * time.Second

// limitCredentials charges an attempt on an account, and returns how to give it
// back when an outage has cut it short.
func (a *Auth) limitCredentials(v *visit, username string) (refund func(), err error) {
	l := &a.cfg.Limits
	pair := a.byAddress(v, "credentials", l.Credentials)
	pair.Key += ":" + username
	charges := []ratelimit.Charge{
		pair,
		a.byAddress(v, "credentials", l.CredentialsSource),
		{Key: "account:" + username, Rule: l.CredentialsTarget},
	}
	return a.refunder(v, charges...), a.take(v, true, charges...)
}

// limitIDToken charges an attempt with an ID token, and returns how to give it
// back: the limit is about those that fail.
func (a *Auth) limitIDToken(v *visit) (refund func(), err error) {
	charge := a.byAddress(v, "idToken", a.cfg.Limits.CredentialsSource)
	return a.refunder(v, charge), a.take(v, true, charge)
}

// refunder gives charges back.
func (a *Auth) refunder(v *visit, charges ...ratelimit.Charge) func() {
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(v.ctx()), storeTimeout)
		defer cancel()
		_ = ratelimit.Refund(ctx, a.cfg.Limits.Store, v.now, charges...) // a charge too many runs out by itself
	}
}

// limitSession charges one of a session's actions.
func (a *Auth) limitSession(v *visit, s *Session) error {
	return a.take(v, false, ratelimit.Charge{Key: "session:" + s.ID, Rule: a.cfg.Limits.Session})
}
