package aura_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"testing"
	"time"
)

// constantTime reads csrf.go: secrets there are compared by hmac.Equal alone.
func constantTime(t *testing.T) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "csrf.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	secret := func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.SelectorExpr:
			return e.Sel.Name == "Token"
		case *ast.Ident:
			return e.Name == "want" || e.Name == "got"
		}
		return false
	}
	compared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (secret(n.X) || secret(n.Y)) {
				t.Errorf("csrf.go compares a secret by %s", n.Op)
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "bytes" {
				t.Errorf("csrf.go uses bytes.%s", n.Sel.Name)
			} else if ok && x.Name == "hmac" && n.Sel.Name == "Equal" {
				compared++
			}
		}
		return true
	})
	if compared < 2 {
		t.Errorf("csrf.go uses hmac.Equal %d times, want it for both kinds of token", compared)
	}
}

// GET /csrfToken: the cookie's token while it is right and not near its end, so
// that other tabs keep theirs; else a new one, for this session or for none.
func TestCSRFTokenReuse(t *testing.T) {
	s := newSite(t, nil)
	for name, g := range map[string]*guest{"guest": s.guest(), "member": s.member("u-1")} {
		t.Run(name, func(t *testing.T) {
			first := g.get("/auth/csrfToken")
			line := cookieLine(t, first, g.names.csrf)
			value, _ := first.json(t)["csrfToken"].(string)
			if line == nil || line.Value != value || line.SameSite != http.SameSiteStrictMode || line.MaxAge != int(15*day/time.Second) {
				t.Fatalf("the first answer: %s, Set-Cookie %v", first.body, line)
			}
			second := g.get("/auth/csrfToken")
			if second.json(t)["csrfToken"] != value {
				t.Error("a second look makes another token")
			}
			if g.do("HEAD", "/auth/csrfToken", "").status != http.StatusOK {
				t.Error("HEAD")
			}
			g.cookies[g.names.csrf] = "garbage"
			if replaced := g.csrf(); replaced == value || g.cookies[g.names.csrf] != replaced {
				t.Error("a bad cookie is not replaced")
			}
		})
	}
	t.Run("kept in other tabs when it is signed anew", func(t *testing.T) {
		g := s.guest()
		old := g.csrf()
		s.clock.add(14 * day) // less than a quarter is left
		anew := g.csrf()
		if anew == old {
			t.Fatal("the token was not renewed")
		}
		if r := g.do("POST", "/auth/signOut", "", "X-CSRF-Token", old); r.status != http.StatusUnauthorized { // the token passed
			t.Errorf("the other tab's token: status %d\n%s", r.status, r.body)
		}
	})
	t.Run("of one session, whichever tab asks", func(t *testing.T) {
		g := s.member("u-1")
		one, two := g.on(g.url), g.on(g.url)
		two.cookies = maps.Clone(g.cookies)
		one.cookies = maps.Clone(g.cookies)
		a, b := one.csrf(), two.csrf() // parallel first fetches: five cookies, one right
		for _, token := range []string{a, b} {
			if r := g.do("PATCH", "/auth/session", `{}`, "Content-Type", jsonType, "X-CSRF-Token", token); r.status != http.StatusOK {
				t.Errorf("status %d", r.status)
			}
		}
	})
}
