package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestBrowserDev is the newcomer's first minute: nothing configured, sign in,
// look around, sign out, be asked to sign in again. Forms carry all of it, so it
// is the same with scripts switched off.
func TestBrowserDev(t *testing.T) {
	b := startBrowser(t)
	eachApp(t, func(t *testing.T, name string) {
		a := startApp(t, name, freePort(t))
		for _, javascript := range []bool{true, false} {
			t.Run(fmt.Sprintf("javascript=%t", javascript), func(t *testing.T) {
				firstMinute(journey{tab: b.profile(t, javascript).tab(), app: a})
			})
		}
	})
}

func firstMinute(j journey) {
	j.mustOpen(j.app.url + "/")
	j.screenshot("1-home")
	if j.has(`form[action$="/signOut"]`) {
		j.t.Error("the sign-out form stands on / while signed out")
	}

	j.mustOpen(j.app.url + "/login")
	j.screenshot("2-login")
	button := j.holdDev()
	j.screenshot("3-provider")
	j.finishDev()
	j.screenshot("4-arrived")

	user := j.me(j.app)
	if !strings.Contains(button, user.Name) {
		j.t.Errorf("/api/me names %q, but the button clicked says %q", user.Name, button)
	}
	j.mustOpen(j.app.url + "/dashboard")
	j.wantDashboard(user.Name)
	j.screenshot("5-dashboard")
	if status := j.reload(); status != http.StatusOK {
		j.t.Errorf("status %d after a reload, want 200", status)
	}
	j.wantDashboard(user.Name)
	j.mustOpen(j.app.url + "/")
	if text := j.text("body"); !strings.Contains(text, user.Name) {
		j.t.Errorf("/ does not name %q:\n%s", user.Name, text)
	}
	j.screenshot("6-home-signed-in")

	j.mustOpen(j.app.url + "/dashboard")
	if status := j.submit("/signOut"); status != http.StatusOK {
		j.t.Errorf("signing out led to status %d; the page is %s", status, j.describe())
	}
	if u := j.url(); u.Path != "/" || u.Query().Has("error") {
		j.t.Errorf("signing out led to %s, want /", u)
	}
	j.screenshot("7-signed-out")
	j.wantSignedOut()
	j.screenshot("8-login-again")
	j.signInDev()
	j.wantDashboard(user.Name)
	j.screenshot("9-back-on-dashboard")
}
