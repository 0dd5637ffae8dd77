package main

import (
	"strings"
	"testing"
)

func TestSettingsNameEveryMissingField(t *testing.T) {
	err := settings{}.validate()
	if err == nil {
		t.Fatal("empty settings were accepted")
	}
	for _, name := range []string{"-redirect-uris", "-client-id", "-email", "-name", "DEX_CLIENT_SECRET", "DEX_PASSWORD"} {
		if !strings.Contains(err.Error(), name+" is required") {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}
