package devidp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aura-stack-go/auth/core/devidp"
)

// wire is everything that one sign-in, one refresh, one replay of the code and one
// logout showed, without judging any of it.
type wire struct {
	discovery, jwks  answer
	callback         url.Values
	token, keysAfter answer
	idToken          string
	header, claims   map[string]any
	userInfo         answer
	refresh, replay  answer
	refreshedClaims  map[string]any
	attacker         answer
	logouts          []string // the logout tokens that came, with header and claims of the last
	logoutHeader     map[string]any
	logout           map[string]any
	client           devidp.Client
}

// observe runs everything with the honest endpoints, whatever discovery said.
func observe(t *testing.T, p *devidp.Provider, ear *ear) *wire {
	t.Helper()
	w := &wire{client: p.Client()}
	w.discovery = get(t, base(p)+"/.well-known/openid-configuration")
	w.jwks = get(t, base(p)+"/jwks")
	w.callback = viaPage(t, p)
	w.token = post(t, base(p)+"/token", tokenRequest(p, w.callback.Get("code")))
	w.keysAfter = get(t, base(p)+"/jwks")
	w.idToken = w.token.text("id_token")
	w.header, w.claims = decodePart(w.idToken, 0), decodePart(w.idToken, 1)
	w.userInfo = userInfo(t, p, w.token.text("access_token"))
	w.refresh = post(t, base(p)+"/token", refreshRequest(p, w.token.text("refresh_token")))
	w.refreshedClaims = decodePart(w.refresh.text("id_token"), 1)
	w.replay = post(t, base(p)+"/token", tokenRequest(p, w.callback.Get("code")))
	w.attacker = get(t, base(p)+"/trap/attacker-jwks")
	ear.take()
	if _, err := p.EndSessions(t.Context(), "demo-ada"); err != nil {
		t.Errorf("EndSessions: %v", err)
	}
	if w.logouts = ear.take(); len(w.logouts) > 0 {
		last := w.logouts[len(w.logouts)-1]
		w.logoutHeader, w.logout = decodePart(last, 0), decodePart(last, 1)
	}
	return w
}

// signed: a client that took any key of the set would take the token.
func (w *wire) signed() bool { return verifiedBy(w.idToken, w.keysAfter.object()) }

// TestFaults checks each fault's effect on the wire, and that the check says no
// when the provider is honest.
func TestFaults(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		t.Run(alg, func(t *testing.T) {
			ear := listen(t)
			p := start(t, devidp.Config{SigningAlg: alg, Clients: []devidp.Client{ear.client("dev")}})
			honest := observe(t, p, ear)
			for _, f := range devidp.Faults() {
				effect, ok := effects()[f.Name]
				if strings.Contains(f.Name, "/") {
					continue // TestTransportFaults
				}
				t.Run(f.Name, func(t *testing.T) {
					if !ok {
						t.Fatal("the fault has no entry in effects")
					}
					p.Misbehave(f)
					defer p.Behave()
					if w := observe(t, p, ear); !effect(w) {
						t.Errorf("%s\nnot seen on the wire: callback %v\ntoken %d %.2000s\nheader %.500v\nclaims %.500v\nuserinfo %d %s\nsigned %v",
							f.About, w.callback, w.token.status, w.token.body, w.header, w.claims, w.userInfo.status, w.userInfo.body, w.signed())
					}
					if effect(honest) {
						t.Error("the check passes on an honest provider: it proves nothing")
					}
				})
			}
			p.Behave()
			if w := observe(t, p, ear); !w.signed() || w.userInfo.status != 200 || w.refresh.status != 200 || w.replay.status != 400 {
				t.Error("after Behave the provider is not honest again")
			}
		})
	}
}

func TestFaultsAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range devidp.Faults() {
		if f.Name == "" || seen[f.Name] {
			t.Errorf("name %q is empty or used twice", f.Name)
		}
		seen[f.Name] = true
		if len(f.About) < 20 || !strings.HasSuffix(f.About, ".") {
			t.Errorf("%s: About is no sentence: %q", f.Name, f.About)
		}
		if !slices.Contains([]devidp.Verdict{devidp.Refuse, devidp.Accept, devidp.Either}, f.Verdict) || f.Endpoint == "" {
			t.Errorf("%s: verdict %q, endpoint %q", f.Name, f.Verdict, f.Endpoint)
		}
	}
	for _, name := range exportedFaultVariables(t) {
		if !seen[name] {
			t.Errorf("the variable %s is not in Faults, or has another name", name)
		}
	}
}

func exportedFaultVariables(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("fault_*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if block, ok := decl.(*ast.GenDecl); ok && block.Tok == token.VAR && !strings.HasSuffix(file, "_test.go") {
				for _, spec := range block.Specs {
					names = append(names, spec.(*ast.ValueSpec).Names[0].Name)
				}
			}
		}
	}
	if len(names) < 50 {
		t.Fatalf("found only %d variables", len(names))
	}
	return names
}

// A test's own faults: claims, an endpoint taken over, two at once.
func TestOwnFaults(t *testing.T) {
	ear := listen(t)
	p := start(t, devidp.Config{SigningAlg: "ES256", Clients: []devidp.Client{ear.client("dev")}})
	p.Misbehave(
		devidp.Fault{Endpoint: devidp.Token, IDToken: func(claims, header map[string]any) { claims["amr"], header["typ"] = "pwd", "odd" }},
		devidp.WrongNonce,
		devidp.Fault{Endpoint: devidp.UserInfo, Hijack: func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(http.StatusTeapot)
			return true
		}},
	)
	w := observe(t, p, ear)
	if w.claims["amr"] != "pwd" || w.header["typ"] != "odd" || w.claims["nonce"] == "the-nonce" || !w.signed() || w.userInfo.status != http.StatusTeapot {
		t.Errorf("claims %v header %v userinfo %d", w.claims, w.header, w.userInfo.status)
	}
}

func TestRefusalsStayReadableUnderFaults(t *testing.T) {
	p := start(t, fast())
	p.Misbehave(devidp.EmptyObject)
	if a := post(t, base(p)+"/token", tokenRequest(p, "unknown")); a.text("error") != "invalid_grant" {
		t.Errorf("%d %s", a.status, a.body)
	}
}
