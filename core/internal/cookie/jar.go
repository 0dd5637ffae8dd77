package cookie

import (
	"net/http"
	"strings"
)

// Jar is the cookies of one request, unparsed. Every question is one pass over
// the header; nothing is allocated for cookies that are not ours, however many
// there are.
type Jar struct{ lines []string }

// Read keeps h's Cookie lines; HTTP/2 and some proxies send several.
func Read(h http.Header) Jar { return Jar{h["Cookie"]} }

// Value is the value of the cookie with exactly this name.
//
// Two different values are ambiguous and give neither: one of them was planted,
// by a subdomain or another path, and the order in which they arrive is the
// planter's to choose. The same value twice is one.
//
// A value that is empty, quoted or not made of cookie-octets is not ours and
// counts as absent, as do a name with anything but SP and HTAB around it and a
// cookie without a name ("=__Host-x=evil", which other parsers read as __Host-x).
func (j Jar) Value(name string) (value string, ok, ambiguous bool) {
	for s := j.scan(); s.next(); {
		if s.name != name || !isValue(s.value) {
			continue
		}
		if value != "" && value != s.value {
			return "", false, true
		}
		value = s.value
	}
	return value, value != "", false
}

// Names are the names that begin with prefix, each once, in order of appearance,
// whatever their values.
func (j Jar) Names(prefix string) []string {
	var names []string
	var seen map[string]bool
	for s := j.scan(); s.next(); {
		if !strings.HasPrefix(s.name, prefix) || !isToken(s.name) || seen[s.name] {
			continue
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		seen[s.name] = true
		names = append(names, s.name)
	}
	return names
}

// Size is how many bytes of the Cookie header the cookies take whose names begin
// with one of the prefixes: name, "=", value and the "; " behind it.
func (j Jar) Size(prefix ...string) int {
	size := 0
	for s := j.scan(); s.next(); {
		for _, p := range prefix {
			if strings.HasPrefix(s.name, p) {
				size += sizeOf(s.name, s.value)
				break
			}
		}
	}
	return size
}

// has counts cookies with unusable values too: they are in the way all the same.
func (j Jar) has(name string) bool {
	for s := j.scan(); s.next(); {
		if s.name == name {
			return true
		}
	}
	return false
}

func sizeOf(name, value string) int { return len(name) + len("=") + len(value) + len("; ") }

func (j Jar) scan() scanner { return scanner{lines: j.lines} }

// scanner walks name=value pairs without judging their bytes.
type scanner struct {
	lines []string // still to come
	rest  string   // of the current line

	name, value string
}

// next moves to the next pair that has a name; a part without "=" has none
// (RFC 6265bis reads it as a value).
func (s *scanner) next() bool {
	for {
		for s.rest == "" {
			if len(s.lines) == 0 {
				return false
			}
			s.rest, s.lines = s.lines[0], s.lines[1:]
		}
		var part string
		part, s.rest, _ = strings.Cut(s.rest, ";")
		name, value, found := strings.Cut(part, "=")
		s.name, s.value = strings.Trim(name, " \t"), strings.TrimRight(value, " \t")
		if found && s.name != "" {
			return true
		}
	}
}
