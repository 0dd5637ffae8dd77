package token

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// header is the one protected header of a format.
type header struct {
	encoded  string      // the segment that we write: the exact bytes of docs/wire.md
	members  [][2]string // its names and values
	optional string      // the name that a reader does without
}

// jwsHeader is {"alg":…,"typ":"JWT"}. The type is required: it is all that tells
// this JWS from one of another kind (RFC 8725 §3.11).
func jwsHeader(alg string) header {
	return newHeader("", [2]string{"alg", alg}, [2]string{"typ", "JWT"})
}

// jweHeader is {"alg":…,"enc":"A256GCM","cty":"JWT","typ":"JWT"}.
func jweHeader(alg string) header {
	return newHeader("typ", [2]string{"alg", alg}, [2]string{"enc", "A256GCM"}, [2]string{"cty", "JWT"}, [2]string{"typ", "JWT"})
}

// newHeader writes the members in the order given. Names and values are
// constants of RFC 7518 and need no escaping.
func newHeader(optional string, members ...[2]string) header {
	pairs := make([]string, len(members))
	for i, member := range members {
		pairs[i] = `"` + member[0] + `":"` + member[1] + `"`
	}
	text := "{" + strings.Join(pairs, ",") + "}"
	return header{encoded: strict.EncodeToString([]byte(text)), members: members, optional: optional}
}

// check reports whether a header segment says what we would have said: the same
// members with the same values, in any order. Any other member is refused, even
// a harmless one, because a list of the harmful ones would have to be kept up.
func (h header) check(segment string) error {
	if segment == h.encoded {
		return nil
	}
	// Spelled in escapes throughout, our header is six times as long. What is
	// longer than that is not worth parsing.
	if len(segment) > 8*len(h.encoded) {
		return errHeader
	}
	raw, err := decode(segment, -1)
	if err != nil {
		return err
	}
	got, ok := stringMembers(raw)
	if !ok {
		return errHeader
	}
	for _, member := range h.members {
		name, want := member[0], member[1]
		value, present := got[name]
		if !present && name == h.optional {
			continue
		}
		if !present || value != want {
			return errHeader
		}
		delete(got, name)
	}
	if len(got) > 0 {
		return errHeader
	}
	return nil
}

// stringMembers reads a JSON object whose values are all strings. Duplicate
// names are refused, since parsers disagree on which one counts (RFC 7515 §4).
func stringMembers(raw []byte) (map[string]string, bool) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if t, err := decoder.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	members := make(map[string]string, 4)
	for decoder.More() {
		name, ok := stringToken(decoder)
		if !ok {
			return nil, false
		}
		value, ok := stringToken(decoder)
		if _, seen := members[name]; !ok || seen {
			return nil, false
		}
		members[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return members, err == io.EOF
}

func stringToken(decoder *json.Decoder) (string, bool) {
	t, err := decoder.Token()
	if err != nil {
		return "", false
	}
	s, ok := t.(string)
	return s, ok
}
