package aura_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// A linkBook is what an application keeps in Hooks.Link.
type linkBook struct {
	mu     sync.Mutex
	refuse error
	links  map[aura.Account]aura.Account
}

func (l *linkBook) hook(_ context.Context, s *aura.Session, t *aura.Attempt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return l.refuse
	}
	if l.links == nil {
		l.links = map[aura.Account]aura.Account{}
	}
	l.links[t.Account()] = s.Account()
	return nil
}

func (l *linkBook) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.links)
}

// startLink begins a link as a page of the application does.
func (b *browser) startLink(id string) string {
	b.t.Helper()
	r := b.post("/auth/link/"+id, url.Values{"csrfToken": {b.csrf()}, "redirectTo": {"/linked"}}, "Origin", b.origin)
	if r.status != http.StatusSeeOther {
		b.t.Fatalf("link/%s: status %d\n%s", id, r.status, r.body)
	}
	return r.header.Get("Location")
}

func TestLink(t *testing.T) {
	var book *linkBook
	stage := func(t *testing.T) *rig {
		book = &linkBook{}
		return newRig(t, 3, func(_ string, c *aura.Config) {
			c.Hooks.Link = book.hook
			c.Providers[2].ResponseMode = "form_post"
		})
	}
	t.Run("by redirect", func(t *testing.T) {
		s := stage(t)
		b := s.browser()
		b.signIn("demo-ada")
		session := b.cookies()["aura-auth.session_token"]
		r := b.get(b.consent(b.startLink("dev2"), "demo-grace"))
		if r.status != http.StatusFound || r.header.Get("Location") != "/linked" || b.subject() != "demo-ada" {
			t.Fatalf("status %d, Location %q, signed in as %q\n%s", r.status, r.header.Get("Location"), b.subject(), r.body)
		}
		if b.cookies()["aura-auth.session_token"] != session {
			t.Error("the session has been replaced")
		}
		want := aura.Account{Issuer: s.idps[0].Issuer(), Subject: "demo-ada"}
		if got := book.links[aura.Account{Issuer: s.idps[1].Issuer(), Subject: "demo-grace"}]; got != want || book.count() != 1 {
			t.Errorf("the links are %v", book.links)
		}
		for _, id := range []string{"dev", "dev2"} {
			if b.get("/auth/providers/"+id).status != http.StatusOK {
				t.Errorf("not connected with %s", id)
			}
		}
		// The linked provider is no source of the session's user.
		r = b.do("POST", "/auth/providers/dev2/user/refresh", "", "X-CSRF-Token", b.csrf(), "Origin", b.origin)
		if r.status != http.StatusUnauthorized || r.code(t) != string(aura.CodeNotConnected) {
			t.Errorf("refresh of a linked user: status %d\n%s", r.status, r.body)
		}
	})
	t.Run("the linked provider's tokens are refreshed as its own user's", func(t *testing.T) {
		s := stage(t)
		b := s.browser()
		b.signIn("demo-ada")
		b.get(b.consent(b.startLink("dev2"), "demo-grace"))
		for range 2 {
			r := b.get("/auth/providers/dev2/tokens", "X-CSRF-Token", b.csrf())
			if r.status != http.StatusOK {
				t.Fatalf("status %d\n%s", r.status, r.body)
			}
			s.clock.add(58 * 60e9)
		}
		if n := s.idps[1].Counts().Token; n != 2 {
			t.Errorf("%d calls of the token endpoint, want a code and a refresh", n)
		}
	})
	t.Run("by form_post", func(t *testing.T) {
		s := stage(t)
		b := s.browser()
		b.signIn("demo-ada")
		path, form := posted(t, b.consent(asQuery(t, b.startLink("dev3")), "demo-alan"))
		r := b.get(b.postBack(path, form).header.Get("Location"))
		if r.status != http.StatusFound || b.subject() != "demo-ada" || book.count() != 1 {
			t.Errorf("status %d, signed in as %q, %d links\n%s", r.status, b.subject(), book.count(), r.body)
		}
	})
	t.Run("another account of the session's own provider does not take its tokens' place", func(t *testing.T) {
		s := stage(t)
		b := s.browser()
		b.signIn("demo-ada")
		before := b.cookies()["aura-auth.access_token.dev"]
		r := b.get(b.consent(b.startLink("dev"), "demo-grace"))
		if r.status != http.StatusFound || b.cookies()["aura-auth.access_token.dev"] != before || book.count() != 1 {
			t.Errorf("status %d, %d links, or the tokens have been replaced\n%s", r.status, book.count(), r.body)
		}
	})
	t.Run("as JSON", func(t *testing.T) {
		s := stage(t)
		b := s.browser()
		b.signIn("demo-ada")
		r := b.do("POST", "/auth/link/dev2?redirect=false", "", "X-CSRF-Token", b.csrf())
		target, _ := r.json(t)["redirectURL"].(string)
		if r.status != http.StatusOK || r.json(t)["redirect"] != false {
			t.Fatalf("status %d\n%s", r.status, r.body)
		}
		if r := b.get(b.consent(target, "demo-grace")); r.status != http.StatusFound || book.count() != 1 {
			t.Errorf("status %d\n%s", r.status, r.body)
		}
	})
	t.Run("AC-04 only the session that started it", func(t *testing.T) {
		s := stage(t)
		for what, between := range map[string]func(b *browser){
			"signed out":          func(b *browser) { b.post("/auth/signOut", url.Values{"csrfToken": {b.csrf()}}) },
			"another user":        func(b *browser) { b.signIn("demo-grace") },
			"the same user again": func(b *browser) { b.signIn("demo-ada") },
		} {
			b := s.browser()
			b.signIn("demo-ada")
			callback := b.consent(b.startLink("dev2"), "demo-alan")
			between(b)
			calls := s.idps[1].Counts().Token
			b.get(callback).wantRefusal(t, 400, aura.CodeStateInvalid)
			if s.idps[1].Counts().Token != calls || book.count() != 0 {
				t.Errorf("%s: the provider was asked, or the account linked", what)
			}
		}
		// An attacker's answer in the victim's browser, and the other way round.
		attacker, victim := s.browser(), s.browser()
		attacker.signIn("demo-grace")
		victim.signIn("demo-ada")
		theirs := attacker.consent(attacker.startLink("dev2"), "demo-grace")
		own := victim.consent(victim.startLink("dev2"), "demo-ada")
		victim.get(theirs).wantRefusal(t, 400, aura.CodeStateInvalid)
		attacker.get(own).wantRefusal(t, 400, aura.CodeStateInvalid)
		for name, value := range attacker.cookies() { // even with the attacker's flow planted
			if len(name) > 15 && name[:15] == "aura-auth.flow." {
				victim.plant(name, value)
			}
		}
		victim.get(theirs).wantRefusal(t, 400, aura.CodeStateInvalid)
		if book.count() != 0 {
			t.Errorf("the links are %v", book.links)
		}
		if r := victim.get(own); r.status != http.StatusFound || book.count() != 1 {
			t.Errorf("the honest one: status %d\n%s", r.status, r.body)
		}
		victim.get(own).wantRefusal(t, 400, aura.CodeStateInvalid)
	})
	t.Run("who may start one", func(t *testing.T) {
		s := stage(t)
		b := s.browser()
		want := func(r reply, status int, code aura.Code) {
			t.Helper()
			r.wantRefusal(t, status, code)
		}
		want(b.do("POST", "/auth/link/dev2", "", "X-CSRF-Token", b.csrf()), 401, aura.CodeNoSession)
		b.signIn("demo-ada")
		csrf := b.csrf()
		want(b.get("/auth/link/dev2"), 405, aura.CodeMethodNotAllowed)
		want(b.do("POST", "/auth/link/dev2", ""), 403, aura.CodeCSRFMissing)
		want(b.do("POST", "/auth/link/dev2", "", "X-CSRF-Token", s.browser().csrf()), 403, aura.CodeCSRFMismatch)
		want(b.do("POST", "/auth/link/dev2", "", "X-CSRF-Token", csrf, "Origin", "https://evil.example"), 403, aura.CodeOriginRejected)
		want(b.do("POST", "/auth/link/nobody", "", "X-CSRF-Token", csrf), 404, aura.CodeUnknownProvider)
		if len(b.flows()) != 0 {
			t.Errorf("flows: %v", b.flows())
		}
	})
	t.Run("the application refuses", func(t *testing.T) {
		s := stage(t)
		b := s.browser()
		b.signIn("demo-ada")
		book.refuse = errors.New("this account is somebody else's")
		b.get(b.consent(b.startLink("dev2"), "demo-grace")).wantRefusal(t, 403, aura.CodeSignInDenied)
		if b.subject() != "demo-ada" || b.get("/auth/providers/dev2").status == http.StatusOK && b.get("/auth/providers/dev2").json(t)["connected"] == true {
			t.Error("the session has changed")
		}
	})
	t.Run("without the hook there is no route", func(t *testing.T) {
		s := newRig(t, 2, nil)
		b := s.browser()
		b.signIn("demo-ada")
		b.do("POST", "/auth/link/dev2", "", "X-CSRF-Token", b.csrf()).wantRefusal(t, 404, aura.CodeNotFound)
	})
}
