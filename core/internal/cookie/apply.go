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
	// A fresh slice: dst's may belong to another copy of the header map.
	kept := slices.Clone(dst["Set-Cookie"])
	for _, line := range lines {
		name := lineName(line)
		kept = slices.DeleteFunc(kept, func(l string) bool { return lineName(l) == name })
		kept = append(kept, line)
	}
	if len(kept) > 0 {
		dst["Set-Cookie"] = kept
	}
}

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
