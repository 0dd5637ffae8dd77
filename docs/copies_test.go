package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The reference applications are each whole, to be copied, so what they have in
// common stands in each of them. It must stay the same.
func TestCopiesAreEqual(t *testing.T) {
	apps, err := filepath.Glob("../apps/*/web")
	if err != nil || len(apps) == 0 {
		t.Fatalf("no reference applications found: %v", err)
	}
	for _, app := range apps {
		files, err := os.ReadDir("../apps/nethttp/web")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			same(t, read(t, "../apps/nethttp/web/"+f.Name()), read(t, app+"/"+f.Name()), app+"/"+f.Name())
		}
		same(t, read(t, "../apps/nethttp/accounts.go"), read(t, filepath.Dir(app)+"/accounts.go"), filepath.Dir(app)+"/accounts.go")
		// The middleware alone differs where a framework does not speak net/http.
		ours, theirs := read(t, "../apps/nethttp/dev.go"), read(t, filepath.Dir(app)+"/dev.go")
		for _, function := range []string{"startDevelopment", "configured", "set", "random", "local", "loopback"} {
			same(t, body(t, ours, function), body(t, theirs, function), filepath.Dir(app)+"/dev.go: "+function)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// body returns a function of a Go file, from its name to its closing brace.
func body(t *testing.T, source, function string) string {
	t.Helper()
	_, rest, ok := strings.Cut(source, "\nfunc "+function+"(")
	if !ok {
		t.Errorf("no function %s", function)
	}
	text, _, _ := strings.Cut(rest, "\n}\n")
	return text
}

func same(t *testing.T, a, b, what string) {
	t.Helper()
	if a != b {
		t.Errorf("%s differs from the one in apps/nethttp; change them together", what)
	}
}
