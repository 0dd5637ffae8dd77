package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	for _, row := range []struct {
		name       string
		events     string
		allowSkips bool
		want       counts
		prints     string
	}{
		{"no test at all", `{"Action":"skip","Package":"p"}`, false, counts{}, ""},
		{"passing tests and subtests", `{"Action":"pass","Package":"p","Test":"A/a"}
{"Action":"pass","Package":"p","Test":"A"}
{"Action":"pass","Package":"p"}`, false, counts{passed: 2}, "ok   p"},
		{"a failing test counts once", `{"Action":"output","Package":"p","Test":"A","Output":"want 1\n"}
{"Action":"fail","Package":"p","Test":"A"}
{"Action":"fail","Package":"p"}`, false, counts{failed: 1}, "want 1"},
		{"a package that does not build", `{"Action":"build-output","ImportPath":"p","Output":"undefined: x\n"}
{"Action":"build-fail","ImportPath":"p"}
{"Action":"fail","Package":"p"}`, false, counts{failed: 1}, "undefined: x"},
		{"a panic in a test", `{"Action":"output","Package":"p","Test":"A","Output":"panic: boom\n"}
{"Action":"fail","Package":"p"}`, false, counts{failed: 1}, "panic: boom"},
		{"a skipped test is a failure", `{"Action":"skip","Package":"p","Test":"A"}
{"Action":"pass","Package":"p"}`, false, counts{failed: 1, skipped: 1}, "skipped"},
		{"unless it may be", `{"Action":"skip","Package":"p","Test":"A"}
{"Action":"pass","Package":"p"}`, true, counts{skipped: 1}, ""},
		{"go's own words are passed on", "go: no such module\n", false, counts{}, "go: no such module"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out strings.Builder
			got, err := sum(strings.NewReader(row.events), &out, filepath.Join(t.TempDir(), "tally"), "m", row.allowSkips)
			if err != nil {
				t.Fatal(err)
			}
			if got != row.want {
				t.Errorf("counts = %+v, want %+v", got, row.want)
			}
			if !strings.Contains(out.String(), row.prints) {
				t.Errorf("printed %q, want %q in it", out.String(), row.prints)
			}
		})
	}
}

func TestTotal(t *testing.T) {
	tally := filepath.Join(t.TempDir(), "tally")
	if err := os.WriteFile(tally, []byte("3 0 0 core\n4 1 2 apps/e2e\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	got, err := printTotal(&out, tally)
	if err != nil {
		t.Fatal(err)
	}
	if want := (counts{passed: 7, failed: 1, skipped: 2}); got != want {
		t.Errorf("total = %+v, want %+v", got, want)
	}
	if !strings.HasSuffix(out.String(), "\n7 passed, 1 failed, 2 skipped\n") {
		t.Errorf("the last line is not the sum:\n%s", out.String())
	}
	if _, err := printTotal(&out, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing tally was accepted")
	}
}
