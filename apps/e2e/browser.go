package e2e

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// actionLimit bounds one step in the browser, page load included.
const actionLimit = 30 * time.Second

// browser is a running Chromium with a profile folder of its own.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// profile is an isolated set of cookies in that browser, like a second browser
// on the same desk.
type profile struct {
	t          *testing.T
	ctx        context.Context
	javascript bool
	fresh      bool // the first tab exists and nobody has asked for it yet
}

// tab is one page. It is used by one goroutine.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func startBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromiumPath(t)),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1000, 800),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-component-update", true),
		// Only loopback is visited; QUIC would only be tried in vain.
		chromedp.Flag("disable-quic", true),
		// The sandbox cannot be set up by root, which CI usually is. The pages
		// visited are our own.
		chromedp.Flag("no-sandbox", os.Geteuid() == 0),
	)
	options = append(options, more...)
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(endAllocator)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	// The first run binds the browser's life to its context, so it has no limit.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &browser{t: t, ctx: ctx}
}

// profile opens an empty profile; the test that asks for it ends it.
func (b *browser) profile(t *testing.T, javascript bool) *profile {
	t.Helper()
	ctx, end := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a profile: %v", err)
	}
	return &profile{t: t, ctx: ctx, javascript: javascript, fresh: true}
}

// tab opens a tab that shares the profile's cookies.
func (p *profile) tab() *tab {
	p.t.Helper()
	tb := &tab{t: p.t, ctx: p.ctx}
	if !p.fresh {
		ctx, end := chromedp.NewContext(p.ctx)
		p.t.Cleanup(end)
		tb.ctx = ctx
	}
	p.fresh = false
	if err := chromedp.Do(tb.ctx); err != nil {
		p.t.Fatalf("open a tab: %v", err)
	}
	tb.do("switch scripts", func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled,
			emulation.SetScriptExecutionDisabledParams{Value: !p.javascript})
		return chromedp.Void{}, err
	})
	return tb
}

func (tb *tab) do(what string, action chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, actionLimit)
	defer cancel()
	if err := chromedp.Do(ctx, action); err != nil {
		tb.t.Fatalf("%s: %v; the page is %s", what, err, tb.describe())
	}
}

// load runs an action that leads to a page and returns that page's status.
func (tb *tab) load(what string, action chromedp.Action[chromedp.Void]) int {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, actionLimit)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, action)
	if err != nil {
		tb.t.Fatalf("%s: %v; the page is %s", what, err, tb.describe())
	}
	if res == nil {
		tb.t.Fatalf("%s: no response; the page is %s", what, tb.describe())
	}
	return int(res.Status)
}

// value reads something of the page. Between finding a node and asking it, the
// browser may have put another in its place (it rebuilds pages of plain JSON);
// reading again is then the same question.
func value[T any](tb *tab, what string, action chromedp.Action[T]) T {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, actionLimit)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	for err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "No node with given id") {
		v, err = chromedp.Run(ctx, action)
	}
	if err != nil {
		tb.t.Fatalf("%s: %v; the page is %s", what, err, tb.describe())
	}
	return v
}

// describe names the page for a failure message and never fails itself.
func (tb *tab) describe() string {
	ctx, cancel := context.WithTimeout(tb.ctx, 2*time.Second)
	defer cancel()
	location, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return "unknown (" + err.Error() + ")"
	}
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		return location
	}
	return location + " and says:\n" + text
}

func (tb *tab) open(address string) int {
	tb.t.Helper()
	return tb.load("open "+address, chromedp.Navigate(address))
}

// mustOpen opens a page that has to answer 200.
func (tb *tab) mustOpen(address string) {
	tb.t.Helper()
	if status := tb.open(address); status != http.StatusOK {
		tb.t.Fatalf("%s: status %d, want 200; the page is %s", address, status, tb.describe())
	}
}

func (tb *tab) reload() int {
	tb.t.Helper()
	return tb.load("reload", chromedp.Reload())
}

// click clicks what the CSS selector finds first, with the mouse, and waits for
// the page that it leads to.
func (tb *tab) click(selector string) int {
	tb.t.Helper()
	return tb.load("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// submit clicks the first submit button of the form whose action ends so.
func (tb *tab) submit(actionEnd string) int {
	tb.t.Helper()
	return tb.click(submitButton(actionEnd))
}

// submitButton is the selector of that button; with no action given, of the
// first form's.
func submitButton(actionEnd string) string {
	within := "form"
	if actionEnd != "" {
		within += `[action$="` + actionEnd + `"]`
	}
	return within + ` button:not([type=button]):not([type=reset]), ` + within + ` input[type=submit]`
}

// fill types into a field, key by key.
func (tb *tab) fill(name, text string) {
	tb.t.Helper()
	tb.do("fill in "+name, chromedp.SendKeys(chromedp.CSS(`input[name="`+name+`"]`), text))
}

func (tb *tab) text(selector string) string {
	tb.t.Helper()
	return value(tb, "read "+selector, chromedp.Text(chromedp.CSS(selector)))
}

// has says whether the page, as it is now, has such an element.
func (tb *tab) has(selector string) bool {
	tb.t.Helper()
	nodes := value(tb, "look for "+selector, chromedp.Nodes(chromedp.CSSAll(selector), chromedp.AtLeast(0)))
	return len(nodes) > 0
}

func (tb *tab) url() *url.URL {
	tb.t.Helper()
	u, err := url.Parse(value(tb, "read the address", chromedp.Location()))
	if err != nil {
		tb.t.Fatal(err)
	}
	return u
}

// awaitPage waits until the tab is on a page to which pages lead by themselves.
// Between two of them there is none to ask, which is no failure.
func (tb *tab) awaitPage(address string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, actionLimit)
	defer cancel()
	for {
		if location, err := chromedp.Run(ctx, chromedp.Location()); err == nil && location == address {
			return
		}
		select {
		case <-ctx.Done():
			tb.t.Fatalf("the tab has not come to %s; the page is %s", address, tb.describe())
		case <-time.After(pollEvery):
		}
	}
}

// screenshot keeps the page as a PNG in E2E_SCREENSHOTS, under the test's name.
func (tb *tab) screenshot(label string) {
	tb.t.Helper()
	folder := os.Getenv("E2E_SCREENSHOTS")
	if folder == "" {
		return
	}
	png := value(tb, "screenshot", chromedp.CaptureScreenshot())
	if err := os.MkdirAll(folder, 0o755); err != nil {
		tb.t.Fatal(err)
	}
	name := strings.ReplaceAll(tb.t.Name(), "/", "-") + "-" + label + ".png"
	if err := os.WriteFile(filepath.Join(folder, name), png, 0o644); err != nil {
		tb.t.Fatal(err)
	}
}

// logIn goes through the identity provider's pages as its user, until the
// browser has left them.
func (tb *tab) logIn(idp *identityProvider) (status int) {
	tb.t.Helper()
	// Log-in and consent; whoever shows a third page does not let the user in.
	for range 2 {
		if !strings.HasPrefix(tb.url().String(), idp.issuer+"/") {
			return status
		}
		if tb.has(`input[name="password"]`) {
			tb.fill("login", idp.user.email)
			tb.fill("password", idp.user.password)
		}
		status = tb.submit("")
	}
	return status
}
