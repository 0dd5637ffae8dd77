// Package adaptertest is the contract of adapters, as a test that anyone can
// run: one call drives an adapter through every row of it, over real listeners
// and, where it matters, raw connections. A row has a name and an explanation;
// all that fail are reported.
//
// An adapter's test tells the suite how its framework serves an [App]:
//
//	func TestAdapter(t *testing.T) {
//		adaptertest.Run(t, adaptertest.Adapter{Name: "myframework", Serve: serve})
//	}
//
// Serve builds the application natively, with the adapter's own Mount, Load,
// Require and Protect; see the tests of the adapters in this repository, which
// take about fifty lines each, and docs/writing-an-adapter.md.
package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// An Adapter is what the suite knows about the adapter under test.
type Adapter struct {
	// Name appears in the output.
	Name string
	// Serve serves app on app.Listener in the background until stop is called.
	// The framework's own recover middleware must be in place, and header lines
	// of at least 16 KiB must be accepted.
	Serve func(app App) (stop func(), err error)
	// CannotSeeDisconnects says that the framework does not tell when a client
	// has left. The adapter's documentation must say so too. The contexts of
	// hooks then have to end by their deadline.
	CannotSeeDisconnects bool
}

// An App is an application for Serve to build, in this order: Before as the
// outermost middleware, the adapter's Load around everything, the routes of
// Auth by the adapter's Mount, and Routes.
type App struct {
	Listener net.Listener
	Auth     *aura.Auth
	// Group, if not empty, is a prefix: Mount is called on a group with this
	// prefix, in whatever way the framework has groups. Routes are not in it.
	Group string
	// WithoutLoad leaves Load out: applications may use Require alone.
	WithoutLoad bool
	// Before, if not nil, runs before everything else, for each request.
	Before func(Exchange)
	Routes []Route
}

// A Route is one route of an App.
type Route struct {
	Method, Path string
	Require      bool // behind the adapter's Require
	Protect      bool // behind the adapter's Protect, after Require
	Handle       func(Exchange)
}

// An Exchange is one request and its response in terms of the framework. The
// adapter's test implements it with the adapter's functions and nothing else.
type Exchange interface {
	// Request is what the application passes to functions of aura.Auth.
	Request() *http.Request
	// Context is the context that handlers of this framework use.
	Context() context.Context
	// SetContext replaces it, as a middleware does that adds a value.
	SetContext(context.Context)
	// Session calls the adapter's Session.
	Session() (*aura.Session, bool)
	// Apply calls the adapter's Apply.
	Apply(http.Header)
	// Form returns a field of a posted form, by the framework's own means.
	Form(name string) string
	// Send answers with text.
	Send(status int, body string)
}

// A Failure is one row that an adapter does not pass.
type Failure struct {
	Row string // its name
	Why string // what the contract says, and why
	Err error  // what was seen instead; several are joined
}

// Error is what was seen, followed by the row's explanation.
func (f Failure) Error() string {
	return fmt.Sprintf("%s: %v\n\nThe contract: %s", f.Row, f.Err, f.Why)
}

// Unwrap returns what was seen.
func (f Failure) Unwrap() error { return f.Err }

// Run runs every row as a subtest.
func Run(t *testing.T, a Adapter) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if err := r.check(a); err != nil {
				t.Errorf("%s: %v", a.Name, Failure{Row: r.name, Why: r.why, Err: err})
			}
		})
	}
}

// Check runs every row and returns those that fail, for tests about adapters
// that are known to fail some.
func Check(a Adapter) []Failure {
	var failures []Failure
	for _, r := range rows {
		if err := r.check(a); err != nil {
			failures = append(failures, Failure{Row: r.name, Why: r.why, Err: err})
		}
	}
	return failures
}

// A row is one clause of the contract.
type row struct {
	name string
	why  string
	run  func(*probe)
}

// rows is the contract, in the order of the files.
var rows = concat(sessionRows, storeRows, flowRows, transcriptRows, holdingRows, bearerRows, routeRows, formPostRows, linkRows, logoutRows, requestRows, responseRows, lifeRows)

func concat(tables ...[]row) (all []row) {
	for _, t := range tables {
		all = append(all, t...)
	}
	return all
}

// check runs the row. Whatever goes wrong in it is a failure of the row, and
// the next one runs.
func (r row) check(a Adapter) (err error) {
	p := &probe{adapter: a}
	defer func() {
		defer p.close()
		switch v := recover(); v {
		case nil:
		case errStopped:
		default:
			p.errs = append(p.errs, fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
		err = errors.Join(p.errs...)
	}()
	r.run(p)
	return nil
}
