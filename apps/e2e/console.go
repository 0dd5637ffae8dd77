package e2e

import (
	"fmt"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// console keeps what a tab complains of: errors and warnings that scripts and the
// browser itself write, exceptions that nothing caught, and what the page's
// Content-Security-Policy kept from happening.
type console struct {
	mu         sync.Mutex
	complaints []string
}

// watch starts listening; what happened before it is not there.
func (tb *tab) watch() *console {
	tb.t.Helper()
	c := &console{}
	if err := chromedp.Listen(tb.ctx, c.hear); err != nil {
		tb.t.Fatalf("listen to the console: %v", err)
	}
	return c
}

// hear is called by the browser's event loop and returns at once.
func (c *console) hear(event any) {
	said := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) && !expected(e.Entry) {
			said = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			parts := []string{"console." + string(e.Type)}
			for _, arg := range e.Args {
				parts = append(parts, string(arg.Value)+arg.Description)
			}
			said = strings.Join(parts, " ")
		}
	case *runtime.EventExceptionThrown:
		said = "exception: " + (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error()
	}
	if said == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.complaints = append(c.complaints, said)
}

// expected says that an entry is no complaint about the page: the browser notes
// each failed request, also that nobody is signed in, which is a 401, and its own
// search for an icon that the applications do not have.
func expected(e *log.Entry) bool {
	return e.Source == log.EntrySourceNetwork && (strings.Contains(e.Text, " 401 ") && strings.HasSuffix(e.URL, "/api/auth/session") ||
		strings.Contains(e.Text, " 404 ") && strings.HasSuffix(e.URL, "/favicon.ico"))
}

// take returns what was complained of so far, and forgets it. An event arrives
// before the reply to a later command, so one command is enough to have them all.
func (c *console) take(tb *tab) []string {
	tb.t.Helper()
	value(tb, "wait for the console", chromedp.Evaluate[bool](`true`))
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.complaints
	c.complaints = nil
	return said
}
