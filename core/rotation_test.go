package aura_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

const newSecret = "n3W-Yq8Lk2Rj7Vb5Xc1Zt9Hd4Gf6Ms0Pw_Ea+Ui/Oo"

// SE-14, FA-14: a new secret in front logs nobody out; dropping the old one
// does, cleanly. In each form of the token.
func TestRotation(t *testing.T) {
	for _, mode := range []aura.TokenMode{aura.SealedToken, aura.SignedToken, aura.EncryptedToken} {
		t.Run(string(mode), func(t *testing.T) { rotate(t, mode) })
	}
}

func rotate(t *testing.T, mode aura.TokenMode) {
	const session, csrf = "aura-auth.session_token", "aura-auth.csrf_token"
	s := newRig(t, 1, nil)
	deploy := func(secrets ...aura.Secret) {
		s.deploy(func(_ string, c *aura.Config) {
			c.Secrets, c.Session.Token = secrets, mode
			c.Session.UpdatableFields = []string{"name"}
		})
	}
	signOut := func(b *browser, token string) reply {
		return b.do("POST", "/auth/signOut", "", "X-CSRF-Token", token)
	}

	// Under the old secret: four browsers with a session, one without, and two
	// sign-ins under way.
	deploy(testSecret)
	reader, writer, sleeper, leaver, guest := s.browser(), s.browser(), s.browser(), s.browser(), s.browser()
	for _, b := range []*browser{reader, writer, sleeper, leaver} {
		b.signIn("demo-ada")
	}
	tokens := map[*browser]string{}
	for _, b := range []*browser{writer, leaver, sleeper, guest} {
		tokens[b] = b.csrf()
	}
	inFlight, abandoned := s.browser(), s.browser()
	callback := inFlight.consent(inFlight.start("/after"), "demo-grace")
	lateCallback := abandoned.consent(abandoned.start("/after"), "demo-grace")
	old, key := openToken(t, mode, reader.cookies()[session], testSecret)
	if key != 0 {
		t.Fatalf("opened by secret %d", key)
	}

	deploy(newSecret, testSecret)
	if r := reader.do("HEAD", "/auth/session", ""); r.status != 200 || len(r.written()) != 0 {
		t.Errorf("HEAD: status %d, cookies %q", r.status, r.written())
	}
	r := reader.get("/auth/session")
	// The provider's tokens move to the new secret with the session.
	if r.status != 200 || !slices.Equal(r.written(), []string{session, "aura-auth.access_token.dev"}) {
		t.Fatalf("the first look: status %d, cookies %q\n%s", r.status, r.written(), r.body)
	}
	// Opens with the new secret alone, and says what it said.
	resealed, _ := openToken(t, mode, reader.cookies()[session], newSecret)
	if !bytes.Equal(resealed, old) {
		t.Errorf("re-issued as %s, was %s", resealed, old)
	}
	for _, claim := range []string{"jti", "exp", "aura", "sub"} {
		if claimsOf(t, resealed)[claim] == nil {
			t.Errorf("claim %s is missing", claim)
		}
	}
	if r := reader.get("/auth/session"); r.status != 200 || len(r.written()) != 0 {
		t.Errorf("the second look: status %d, cookies %q", r.status, r.written())
	}
	if r := inFlight.get(callback); r.status != 302 || inFlight.subject() != "demo-grace" {
		t.Errorf("the sign-in under way: status %d\n%s", r.status, r.body)
	}
	if r := writer.do("PATCH", "/auth/session", `{"user":{"name":"Countess"}}`, "Content-Type", "application/json", "X-CSRF-Token", tokens[writer]); r.status != 200 {
		t.Errorf("the CSRF token of a session: status %d\n%s", r.status, r.body)
	}
	if r := signOut(leaver, tokens[leaver]); r.status != http.StatusAccepted || leaver.subject() != "" {
		t.Errorf("signing out with the old CSRF token: status %d\n%s", r.status, r.body)
	}
	// Past the token check there is no session to end: 401, where a token that is
	// refused would be 403.
	signOut(guest, tokens[guest]).wantRefusal(t, 401, aura.CodeNoSession)
	if again := writer.csrf(); again != writer.cookies()[csrf] {
		t.Error("the CSRF token is not the cookie's")
	}

	// A rolling deployment: this process has the new secret, but not in front.
	deploy(testSecret, newSecret)
	for _, b := range []*browser{reader, writer, sleeper, inFlight} {
		if b.subject() == "" {
			t.Error("a process that has both secrets logged somebody out")
		}
	}
	if back, key := openToken(t, mode, reader.cookies()[session], testSecret, newSecret); key != 0 || !bytes.Equal(back, old) {
		t.Errorf("re-issued as %s, was %s", back, old)
	}
	deploy(newSecret, testSecret)
	for _, b := range []*browser{reader, writer, inFlight} {
		b.subject()
	}

	deploy(newSecret)
	for _, b := range []*browser{reader, writer, inFlight} {
		if b.subject() == "" {
			t.Error("dropping the old secret logged out a browser that had come by")
		}
	}
	held := maps.Clone(sleeper.cookies())
	for range 2 {
		r := sleeper.get("/auth/session")
		if r.status != 401 || len(r.written()) != 0 || fmt.Sprint(r.json(t)["session"], r.json(t)["authenticated"]) != "<nil> false" {
			t.Errorf("one that had not: status %d, cookies %q\n%s", r.status, r.written(), r.body)
		}
	}
	if !maps.Equal(held, sleeper.cookies()) {
		t.Error("cookies that another process may open were touched")
	}
	signOut(sleeper, tokens[sleeper]).wantRefusal(t, 403, aura.CodeCSRFMismatch)
	abandoned.get(lateCallback).wantRefusal(t, 400, aura.CodeStateInvalid)
	if abandoned.subject() != "" {
		t.Errorf("signed in as %q", abandoned.subject())
	}
	sleeper.signIn("demo-alan")
	if sleeper.subject() != "demo-alan" {
		t.Errorf("signing in again: signed in as %q", sleeper.subject())
	}
}
