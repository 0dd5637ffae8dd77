package aura_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
	"github.com/aura-stack-go/auth/core/internal/rp"
	"github.com/aura-stack-go/auth/core/provider"
)

// wireVectors are the known answers of testdata/vectors.json: tokens that the
// TypeScript library has written.
type wireVectors struct {
	Secret, Salt string
	Now          int64
	Vectors      []wireVector
	PKCE         struct{ CodeVerifier, CodeChallenge string }
}

type wireVector struct {
	Name, Mode, Function, Token string
	SessionConfig               struct {
		MaxAge, MaxDuration int64
		JWT                 struct{ Issuer, Audience string }
	}
	Decoded map[string]any
}

func readVectors(t *testing.T) wireVectors {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v wireVectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Vectors) < 6 || v.Now == 0 {
		t.Fatalf("%d vectors at %d", len(v.Vectors), v.Now)
	}
	return v
}

func (v wireVector) isSession() bool { return v.Decoded["sub"] != nil }

// mode is the form of the token: the function tells, for the CSRF vector's mode
// is that of the server.
func (v wireVector) mode() aura.TokenMode {
	return map[string]aura.TokenMode{"encodeJWT": aura.SealedToken, "signJWS": aura.SignedToken, "encryptJWE": aura.EncryptedToken}[v.Function]
}

// server is an application of the vectors' secret at the vectors' time.
func (f wireVectors) server(t *testing.T, v wireVector, change func(*aura.Config)) *aura.Auth {
	t.Helper()
	cfg := aura.Config{
		Secrets: []aura.Secret{aura.Secret(f.Secret)}, Salt: aura.Secret(f.Salt),
		Now: func() time.Time { return time.Unix(f.Now, 0) }, Logger: slog.New(slog.DiscardHandler),
		Session: aura.SessionConfig{
			Token: v.mode(), Issuer: v.SessionConfig.JWT.Issuer, Audience: v.SessionConfig.JWT.Audience,
			MaxAge: time.Duration(v.SessionConfig.MaxAge) * time.Second,
		},
	}
	if change != nil {
		change(&cfg)
	}
	auth, err := aura.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

func getSession(auth *aura.Auth, token string) reply {
	return direct(auth, "/auth/session", func(r *http.Request) { r.Header.Set("Cookie", "aura-auth.session_token="+token) })
}

// Every session of the vectors is one here, with the user that it names.
func TestWireSessions(t *testing.T) {
	f := readVectors(t)
	sessions := 0
	for _, v := range f.Vectors {
		if !v.isSession() {
			continue
		}
		sessions++
		t.Run(v.Name, func(t *testing.T) {
			r := getSession(f.server(t, v, nil), v.Token)
			want := map[string]any{
				"success": true, "authenticated": true, "session": map[string]any{
					"expires": "2100-01-01T00:00:00.000Z",
					"user":    map[string]any{"sub": v.Decoded["sub"], "name": v.Decoded["name"], "email": v.Decoded["email"], "image": v.Decoded["image"]},
				},
			}
			if r.status != 200 || !reflect.DeepEqual(r.json(t), want) || len(r.written()) != 0 {
				t.Errorf("status %d, cookies %q\n%s", r.status, r.written(), r.body)
			}
			for why, change := range map[string]func(*aura.Config){
				"at its end":           func(c *aura.Config) { c.Now = func() time.Time { return time.Unix(4102444800, 0) } },
				"long before its time": func(c *aura.Config) { c.Now = func() time.Time { return time.Unix(1699990000, 0) } },
				"another secret":       func(c *aura.Config) { c.Secrets = []aura.Secret{newSecret} },
				"another salt":         func(c *aura.Config) { c.Salt = newSecret },
				"another issuer":       func(c *aura.Config) { c.Session.Issuer = "https://other.example" },
				"another audience":     func(c *aura.Config) { c.Session.Audience = "https://other.example" },
			} {
				r := getSession(f.server(t, v, change), v.Token)
				if r.status != 401 || len(r.written()) != 0 {
					t.Errorf("%s: status %d, cookies %q", why, r.status, r.written())
				}
			}
		})
	}
	if sessions < 4 {
		t.Errorf("only %d sessions among the vectors", sessions)
	}
}

// The vector with mexp was made under a bound on the whole lifetime. Its iat is
// long past, but mexp is what its maker says about the bound.
func TestWireSessionUnderMaxDuration(t *testing.T) {
	f := readVectors(t)
	for _, v := range f.Vectors {
		if v.SessionConfig.MaxDuration == 0 {
			continue
		}
		auth := f.server(t, v, func(c *aura.Config) {
			c.Session.MaxDuration = time.Duration(v.SessionConfig.MaxDuration) * time.Second
		})
		if r := getSession(auth, v.Token); r.status != 200 {
			t.Errorf("%s, under its own configuration: status %d\n%s", v.Name, r.status, r.body)
		}
	}
}

// The other two kinds of token under the same keys are no sessions, and the CSRF
// vector is no CSRF token of ours.
func TestWireSiblings(t *testing.T) {
	f := readVectors(t)
	siblings := 0
	for _, v := range f.Vectors {
		if v.isSession() {
			continue
		}
		siblings++
		auth := f.server(t, v, nil)
		if r := getSession(auth, v.Token); r.status != 401 {
			t.Errorf("%s is a session: status %d\n%s", v.Name, r.status, r.body)
		}
		payload, _ := openToken(t, v.mode(), v.Token, f.Secret) // the session's codec opens it
		var got map[string]any
		if err := json.Unmarshal(payload, &got); err != nil || !reflect.DeepEqual(got, v.Decoded) {
			t.Errorf("%s holds %s (%v)", v.Name, payload, err)
		}
		if v.Decoded["token"] == nil {
			continue
		}
		r := direct(auth, "/auth/signOut", func(r *http.Request) {
			r.Method = "POST"
			r.Header.Set("Cookie", "aura-auth.csrf_token="+v.Token)
			r.Header.Set("X-Csrf-Token", v.Token)
		})
		r.wantRefusal(t, 403, aura.CodeCSRFMismatch)
	}
	if siblings < 2 {
		t.Errorf("only %d siblings among the vectors", siblings)
	}
}

// Contract §0.1: a token without our claim counts as signed in when issued, under
// its jti; the first re-issue writes that down.
func TestWireForeignSession(t *testing.T) {
	f := readVectors(t)
	for _, v := range f.Vectors {
		if !v.isSession() {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			jti, iat := v.Decoded["jti"].(string), int64(v.Decoded["iat"].(float64))
			auth := f.server(t, v, func(c *aura.Config) { c.Secrets = []aura.Secret{newSecret, aura.Secret(f.Secret)} })
			var s *aura.Session
			var lines http.Header
			direct(auth, "/", func(r *http.Request) {
				r.Header.Set("Cookie", "aura-auth.session_token="+v.Token)
				var err error
				if s, lines, err = auth.GetSession(r); err != nil {
					t.Fatal(err)
				}
			})
			if s.ID != jti || s.Provider != "" || s.Issuer != "" || s.Account() != (aura.Account{Subject: "user-1"}) || s.SignedInAt.UnixMilli() != iat*1000 {
				t.Errorf("ID %q, provider %q, issuer %q, signed in at %v", s.ID, s.Provider, s.Issuer, s.SignedInAt)
			}
			_, value, _ := strings.Cut(lines.Get("Set-Cookie"), "=")
			value, _, _ = strings.Cut(value, ";")
			payload, _ := openToken(t, v.mode(), value, newSecret)
			claims := claimsOf(t, payload)
			want := fmt.Sprintf("map[at:%d000 idp: iss: sid:%s]", iat, jti)
			if got := fmt.Sprint(claims["aura"]); got != want {
				t.Errorf("the re-issue has the claim aura %s, want %s", got, want)
			}
			delete(claims, "aura")
			if got, want := fmt.Sprint(claims), fmt.Sprint(numbers(t, v.Decoded)); got != want {
				t.Errorf("the re-issue has %s, want %s", got, want)
			}
		})
	}
}

// numbers gives decoded claims the digits that they were written with.
func numbers(t *testing.T, claims map[string]any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return claimsOf(t, raw)
}

// TypeScript drops a whole session over an address that its schema refuses, and
// compares bytes that it has not escaped.
func TestWireWrittenClaims(t *testing.T) {
	for why, c := range map[string]struct {
		user devidp.User
		want string // of the payload
		not  string
	}{
		"no address":         {devidp.User{Subject: "u", Name: "U"}, `"sub":"u","name":"U","iat":`, "email"},
		"an empty address":   {devidp.User{Subject: "u", Claims: map[string]any{"email": "", "email_verified": true}}, `"sub":"u","iat":`, "email"},
		"an odd address":     {devidp.User{Subject: "u", Email: "a@evil@app.example", EmailVerified: true}, `"sub":"u","iat":`, "email"},
		"a spoofed address":  {devidp.User{Subject: "u", Email: "a＠app.example", EmailVerified: true}, `"sub":"u","iat":`, "email"},
		"a trailing dot":     {devidp.User{Subject: "u", Email: "a@app.example.", EmailVerified: true}, `"sub":"u","iat":`, "email"},
		"an address":         {devidp.User{Subject: "u", Email: "a@app.example"}, `"sub":"u","email":"a@app.example","iat":`, "email_verified"},
		"a verified address": {devidp.User{Subject: "u", Email: "a@app.example", EmailVerified: true}, `"sub":"u","email":"a@app.example","email_verified":true,"iat":`, "\x00"},
		"ID-31 verified, in a string": {devidp.User{Subject: "u", Email: "a@app.example", Claims: map[string]any{"email_verified": "true"}},
			`"sub":"u","email":"a@app.example","iat":`, "email_verified"},
		"markup": {devidp.User{Subject: "u", Name: "<b>&"}, `"sub":"u","name":"<b>&","iat":`, `\u003c`},
	} {
		t.Run(why, func(t *testing.T) {
			s := newRig(t, 1, nil)
			idp, err := devidp.Start(devidp.Config{Now: s.clock.now, SigningAlg: "ES256", Users: []devidp.User{c.user}})
			if err != nil {
				t.Fatal(err)
			}
			defer idp.Close()
			s.idps[0], s.idp = idp, idp
			s.deploy(nil)
			b := s.browser()
			b.signIn("u")
			payload, _ := openToken(t, aura.SealedToken, b.cookies()["aura-auth.session_token"], testSecret)
			if !strings.HasPrefix(string(payload), "{"+c.want) || strings.Contains(string(payload), c.not) {
				t.Errorf("written: %s\nwant it to begin with {%s", payload, c.want)
			}
		})
	}
}

// RFC 7636 appendix B.
func TestWirePKCE(t *testing.T) {
	f := readVectors(t)
	p := provider.OAuth2("acme", "https://acme.example/authorize", "https://acme.example/token", "https://acme.example/me")
	party, err := rp.New(rp.Config{ID: p.ID, AuthorizationEndpoint: p.AuthorizationEndpoint, TokenEndpoint: p.TokenEndpoint, ClientID: "id", ClientSecret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	address, err := party.AuthorizationURL(context.Background(), rp.AuthorizationRequest{
		State: "s", CodeVerifier: f.PKCE.CodeVerifier, RedirectURI: "https://app.example/auth/callback/acme",
	})
	if err != nil {
		t.Fatal(err)
	}
	if q := query(t, address); q.Get("code_challenge") != f.PKCE.CodeChallenge || q.Get("code_challenge_method") != "S256" || f.PKCE.CodeChallenge == "" {
		t.Errorf("challenge %q by %q, want %q by S256", q.Get("code_challenge"), q.Get("code_challenge_method"), f.PKCE.CodeChallenge)
	}
}
