package devidp_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aura-stack-go/auth/core/devidp"
)

// Whoever was here before is asked again, and auth_time says when: not when the
// page was opened, nor when the code or a refresh token was exchanged.
func TestAuthTime(t *testing.T) {
	at := &clock{at: time.Now()}
	p := start(t, devidp.Config{SigningAlg: "ES256", Now: at.now})
	for _, changes := range [][]string{
		nil, {"prompt", "login"}, {"prompt", "consent"}, {"prompt", "select_account"}, {"max_age", "0"}, {"max_age", "3600"},
	} {
		newTokens(t, p) // a sign-in just now
		page := openPage(t, p, changes...)
		id := requestID.FindSubmatch(page.body)
		if id == nil {
			t.Fatalf("%v: the page does not ask: %s", changes, page.body)
		}
		at.at = at.at.Add(10 * time.Minute)
		picked := at.at.Unix()
		back := post(t, base(p)+"/authorize/user", url.Values{"request": {string(id[1])}, "user": {"demo-ada"}})
		location, err := url.Parse(back.header.Get("Location"))
		if err != nil || back.status != http.StatusSeeOther {
			t.Fatalf("%v: %d %v", changes, back.status, err)
		}
		at.at = at.at.Add(30 * time.Second)
		a := post(t, base(p)+"/token", tokenRequest(p, location.Query().Get("code")))
		if got := num(decodePart(a.text("id_token"), 1), "auth_time"); got != float64(picked) {
			t.Errorf("%v: auth_time %.0f, want %d", changes, got, picked)
		}
		at.at = at.at.Add(20 * time.Minute)
		a = post(t, base(p)+"/token", refreshRequest(p, a.text("refresh_token")))
		if got := num(decodePart(a.text("id_token"), 1), "auth_time"); got != float64(picked) {
			t.Errorf("%v: auth_time %.0f after a refresh, want %d", changes, got, picked)
		}
	}
}
