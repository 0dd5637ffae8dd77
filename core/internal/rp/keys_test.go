package rp

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func rotate(f *fakeIDP, kid string, key *rsa.PrivateKey) {
	f.set(func() {
		f.keys = []map[string]any{rsaJWK(kid, &key.PublicKey)}
		f.header["kid"] = kid
		f.idToken = func(h, c []byte) string { return signRS256(key, h, c) }
	})
}

func setKid(f *fakeIDP, kid any) {
	f.set(func() {
		f.header["kid"] = kid
		if kid == nil {
			delete(f.header, "kid")
		}
	})
}

// ID-15, ID-16: tokens without kid.
func TestKidAbsent(t *testing.T) {
	f := newIDP(t)
	setKid(f, nil)
	_, err := exchange(t, f.party(t))
	expect(t, err, "")

	f.keys = []map[string]any{rsaJWK("a", &otherRSA().PublicKey), ecJWK("b", &ecKey().PublicKey), rsaJWK("c", &rsaKey().PublicKey)}
	_, err = exchange(t, f.party(t))
	expect(t, err, "")

	// The policy: at most eight keys are tried.
	f.keys = nil
	for i := range maxKeyTries {
		f.keys = append(f.keys, rsaJWK(fmt.Sprint(i), &otherRSA().PublicKey))
	}
	f.keys = append(f.keys, rsaJWK("last", &rsaKey().PublicKey))
	_, err = exchange(t, f.party(t))
	expect(t, err, CodeIDTokenInvalid)
	f.keys = f.keys[1:]
	_, err = exchange(t, f.party(t))
	expect(t, err, "")
}

// ID-18, DO-14: bad keys are ignored one by one.
func TestKeySetWithBadKeys(t *testing.T) {
	good := rsaJWK("k1", &rsaKey().PublicKey)
	with := func(change map[string]any) map[string]any {
		k := rsaJWK("k1", &rsaKey().PublicKey)
		for name, v := range change {
			k[name] = v
		}
		return k
	}
	bits := func(n uint) string {
		return b64(new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), n-1), 0, 1).Bytes())
	}
	off := ecJWK("k1", &ecKey().PublicKey)
	off["y"] = off["x"]
	for name, bad := range map[string]any{
		"use enc":        with(map[string]any{"use": "enc"}),
		"key_ops":        with(map[string]any{"key_ops": []string{"encrypt"}}),
		"key_ops empty":  with(map[string]any{"key_ops": []string{}}),
		"alg of another": with(map[string]any{"alg": "PS256"}),
		"oct":            map[string]any{"kty": "oct", "kid": "k1", "k": "AAAA"},
		"private":        with(map[string]any{"d": "AAAA"}),
		"RSA 512":        with(map[string]any{"n": bits(512)}),
		"RSA 1024":       with(map[string]any{"n": bits(1024)}),
		"RSA 2047":       with(map[string]any{"n": bits(2047)}),
		"RSA 8193":       with(map[string]any{"n": bits(8193)}),
		"RSA 16k":        with(map[string]any{"n": bits(16384)}),
		"RSA even":       with(map[string]any{"n": b64(new(big.Int).Lsh(big.NewInt(1), 2047).Bytes())}),
		"e 1":            with(map[string]any{"e": "AQ"}),
		"e even":         with(map[string]any{"e": "AQAA"}),
		"e huge":         with(map[string]any{"e": "__________8"}),
		"e empty":        with(map[string]any{"e": ""}),
		"n not base64":   with(map[string]any{"n": "!"}),
		"off curve":      off,
		"EC short":       map[string]any{"kty": "EC", "crv": "P-256", "kid": "k1", "x": "AAAA", "y": "AAAA"},
		"unknown curve":  map[string]any{"kty": "EC", "crv": "secp256k1", "kid": "k1"},
		"unknown kty":    map[string]any{"kty": "LWE", "kid": "k1"},
		"wrong types":    map[string]any{"kty": 1, "kid": []int{}},
		"not an object":  "key",
	} {
		t.Run(name, func(t *testing.T) {
			raw := must(json.Marshal(bad))
			if k, ok := parseKey(raw, []string{"RS256", "ES256"}); ok {
				t.Errorf("accepted: %+v", k)
			}
			f := newIDP(t)
			f.overrides["/jwks"] = rawJSON(`{"keys":[` + string(raw) + `,` + string(must(json.Marshal(good))) + `]}`)
			_, err := exchange(t, f.party(t))
			expect(t, err, "")
		})
	}
	// The other side of the limits: what the rows above change is good before.
	for _, k := range []any{good, with(map[string]any{"key_ops": []string{"verify"}, "alg": "RS256"}), with(map[string]any{"n": bits(2048)}),
		with(map[string]any{"n": bits(8192)}), with(map[string]any{"e": "Aw"}), ecJWK("k1", &ecKey().PublicKey)} {
		if _, ok := parseKey(must(json.Marshal(k)), []string{"RS256", "ES256"}); !ok {
			t.Errorf("refused: %v", k)
		}
	}
	if _, ok := parseKey(must(json.Marshal(map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(make([]byte, 32))})), []string{"EdDSA"}); !ok {
		t.Error("Ed25519 refused although configured")
	}
}

// DO-14: of 10,000 good keys, 64 are used; 10,000 bad ones cost none of them.
func TestKeySetSize(t *testing.T) {
	one := string(must(json.Marshal(ecJWK("k", &ecKey().PublicKey))))
	keys, err := parseKeys([]byte(`{"keys":[`+strings.Repeat(one+",", 9999)+one+`]}`), []string{"ES256"})
	if err != nil || len(keys) != maxKeys {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	keys, err = parseKeys([]byte(`{"keys":[`+strings.Repeat(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},`, 9999)+one+`]}`), []string{"ES256"})
	if err != nil || len(keys) != 1 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

func TestKeySetMalformed(t *testing.T) {
	for _, body := range []string{``, `null`, `[]`, `{}`, `{"keys":null}`, `{"keys":{}}`, `<html>`} {
		f := newIDP(t)
		f.overrides["/jwks"] = rawJSON(body)
		_, err := exchange(t, f.party(t))
		if e := expect(t, err, CodeKeysInvalid); e.Unreachable() {
			t.Errorf("%q: taken for an outage", body)
		}
	}
}

// ID-26, ID-27: rotation between two sign-ins, and just before signing.
func TestRotation(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	_, err := exchange(t, p)
	expect(t, err, "")
	var noCache bool
	f.overrides["/jwks"] = func(w http.ResponseWriter, r *http.Request) {
		noCache = r.Header.Get("Cache-Control") == "no-cache"
		writeJSON(w, map[string]any{"keys": f.keys})
	}
	rotate(f, "k2", otherRSA())
	for range 3 {
		_, err = exchange(t, p)
		expect(t, err, "")
	}
	if n := f.count("/jwks"); n != 2 {
		t.Errorf("%d key fetches, want 2: one at first, one for the new key", n)
	}
	if !noCache {
		t.Error("the refetch may be answered out of a cache")
	}
	// Again within the same minute: a rotation costs no cooldown.
	rotate(f, "k3", rsaKey())
	_, err = exchange(t, p)
	expect(t, err, "")

	// Without kid.
	rotate(f, "k4", otherRSA())
	setKid(f, nil)
	_, err = exchange(t, p)
	expect(t, err, "")
}

// ID-28: a key taken out of the set ends with the cache.
func TestKeyRemoved(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	_, err := exchange(t, p)
	expect(t, err, "")
	f.set(func() { f.keys = []map[string]any{rsaJWK("k2", &otherRSA().PublicKey)} })
	f.clock.advance(keysTTL - time.Second)
	_, err = exchange(t, p)
	expect(t, err, "")
	f.clock.advance(time.Second)
	_, err = exchange(t, p)
	expect(t, err, CodeIDTokenInvalid)
}

// DO-06: 10,000 tokens with invented key ids within a minute.
func TestUnknownKidStorm(t *testing.T) {
	for _, warm := range []bool{true, false} {
		f := newIDP(t)
		p := f.party(t)
		if warm {
			_, err := exchange(t, p)
			expect(t, err, "")
		}
		before := f.count("/jwks")
		m, err := p.metadata(t.Context())
		expect(t, err, "")
		header := []byte(`{"alg":"RS256","kid":"k1"}`)
		good := signRS256(rsaKey(), header, []byte(`{}`))
		for i := range 10000 {
			forged := b64(fmt.Appendf(nil, `{"alg":"RS256","kid":"made-up-%d"}`, i)) + good[strings.IndexByte(good, '.'):]
			h, err := p.parseHeader(forged, idTokens)
			expect(t, err, "")
			_, err = p.keys.verify(t.Context(), m.JWKSURI, forged, h, tenancy{})
			if e := expect(t, err, CodeIDTokenInvalid); e.Unreachable() {
				t.Fatal("an invented key id was taken for an outage")
			}
			f.clock.advance(6 * time.Millisecond)
		}
		if n := f.count("/jwks") - before; n != 2 {
			t.Errorf("warm=%v: %d key fetches within a minute, want 2", warm, n)
		}
		_, err = exchange(t, p)
		expect(t, err, "")
	}
}

// FA-04: the key endpoint is down.
func TestKeysOutage(t *testing.T) {
	for name, row := range map[string]struct {
		down http.HandlerFunc
		most int // requests for one fetch
	}{
		"503": {status(503), 1},
		// net/http repeats a GET, and only a GET, on a reused connection that breaks.
		"reset": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			down := row.down
			f := newIDP(t)
			p := f.party(t)
			_, err := exchange(t, p)
			expect(t, err, "")
			f.set(func() { f.overrides["/jwks"] = down })

			// An unknown key id cannot be judged now.
			rotate(f, "k2", otherRSA())
			_, err = exchange(t, p)
			if e := expect(t, err, CodeKeysInvalid); !e.Unreachable() {
				t.Error("not reported as unreachable while keys are fresh")
			}
			// A failed fetch does not start the cooldown: the key is found as
			// soon as the pause after a failure is over.
			f.clock.advance(40 * time.Second)
			f.set(func() { delete(f.overrides, "/jwks") })
			_, err = exchange(t, p)
			expect(t, err, "")

			// Known keys outlive the outage, for a day.
			f.set(func() { f.overrides["/jwks"] = down })
			f.clock.advance(keysTTL + time.Second)
			before := f.count("/jwks")
			for range 10 {
				_, err = exchange(t, p)
				expect(t, err, "")
			}
			if n := f.count("/jwks") - before; n < 1 || n > row.most {
				t.Errorf("%d requests to an endpoint that is down, want one fetch within its pause", n)
			}
			setKid(f, "k3")
			_, err = exchange(t, p)
			if e := expect(t, err, CodeKeysInvalid); !e.Unreachable() {
				t.Error("not reported as unreachable while keys are stale")
			}
			// A bad signature by a key we know is bad all the same.
			setKid(f, "k2")
			f.set(func() { f.idToken = func(h, c []byte) string { return signRS256(rsaKey(), h, c) } })
			_, err = exchange(t, p)
			expect(t, err, CodeIDTokenInvalid)
			rotate(f, "k2", otherRSA())

			f.clock.advance(staleLimit)
			_, err = exchange(t, p)
			if e := expect(t, err, CodeKeysInvalid); !e.Unreachable() {
				t.Error("not reported as unreachable without keys")
			}
		})
	}
}

// The key set moves when metadata moves it, and starts anew there.
func TestKeysMove(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	_, err := exchange(t, p)
	expect(t, err, "")
	f.set(func() {
		f.metadata = func(m map[string]any) { m["jwks_uri"] = f.URL + "/jwks2" }
		f.overrides["/jwks2"] = func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, map[string]any{"keys": []any{rsaJWK("k1", &otherRSA().PublicKey)}})
		}
	})
	f.clock.advance(staleLimit) // the old metadata is not served any more
	_, err = exchange(t, p)
	expect(t, err, CodeIDTokenInvalid)
	if f.count("/jwks2") != 1 {
		t.Error("the new address was not asked")
	}
}

// CC-07: many callbacks with cold caches.
func TestColdCaches(t *testing.T) {
	f := newIDP(t)
	p := f.party(t)
	const callers = 200 // connections on one machine; the caches do not count them
	var start, done sync.WaitGroup
	start.Add(1)
	errs := make([]error, callers)
	for i := range callers {
		done.Go(func() {
			start.Wait()
			_, errs[i] = p.Exchange(t.Context(), response())
		})
	}
	start.Done()
	done.Wait()
	for _, err := range errs {
		expect(t, err, "")
	}
	if d, k := f.count("/.well-known/openid-configuration"), f.count("/jwks"); d != 1 || k != 1 {
		t.Errorf("%d discovery and %d key requests, want 1 and 1", d, k)
	}
}
