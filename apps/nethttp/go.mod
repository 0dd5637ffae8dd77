module github.com/aura-stack-go/auth/apps/nethttp

go 1.26.0

require (
	github.com/aura-stack-go/auth/adapters/nethttp v0.0.0
	github.com/aura-stack-go/auth/core v0.0.0
)

require (
	github.com/coreos/go-oidc/v3 v3.21.0 // indirect
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/aura-stack-go/auth/adapters/nethttp => ../../adapters/nethttp
	github.com/aura-stack-go/auth/core => ../../core
)
