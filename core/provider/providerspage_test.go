package provider_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
)

var update = flag.Bool("update", false, "write docs/providers.md")

// docs/providers.md is made of the presets' rows and doc comments, so it says
// what the tests have seen and nothing that somebody has forgotten to change.
func TestProvidersPage(t *testing.T) {
	const path = "../../docs/providers.md"
	if _, err := os.Stat("../../docs"); errors.Is(err, fs.ErrNotExist) {
		return // the module alone, in somebody's module cache
	}
	page := providersPage(t)
	if *update {
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written, page) {
		t.Error("docs/providers.md is not what rows and doc comments say: run go generate ./provider in core")
	}
}

// An entry is a constructor with the rows of its presets.
type entry struct {
	name string
	decl *ast.FuncDecl
	rows []presetRow
}

func (e entry) preset() aura.Provider { return e.rows[0].preset }

// generic reports whether id and scopes are the caller's.
func (e entry) generic() bool { return e.name == "OIDC" || e.name == "OAuth2" }

// entries are sorted by name, those that fit any provider first.
func entries(t *testing.T) (all []*entry) {
	t.Helper()
	decls, rows := constructors(t), presets()
	for i, expr := range rowCalls(t) {
		name := constructor(expr)
		at := slices.IndexFunc(all, func(e *entry) bool { return e.name == name })
		if at < 0 {
			at, all = len(all), append(all, &entry{name: name, decl: decls[name]})
		}
		all[at].rows = append(all[at].rows, rows[i])
	}
	rank := func(e *entry) int { return slices.Index([]string{"OAuth2", "OIDC"}, e.name) }
	slices.SortFunc(all, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(rank(b), rank(a)), strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)))
	})
	return all
}

func providersPage(t *testing.T) []byte {
	var b bytes.Buffer
	b.WriteString("<!-- Made from core/provider: do not edit, run go generate ./provider in core. -->\n\n")
	b.WriteString(recorded(t, "providers_head.md"))
	b.WriteString("| preset | id | speaks | scopes | the client proves itself | address |\n|---|---|---|---|---|---|\n")
	all := entries(t)
	for _, e := range all {
		p := e.preset()
		id, asked := "`"+p.ID+"`", scopes(p)
		if e.generic() {
			id, asked = "yours", "yours"
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s | %s |\n",
			e.name, strings.ToLower(e.name), id, speaks(p), asked, proof(t, p), e.address(t))
	}
	for _, e := range all {
		e.write(t, &b)
	}
	return b.Bytes()
}

// write is one provider's section.
func (e *entry) write(t *testing.T, b *bytes.Buffer) {
	p := e.preset()
	variable := "AURA_AUTH_" + strings.Map(func(r rune) rune {
		if r == '-' {
			return '_'
		}
		return r
	}, strings.ToUpper(p.ID))
	fmt.Fprintf(b, "\n## %s\n\n    provider.%s\n\n%s", e.name, signature(t, e.decl), prose(t, e.decl))
	if e.generic() {
		return // the id, and so all that follows from it, is the caller's
	}
	fmt.Fprintf(b, "\n- Environment: `%s_CLIENT_ID`", variable)
	if p.MakeClientSecret == nil {
		fmt.Fprintf(b, ", `%s_CLIENT_SECRET`", variable)
	}
	fmt.Fprintf(b, "\n- Callback: `/auth/callback/%s`", p.ID)
	if p.ResponseMode != "" {
		fmt.Fprintf(b, ", by %s", p.ResponseMode)
	}
	fmt.Fprintf(b, "\n- Issuer of its accounts: `%s`\n", p.Issuer)
	if !p.OIDC && p.RevocationEndpoint == "" {
		b.WriteString("- Tokens cannot be revoked from here\n")
	}
}

func speaks(p aura.Provider) string {
	if p.OIDC {
		return "OpenID Connect"
	}
	return "OAuth 2.0"
}

func scopes(p aura.Provider) string {
	switch {
	case len(p.Scopes) > 0:
		return "`" + strings.Join(p.Scopes, " ") + "`"
	case p.OIDC:
		return "`openid profile email`"
	}
	return "none"
}

func proof(t *testing.T, p aura.Provider) string {
	method := p.AuthMethod
	switch {
	case p.MakeClientSecret != nil:
		if _, err := p.MakeClientSecret("client-id", time.Now()); err != nil {
			t.Errorf("%s: %v", p.ID, err)
		}
		return method + ", with a JWT made for each request"
	case method == "" && p.OIDC:
		return "as its metadata says"
	}
	return cmp.Or(method, "client_secret_basic")
}

// address says what the rows have brought, at the best, or what the mapping
// makes of a profile that says verified.
func (e *entry) address(t *testing.T) string {
	best := "none"
	for _, row := range e.rows {
		if row.want["email"] == nil {
			continue
		}
		if best = "not verified"; row.want["email_verified"] == true || row.verifies(t) {
			return "verified, when the provider says so"
		}
	}
	return best
}

func (row presetRow) verifies(t *testing.T) bool {
	mapping := row.preset.Profile
	if mapping == nil {
		mapping = aura.DefaultProfile
	}
	sub, _ := row.want["sub"].(string)
	u, err := mapping(context.Background(), &aura.Profile{
		Subject: sub, Raw: json.RawMessage(edited(t, cmp.Or(row.profile, row.preset.ID+".json"), map[string]any{"email_verified": true})),
	})
	return err == nil && u.EmailVerified
}

// signature is a declaration without func and results.
func signature(t *testing.T, d *ast.FuncDecl) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, token.NewFileSet(), &ast.FuncDecl{Name: d.Name, Type: &ast.FuncType{Params: d.Type.Params}}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(b.String(), "func ")
}

var credentials = regexp.MustCompile(`\s*Credentials:\s+\w+_CLIENT_ID\s+and\s+\w+_CLIENT_SECRET,\s+with\s+any\s+of\s+the\s+prefixes\s+or\s+bare\.`)

// prose is a doc comment as Markdown, without a sentence on credentials that
// says nothing but what stands in the list below it.
func prose(t *testing.T, d *ast.FuncDecl) string {
	if d.Doc == nil {
		t.Fatalf("%s has no doc comment", d.Name)
	}
	text := credentials.ReplaceAllString(d.Doc.Text(), "")
	p := comment.Parser{
		LookupPackage: func(name string) (string, bool) { return name, name == "aura" },
		LookupSym:     func(_, name string) bool { return ast.IsExported(name) },
	}
	out := (&comment.Printer{DocLinkURL: func(*comment.DocLink) string { return "" }}).Markdown(p.Parse(text))
	return string(out)
}
