package provider

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// Addresses of self-hosted providers and names of tenants become part of URLs
// that get our client secret. So they are put together from checked parts only,
// in forms so narrow that nothing has to be escaped.
var (
	labelForm   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	segmentForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,128}$`)
	guidForm    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// refused is a preset that New reports, because of what its constructor got.
func refused(id, name, format string, args ...any) aura.Provider {
	return aura.Provider{ID: id, Name: name, Problem: fmt.Errorf(format, args...)}
}

// segment reports whether s can stand between two slashes of a path.
func segment(s string) bool { return segmentForm.MatchString(s) && s != "." && s != ".." }

// domain reports whether s is a host name of two labels or more, without
// scheme, port and path.
func domain(s string) bool {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if !labelForm.MatchString(l) {
			return false
		}
	}
	return len(labels) > 1 && len(s) <= 253
}

// base returns the address of a self-hosted provider without a slash at its
// end. New judges the host and whether it may be plain http. The errors do not
// quote the address, which may hold a password.
func base(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "", errors.New("it cannot be read as a URL")
	case u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" || u.Hostname() == "":
		return "", errors.New("it does not begin with https:// and a host")
	case u.User != nil:
		return "", errors.New("it holds user information")
	case strings.ContainsAny(address, "?#"):
		return "", errors.New("it holds a query or a fragment")
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	for i, s := range strings.Split(path, "/") {
		if i > 0 && !segment(s) {
			return "", errors.New("its path is not plain")
		}
	}
	return u.Scheme + "://" + u.Host + path, nil
}
