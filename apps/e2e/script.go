package e2e

import (
	"encoding/json"
	"strings"

	"github.com/chromedp/chromedp"
)

// script runs the body of an async function in the page and decodes what it
// returns. The arguments are its parameters, by name.
func script[T any](tb *tab, body string, arguments map[string]any) T {
	tb.t.Helper()
	var names, values []string
	for name, argument := range arguments {
		text, err := json.Marshal(argument)
		if err != nil {
			tb.t.Fatal(err)
		}
		names, values = append(names, name), append(values, string(text))
	}
	// A failure names the body and not the arguments, which hold passwords.
	return value(tb, "run "+strings.TrimSpace(body), chromedp.Evaluate[T](
		"(async ("+strings.Join(names, ", ")+") => {"+body+"})("+strings.Join(values, ", ")+")", chromedp.EvalAwaitPromise))
}

// until waits until a JavaScript expression is true. chromedp.Poll would compile
// it in the page, which a Content-Security-Policy forbids.
func (tb *tab) until(expression string) {
	tb.t.Helper()
	script[bool](tb, `while (!(`+expression+`)) await new Promise((next) => setTimeout(next, 20)); return true;`, nil)
}
