package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	navName    = `nav [data-aura-user="name"]`
	navSignOut = `nav [data-aura-sign-out]`
)

// TestBrowserModule uses client.js as the pages of the applications do, by
// attributes, and as a script of theirs would, by import; both under their
// Content-Security-Policy. That they need no script at all is TestBrowserDev.
func TestBrowserModule(t *testing.T) {
	b := startBrowser(t)
	eachApp(t, func(t *testing.T, name string) {
		a := startApp(t, name, freePort(t), "AURA_AUTH_DEV=1")
		password := demoPassword(t, a)
		t.Run("attributes", func(t *testing.T) {
			navigationBar(journey{tab: b.profile(t, true).tab(), app: a})
		})
		t.Run("functions", func(t *testing.T) {
			moduleFunctions(journey{tab: b.profile(t, true).tab(), app: a}, password)
		})
		t.Run("integrity", func(t *testing.T) { wantIntegrity(t, b, a) })
	})
}

func navigationBar(j journey) {
	said := j.watch()
	j.mustOpen(j.app.url + "/login?redirectTo=/dashboard")
	j.wantNav(false)
	j.signInDev()
	user := j.me(j.app)
	j.mustOpen(j.app.url + "/dashboard")
	j.wantNav(true)
	if got := j.text(navName); got != user.Name {
		j.t.Errorf("the navigation bar names %q, want %q", got, user.Name)
	}
	j.screenshot("signed-in")

	second := j.sibling()
	second.mustOpen(j.app.url + "/")
	second.wantNav(true)
	if status := j.click(navSignOut); status != http.StatusOK || j.url().RequestURI() != "/" {
		j.t.Errorf("the sign-out button led to status %d at %s, want 200 at /", status, j.url())
	}
	j.wantNav(false)
	j.screenshot("signed-out")
	second.wantNav(false) // told by the first tab
	j.wantSignedOut()
	j.wantQuiet(said)
}

// sibling is a second tab of the same visitor.
func (j journey) sibling() journey {
	return journey{tab: (&profile{t: j.t, ctx: j.ctx, javascript: true}).tab(), app: j.app}
}

// wantNav waits until the bar is as the script shows it in this state. It comes
// hidden and empty, so signed out proves something only where a user was named.
func (j journey) wantNav(signedIn bool) {
	j.t.Helper()
	name := `document.querySelector('` + navName + `')`
	if signedIn {
		j.until(name + `.checkVisibility() && ` + name + `.textContent !== ""`)
		return
	}
	j.until(`!` + name + `.checkVisibility() && ` + name + `.textContent === ""`)
}

// outcome is what every function of the module returns.
type outcome struct {
	OK, Success, Authenticated bool
	Status                     int
	Error                      *struct{ Code string }
	SignInURL, RedirectURL     *string
	Session                    *struct {
		User    me
		Expires string
	}
}

// module calls one function of the module that the page imports anew.
func (j journey) module(function string, arguments ...any) outcome {
	j.t.Helper()
	text := script[string](j.tab, `
		const module = await import("/api/auth/client.js");
		return JSON.stringify(await module[name](...args));`, map[string]any{"name": function, "args": append([]any{}, arguments...)})
	var out outcome
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		j.t.Fatalf("%s: %v in %s", function, err, text)
	}
	if out.OK != out.Success || out.OK != (out.Error == nil) {
		j.t.Errorf("%s contradicts itself: %s", function, text)
	}
	return out
}

// wantSession wants getSession to name this user, or nobody.
func (j journey) wantSession(name string) {
	j.t.Helper()
	out := j.module("getSession")
	switch {
	case name == "" && (out.Authenticated || out.Session != nil || out.Status != http.StatusUnauthorized):
		j.t.Errorf("getSession = %+v while nobody is signed in", out)
	case name != "" && (!out.Authenticated || out.Session == nil || out.Session.User.Name != name || out.Session.Expires == ""):
		j.t.Errorf("getSession = %+v, want %q", out, name)
	}
}

func moduleFunctions(j journey, password string) {
	said := j.watch()
	stay := map[string]any{"redirect": false}
	j.mustOpen(j.app.url + "/")
	j.wantSession("")

	out := j.module("signIn", "dev", map[string]any{"redirectTo": "/dashboard", "redirect": false})
	if !out.OK || out.SignInURL == nil || !strings.HasPrefix(*out.SignInURL, j.app.url+"/api/auth/signIn/dev?") {
		j.t.Fatalf("signIn = %+v", out)
	}
	if u := j.url(); u.Path != "/" {
		j.t.Errorf("signIn with redirect: false left the page for %s", u)
	}
	j.mustOpen(*out.SignInURL)
	j.finishDev()
	user := j.me(j.app)
	j.mustOpen(j.app.url + "/dashboard")
	j.wantSession(user.Name)

	j.wantNav(true)
	const changed = `Zoë "Z" <b>O'Neill</b>`
	out = j.module("updateSession", map[string]any{"session": map[string]any{"user": map[string]any{"name": changed}}})
	if !out.OK || out.Session == nil || out.Session.User.Name != changed || out.Session.User.Sub != user.Sub {
		j.t.Errorf("updateSession = %+v", out)
	}
	j.until(`document.querySelector('` + navName + `').textContent !== ` + quoted(user.Name))
	if got := j.text(navName); got != changed {
		j.t.Errorf("the navigation bar names %q after updateSession, want %q", got, changed)
	}
	j.wantSession(changed)
	if out = j.module("signOut", stay); !out.OK || out.Status != http.StatusAccepted {
		j.t.Errorf("signOut = %+v", out)
	}
	j.wantNav(false)
	j.wantSession("")

	out = j.module("signInCredentials", map[string]any{"username": "demo", "password": password, "redirect": false})
	if !out.OK || out.Status != http.StatusOK {
		j.t.Errorf("signInCredentials = %+v", out)
	}
	j.wantNav(true)
	j.wantSession("Demo User")
	if status := j.reload(); status != http.StatusOK {
		j.t.Errorf("status %d after a reload, want 200", status)
	}
	j.wantDashboard("Demo User")
	if u := j.url(); u.Path != "/dashboard" {
		j.t.Errorf("a function with redirect: false left the page for %s", u)
	}
	j.module("signOut", stay)
	j.wantSession("")
	j.wantQuiet(said)

	out = j.module("signInCredentials", map[string]any{"username": "demo", "password": "not the password", "redirect": false})
	if out.OK || out.Status != http.StatusUnauthorized || out.Error == nil || out.Error.Code != "AUTH_CREDENTIALS_INVALID" {
		j.t.Errorf("signInCredentials with a wrong password = %+v", out)
	}
	j.wantSession("")
	said.take(j.tab) // the browser notes that refusal
	j.wantPolicy(said)
}

func quoted(text string) string {
	literal, _ := json.Marshal(text) // strings cannot fail
	return string(literal)
}

// wantQuiet wants a page that nobody has complained about.
func (j journey) wantQuiet(said *console) {
	j.t.Helper()
	if complaints := said.take(j.tab); len(complaints) > 0 {
		j.t.Errorf("the console says:\n%s", strings.Join(complaints, "\n"))
	}
}

// wantPolicy proves that the quiet of before was worth something: what the policy
// forbids does not happen, and the console tells.
func (j journey) wantPolicy(said *console) {
	j.t.Helper()
	ran := script[bool](j.tab, `
		const inline = document.createElement("script");
		inline.textContent = "globalThis.inlineRan = true";
		document.body.append(inline);
		return globalThis.inlineRan === true;`, nil)
	complaints := strings.Join(said.take(j.tab), "\n")
	if ran || !strings.Contains(complaints, "Content Security Policy") || !strings.Contains(complaints, "default-src 'self'") {
		j.t.Errorf("an inline script ran: %t; the console says %q", ran, complaints)
	}
}

// wantIntegrity compares the hash on each page with the bytes at the script's
// address. That a browser runs them with it is what the other tests show.
func wantIntegrity(t *testing.T, b *browser, a *app) {
	t.Helper()
	tb := b.profile(t, true).tab()
	for _, path := range []string{"/", "/login"} {
		tb.mustOpen(a.url + path)
		attributes := script[struct{ Src, Integrity, Type string }](tb, `
			const { src, integrity, type } = document.querySelector('script[src*="/client.js"]');
			return { Src: src, Integrity: integrity, Type: type };`, nil)
		u, err := url.Parse(attributes.Src)
		if err != nil || u.Path != "/api/auth/client.js" || attributes.Type != "module" {
			t.Fatalf("%s loads the script %+v", path, attributes)
		}
		pg := newVisitor(t).get(attributes.Src)
		sum := sha256.Sum256([]byte(pg.body))
		if want := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); attributes.Integrity != want {
			t.Errorf("%s: integrity %q, want %q", path, attributes.Integrity, want)
		}
		if got := pg.header.Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") || pg.status != http.StatusOK {
			t.Errorf("%s: status %d, Content-Type %q", attributes.Src, pg.status, got)
		}
		if got := pg.header.Get("Cache-Control"); !strings.Contains(got, "immutable") || pg.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: Cache-Control %q, Set-Cookie %q", attributes.Src, got, pg.header.Get("Set-Cookie"))
		}
	}
}
