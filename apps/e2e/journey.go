package e2e

import (
	"net/http"
	"strings"
)

// journey is a visitor's way through one application in one tab, with the steps
// that several tests share.
type journey struct {
	*tab
	app *app
}

// wantSignedOut opens the protected page and wants to be led to the sign-in
// page, with the way back.
func (j journey) wantSignedOut() {
	j.t.Helper()
	j.mustOpen(j.app.url + "/dashboard")
	u := j.url()
	if u.Path != "/login" {
		j.t.Errorf("/dashboard while signed out led to %s, want /login", u)
	}
	if got := u.Query().Get("redirectTo"); got != "/dashboard" {
		j.t.Errorf("redirectTo = %q on the sign-in page, want /dashboard", got)
	}
}

// wantDashboard wants the tab to show the protected page, with the name on it.
func (j journey) wantDashboard(name string) {
	j.t.Helper()
	if u := j.url(); u.Path != "/dashboard" || !strings.HasPrefix(u.String(), j.app.url+"/") {
		j.t.Fatalf("the tab is not on /dashboard but on %s", j.describe())
	}
	if text := j.text("body"); !strings.Contains(text, name) {
		j.t.Errorf("/dashboard does not name %q:\n%s", name, text)
	}
}

// signInDev goes from the sign-in page through the development provider's page,
// as its first user.
func (j journey) signInDev() {
	j.t.Helper()
	j.holdDev()
	j.finishDev()
}

// holdDev stops on the development provider's page.
func (j journey) holdDev() (button string) {
	j.t.Helper()
	if status := j.submit("/signIn/dev"); status != http.StatusOK {
		j.t.Fatalf("the sign-in form led to status %d; the page is %s", status, j.describe())
	}
	if u := j.url(); strings.HasPrefix(u.String(), j.app.url+"/") {
		j.t.Fatalf("the sign-in form did not lead to the development provider but to %s", j.describe())
	}
	return j.text(submitButton(""))
}

// finishDev picks the first user there and wants to be back in the application.
func (j journey) finishDev() {
	j.t.Helper()
	status := j.submit("")
	if u := j.url(); status != http.StatusOK || !strings.HasPrefix(u.String(), j.app.url+"/") || u.Query().Has("error") {
		j.t.Fatalf("picking a user led to status %d; the page is %s", status, j.describe())
	}
}
