package flow

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestWayBack(t *testing.T) {
	b := box(t)
	sealed, err := WayBack{RedirectTo: "/bye?x=1", Created: start.Add(900 * time.Millisecond)}.Seal(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenWayBack(b, sealed, start.Add(Lifetime-time.Second))
	if want := (WayBack{"/bye?x=1", start}); err != nil || got != want {
		t.Errorf("opened %+v (%v), want %+v", got, err, want)
	}
	if _, err := OpenWayBack(b, sealed, start.Add(Lifetime)); !errors.Is(err, ErrExpired) {
		t.Errorf("after its lifetime: %v", err)
	}
	long, err := WayBack{RedirectTo: "/" + strings.Repeat("x", MaxRedirectTo), Created: start}.Seal(b)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenWayBack(b, long, start); err != nil || got.RedirectTo != "/" {
		t.Errorf("a target of 513 bytes: %+v, %v", got, err)
	}
	for name, state := range map[string]string{
		"not sealed": "x", "cut off": sealed[:len(sealed)-1], "another version": seal(t, b, `{"v":2,"t":"/","c":1800000000}`),
		"another type": seal(t, b, `{"v":"1"}`), "nothing": "",
	} {
		if got, err := OpenWayBack(b, state, start); err == nil {
			t.Errorf("%s: opened %+v", name, got)
		}
	}
}

func seal(t *testing.T, b Box, payload string) string {
	t.Helper()
	sealed, err := b.Seal([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}
