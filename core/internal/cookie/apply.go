package cookie

import (
	"net/http"
	"slices"
	"strings"
)

// Apply adds src's header lines to the response headers dst. A Set-Cookie line
// replaces those in dst with the same cookie name (browsers keep the last of two
// lines, proxies need not), and leaves other cookies alone; Vary is merged; every
// other header is set. src is not changed and shares no memory with dst.
//
// A cookie and its chunks (name, name.0, name.1 …) are one: where src speaks of
// any of them, no value that dst sets for any of them stays. What was split in
// this response and then signed out would otherwise come back by its chunks.
func Apply(dst, src http.Header) {
	for key, values := range src {
		switch key {
		case "Set-Cookie":
			applyCookies(dst, values)
		case "Vary":
			applyVary(dst, values)
		default:
			dst[key] = slices.Clone(values)
		}
	}
}

func applyCookies(dst http.Header, lines []string) {
	names, families := map[string]bool{}, map[string]bool{}
	for _, line := range lines {
		names[lineName(line)], families[family(lineName(line))] = true, true
	}
	// A fresh slice: dst's may belong to another copy of the header map.
	var kept []string
	for _, line := range dst["Set-Cookie"] {
		name := lineName(line)
		if !names[name] && (!families[family(name)] || removes(line)) {
			kept = append(kept, line)
		}
	}
	for i, line := range lines { // of two lines of src with one name the last counts
		if !slices.ContainsFunc(lines[i+1:], func(later string) bool { return lineName(later) == lineName(line) }) {
			kept = append(kept, line)
		}
	}
	if len(kept) > 0 {
		dst["Set-Cookie"] = kept
	}
}

// family is the name of the cookie that a name may be a chunk of. What follows
// access_token is a provider's id, also when it is a number.
func family(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return name
	}
	_, valid := chunkIndex(name[i+1:])
	if !valid || strings.HasSuffix(name[:i+1], providerTokensInfix) {
		return name
	}
	return name[:i]
}

// removes reports whether a line makes the browser forget its cookie.
func removes(line string) bool { return strings.Contains(line, "; Max-Age=0;") }

func lineName(line string) string {
	pair, _, _ := strings.Cut(line, ";")
	name, _, _ := strings.Cut(pair, "=")
	return strings.Trim(name, " \t")
}

func applyVary(dst http.Header, values []string) {
	var members []string
	for _, line := range slices.Concat(dst["Vary"], values) {
		for member := range strings.SplitSeq(line, ",") {
			member = strings.Trim(member, " \t")
			known := slices.ContainsFunc(members, func(m string) bool { return strings.EqualFold(m, member) })
			if member != "" && !known {
				members = append(members, member)
			}
		}
	}
	if len(members) > 0 {
		dst["Vary"] = []string{strings.Join(members, ", ")}
	}
}
