package provider_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A preset without a row in the tables is one that nobody has seen at work.
func TestEachPresetHasARow(t *testing.T) {
	var made []string
	for _, expr := range rowCalls(t) {
		made = append(made, constructor(expr))
	}
	exported := constructors(t)
	for name := range exported {
		if !slices.Contains(made, name) {
			t.Errorf("%s has no row in presetsA or presetsB", name)
		}
	}
	for _, name := range made {
		if exported[name] == nil {
			t.Errorf("the row of %s is of no exported constructor", name)
		}
	}

	tests := testNames(t)
	for _, row := range presets() {
		if row.elsewhere != "" && !slices.Contains(tests, row.elsewhere) {
			t.Errorf("%s: there is no %s", row.preset.ID, row.elsewhere)
		}
	}
}

// rowCalls are the calls that make the presets of the tables, in their order.
func rowCalls(t *testing.T) (calls []string) {
	t.Helper()
	for _, name := range []string{"presets_a_test.go", "presets_b_test.go"} {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			field, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if name, ok := field.Key.(*ast.Ident); !ok || name.Name != "preset" {
				return true
			}
			var text bytes.Buffer
			if err := printer.Fprint(&text, set, field.Value); err != nil {
				t.Fatal(err)
			}
			calls = append(calls, text.String())
			return true
		})
	}
	if len(calls) != len(presets()) {
		t.Fatalf("%d rows, but %d that say what their preset is", len(presets()), len(calls))
	}
	return calls
}

var call = regexp.MustCompile(`^provider\.(\w+)\(`)

// constructor is the function of a call.
func constructor(expr string) string {
	if m := call.FindStringSubmatch(expr); m != nil {
		return m[1]
	}
	return expr
}

// constructors are the exported functions of the package that return a preset.
func constructors(t *testing.T) map[string]*ast.FuncDecl {
	t.Helper()
	found := map[string]*ast.FuncDecl{}
	for _, d := range functions(t, func(name string) bool { return !strings.HasSuffix(name, "_test.go") }) {
		if d.Recv != nil || !d.Name.IsExported() || d.Type.Results == nil || len(d.Type.Results.List) != 1 {
			continue
		}
		if s, ok := d.Type.Results.List[0].Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Provider" {
			found[d.Name.Name] = d
		}
	}
	if len(found) == 0 {
		t.Fatal("the package has no constructors")
	}
	return found
}

func testNames(t *testing.T) (names []string) {
	t.Helper()
	for _, d := range functions(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
		names = append(names, d.Name.Name)
	}
	return names
}

func functions(t *testing.T, of func(file string) bool) (found []*ast.FuncDecl) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !of(name) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				found = append(found, f)
			}
		}
	}
	return found
}
