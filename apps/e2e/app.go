package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// app is a running reference application.
type app struct {
	*process
	url string // scheme, host and port; no slash at the end
}

// eachApp runs the test once for every reference application there is: every
// sibling folder that is a program. None at all is a failure.
func eachApp(t *testing.T, test func(t *testing.T, name string)) {
	t.Helper()
	mains, err := filepath.Glob(filepath.Join("..", "*", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if len(mains) == 0 {
		t.Fatal("no reference application: no apps/*/main.go")
	}
	for _, path := range mains {
		name := filepath.Base(filepath.Dir(path))
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

// binaries builds each program once in a test run.
type binaries struct {
	folder string
	mu     sync.Mutex
	built  map[string]func() (string, error)
}

// built is filled by tests and removed by TestMain: linking every application
// again for every test would take longer than the tests.
var built = binaries{built: map[string]func() (string, error){}}

func (b *binaries) path(t *testing.T, name, folder string, env, flags []string) string {
	t.Helper()
	b.mu.Lock()
	build, ok := b.built[name]
	if !ok {
		build = sync.OnceValues(func() (string, error) {
			path := filepath.Join(b.folder, name)
			cmd := exec.Command("go", append([]string{"build", "-o", path}, append(flags, ".")...)...)
			cmd.Dir = folder
			cmd.Env = append(os.Environ(), env...)
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("go build in %s: %w\n%s", folder, err, out)
			}
			return path, nil
		})
		b.built[name] = build
	}
	b.mu.Unlock()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// appBinary builds with the race detector: ten tabs at once are its best load.
func appBinary(t *testing.T, name string) string {
	t.Helper()
	return built.path(t, name, filepath.Join("..", name), nil, []string{"-race"})
}

// startApp starts the application on the port and returns when it is healthy.
func startApp(t *testing.T, name string, port int, env ...string) *app {
	t.Helper()
	a := &app{
		process: spawn(t, name, append([]string{"PORT=" + strconv.Itoa(port)}, env...), appBinary(t, name)),
		url:     "http://127.0.0.1:" + strconv.Itoa(port),
	}
	a.until("200 from /healthz", func() bool {
		res, err := http.Get(a.url + "/healthz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		return err == nil && res.StatusCode == http.StatusOK
	})
	return a
}

// appExit starts the application with settings that must end its start, and
// returns its exit status and what it printed.
func appExit(t *testing.T, name string, env ...string) (status int, output string) {
	t.Helper()
	env = append([]string{"PORT=" + strconv.Itoa(freePort(t))}, env...)
	p := launch(t, name, env, appBinary(t, name))
	return p.exit(), p.out.String()
}

// freePort returns a port below the range from which systems take the ports of
// outgoing connections: one out of that range could be taken again before the
// application, which needs to know its port in advance, has bound it.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(12000)
		ln, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("no free port between 20000 and 32000 in 100 tries")
	return 0
}

// productionEnvironment is a complete configuration with one provider: the
// identity provider given.
func productionEnvironment(port int, idp *identityProvider) []string {
	return []string{
		"AURA_AUTH_SECRET=" + strongSecret(),
		"AURA_AUTH_SALT=" + strongSecret(),
		"AURA_AUTH_BASE_URL=http://127.0.0.1:" + strconv.Itoa(port),
		"OIDC_ISSUER=" + idp.issuer,
		"OIDC_CLIENT_ID=" + idp.clientID,
		"OIDC_CLIENT_SECRET=" + idp.clientSecret,
	}
}

// redirectURI is where an application on that port receives the answers of its
// provider "oidc".
func redirectURI(port int) string {
	return fmt.Sprintf("http://127.0.0.1:%d/api/auth/callback/oidc", port)
}

// without drops a variable from an environment.
func without(env []string, name string) []string {
	kept := make([]string, 0, len(env))
	for _, entry := range env {
		if !strings.HasPrefix(entry, name+"=") {
			kept = append(kept, entry)
		}
	}
	return kept
}
