package provider_test

import (
	"slices"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

// Each preset without an argument is offered as soon as its client id is there,
// and no other.
func TestFromEnvironment(t *testing.T) {
	if got := provider.FromEnvironment(); len(got) != 0 {
		t.Fatalf("without credentials: %v", names(got))
	}
	var want []string
	for name, decl := range constructors(t) {
		if decl.Type.Params.NumFields() == 0 {
			want = append(want, name)
		}
	}
	byID := map[string]bool{}
	for _, row := range presets() {
		if byID[row.preset.ID] {
			continue
		}
		byID[row.preset.ID] = true
	}
	offered := 0
	for id := range byID {
		t.Setenv(variable(id)+"_CLIENT_ID", "client")
		switch got := provider.FromEnvironment(); len(got) {
		case offered: // takes an argument
		case offered + 1:
			offered++
			if !slices.Contains(names(got), id) {
				t.Errorf("%s: offered are %v", id, names(got))
			}
		default:
			t.Errorf("%s: offered are %v", id, names(got))
		}
	}
	if offered != len(want) {
		t.Errorf("%d presets are offered, and %d take no argument: %v", offered, len(want), want)
	}
	if got := names(provider.FromEnvironment()); !slices.IsSorted(got) {
		t.Errorf("not in order: %v", got)
	}
}

func names(list []aura.Provider) (ids []string) {
	for _, p := range list {
		ids = append(ids, p.ID)
	}
	return ids
}

// variable is the provider's part of the names in the environment.
func variable(id string) string {
	name := []byte("AURA_AUTH_" + id)
	for i, b := range name {
		switch {
		case b == '-':
			name[i] = '_'
		case b >= 'a' && b <= 'z':
			name[i] = b - 'a' + 'A'
		}
	}
	return string(name)
}
