package token

import (
	"fmt"
	"io"
)

// Everything that holds a key prints as its name, whatever the verb: %+v and %#v
// reach into unexported fields, and sooner or later somebody logs a
// configuration. The receivers are values so that a dereferenced copy is covered
// as well. JSON shows none of the fields anyway.

func redact(s fmt.State, name string) { _, _ = io.WriteString(s, "token."+name+"[redacted]") }

func (Ring) Format(s fmt.State, _ rune)           { redact(s, "Ring") }
func (Box) Format(s fmt.State, _ rune)            { redact(s, "Box") }
func (Signer) Format(s fmt.State, _ rune)         { redact(s, "Signer") }
func (Codec) Format(s fmt.State, _ rune)          { redact(s, "Codec") }
func (SigningKeys) Format(s fmt.State, _ rune)    { redact(s, "SigningKeys") }
func (EncryptionKeys) Format(s fmt.State, _ rune) { redact(s, "EncryptionKeys") }
