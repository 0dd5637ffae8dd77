// Package flow holds what must survive between the start of a sign-in and its
// callback: which provider was asked, with which secrets, and where to go
// afterwards. One sign-in is one Flow, sealed into one cookie, so that any
// number of tabs can sign in at once.
package flow

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Lifetime is how long a sign-in may take. The time is inside the seal: the
// cookie's own Max-Age is a courtesy that a client may ignore.
const Lifetime = 10 * time.Minute

// MaxRedirectTo is the longest redirect target that a flow carries, in bytes.
// Longer ones are dropped, so that twelve flows fit into a request.
const MaxRedirectTo = 512

// A Flow is one sign-in under way. State, nonce and code verifier are derived
// from one seed: they cannot be mixed up between two flows.
type Flow struct {
	Provider    string    // id of the provider that was asked
	RedirectURI string    // repeated at the token endpoint (RFC 6749 §4.1.3)
	RedirectTo  string    // where the browser goes afterwards; already safe
	Created     time.Time // whole seconds
	Kind        Kind      // what the flow is for
	Session     string    // of Link: the id of the session that is linked
	MaxAge      string    // the max_age that was asked for; "" for none
	Response    *Response // of form_post: what the provider has posted

	seed [32]byte
}

// A Kind is what a flow is for. A flow of one kind is of no use as another.
type Kind string

// The kinds.
const (
	SignIn  Kind = ""        // a sign-in by redirect
	Posted  Kind = "post"    // the same with form_post, before the provider has posted
	IDToken Kind = "idToken" // a sign-in with an ID token that the client gets by itself
	Link    Kind = "link"    // one more provider for the session that there is
)

// A Response is what a provider has answered by form_post.
type Response struct {
	Code  string  `json:"c,omitempty"`
	Error string  `json:"e,omitempty"`
	Iss   *string `json:"i,omitempty"`
	User  string  `json:"u,omitempty"` // Apple's one-time user object, JSON; nobody has signed it
}

// Object returns User as a JSON value, nil when there is none.
func (r *Response) Object() json.RawMessage {
	if r == nil || r.User == "" {
		return nil
	}
	return json.RawMessage(r.User)
}

// New starts a flow. A redirect target above MaxRedirectTo becomes "/".
func New(provider, redirectURI, redirectTo string, now time.Time) Flow {
	if len(redirectTo) > MaxRedirectTo {
		redirectTo = "/"
	}
	f := Flow{Provider: provider, RedirectURI: redirectURI, RedirectTo: redirectTo, Created: now.Truncate(time.Second)}
	_, _ = rand.Read(f.seed[:]) // never fails: crypto/rand ends the process instead
	return f
}

// State returns the flow's state parameter (RFC 6749 §4.1.1), 43 characters.
func (f *Flow) State() string { return f.derive("state") }

// Nonce returns the flow's nonce (OpenID Connect Core §3.1.2.1), 43 characters.
func (f *Flow) Nonce() string { return f.derive("nonce") }

// CodeVerifier returns the flow's PKCE secret (RFC 7636 §4.1), 43 characters.
func (f *Flow) CodeVerifier() string { return f.derive("code_verifier") }

func (f *Flow) derive(what string) string {
	mac := hmac.New(sha256.New, f.seed[:])
	mac.Write([]byte("aura:flow:" + what))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ID names the flow's cookie. It follows from the state, so that a callback
// finds its own cookie among many, and tells nothing about the seed.
func ID(state string) string {
	sum := sha256.Sum256([]byte(state))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:16]
}

// A Box seals and opens; internal/token has it.
type Box interface {
	Seal(payload []byte) (string, error)
	Open(sealed string) (payload []byte, key int, err error)
}

// sealed is the JSON inside the seal. Its names are short because twelve of
// these may travel with each request.
type sealed struct {
	Version     int    `json:"v"`
	Seed        []byte `json:"s"`
	Provider    string `json:"p"`
	RedirectURI string `json:"u"`
	RedirectTo  string `json:"t"`
	Created     int64  `json:"c"`
	Kind        Kind   `json:"k,omitempty"`
	Session     string `json:"n,omitempty"`
	MaxAge      string `json:"m,omitempty"`

	Response *Response `json:"r,omitempty"`
}

// version is raised when an older release could misread what is written.
const version = 1

// Seal returns the value of the flow's cookie.
func (f *Flow) Seal(box Box) (string, error) {
	payload, err := json.Marshal(sealed{version, f.seed[:], f.Provider, f.RedirectURI, f.RedirectTo, f.Created.Unix(), f.Kind, f.Session, f.MaxAge, f.Response})
	if err != nil {
		return "", fmt.Errorf("flow: %w", err)
	}
	return box.Seal(payload)
}

// ErrExpired says that a flow was opened after its Lifetime. The Flow returned
// beside it is complete, so that its cookie can be sorted among others.
var ErrExpired = errors.New("flow: expired")

// Open reads a cookie's value back.
func Open(box Box, value string, now time.Time) (Flow, error) {
	payload, _, err := box.Open(value)
	if err != nil {
		return Flow{}, fmt.Errorf("flow: %w", err)
	}
	var s sealed
	if err := json.Unmarshal(payload, &s); err != nil {
		return Flow{}, fmt.Errorf("flow: %w", err)
	}
	f := Flow{
		Provider: s.Provider, RedirectURI: s.RedirectURI, RedirectTo: s.RedirectTo, Created: time.Unix(s.Created, 0),
		Kind: s.Kind, Session: s.Session, MaxAge: s.MaxAge, Response: s.Response,
	}
	if s.Version != version || len(s.Seed) != len(f.seed) || s.Provider == "" {
		return Flow{}, errors.New("flow: unknown form")
	}
	copy(f.seed[:], s.Seed)
	if !now.Before(f.Created.Add(Lifetime)) {
		return f, ErrExpired
	}
	return f, nil
}

// HasNonce reports, in constant time, whether nonce is this flow's.
func (f *Flow) HasNonce(nonce string) bool {
	return subtle.ConstantTimeCompare([]byte(f.Nonce()), []byte(nonce)) == 1
}

// Matches reports, in constant time, whether state is this flow's.
func (f *Flow) Matches(state string) bool {
	return subtle.ConstantTimeCompare([]byte(f.State()), []byte(state)) == 1
}
