// Package e2e drives the reference applications as a visitor would: each one is
// built, started as a process and used in a real browser, signed in against real
// identity providers. It knows the applications only by their folder, their
// environment and their pages, so that a new folder under apps joins every test
// by existing.
//
// What only a program can configure (a client's way to prove itself, pushed
// requests, form_post, logout at the provider, the device flow) is tested in a
// small application of its own: site.go.
//
// What the tests need besides Go, and the variables that tell where it is:
//
//	E2E_CHROMIUM      a Chromium; looked up under its usual names when unset
//	E2E_NODE_MODULES  the folder that npm installed npm/package.json into
//	E2E_SCREENSHOTS   when set, every page of the browser tests is kept here
//	E2E_REQUIRED      when set (CI is as good), what is missing fails the test
//
// scripts/test installs and sets all of it. A bare "go test" without a browser
// or without the npm packages skips what needs them, and says why.
package e2e
