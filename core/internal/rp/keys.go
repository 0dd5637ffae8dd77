package rp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

const (
	keysTTL = 15 * time.Minute
	// keysCooldown is the shortest time between two fetches because of key ids
	// that turn out not to exist: whoever invents them costs the provider two
	// requests a minute, not one per token.
	keysCooldown = 30 * time.Second
	maxKeyTries  = 8 // keys tried on a token without kid, or with a kid that several keys share
)

// keyCache holds the keys of one provider.
//
//   - Fresh for 15 minutes; then the next token waits for one fetch.
//   - While that fails, the old keys go on for a day after they were fetched;
//     a token with a key id that they lack is then not invalid but unknown, and
//     the error says Unreachable.
//   - A key id that fresh keys lack is looked up at once, by one fetch for all
//     who wait. If it is still unknown after a fetch that succeeded, unknown
//     ids cost no further fetch for 30 seconds.
type keyCache struct {
	fetch   func(context.Context, string) ([]publicKey, error)
	now     func() time.Time
	timeout time.Duration
	log     *slog.Logger

	mu        sync.Mutex
	address   string // what the rest belongs to; metadata can move it
	keys      []publicKey
	fetchedAt time.Time // zero: nothing fetched yet
	coolUntil time.Time
	failure   backoff
	inflight  *flight[[]publicKey]
}

func newKeyCache(c Config, fetch func(context.Context, string) ([]publicKey, error)) *keyCache {
	return &keyCache{fetch: fetch, now: c.Now, timeout: c.Timeout, log: c.Logger.With("provider", c.ID)}
}

// verify returns the payload of a token whose header has been checked.
func (k *keyCache) verify(ctx context.Context, address, raw string, h joseHeader, t tenancy) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{h.algorithm.name})
	if err != nil {
		return nil, failure(CodeIDTokenInvalid, "not a signed token")
	}

	held, err := k.load(ctx, address)
	if err != nil {
		return nil, err
	}
	payload, known := tryKeys(jws, held.keys, h, t)
	if payload != nil {
		return payload, nil
	}
	if known && h.kid != "" {
		return nil, failure(CodeIDTokenInvalid, "the signature does not verify")
	}

	// A new key, or a forged id: only the provider can tell. During an outage
	// the refetch ends in the error that says so.
	if !held.justFetched {
		if held.keys, err = k.refetch(ctx, address); err != nil {
			return nil, err
		}
		if payload, _ = tryKeys(jws, held.keys, h, t); payload != nil {
			return payload, nil
		}
	}
	k.cool()
	return nil, failure(CodeIDTokenInvalid, "no key of the provider verifies the signature (kid %q)", h.kid)
}

// tryKeys verifies jws with the keys that fit. known reports whether there was
// any.
func tryKeys(jws *jose.JSONWebSignature, keys []publicKey, h joseHeader, t tenancy) (payload []byte, known bool) {
	tries := 0
	for _, key := range keys {
		if !key.fits(h.algorithm) || !t.allows(key) || h.kid != "" && key.kid != h.kid {
			continue
		}
		if tries++; tries > maxKeyTries {
			break
		}
		if payload, err := jws.Verify(key.key); err == nil {
			return payload, true
		}
	}
	return nil, tries > 0
}

// held is what a verification works with; the keys are stale during an outage.
type held struct {
	keys        []publicKey
	justFetched bool
}

// load returns the keys by age alone.
func (k *keyCache) load(ctx context.Context, address string) (held, error) {
	k.mu.Lock()
	if k.address != address {
		k.forget(address)
	}
	now := k.now()
	age := now.Sub(k.fetchedAt)
	cached := held{keys: k.keys}
	usable := !k.fetchedAt.IsZero() && age < staleLimit
	if usable && age < keysTTL {
		k.mu.Unlock()
		return cached, nil
	}
	pending, err := k.start(now)
	k.mu.Unlock()

	if err == nil {
		var keys []publicKey
		if keys, err = pending.wait(ctx); err == nil {
			return held{keys: keys, justFetched: true}, nil
		}
		err = failed(CodeKeysInvalid, "keys", err)
	}
	if !usable || ctx.Err() != nil {
		return held{}, err
	}
	return cached, nil
}

// refetch returns the keys of a fetch that ends after this call begins, or,
// during the cooldown, the cached ones at once.
func (k *keyCache) refetch(ctx context.Context, address string) ([]publicKey, error) {
	k.mu.Lock()
	if k.address != address {
		k.forget(address)
	}
	now := k.now()
	if k.inflight == nil && now.Before(k.coolUntil) {
		defer k.mu.Unlock()
		return k.keys, nil
	}
	pending, err := k.start(now)
	k.mu.Unlock()
	if err != nil {
		return nil, err
	}
	keys, err := pending.wait(ctx)
	if err != nil {
		return nil, failed(CodeKeysInvalid, "keys", err)
	}
	return keys, nil
}

// cool is called for a key id that a successful fetch did not bring. A failed
// fetch does not count: it has its own, growing, pause.
func (k *keyCache) cool() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); !now.Before(k.coolUntil) {
		k.coolUntil = now.Add(keysCooldown)
	}
}

// start joins the fetch under way, or begins one unless the last has failed
// just now. k.mu is held.
func (k *keyCache) start(now time.Time) (*flight[[]publicKey], error) {
	if k.inflight != nil {
		return k.inflight, nil
	}
	if k.failure.active(now) {
		return nil, k.failure.err
	}
	address := k.address
	k.inflight = launch(k.timeout,
		func(ctx context.Context) ([]publicKey, error) { return k.fetch(ctx, address) },
		func(keys []publicKey, err error) { k.land(address, keys, err) })
	return k.inflight, nil
}

func (k *keyCache) land(address string, keys []publicKey, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.address != address {
		return // jwks_uri has moved meanwhile
	}
	k.inflight = nil
	if err != nil {
		k.failure.note(failed(CodeKeysInvalid, "keys", err), k.now())
		if !k.fetchedAt.IsZero() {
			// Not everybody gets this error: known keys go on.
			k.log.Warn("aura: fetching keys failed, keeping the last ones", "error", k.failure.err.Error())
		}
		return
	}
	k.keys, k.fetchedAt, k.failure = keys, k.now(), backoff{}
}

// forget starts anew for another jwks_uri. k.mu is held.
func (k *keyCache) forget(address string) {
	k.address = address
	k.keys, k.fetchedAt, k.coolUntil = nil, time.Time{}, time.Time{}
	k.failure, k.inflight = backoff{}, nil
}

func (p *Party) fetchKeys(ctx context.Context, address string) ([]publicKey, error) {
	a, err := p.getPublic(ctx, address)
	if err != nil {
		return nil, failed(CodeKeysInvalid, "keys", err)
	}
	if a.status != http.StatusOK {
		e := failure(CodeKeysInvalid, "keys: %s answered %d", hostOf(address), a.status)
		e.unreachable = a.down()
		return nil, e
	}
	keys, err := parseKeys(a.body, p.config.SigningAlgs)
	if err != nil {
		return nil, failure(CodeKeysInvalid, "keys: %w", err)
	}
	return keys, nil
}

// verification is the key set that go-oidc sees during one ID token's
// verification. go-oidc turns a key set's error into text, and the difference
// between a forged token and an unreachable provider would be lost; so the
// error, and the payload byte for byte, are kept here.
type verification struct {
	keys    *keyCache
	address string
	header  joseHeader
	tenant  tenancy
	payload []byte
	err     error
}

// VerifySignature implements oidc.KeySet.
func (v *verification) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	v.payload, v.err = v.keys.verify(ctx, v.address, raw, v.header, v.tenant)
	if v.err != nil {
		return nil, fmt.Errorf("key set: %w", v.err)
	}
	if len(v.payload) == 0 {
		return nil, errors.New("empty payload")
	}
	return v.payload, nil
}
