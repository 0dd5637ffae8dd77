package cookie

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// maxPair is the most that name and value of one cookie may take together.
	// Browsers allow 4,096 bytes (RFC 6265bis §5.6); the rest is for their
	// differences in counting.
	maxPair = 4000
	// maxChunks bounds what a request can make us join. 64 KiB, the most that
	// MaxBytes can be, fill at most 18 chunks even with the longest names.
	maxChunks = 20
	// flowReserve is kept free for the newest flow, so that a large session can
	// never stop its owner from signing in again.
	flowReserve = 1280
	// csrfReserve is counted while there is no CSRF cookie yet.
	csrfReserve = 400
	// maxStale bounds how many stray chunk names one response expires.
	maxStale = 64
)

// ErrTooLarge is what SetChunked returns when a value would push our cookies
// over MaxBytes. Nothing has been changed; what the browser holds stays valid.
var ErrTooLarge = errors.New("the cookies would exceed MaxCookieBytes")

// Chunked is the value of a cookie that may have been split into name.0, name.1
// and so on. Every cookie that looks like a chunk must be part of one gapless
// sequence from 0 with canonical indices: nothing but what SetChunked writes is
// joined, and a stray name.7 is not skipped over, because then two readers could
// join different values. An unsplit cookie beside chunks is a second value, and
// so neither counts: one of them was planted, or left behind by a server that
// does not know of chunks.
//
// That the chunks belong together is for the seal around the whole to prove.
func (j Jar) Chunked(name string) (value string, ok, ambiguous bool) {
	if value, ok, ambiguous = j.Value(name); ok || ambiguous {
		if ok && j.hasChunks(name) {
			return "", false, true
		}
		return value, ok, ambiguous
	}
	var chunks [maxChunks]string
	count, highest, total := 0, -1, 0
	for s := j.scan(); s.next(); {
		suffix, found := chunkSuffix(s.name, name)
		if !found {
			continue
		}
		i, valid := chunkIndex(suffix)
		if !valid || !isValue(s.value) {
			return "", false, false
		}
		if chunks[i] == s.value {
			continue
		}
		if chunks[i] != "" {
			return "", false, true
		}
		chunks[i] = s.value
		count, highest, total = count+1, max(highest, i), total+len(s.value)
	}
	if count == 0 || count != highest+1 || total > maxMaxBytes {
		return "", false, false
	}
	return strings.Join(chunks[:count], ""), true, false
}

// hasChunks reports whether any cookie looks like a chunk of name.
func (j Jar) hasChunks(name string) bool {
	for s := j.scan(); s.next(); {
		if _, found := chunkSuffix(s.name, name); found && s.value != "" {
			return true
		}
	}
	return false
}

// chunkSuffix is what follows "name." if that looks like an index.
func chunkSuffix(name, base string) (string, bool) {
	rest, found := strings.CutPrefix(name, base)
	if !found {
		return "", false
	}
	rest, found = strings.CutPrefix(rest, ".")
	return rest, found && chunkLike(rest)
}

// chunkLike is wider than what we write: a number in any spelling was meant to
// be taken for a chunk.
func chunkLike(suffix string) bool {
	digits := strings.TrimLeft(suffix, "+-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// chunkIndex accepts the canonical decimal form of 0…maxChunks-1 only.
func chunkIndex(suffix string) (int, bool) {
	if len(suffix) > 2 {
		return 0, false
	}
	i, err := strconv.Atoi(suffix)
	if err != nil || i < 0 || i >= maxChunks || strconv.Itoa(i) != suffix {
		return 0, false
	}
	return i, true
}

// SetChunked is Set for a value of any length: over 4,000 bytes (name and value)
// it is split. Chunks of an earlier value, in the jar or among the lines, are
// expired in the same response, as is the unsplit cookie when the new one is
// split; otherwise the reader would find the old value first.
//
// The result must leave room in MaxBytes for the CSRF cookie and a new flow, and
// provider tokens also for the session, other providers' tokens and the flows
// under way. If it does not, the error is ErrTooLarge. On any error l is unchanged.
func (w *Wardrobe) SetChunked(l *Lines, jar Jar, k Kind, id string, secure bool, value string, maxAge time.Duration, now time.Time) error {
	if !k.chunkable() {
		return errors.New("cookie: this kind is never split; use Set")
	}
	if err := w.check(k, id, value, maxAge); err != nil {
		return err
	}
	name := w.Name(k, id, secure)
	parts := split(name, value)
	if len(parts) > maxChunks {
		return fmt.Errorf("cookie: %s of %d bytes: %w", name, len(value), ErrTooLarge)
	}
	next := l.clone()
	w.expireChunks(next, jar, k, name, secure)
	if len(parts) > 1 && (jar.has(name) || l.has(name)) {
		next.put(name, "", w.expired(name, k, secure))
	}
	for _, p := range parts {
		next.put(p.name, p.value, w.line(p.name, p.value, k, secure, maxAge, now))
	}
	if need := w.committed(next, jar, k, secure); need > w.maxBytes {
		return fmt.Errorf("cookie: %s of %d bytes brings the Cookie header to %d of %d bytes (reserves included): %w", name, len(value), need, w.maxBytes, ErrTooLarge)
	}
	*l = *next
	return nil
}

// committed is how much of MaxBytes is spoken for once l has been applied.
func (w *Wardrobe) committed(l *Lines, jar Jar, k Kind, secure bool) int {
	total := w.projected(l, jar, w.Name(Session, "", secure)) +
		max(csrfReserve, w.projected(l, jar, w.Name(CSRF, "", secure)))
	if k == Session {
		return total + flowReserve
	}
	return total + w.projected(l, jar, w.Name(ProviderTokens, "", secure)) +
		max(flowReserve, w.projected(l, jar, w.Name(Flow, "", secure), w.Name(PostedFlow, "", secure)))
}

// Projected is how many bytes of the next request's Cookie header our cookies
// will take once the browser has applied l.
func (w *Wardrobe) Projected(l *Lines, jar Jar, secure bool) int {
	return w.projected(l, jar, w.Prefixes(secure)...)
}

func (w *Wardrobe) projected(l *Lines, jar Jar, prefix ...string) int {
	size := 0
	for _, p := range prefix {
		for s := jar.scan(); s.next(); {
			if strings.HasPrefix(s.name, p) && !l.has(s.name) {
				size += sizeOf(s.name, s.value)
			}
		}
		for _, e := range l.entries {
			if strings.HasPrefix(e.name, p) && e.value != "" {
				size += sizeOf(e.name, e.value)
			}
		}
	}
	return size
}

type pair struct{ name, value string }

func split(name, value string) []pair {
	if len(name)+len(value) <= maxPair {
		return []pair{{name, value}}
	}
	var parts []pair
	for i := 0; value != ""; i++ {
		chunk := name + "." + strconv.Itoa(i)
		n := min(len(value), maxPair-len(chunk))
		parts = append(parts, pair{chunk, value[:n]})
		value = value[n:]
	}
	return parts
}

// expireChunks expires what looks like a chunk of name, in the jar or set
// earlier in this response. Foreign spellings (.00) are included, or a planted
// one would outlive the sign-out that is meant to clear it.
func (w *Wardrobe) expireChunks(l *Lines, jar Jar, k Kind, name string, secure bool) {
	stale := l.names(name + ".")
	for _, n := range jar.Names(name + ".") {
		if len(stale) >= maxStale {
			break
		}
		stale = append(stale, n)
	}
	for _, n := range stale {
		if suffix, found := chunkSuffix(n, name); found && len(suffix) <= 16 {
			l.put(n, "", w.expired(n, k, secure))
		}
	}
}
