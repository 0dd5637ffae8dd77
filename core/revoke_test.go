package aura_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

const (
	revokePath      = tokensPath + "/revoke"
	refreshUserPath = "/auth/providers/dev/user/refresh"
)

// refreshAt uses a refresh token at the provider, as a thief could.
func (r *rig) refreshAt(refreshToken string) reply {
	r.t.Helper()
	client := r.idp.Client()
	return r.bare().post(strings.TrimSuffix(r.idp.Issuer(), "/")+"/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}, "client_id": {client.ID}, "client_secret": {client.Secret},
	})
}

func TestRevoke(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, exposed)
	b := s.member()
	access, refresh := b.accessToken(), fmt.Sprint(b.tokens()["refreshToken"])
	if s.userInfo(access) != http.StatusOK {
		t.Fatal("the access token does not serve before")
	}
	var seen []string
	s.idp.Misbehave(devidp.Fault{Endpoint: devidp.Revoke, Hijack: func(_ http.ResponseWriter, r *http.Request) bool {
		seen = append(seen, r.PostForm.Get("token_type_hint")+" "+r.PostForm.Get("token"))
		return false
	}})
	if r := b.act("POST", revokePath+"?token_type_hint=access_token"); r.status != http.StatusOK || r.body != `{"success":true}` || !slices.Contains(r.written(), tokensCookie) {
		t.Errorf("status %d, Set-Cookie %q\n%s", r.status, r.written(), r.body)
	}
	if want := []string{"refresh_token " + refresh, "access_token " + access}; !slices.Equal(seen, want) {
		t.Errorf("the provider was asked to revoke\n%q, want\n%q", seen, want)
	}
	if got := s.userInfo(access); got != http.StatusUnauthorized {
		t.Errorf("the access token still serves: %d", got)
	}
	if r := s.refreshAt(refresh); r.status != http.StatusBadRequest || !strings.Contains(r.body, "invalid_grant") {
		t.Errorf("the refresh token still serves: %d", r.status)
	}
	if b.connected() || len(b.held()) != 0 || b.subject() != "demo-ada" {
		t.Errorf("connected %v, cookies %q, signed in as %q", b.connected(), b.held(), b.subject())
	}
	b.act("POST", revokePath).wantFailure(t, http.StatusUnauthorized, aura.CodeNotConnected, false)
}

// What the provider has not revoked is kept, so that one can try again.
func TestRevokeFails(t *testing.T) {
	without := devidp.Fault{Endpoint: devidp.Discovery, JSON: func(o map[string]any) { delete(o, "revocation_endpoint") }}
	only := func(hint string, f devidp.Fault) devidp.Fault {
		hijack := f.Hijack
		f.Hijack = func(w http.ResponseWriter, r *http.Request) bool {
			return r.PostForm.Get("token_type_hint") == hint && hijack(w, r)
		}
		return f
	}
	for name, row := range map[string]struct {
		fault  devidp.Fault
		status int
		code   aura.Code
	}{
		"500":                       {devidp.Status(devidp.Revoke, 500), 503, aura.CodeRevokeUnreachable},
		"503":                       {devidp.Status(devidp.Revoke, 503), 503, aura.CodeRevokeUnreachable},
		"reset":                     {devidp.Reset(devidp.Revoke), 503, aura.CodeRevokeUnreachable},
		"500 for the access token":  {only("access_token", devidp.Status(devidp.Revoke, 500)), 503, aura.CodeRevokeUnreachable},
		"refused":                   {devidp.Status(devidp.Revoke, 400), 400, aura.CodeRevokeRejected},
		"forbidden":                 {devidp.Status(devidp.Revoke, 403), 400, aura.CodeRevokeRejected},
		"no endpoint":               {without, 500, aura.CodeRevokeUnsupported},
		"refused, the access token": {only("access_token", devidp.Status(devidp.Revoke, 400)), 400, aura.CodeRevokeRejected},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{}, nil)
			s.idp.Misbehave(row.fault)
			b := s.member()
			b.act("POST", revokePath).wantFailure(t, row.status, row.code, false)
			if !b.connected() || b.subject() != "demo-ada" {
				t.Error("the tokens, or the session, are gone")
			}
			if row.code == aura.CodeRevokeUnsupported {
				if r := b.act("DELETE", "/auth/providers/dev"); r.status != http.StatusOK {
					t.Errorf("disconnecting instead: status %d", r.status)
				}
				return
			}
			s.idp.Behave()
			if r := b.act("POST", revokePath); r.status != http.StatusOK || b.connected() {
				t.Errorf("afterwards: status %d, connected %v\n%s", r.status, b.connected(), r.body)
			}
		})
	}
}

// RFC 7009 §2: revoking refresh tokens is a must, access tokens a should. Where
// the second is not supported, the grant has ended with the first.
func TestRevokeRefreshTokensAlone(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, nil)
	b := s.member()
	s.idp.Misbehave(devidp.Fault{Endpoint: devidp.Revoke, Hijack: func(w http.ResponseWriter, r *http.Request) bool {
		if r.PostForm.Get("token_type_hint") != "access_token" {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"unsupported_token_type"}`))
		return true
	}})
	if r := b.act("POST", revokePath); r.status != http.StatusOK || b.connected() {
		t.Errorf("status %d, connected %v\n%s", r.status, b.connected(), r.body)
	}
}

func TestDisconnect(t *testing.T) {
	for _, split := range []bool{false, true} {
		t.Run(fmt.Sprint("split ", split), func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{}, roomy)
			if split {
				s.idp.Misbehave(largeIDToken(3000))
			}
			b := s.member()
			access, before := b.accessToken(), s.idp.Counts()
			if split != (len(b.held()) > 1) {
				t.Fatalf("cookies %q", b.held())
			}
			r := b.act("DELETE", "/auth/providers/dev")
			if r.status != http.StatusOK || r.body != `{"success":true}` || len(b.held()) != 0 || b.connected() {
				t.Errorf("status %d, cookies %q\n%s", r.status, b.held(), r.body)
			}
			if after := s.idp.Counts(); after != before {
				t.Errorf("the provider was told: %+v, before %+v", after, before)
			}
			if s.userInfo(access) != http.StatusOK || b.subject() != "demo-ada" {
				t.Error("the token at the provider, or the session, has ended")
			}
			b.act("DELETE", "/auth/providers/dev").wantFailure(t, http.StatusUnauthorized, aura.CodeNotConnected, false)
		})
	}
}

// profileNow makes userinfo say something else from now on.
func profileNow(change func(o map[string]any)) devidp.Fault {
	return devidp.Fault{Endpoint: devidp.UserInfo, JSON: change}
}

func (b *browser) user() map[string]any {
	b.t.Helper()
	session, _ := b.get("/auth/session").json(b.t)["session"].(map[string]any)
	user, _ := session["user"].(map[string]any)
	return user
}

// The user is asked for anew: what the provider says replaces, what it does not
// say stays, and so do the application's extra claims.
func TestRefreshUser(t *testing.T) {
	s := newTokenRig(t, devidp.Lifetimes{}, func(c *aura.Config) {
		c.Session.UpdatableFields = []string{"theme"}
		c.Providers[0].Profile = func(ctx context.Context, p *aura.Profile) (aura.User, error) {
			u, err := aura.DefaultProfile(ctx, p)
			var m struct{ Plan string }
			if err == nil {
				err = p.Decode(&m)
			}
			if err == nil && m.Plan != "" {
				err = u.Set("plan", m.Plan)
			}
			return u, err
		}
	})
	s.idp.Misbehave(profileNow(func(o map[string]any) { o["plan"] = "free" }))
	b := s.member()
	if r := b.do("PATCH", "/auth/session", `{"user":{"theme":"dark"}}`, "Content-Type", "application/json", "X-CSRF-Token", b.csrf()); r.status != http.StatusOK {
		t.Fatalf("PATCH: %d\n%s", r.status, r.body)
	}
	for _, row := range []struct {
		name   string
		change func(o map[string]any)
		want   string
	}{
		{"a new name", func(o map[string]any) { o["name"], o["picture"] = "Countess", "https://example.com/c.png" },
			`{"email":"ada@example.com","email_verified":true,"image":"https://example.com/c.png","name":"Countess","plan":"free","sub":"demo-ada","theme":"dark"}`},
		{"a new address", func(o map[string]any) { o["email"], o["email_verified"], o["plan"] = "new@example.com", false, "paid" },
			`{"email":"new@example.com","image":"https://example.com/c.png","name":"Ada Lovelace","plan":"paid","sub":"demo-ada","theme":"dark"}`},
		{"less than before", func(o map[string]any) { delete(o, "name"); delete(o, "email"); delete(o, "email_verified") },
			`{"email":"new@example.com","image":"https://example.com/c.png","name":"Ada Lovelace","plan":"paid","sub":"demo-ada","theme":"dark"}`},
	} {
		s.idp.Misbehave(profileNow(row.change))
		r := b.act("POST", refreshUserPath)
		session, _ := r.json(t)["session"].(map[string]any)
		if r.status != http.StatusOK || mustJSON(t, session["user"]) != row.want || session["expires"] == nil {
			t.Errorf("%s: status %d\n got %s\nwant %s", row.name, r.status, r.body, row.want)
		}
		if kept := mustJSON(t, b.user()); kept != row.want {
			t.Errorf("%s: the session has %s", row.name, kept)
		}
	}
	if n := s.idp.Counts().Refresh; n != 0 || !b.connected() {
		t.Errorf("%d refreshes, connected %v", n, b.connected())
	}
	s.clock.add(hour + time.Second)
	if r := b.act("POST", refreshUserPath); r.status != http.StatusOK || !slices.Contains(r.written(), tokensCookie) || s.idp.Counts().Refresh != 1 {
		t.Errorf("with an expired token: status %d, Set-Cookie %q", r.status, r.written())
	}
	s.clock.add(11 * time.Minute)
	if s.userInfo(b.accessToken()) != http.StatusOK {
		t.Error("the tokens of that refresh are lost")
	}
}

// A user that cannot be had anew, or is another one, leaves the session as it is.
func TestRefreshUserFails(t *testing.T) {
	for name, row := range map[string]struct {
		fault  devidp.Fault
		after  time.Duration
		status int
		code   aura.Code
	}{
		"another user":       {devidp.UserInfoWrongSubject, 0, 502, aura.CodeProfileIncomplete},
		"nobody":             {devidp.UserInfoMissingSubject, 0, 502, aura.CodeProfileIncomplete},
		"an outage":          {devidp.Status(devidp.UserInfo, 500), 0, 503, aura.CodeUserInfoUnreachable},
		"a reset":            {devidp.Reset(devidp.UserInfo), 0, 503, aura.CodeUserInfoUnreachable},
		"a refused token":    {devidp.Status(devidp.UserInfo, 403), 0, 502, aura.CodeUserInfoRejected},
		"no refresh":         {devidp.RefreshUnavailable, 2 * hour, 503, aura.CodeTokenUnreachable},
		"no userinfo at all": {devidp.Fault{Endpoint: devidp.Discovery, JSON: func(o map[string]any) { delete(o, "userinfo_endpoint") }}, 0, 500, aura.CodeNoUserInfo},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTokenRig(t, devidp.Lifetimes{}, nil)
			if row.fault.Endpoint == devidp.Discovery {
				s.idp.Misbehave(row.fault)
			}
			b := s.member()
			before := mustJSON(t, b.user())
			s.idp.Misbehave(row.fault)
			s.clock.add(row.after)
			r := b.act("POST", refreshUserPath)
			r.wantFailure(t, row.status, row.code, false)
			if session, said := r.json(t)["session"]; session != nil || !said {
				t.Errorf("the route's failure fields: %s", r.body)
			}
			if after := mustJSON(t, b.user()); after != before || !b.connected() {
				t.Errorf("connected %v, the session was\n%s, is\n%s", b.connected(), before, after)
			}
		})
	}
}

// An OAuth 2.0 provider names the user in userinfo alone: a token that now
// belongs to somebody else must not turn the session into theirs.
func TestRefreshUserIsTheSameUser(t *testing.T) {
	s := newSite(t, func(c *aura.Config) { c.ProviderTokens.Discard = false })
	g := s.guest()
	g.signIn()
	const path = "/auth/providers/gh/user/refresh"
	s.idp.mu.Lock()
	s.idp.name = "Countess"
	s.idp.mu.Unlock()
	if r := g.do("POST", path, "", "X-CSRF-Token", g.csrf()); r.status != http.StatusOK || g.user()["name"] != "Countess" {
		t.Errorf("status %d, user %v", r.status, g.user())
	}
	s.idp.become("u-2")
	r := g.do("POST", path, "", "X-CSRF-Token", g.csrf())
	r.wantFailure(t, http.StatusBadGateway, aura.CodeProfileIncomplete, false)
	if g.subject() != "u-1" || len(r.written()) != 0 {
		t.Errorf("signed in as %q, Set-Cookie %q", g.subject(), r.written())
	}
	// Its configuration names no revocation endpoint, and its tokens no refresh.
	g.do("POST", "/auth/providers/gh/tokens/revoke", "", "X-CSRF-Token", g.csrf()).wantFailure(t, http.StatusInternalServerError, aura.CodeRevokeUnsupported, false)
	_, asked := s.idp.asked()
	s.clock.add(2 * hour)
	tokens := g.do("GET", "/auth/providers/gh/tokens", "", "X-CSRF-Token", g.csrf())
	if _, after := s.idp.asked(); tokens.status != http.StatusOK || tokens.tokens(t)["accessToken"] != "memory-access-token" || after != asked {
		t.Errorf("without a refresh token: status %d, %d calls\n%s", tokens.status, after-asked, tokens.body)
	}
}
