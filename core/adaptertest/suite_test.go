package adaptertest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestReferencePasses(t *testing.T) {
	Run(t, Adapter{Name: "reference", Serve: func(app App) (func(), error) { return newReference(app).serve() }})
}

// With asBroken set, this test binary is a user's test of a broken adapter.
const asBroken = "ADAPTERTEST_BROKEN"

func TestOfABrokenAdapter(t *testing.T) {
	for _, b := range breakages {
		if b.what == os.Getenv(asBroken) {
			Run(t, Adapter{Name: "broken", Serve: func(app App) (func(), error) {
				a := newReference(app)
				b.how(a)
				return a.serve()
			}})
		}
	}
}

// A row that no broken adapter fails is decoration. Each breakage is run in a
// process of its own, which shows what a user gets to see, and survives whatever
// a broken adapter does.
func TestEveryRowIsFailedByABrokenAdapter(t *testing.T) {
	failedBy := map[string]int{}
	for _, b := range breakages {
		failedBy[b.row]++
		t.Run(b.row+"/"+b.what, func(t *testing.T) {
			t.Parallel()
			var why string
			for _, r := range rows {
				if r.name == b.row {
					why = r.why
				}
			}
			if why == "" {
				t.Fatalf("there is no row %q", b.row)
			}
			name := strings.ReplaceAll(b.row, " ", "_")
			cmd := exec.Command(os.Args[0], "-test.run=^TestOfABrokenAdapter$/^"+name+"$")
			cmd.Env = append(os.Environ(), asBroken+"="+b.what)
			raw, err := cmd.CombinedOutput()
			out := string(raw)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Fatalf("an adapter that %s: %v, want exit status 1\n%s", b.what, err, out)
			}
			for _, want := range []string{"--- FAIL: TestOfABrokenAdapter/" + name + " ", "broken: " + b.row + ": ", "The contract: " + why} {
				if !strings.Contains(out, want) {
					t.Errorf("the output has no %q:\n%s", want, out)
				}
			}
			if strings.Contains(out, "DATA RACE") || strings.Contains(out, "panic: ") {
				t.Errorf("the row does not fail for what is broken:\n%s", out)
			}
			t.Log(out)
		})
	}
	for _, r := range rows {
		if failedBy[r.name] == 0 {
			t.Errorf("no broken adapter for row %q", r.name)
		}
	}
}

func TestRowsExplainThemselves(t *testing.T) {
	known := map[string]bool{}
	for _, r := range rows {
		if known[r.name] {
			t.Errorf("two rows are named %q", r.name)
		}
		known[r.name] = true
		if !strings.HasSuffix(r.why, ".") || !strings.Contains(r.why, " ") {
			t.Errorf("row %q explains itself with %q, which is no sentence", r.name, r.why)
		}
	}
}

func TestCheckReturnsTheFailures(t *testing.T) {
	unserved := errors.New("no such framework")
	failures := Check(Adapter{Name: "unserved", Serve: func(App) (func(), error) { return nil, unserved }})
	if len(failures) != len(rows) {
		t.Fatalf("%d failures of an adapter that serves nothing, want one for each of the %d rows", len(failures), len(rows))
	}
	for i, f := range failures {
		if f.Row != rows[i].name || f.Why != rows[i].why || !errors.Is(f, unserved) || !strings.Contains(f.Error(), f.Why) {
			t.Errorf("failure %d is %q: %v", i, f.Row, f)
		}
	}
}
