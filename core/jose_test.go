package aura_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

// joseForms are the three forms of token that JOSE makes, each with its reader.
var joseForms = map[string]struct {
	make func(aura.JOSE, any) (string, error)
	read func(aura.JOSE, string, any) error
}{
	"JWS": {aura.JOSE.SignJWS, aura.JOSE.VerifyJWS},
	"JWE": {aura.JOSE.EncryptJWE, aura.JOSE.DecryptJWE},
	"JWT": {aura.JOSE.EncodeJWT, aura.JOSE.DecodeJWT},
}

// What is made for one purpose in one form is read there and nowhere else: not
// for another purpose, not in another form, not as a session, and no session or
// CSRF token is read with it (SE-07).
func TestJOSEPurposes(t *testing.T) {
	s := newSite(t, nil)
	invites, resets, sessions := s.auth.JOSE("invites"), s.auth.JOSE("resets"), s.auth.DangerouslySessionJOSE()
	payload := s.claims("u-1").with("note", "<b>&\u2028")
	want := map[string]any{}
	for name, form := range joseForms {
		made, err := form.make(invites, payload)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := map[string]any{}
		if err := form.read(s.auth.JOSE("invites"), made, &got); err != nil || got["sub"] != "u-1" || got["note"] != "<b>&\u2028" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		for reader, other := range joseForms {
			for whose, jose := range map[string]aura.JOSE{"invites": invites, "resets": resets, "the session": sessions} {
				if whose == "invites" && reader == name {
					continue
				}
				into := map[string]any{}
				if err := other.read(jose, made, &into); err == nil || len(into) != 0 {
					t.Errorf("a %s for invites is read as %s for %s: %v", name, reader, whose, into)
				}
			}
		}
		for _, mode := range tokenModes {
			other := newSite(t, func(c *aura.Config) { c.Session.Token, c.Now = mode, s.clock.now })
			if got := other.guest().subject("-Cookie", plainNames.session+"="+made); got != "" {
				t.Errorf("a %s for invites is a session of mode %s, for %q", name, mode, got)
			}
		}
		for what, foreign := range map[string]string{"session": s.seal(s.claims("u-1")), "CSRF token": s.signCSRF(s.csrfClaims("")), "": "", "garbage": "a.b.c"} {
			if err := form.read(invites, foreign, &want); err == nil {
				t.Errorf("a %s is read as %s for invites", what, name)
			}
		}
		altered := made[:len(made)-6] + strings.Map(func(r rune) rune {
			if r == 'A' {
				return 'B'
			}
			return 'A'
		}, made[len(made)-6:])
		if err := form.read(invites, altered, &want); err == nil {
			t.Errorf("an altered %s is read", name)
		}
	}
	if len(want) != 0 {
		t.Errorf("refused tokens were read: %v", want)
	}
}

// A purpose that is none makes nothing and reads nothing; a value that was
// never made by JOSE does not panic.
func TestJOSEBadPurpose(t *testing.T) {
	s := newSite(t, nil)
	for _, good := range []string{"a", "0", "password-reset", strings.Repeat("a", 64)} {
		if _, err := s.auth.JOSE(good).SignJWS(map[string]any{}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, purpose := range []string{"", "A", "-a", "a b", "a_b", "a:b", "a\n", "é", "a\x00", strings.Repeat("a", 65)} {
		for name, form := range joseForms {
			made, err := form.make(s.auth.JOSE(purpose), map[string]any{"sub": "u-1"})
			if err == nil || made != "" || !strings.Contains(err.Error(), "purpose") {
				t.Errorf("%q, %s: made %q, %v", purpose, name, made, err)
			}
			good, err := form.make(s.auth.JOSE("a"), map[string]any{"x": 1})
			if err != nil {
				t.Fatal(err)
			}
			if err := form.read(s.auth.JOSE(purpose), good, &map[string]any{}); err == nil {
				t.Errorf("%q, %s: read", purpose, name)
			}
		}
	}
}

// The zero JOSE answers with errors.
func TestJOSEZero(t *testing.T) {
	for name, form := range joseForms {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("panics: %v", p)
				}
			}()
			if _, err := form.make(aura.JOSE{}, map[string]any{"a": 1}); err == nil {
				t.Error("makes a token")
			}
			if err := form.read(aura.JOSE{}, "a.b.c", &map[string]any{}); err == nil {
				t.Error("reads a token")
			}
		})
	}
}

// Payloads are JSON objects; what cannot be written is an error.
func TestJOSEPayloads(t *testing.T) {
	s := newSite(t, nil)
	jose := s.auth.JOSE("a")
	for name, form := range joseForms {
		for _, payload := range []any{make(chan int), func() {}} {
			if made, err := form.make(jose, payload); err == nil || made != "" {
				t.Errorf("%s of %T: %q", name, payload, made)
			}
		}
	}
	for _, payload := range []any{"text", 7, nil, []int{1}, true} {
		if made, err := jose.EncodeJWT(payload); err == nil || made != "" {
			t.Errorf("EncodeJWT of %v: %q", payload, made)
		}
	}
	made, err := jose.EncodeJWT(struct {
		Invite string `json:"invite"`
	}{"i-1"})
	var got struct {
		Invite, JTI   string
		IAT, NBF, EXP int64
	}
	if err != nil || jose.DecodeJWT(made, &got) != nil {
		t.Fatal(err)
	}
	now := s.clock.now().Unix()
	if got.Invite != "i-1" || got.IAT != now || got.NBF != now || got.EXP != now+int64(15*day/time.Second) || len(got.JTI) < 43 {
		t.Errorf("claims %+v", got)
	}
	again, err := jose.EncodeJWT(map[string]any{"invite": "i-1"})
	if err != nil || again == made {
		t.Errorf("the same token twice, %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v", jose, jose, &jose); strings.Contains(text, testSecret) || strings.Contains(text, testSalt) {
		t.Error("LK-06: printing it shows a secret")
	}
}

// DecodeJWT judges exp without tolerance, nbf and iat with 150 seconds, and
// reads nothing out of a token that is over.
func TestJOSEExpiry(t *testing.T) {
	s := newSite(t, nil)
	jose := s.auth.JOSE("a")
	start := s.clock.now().Unix()
	for name, test := range map[string]struct {
		claims map[string]any
		after  time.Duration
		ok     bool
	}{
		"a moment before MaxAge": {nil, 15*day - time.Second, true},
		"at MaxAge":              {nil, 15 * day, false},
		"its own exp, before":    {map[string]any{"exp": start + 60}, 59 * time.Second, true},
		"its own exp, at":        {map[string]any{"exp": start + 60}, 60 * time.Second, false},
		"exp is 0":               {map[string]any{"exp": 0}, 0, false},
		"exp is null":            {map[string]any{"exp": nil}, 0, false},
		"exp is a text":          {map[string]any{"exp": "9999999999"}, 0, false},
		"mexp before exp":        {map[string]any{"mexp": start + 60}, 60 * time.Second, false},
		"nbf 150 s ahead":        {map[string]any{"nbf": start + 150}, 0, true},
		"nbf 151 s ahead":        {map[string]any{"nbf": start + 151}, 0, false},
		"nbf, once it has come":  {map[string]any{"nbf": start + 1000}, 1000 * time.Second, true},
		"iat 150 s ahead":        {map[string]any{"iat": start + 150}, 0, true},
		"iat 151 s ahead":        {map[string]any{"iat": start + 151}, 0, false},
		"another case":           {map[string]any{"exp": start - 1, "EXP": start + 1000, "Exp": start + 1000}, 0, false},
	} {
		other := newSite(t, func(c *aura.Config) { now := s.clock.now().Add(test.after); c.Now = func() time.Time { return now } })
		made, err := jose.EncodeJWT(test.claims)
		if test.claims == nil {
			made, err = jose.EncodeJWT(struct{}{})
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		into := map[string]any{}
		if err := other.auth.JOSE("a").DecodeJWT(made, &into); (err == nil) != test.ok || (len(into) > 0) != test.ok {
			t.Errorf("%s: %v, read %v", name, err, into)
		}
	}
}

// Secrets rotate: a newer one in front reads what the older one made, and the
// older one alone does not read what the newer one made.
func TestJOSERotation(t *testing.T) {
	s := newSite(t, nil)
	deploy := func(secrets ...aura.Secret) *aura.Auth {
		return newSite(t, func(c *aura.Config) { c.Secrets, c.Now = secrets, s.clock.now }).auth
	}
	before, during, after := s.auth, deploy(newSecret, testSecret), deploy(newSecret)
	keys := map[string]func(*aura.Auth) aura.JOSE{
		"a purpose":   func(a *aura.Auth) aura.JOSE { return a.JOSE("a") },
		"the session": (*aura.Auth).DangerouslySessionJOSE,
	}
	for whose, of := range keys {
		for name, form := range joseForms {
			for _, test := range []struct {
				maker, reader *aura.Auth
				ok            bool
			}{{before, before, true}, {before, during, true}, {during, during, true}, {during, after, true}, {before, after, false}, {during, before, false}} {
				made, err := form.make(of(test.maker), map[string]any{"a": 1})
				if err != nil {
					t.Fatal(err)
				}
				if err := form.read(of(test.reader), made, &map[string]any{}); (err == nil) != test.ok {
					t.Errorf("%s, %s: made with %d, read: %v", whose, name, len(made), err)
				}
			}
		}
	}
}

// DangerouslySessionJOSE opens every token that the TypeScript library writes
// with these keys, the provider tokens among them.
func TestDangerouslySessionJOSEReadsVectors(t *testing.T) {
	f := readVectors(t)
	read := 0
	for _, v := range f.Vectors {
		form, ok := map[string]string{"encodeJWT": "JWT", "signJWS": "JWS", "encryptJWE": "JWE"}[v.Function]
		if !ok {
			t.Errorf("%s: function %q", v.Name, v.Function)
			continue
		}
		read++
		auth := f.server(t, v, nil)
		got := map[string]any{}
		if err := joseForms[form].read(auth.DangerouslySessionJOSE(), v.Token, &got); err != nil || !reflect.DeepEqual(got, v.Decoded) {
			t.Errorf("%s: %v\n%v, want\n%v", v.Name, err, got, v.Decoded)
		}
		if err := joseForms[form].read(auth.JOSE("a"), v.Token, &got); err == nil {
			t.Errorf("%s: a purpose reads it too", v.Name)
		}
	}
	if read < 6 {
		t.Errorf("only %d vectors", read)
	}
}

// What it makes with a sub is a session, in each mode; without one it is none.
func TestDangerouslySessionJOSEMakesSessions(t *testing.T) {
	for mode, name := range map[aura.TokenMode]string{aura.SealedToken: "JWT", aura.SignedToken: "JWS", aura.EncryptedToken: "JWE"} {
		s := newSite(t, func(c *aura.Config) { c.Session.Token = mode })
		jose := s.auth.DangerouslySessionJOSE()
		for form := range joseForms {
			made, err := joseForms[form].make(jose, s.claims("u-7"))
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if form == name {
				want = "u-7"
			}
			if got := s.guest().subject("-Cookie", plainNames.session+"="+made); got != want {
				t.Errorf("mode %s: what %s made signs in %q, want %q", mode, form, got, want)
			}
			made, err = joseForms[form].make(jose, s.claims("u-7").without("sub"))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.guest().subject("-Cookie", plainNames.session+"="+made); got != "" {
				t.Errorf("mode %s: %s without a sub signs in %q", mode, form, got)
			}
		}
		// The other way round: the library's own session reads back.
		g := s.guest()
		g.signIn()
		got := map[string]any{}
		if err := joseForms[name].read(jose, g.cookies[g.names.session], &got); err != nil || got["sub"] != "u-1" {
			t.Errorf("mode %s: %v, %v", mode, got, err)
		}
	}
	// A bare sub is enough.
	s := newSite(t, nil)
	made, err := s.auth.DangerouslySessionJOSE().EncodeJWT(map[string]any{"sub": "u-8"})
	if err != nil || s.guest().subject("-Cookie", plainNames.session+"="+made) != "u-8" {
		t.Errorf("a sub alone is no session: %v", err)
	}
}
