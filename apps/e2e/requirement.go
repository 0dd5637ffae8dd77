package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// need ends a test whose surroundings are missing. It may be skipped on a
// contributor's machine only: in CI and under scripts/test a missing browser is
// a failure, or the tests would stop running without anyone noticing.
func need(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" || os.Getenv("E2E_REQUIRED") != "" {
		t.Fatalf("%s (scripts/test installs it)", what)
	}
	t.Skipf("%s: run scripts/test, which installs it", what)
}

// chromiumPath finds the browser. Only Chromium and Chrome speak the protocol
// that browser.go uses.
func chromiumPath(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("E2E_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	need(t, "no Chromium found: set E2E_CHROMIUM or install one")
	return ""
}

// nodeModules finds the npm packages, and the Node.js that came with them.
func nodeModules(t *testing.T) (folder, node string) {
	t.Helper()
	folder = os.Getenv("E2E_NODE_MODULES")
	if folder == "" {
		need(t, "E2E_NODE_MODULES is not set: npm's oidc-provider is not installed")
	}
	return folder, filepath.Join(folder, ".bin", "node")
}
