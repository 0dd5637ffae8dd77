module github.com/aura-stack-go/auth/apps/fiber

go 1.26.0

require (
	github.com/aura-stack-go/auth/adapters/fiber v0.0.0
	github.com/aura-stack-go/auth/core v0.0.0
	github.com/gofiber/fiber/v2 v2.52.15
)

require (
	github.com/coreos/go-oidc/v3 v3.21.0 // indirect
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/klauspost/compress v1.20.0 // indirect
	github.com/mattn/go-colorable v0.1.13 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/mattn/go-runewidth v0.0.16 // indirect
	github.com/molecule-man/go-brrr v1.0.1 // indirect
	github.com/rivo/uniseg v0.2.0 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasthttp v1.74.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/aura-stack-go/auth/adapters/fiber => ../../adapters/fiber
	github.com/aura-stack-go/auth/core => ../../core
)
