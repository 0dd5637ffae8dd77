package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A WayBack is where a browser goes that a provider sends back after signing
// its user out there. It travels as the state parameter (OpenID Connect
// RP-Initiated Logout §2), so it holds nothing but that: no session, no user.
type WayBack struct {
	RedirectTo string    // already safe
	Created    time.Time // whole seconds
}

// sealedWayBack is the JSON inside the seal.
type sealedWayBack struct {
	Version    int    `json:"v"`
	RedirectTo string `json:"t"`
	Created    int64  `json:"c"`
}

// Seal returns the value of the state parameter. The box must be one of its
// own: no other value of ours may open as a way back. A target above
// MaxRedirectTo becomes "/", for the sake of the address's length.
func (w WayBack) Seal(box Box) (string, error) {
	if len(w.RedirectTo) > MaxRedirectTo {
		w.RedirectTo = "/"
	}
	payload, err := json.Marshal(sealedWayBack{version, w.RedirectTo, w.Created.Unix()})
	if err != nil {
		return "", fmt.Errorf("flow: %w", err)
	}
	return box.Seal(payload)
}

// OpenWayBack reads a state parameter. ErrExpired: its Lifetime is over.
func OpenWayBack(box Box, state string, now time.Time) (WayBack, error) {
	payload, _, err := box.Open(state)
	if err != nil {
		return WayBack{}, fmt.Errorf("flow: %w", err)
	}
	var s sealedWayBack
	if err := json.Unmarshal(payload, &s); err != nil {
		return WayBack{}, fmt.Errorf("flow: %w", err)
	}
	if s.Version != version {
		return WayBack{}, errors.New("flow: unknown form")
	}
	w := WayBack{RedirectTo: s.RedirectTo, Created: time.Unix(s.Created, 0)}
	if !now.Before(w.Created.Add(Lifetime)) {
		return w, ErrExpired
	}
	return w, nil
}
