// Package provider holds presets for identity providers. A preset is a value of
// [aura.Provider]: change any field of it, its ID to have the same provider
// twice, say. Credentials come from its fields or from the environment:
// AURA_AUTH_<ID>_CLIENT_ID and AURA_AUTH_<ID>_CLIENT_SECRET.
//
// A preset is data, in a short file of its own with a recorded (synthetic)
// profile under testdata. It maps what its provider answers to an [aura.User];
// it marks an address as verified only where the provider says so.
//
// Presets of self-hosted providers and of tenants take their address or name as
// arguments, and put URLs together from those that are plain alone. Any other
// ends as an error of [aura.New], which says what to pass and does not repeat
// what it got.
package provider

//go:generate go test -run ^TestProvidersPage$ -update .
