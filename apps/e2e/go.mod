module github.com/aura-stack-go/auth/apps/e2e

go 1.26.0

require (
	github.com/aura-stack-go/auth/adapters/nethttp v0.0.0
	github.com/aura-stack-go/auth/core v0.0.0
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.22.1
	github.com/coreos/go-oidc/v3 v3.21.0
	golang.org/x/net v0.57.0
	golang.org/x/oauth2 v0.37.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
)

replace (
	github.com/aura-stack-go/auth/adapters/nethttp => ../../adapters/nethttp
	github.com/aura-stack-go/auth/core => ../../core
)
