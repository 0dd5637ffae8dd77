package e2e

import (
	"encoding/json"
	"testing"
)

// me is the part of the answer of /api/me that the tests look at: the user.
type me struct {
	Sub   string `json:"sub"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// me opens /api/me in the tab and leaves it there.
func (tb *tab) me(a *app) me {
	tb.t.Helper()
	tb.mustOpen(a.url + "/api/me")
	return decodeMe(tb.t, tb.text("body"))
}

func decodeMe(t *testing.T, body string) me {
	t.Helper()
	var m me
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("/api/me: %v in %s", err, body)
	}
	if m.Sub == "" || m.Name == "" {
		t.Fatalf("/api/me is not a user with sub and name: %s", body)
	}
	return m
}
