// Command testsum reads the output of "go test -json" on standard input, prints
// what failed, and keeps count. Each call appends a line to the tally file;
// "testsum -total" prints the tally, a line for each module, and the sum.
//
// A test is any test, subtest, example or fuzz seed that go test reports. A
// package that fails without a failed test of its own (it does not build, it
// panics, TestMain exits) counts as one failure, and so does every skipped test
// unless -allow-skips is given: a check that does not run must not look green.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	tally := flag.String("tally", "", "file that holds one line of counts per call")
	label := flag.String("label", "", "name of this line in the tally")
	total := flag.Bool("total", false, "print the tally and the sum instead of reading")
	allowSkips := flag.Bool("allow-skips", false, "count skipped tests, but not as failures")
	flag.Parse()

	run := func() (counts, error) { return sum(os.Stdin, os.Stdout, *tally, *label, *allowSkips) }
	if *total {
		run = func() (counts, error) { return printTotal(os.Stdout, *tally) }
	}
	c, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	// A module may have no tests; the whole run may not.
	if c.failed > 0 || *total && c.passed == 0 {
		os.Exit(1)
	}
}

type counts struct{ passed, failed, skipped int }

func (c counts) String() string {
	s := fmt.Sprintf("%d passed, %d failed", c.passed, c.failed)
	if c.skipped > 0 {
		s += fmt.Sprintf(", %d skipped", c.skipped)
	}
	return s
}

// event is one line of go test -json (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output and build-fail
	Test       string
	Output     string
	Elapsed    float64
}

// report collects the events of one run.
type report struct {
	counts
	out        io.Writer
	allowSkips bool
	output     map[string]*strings.Builder // by package and test, until it passes
	failedIn   map[string]bool             // packages with a failed test
}

func sum(in io.Reader, out io.Writer, tally, label string, allowSkips bool) (counts, error) {
	r := &report{out: out, allowSkips: allowSkips, output: map[string]*strings.Builder{}, failedIn: map[string]bool{}}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return counts{}, err
		}
	}
	// The exit status of go test itself is the shell's to look at (pipefail).
	f, err := os.OpenFile(tally, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return counts{}, err
	}
	_, err = fmt.Fprintf(f, "%d %d %d %s\n", r.passed, r.failed, r.skipped, label)
	return r.counts, errors.Join(err, f.Close())
}

func (r *report) line(line string) {
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		fmt.Fprint(r.out, line) // go's own words, from before it speaks JSON
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		// What the events say already: "=== RUN", "=== PAUSE" and so on.
		if strings.HasPrefix(e.Output, "=== ") {
			return
		}
		if r.output[key] == nil {
			r.output[key] = &strings.Builder{}
		}
		r.output[key].WriteString(e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "pass", "fail", "skip":
		r.end(e, key)
	}
}

func (r *report) end(e event, key string) {
	text := ""
	if b := r.output[key]; b != nil {
		text = b.String()
	}
	delete(r.output, key)
	if e.Test == "" {
		r.endPackage(e, text)
		return
	}
	switch {
	case e.Action == "pass":
		r.passed++
	case e.Action == "skip" && r.allowSkips:
		r.skipped++
		fmt.Fprint(r.out, text)
	case e.Action == "skip":
		r.skipped++
		r.failed++
		r.failedIn[e.Package] = true
		fmt.Fprintf(r.out, "skipped, which counts as a failure here: %s %s\n%s", e.Package, e.Test, text)
	default:
		r.failed++
		r.failedIn[e.Package] = true
		fmt.Fprintf(r.out, "FAIL %s %s\n%s", e.Package, e.Test, text)
	}
}

func (r *report) endPackage(e event, text string) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(r.out, "ok   %s (%.1fs)\n", e.Package, e.Elapsed)
	case "fail":
		fmt.Fprintf(r.out, "FAIL %s (%.1fs)\n%s", e.Package, e.Elapsed, text)
		if !r.failedIn[e.Package] {
			r.failed++
			r.flush(e.Package)
		}
	}
}

// flush prints what the tests of a package said that never came to an end: after
// a panic or a time-out it is in their output, not in the package's.
func (r *report) flush(pkg string) {
	for key, b := range r.output {
		if strings.HasPrefix(key, pkg+" ") {
			fmt.Fprint(r.out, b.String())
		}
	}
}

func printTotal(out io.Writer, tally string) (counts, error) {
	data, err := os.ReadFile(tally)
	if err != nil {
		return counts{}, err
	}
	var total counts
	fmt.Fprintln(out, "Tests by module:")
	for line := range strings.Lines(string(data)) {
		var c counts
		var label string
		if _, err := fmt.Sscanf(line, "%d %d %d %s", &c.passed, &c.failed, &c.skipped, &label); err != nil {
			return counts{}, fmt.Errorf("tally line %q: %w", line, err)
		}
		fmt.Fprintf(out, "  %-60s %s\n", label, c)
		total.passed += c.passed
		total.failed += c.failed
		total.skipped += c.skipped
	}
	fmt.Fprintln(out, total)
	return total, nil
}
