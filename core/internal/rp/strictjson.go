package rp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const maxDepth = 64

// strictValue accepts exactly one JSON value in UTF-8, nested at most 64 deep,
// in which no object names a member twice. Two parsers that disagree about
// which of two members counts are how a signed claim is swapped (RFC 8725
// §2.4); encoding/json alone takes the last, and also takes "SUB" for "sub".
func strictValue(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("invalid UTF-8")
	}
	if !json.Valid(data) {
		return errors.New("not valid JSON")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return walk(d, 0)
}

// walk consumes one value of what is known to be valid JSON.
func walk(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return errors.New("not valid JSON")
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxDepth {
		return fmt.Errorf("nested more than %d deep", maxDepth)
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return errors.New("not valid JSON")
			}
			member, _ := name.(string) // the decoder accepts only strings here
			if seen[member] {
				return errors.New("an object names a member twice")
			}
			seen[member] = true
		}
		if err := walk(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errors.New("not valid JSON")
	}
	return nil
}

// strictObject decodes a JSON object by strictValue's rules. Members that
// differ from one in exact only by case are refused: decoders further on would
// take them for it.
func strictObject(data []byte, exact []string) (map[string]json.RawMessage, error) {
	if err := strictValue(data); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return nil, errors.New("not a JSON object")
	}
	for name := range members {
		for _, e := range exact {
			if name != e && strings.EqualFold(name, e) {
				return nil, fmt.Errorf("a member is spelled %q instead of %q", name, e)
			}
		}
	}
	return members, nil
}

// stringMember decodes a member that must be a string if it is there.
func stringMember(members map[string]json.RawMessage, name string) (value string, present bool, err error) {
	raw, present := members[name]
	if !present {
		return "", false, nil
	}
	// A nil pointer is JSON null, which Unmarshal would pass off as "".
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", true, fmt.Errorf("%s is not a string", name)
	}
	return *s, true, nil
}
