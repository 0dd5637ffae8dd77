package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestTenTabs signs in ten times at once in one browser. All ten flows are open
// before the first one ends, and they end in an order of their own: each has to
// find its own state, and its own way back, among ten.
func TestTenTabs(t *testing.T) {
	const tabs = 10
	b := startBrowser(t)
	eachApp(t, func(t *testing.T, name string) {
		a := startApp(t, name, freePort(t))
		p := b.profile(t, true)
		journeys := make([]journey, tabs)
		for i := range journeys {
			journeys[i] = journey{tab: p.tab(), app: a}
			journeys[i].mustOpen(a.url + "/login?redirectTo=" + url.QueryEscape(wayBack(i)))
			journeys[i].holdDev()
		}
		order := rand.Perm(tabs)
		t.Log("callbacks in the order", order)
		for _, i := range order {
			journeys[i].finishDev()
			if got := journeys[i].url().RequestURI(); got != wayBack(i) {
				t.Errorf("tab %d arrived at %s, want %s", i, got, wayBack(i))
			}
		}
		user := journeys[order[0]].me(a)
		for i, j := range journeys {
			j.mustOpen(a.url + wayBack(i))
			j.wantDashboard(user.Name)
		}
	})
}

func wayBack(tab int) string { return fmt.Sprintf("/dashboard?tab=%d", tab) }

// TestForeignCallback opens one browser's callback in another: the flow is bound
// to the browser that began it, or an attacker could sign a victim in as himself.
func TestForeignCallback(t *testing.T) {
	b := startBrowser(t)
	eachApp(t, func(t *testing.T, name string) {
		a := startApp(t, name, freePort(t))
		attacker := newVisitor(t)
		attacker.stopAt = func(u *url.URL) bool { return strings.Contains(u.Path, "/callback/") }
		login := attacker.get(a.url + "/login")
		provider := attacker.submit(login.form(t, "/signIn/dev"), button{}, nil)
		users := provider.form(t, "")
		if len(users.buttons) == 0 {
			t.Fatalf("no user to pick on %s:\n%s", provider.url, provider.body)
		}
		held := attacker.submit(users, users.buttons[0], nil)
		callback, err := held.url.Parse(held.header.Get("Location"))
		if err != nil || !strings.HasPrefix(callback.String(), a.url+"/api/auth/callback/dev?") {
			t.Fatalf("the provider answered %d, Location %q", held.status, held.header.Get("Location"))
		}

		victim := journey{tab: b.profile(t, true).tab(), app: a}
		status := victim.open(callback.String())
		victim.screenshot("foreign-callback")
		if u := victim.url(); status < 400 && u.Query().Get("error") == "" {
			t.Errorf("status %d and no error on %s", status, victim.describe())
		}
		victim.wantSignedOut()

		// The URL itself is good: the browser that began the flow can still use it.
		attacker.stopAt = nil
		if pg := attacker.get(callback.String()); pg.status != http.StatusOK {
			t.Errorf("the callback in its own browser: status %d at %s", pg.status, pg.url)
		}
		if pg := attacker.get(a.url + "/api/me"); pg.status != http.StatusOK {
			t.Errorf("/api/me after the callback in its own browser: status %d", pg.status)
		}
	})
}
