package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// startLimit covers a cold start on a loaded two-core machine; a process
	// that is ready earlier is not waited for.
	startLimit = 30 * time.Second
	// stopLimit exceeds the five seconds that http.Server.Shutdown grants a
	// connection which a browser opened in advance and never used.
	stopLimit = 15 * time.Second
	pollEvery = 20 * time.Millisecond
)

// process is a program under test. It starts with the environment that it is
// given and PATH, HOME and TMPDIR: the caller's own AURA_AUTH_SECRET must not
// decide a test.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	out  *transcript
	done chan struct{} // closed when the program has ended
}

// transcript keeps everything that a program printed, in order.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (tr *transcript) Write(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.buf.Write(p)
}

func (tr *transcript) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.buf.String()
}

// spawn starts the program and ends it with the test: by SIGTERM, which must
// lead to exit status 0, and by force when that takes too long.
func spawn(t *testing.T, name string, env []string, path string, args ...string) *process {
	t.Helper()
	p := launch(t, name, env, path, args...)
	t.Cleanup(p.stop)
	return p
}

func launch(t *testing.T, name string, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, out: &transcript{}, done: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Env = append(baseEnvironment(), env...)
	// One writer for both, so that the transcript has the program's own order.
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		// The exit status is read from ProcessState, once done is closed.
		_ = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

func baseEnvironment() []string {
	// By default a program built with the race detector lingers for a second when
	// it exits, and goes on answering: it would hide a shutdown that does not wait.
	env := []string{"GORACE=halt_on_error=1 atexit_sleep_ms=0"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "SYSTEMROOT"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// until calls ready until it says yes; a program that ends first, or takes
// longer than startLimit, fails the test with all that it printed.
func (p *process) until(what string, ready func() bool) {
	p.t.Helper()
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for !ready() {
		select {
		case <-p.done:
			p.t.Fatalf("%s ended with status %d before %s; it printed:\n%s", p.name, p.cmd.ProcessState.ExitCode(), what, p.out)
		case <-limit.C:
			p.kill()
			p.t.Fatalf("%s: no %s within %s; it printed:\n%s", p.name, what, startLimit, p.out)
		case <-poll.C:
		}
	}
}

// line waits for a line that begins with the prefix and returns the rest of it.
func (p *process) line(prefix string) string {
	p.t.Helper()
	var rest string
	p.until("a line "+prefix+"…", func() bool {
		// The last element is a line that is still being written.
		lines := strings.Split(p.out.String(), "\n")
		for _, line := range lines[:len(lines)-1] {
			if value, ok := strings.CutPrefix(line, prefix); ok {
				rest = strings.TrimSpace(value)
				return true
			}
		}
		return false
	})
	return rest
}

// exit waits for the program to end by itself and returns its exit status.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(startLimit):
		p.kill()
		p.t.Fatalf("%s goes on running after %s; it printed:\n%s", p.name, startLimit, p.out)
		return -1
	}
}

func (p *process) stop() {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%s: SIGTERM: %v", p.name, err)
	}
	select {
	case <-p.done:
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			p.t.Errorf("%s: exit status %d after SIGTERM, want 0; it printed:\n%s", p.name, code, p.out)
		}
	case <-time.After(stopLimit):
		p.kill()
		p.t.Errorf("%s: still running %s after SIGTERM; it printed:\n%s", p.name, stopLimit, p.out)
	}
	if strings.Contains(p.out.String(), "WARNING: DATA RACE") {
		p.t.Errorf("%s: data race:\n%s", p.name, p.out)
	}
	if p.t.Failed() {
		p.t.Logf("%s printed:\n%s", p.name, p.out)
	}
}

func (p *process) kill() {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%s: kill: %v", p.name, err)
	}
	<-p.done
}
