package cookie

import "strings"

// Name is the cookie's name under the scheme of the public origin. With an empty
// id, Flow and ProviderTokens give the prefix that all their names share.
//
// The schemes' names differ, and only the current scheme's is ever read: a plain
// http page cannot plant what the https site reads.
func (w *Wardrobe) Name(k Kind, id string, secure bool) string {
	name := w.prefix + k.suffix() + id
	switch {
	case !secure:
		return name
	case k == CSRF, k == Flow, k == PostedFlow, k == Session && w.hostOnly:
		return "__Host-" + name
	}
	return "__Secure-" + name
}

func (k Kind) suffix() string {
	switch k {
	case Session:
		return ".session_token"
	case CSRF:
		return ".csrf_token"
	case Flow:
		return ".flow."
	case PostedFlow:
		return ".flow_post."
	case ProviderTokens:
		return providerTokensInfix
	}
	return ".unknown." // Set refuses it
}

// validID keeps an id from ending the name or from looking like a chunk of
// another cookie: it has no dots.
func (k Kind) validID(id string) bool {
	if k == Session || k == CSRF {
		return id == ""
	}
	if k != Flow && k != PostedFlow && k != ProviderTokens || id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		if !isAlphanumeric(id[i]) && id[i] != '-' && id[i] != '_' {
			return false
		}
	}
	return true
}

func (k Kind) chunkable() bool { return k == Session || k == ProviderTokens }

// Prefixes are the beginnings of all names of ours under one scheme, for Jar.Size.
func (w *Wardrobe) Prefixes(secure bool) []string {
	if !secure {
		return []string{w.prefix + "."}
	}
	return []string{"__Secure-" + w.prefix + ".", "__Host-" + w.prefix + "."}
}

// IDs are the ids of the flows or provider tokens that the jar holds, each once,
// chunks counted with what they belong to.
func (w *Wardrobe) IDs(j Jar, k Kind, secure bool) []string {
	prefix := w.Name(k, "", secure)
	var ids []string
	seen := map[string]bool{}
	for _, name := range j.Names(prefix) {
		id := name[len(prefix):]
		if base, suffix, found := strings.Cut(id, "."); found && k.chunkable() && chunkLike(suffix) {
			id = base
		}
		if k.validID(id) && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// isToken is RFC 9110 §5.6.2, which RFC 6265 §4.1.1 takes for cookie names.
func isToken(s string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'z'
}

// isValue is cookie-octet of RFC 6265 §4.1.1, at least one: no quotes, spaces,
// commas, semicolons, backslashes. Whatever we write consists of them, so what
// contains anything else is not ours.
func isValue(s string) bool {
	for i := range len(s) {
		b := s[i]
		if b <= ' ' || b >= 0x7f || b == '"' || b == ',' || b == ';' || b == '\\' {
			return false
		}
	}
	return s != ""
}

// providerTokensInfix stands between the prefix and the provider's id.
const providerTokensInfix = ".access_token."
