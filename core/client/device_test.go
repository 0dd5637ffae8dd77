package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/client"
)

const (
	deviceStarted = `{"success":true,"device":"handle-1","userCode":"WDJB-MJHT","verificationURI":"https://idp.example/device","verificationURIComplete":null,"expiresIn":60,"interval":5}`
	devicePending = `202 {"success":false,"pending":true,"interval":5}`
	deviceSlower  = `202 {"success":false,"pending":true,"interval":10,"device":"handle-2"}`
	deviceDone    = `200 {"success":true,"redirect":false,"redirectURL":null,"token":"the.session.token"}`
	deviceDenied  = `403 {"success":false,"error":{"code":"AUTH_PROVIDER_REJECTED","message":"No.","id":"x"}}`
	deviceGone    = `400 {"success":false,"error":{"code":"OAUTH_DEVICE_EXPIRED","message":"Late.","id":"x"}}`
	deviceDown    = `503 {"success":false,"error":{"code":"UNKNOWN_OAUTH_ACCESS_TOKEN_ERROR","message":"Down.","id":"x"}}`
	deviceLimited = `429 {"success":false,"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Slow.","id":"x"}}`
	deviceHangUp  = `hang up`
)

// Device, against answers in the order in which they come; the last one stays.
func TestDevice(t *testing.T) {
	for _, test := range []struct {
		name    string
		start   string // "" for the usual one
		answers []string
		waits   []int // seconds
		handle  string
		code    aura.Code
		err     error
	}{
		{name: "at once", answers: []string{deviceDone}, waits: []int{5}, handle: "handle-1"},
		{name: "later", answers: []string{devicePending, devicePending, deviceDone}, waits: []int{5, 5, 5}, handle: "handle-1"},
		{name: "more slowly", answers: []string{deviceSlower, devicePending, deviceDone}, waits: []int{5, 10, 10}, handle: "handle-2"},
		{name: "denied", answers: []string{devicePending, deviceDenied}, waits: []int{5, 5}, handle: "handle-1", code: aura.CodeAccessDenied},
		{name: "expired", answers: []string{deviceGone}, waits: []int{5}, handle: "handle-1", code: aura.CodeDeviceExpired},
		{name: "never", answers: []string{deviceSlower, devicePending}, waits: []int{5, 10, 10, 10, 10, 10}, handle: "handle-2", code: aura.CodeDeviceExpired},
		{name: "the server is away", answers: []string{deviceDown, deviceDown, devicePending, deviceDone}, waits: []int{5, 10, 20, 5}, handle: "handle-1"},
		{name: "nobody answers", answers: []string{deviceHangUp, deviceDone}, waits: []int{5, 10}, handle: "handle-1"},
		{name: "too many", answers: []string{deviceLimited, deviceDone}, waits: []int{5, 17}, handle: "handle-1"},
		{name: "a page", answers: []string{"200 <html>"}, waits: []int{5}, handle: "handle-1", err: client.ErrProtocol},
		{name: "neither pending nor done", answers: []string{`202 {"success":false}`}, waits: []int{5}, handle: "handle-1", err: client.ErrProtocol},
		{name: "an address that is none", start: strings.Replace(deviceStarted, "https://idp.example/device", "file:///etc/passwd", 1), err: client.ErrProtocol},
		{name: "no interval", start: strings.Replace(deviceStarted, `"interval":5`, `"interval":0`, 1), err: client.ErrProtocol},
		{name: "no code", start: strings.Replace(deviceStarted, "WDJB-MJHT", "", 1), err: client.ErrProtocol},
		{name: "no end", start: strings.Replace(deviceStarted, "60", "1e9", 1), err: client.ErrProtocol},
	} {
		t.Run(test.name, func(t *testing.T) {
			polls, last := 0, ""
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := `200 {"csrfToken":"csrf"}`
				switch r.URL.Path {
				case "/auth/device/tv":
					answer = "200 " + deviceStarted
					if test.start != "" {
						answer = "200 " + test.start
					}
				case "/auth/device/tv/poll":
					raw := make([]byte, r.ContentLength)
					_, _ = r.Body.Read(raw)
					last = string(raw)
					answer = test.answers[min(polls, len(test.answers)-1)]
					polls++
					if r.Header.Get("X-CSRF-Token") != "csrf" || r.Header.Get("Authorization") != "" || r.URL.RawQuery != "redirect=false&token=true" {
						t.Errorf("the poll carries %v, query %q", r.Header, r.URL.RawQuery)
					}
				}
				if answer == deviceHangUp {
					panic(http.ErrAbortHandler)
				}
				status, body, _ := strings.Cut(answer, " ")
				kind := "application/json"
				if strings.HasPrefix(body, "<") {
					kind = "text/html"
				}
				w.Header().Set("Content-Type", kind)
				if status == "429" {
					w.Header().Set("Retry-After", "17")
				}
				var code int
				_, _ = fmt.Sscan(status, &code)
				w.WriteHeader(code)
				_, _ = w.Write([]byte(body))
			}))
			defer server.Close()
			c := newClient(t, client.Options{BaseURL: server.URL, Bearer: true})
			var waits []int
			c.Waits(func(_ context.Context, d time.Duration) error {
				waits = append(waits, int(d/time.Second))
				return nil
			})
			shown := 0
			err := c.Device(t.Context(), "tv", func(_ context.Context, d client.DeviceCode) error {
				shown++
				if d != (client.DeviceCode{UserCode: "WDJB-MJHT", VerificationURI: "https://idp.example/device", ExpiresIn: time.Minute}) {
					t.Errorf("shown: %+v", d)
				}
				return nil
			})
			var refused *client.Error
			switch {
			case test.code != "" && (!errors.As(err, &refused) || refused.Code != test.code):
				t.Errorf("%v, want %s", err, test.code)
			case test.err != nil && !errors.Is(err, test.err):
				t.Errorf("%v, want %v", err, test.err)
			case test.code == "" && test.err == nil && (err != nil || c.Token() != "the.session.token"):
				t.Errorf("%v, token %q", err, string(c.Token()))
			}
			if !slices.Equal(waits, test.waits) || !strings.Contains(last, test.handle) || (shown == 1) != (test.start == "") {
				t.Errorf("waited %v, want %v; polled with %s; shown %d times", waits, test.waits, last, shown)
			}
		})
	}
}

// What ends Device early.
func TestDeviceStops(t *testing.T) {
	s := newScript(t, map[string]line{"POST /auth/device/tv": {body: deviceStarted}})
	c := newClient(t, client.Options{BaseURL: s.url})
	failure := errors.New("no screen")
	if err := c.Device(t.Context(), "tv", func(context.Context, client.DeviceCode) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("show fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := c.Device(ctx, "tv", func(context.Context, client.DeviceCode) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the context ends: %v", err)
	}
	if err := c.Device(t.Context(), "../x", nil); err == nil || !strings.Contains(err.Error(), "is not the id of a provider") {
		t.Errorf("%v", err)
	}
}
