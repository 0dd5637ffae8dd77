module github.com/aura-stack-go/auth/docs

go 1.26.0
