package cookie

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Lines are the Set-Cookie lines of one response: one per name, in the order of
// the last decision about each. The zero value is empty and ready.
type Lines struct{ entries []entry }

// Clone returns a copy that changes on its own: to try a decision, and drop it.
func (l *Lines) Clone() Lines { return Lines{slices.Clone(l.entries)} }

type entry struct {
	name  string
	value string // "" when the line expires the cookie
	line  string
}

// maxLifetime is what browsers clip Max-Age to (RFC 6265bis §5.5).
const maxLifetime = 400 * 24 * time.Hour

// Set decides that the cookie has this value for maxAge, the remaining lifetime
// of what it holds; an earlier decision in l about the same cookie is replaced.
// It fails, and leaves l as it was, when the bytes could not stand in a
// Set-Cookie line, when name and value exceed 4,000 bytes, or when maxAge is
// over.
func (w *Wardrobe) Set(l *Lines, k Kind, id string, secure bool, value string, maxAge time.Duration, now time.Time) error {
	if err := w.check(k, id, value, maxAge); err != nil {
		return err
	}
	name := w.Name(k, id, secure)
	if len(name)+len(value) > maxPair {
		return fmt.Errorf("cookie: %s and its value take %d bytes, at most %d fit in one cookie: %w", name, len(name)+len(value), maxPair, ErrTooLarge)
	}
	l.put(name, value, w.line(name, value, k, secure, maxAge, now))
	return nil
}

// check never quotes the value: it is a secret.
func (w *Wardrobe) check(k Kind, id, value string, maxAge time.Duration) error {
	switch {
	case !k.validID(id):
		return fmt.Errorf("cookie: %q is not an id for a cookie of kind %q; letters, digits, - and _, at most 64 (none for session and CSRF)", id, strings.Trim(k.suffix(), "."))
	case !isValue(value):
		return fmt.Errorf("cookie: the value for %s is empty or holds bytes that a cookie cannot carry", w.Name(k, id, false))
	case maxAge <= 0:
		return fmt.Errorf("cookie: the value for %s is already past its lifetime; use Expire", w.Name(k, id, false))
	}
	return nil
}

// Expire decides that the browser shall forget the cookie. An id that Set refuses
// was never written, and nothing happens.
func (w *Wardrobe) Expire(l *Lines, k Kind, id string, secure bool) {
	if !k.validID(id) {
		return
	}
	name := w.Name(k, id, secure)
	l.put(name, "", w.expired(name, k, secure))
}

// ExpireAll is Expire for a cookie that may have been split: also every chunk in
// the jar, and every one set earlier in this response.
func (w *Wardrobe) ExpireAll(l *Lines, jar Jar, k Kind, id string, secure bool) {
	w.Expire(l, k, id, secure)
	if k.chunkable() && k.validID(id) {
		w.expireChunks(l, jar, k, w.Name(k, id, secure), secure)
	}
}

// line writes both Max-Age and Expires: browsers take the first, some older
// proxies and libraries know only the second.
func (w *Wardrobe) line(name, value string, k Kind, secure bool, maxAge time.Duration, now time.Time) string {
	seconds := max(1, int64(min(maxAge, maxLifetime)/time.Second))
	expires := now.Add(time.Duration(seconds) * time.Second).UTC().Format(http.TimeFormat)
	return w.format(name, value, k, secure, strconv.FormatInt(seconds, 10), expires)
}

// expired keeps every attribute: a browser replaces a cookie only by one with the
// same name, path and domain, and takes a prefixed name only with its attributes.
func (w *Wardrobe) expired(name string, k Kind, secure bool) string {
	return w.format(name, "", k, secure, "0", "Thu, 01 Jan 1970 00:00:00 GMT")
}

func (w *Wardrobe) format(name, value string, k Kind, secure bool, maxAge, expires string) string {
	var b strings.Builder
	b.Grow(len(name) + len(value) + len(w.domain) + 128)
	b.WriteString(name + "=" + value + "; Path=/")
	if k == Session && w.domain != "" {
		b.WriteString("; Domain=" + w.domain)
	}
	b.WriteString("; Max-Age=" + maxAge + "; Expires=" + expires + "; HttpOnly")
	if secure {
		b.WriteString("; Secure")
	}
	switch {
	case k == CSRF || k == Session && w.strict:
		b.WriteString("; SameSite=Strict")
	case k == PostedFlow && secure:
		// A provider's page posts to us: a request from another site. Browsers
		// take None with Secure only; on plain http Lax has to do, which reaches
		// us while the provider is on loopback, too.
		b.WriteString("; SameSite=None")
	default:
		b.WriteString("; SameSite=Lax")
	}
	return b.String()
}

// Header is the lines as header lines, and nothing else. It shares no memory
// with l.
func (l *Lines) Header() http.Header {
	h := http.Header{}
	for _, e := range l.entries {
		h["Set-Cookie"] = append(h["Set-Cookie"], e.line)
	}
	return h
}

func (l *Lines) put(name, value, line string) {
	l.entries = slices.DeleteFunc(l.entries, func(e entry) bool { return e.name == name })
	l.entries = append(l.entries, entry{name, value, line})
}

func (l *Lines) has(name string) bool {
	return slices.ContainsFunc(l.entries, func(e entry) bool { return e.name == name })
}

func (l *Lines) names(prefix string) (names []string) {
	for _, e := range l.entries {
		if strings.HasPrefix(e.name, prefix) {
			names = append(names, e.name)
		}
	}
	return names
}

func (l *Lines) clone() *Lines { return &Lines{slices.Clone(l.entries)} }
