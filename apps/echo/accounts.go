package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/password"
)

// Sign-in by user name and password, and sign-up. The users live in memory:
// replace the map by your database and keep the rest.
type accounts struct {
	hasher password.Hasher
	mu     sync.Mutex
	users  map[string]account // by canonical user name
}

type account struct {
	user aura.User
	hash string
}

// forms says which of the sign-in page's forms are on.
type forms struct{ password, signUp bool }

// startAccounts turns sign-in by password on in development mode, for one demo
// user, and sign-up when AURA_AUTH_DEV=1 asks for that mode.
func startAccounts(cfg *aura.Config, dev *development) error {
	if dev == nil {
		return nil
	}
	a := &accounts{users: map[string]account{}}
	secret := rand.Text()
	if err := a.add(context.Background(), aura.User{Subject: "demo", Name: "Demo User", Email: "demo@example.com"}, "demo", secret); err != nil {
		return err
	}
	fmt.Printf("Or sign in with the user name demo and the password %s\n", secret)
	cfg.Credentials.Authorize = a.authorize
	if os.Getenv("AURA_AUTH_DEV") == "1" {
		cfg.SignUp.Create = a.create
	}
	return nil
}

// authorize does the same work for an unknown user as for a wrong password: an
// empty hash is checked like any other.
func (a *accounts) authorize(ctx context.Context, c aura.Credentials) (aura.User, error) {
	a.mu.Lock()
	found := a.users[c.Username]
	a.mu.Unlock()
	ok, _, err := a.hasher.Verify(ctx, string(c.Password), found.hash)
	if err != nil {
		return aura.User{}, err
	}
	if !ok {
		return aura.User{}, aura.ErrInvalidCredentials
	}
	return found.user, nil
}

func (a *accounts) create(ctx context.Context, form aura.SignUpForm) (aura.User, error) {
	name, secret := aura.CanonicalUsername(form.Field("username")), form.Field("password")
	wrong := aura.FieldErrors{}
	if name == "" || strings.ContainsAny(name, " \t") {
		wrong["username"] = "is missing, or cannot be a user name"
	}
	if len(secret) < 12 || len(secret) > password.MaxLength {
		wrong["password"] = "needs at least 12 characters, and at most 1024 bytes"
	}
	if len(form.Field("name")) > 100 {
		wrong["name"] = "is longer than 100 bytes"
	}
	if len(wrong) > 0 {
		return aura.User{}, wrong
	}
	user := aura.User{Subject: rand.Text(), Name: form.Field("name")}
	if user.Name == "" {
		user.Name = name
	}
	return user, a.add(ctx, user, name, secret)
}

func (a *accounts) add(ctx context.Context, user aura.User, name, secret string) error {
	hash, err := a.hasher.Hash(ctx, secret)
	if err != nil { // too busy, say: try again
		return &aura.Error{Code: aura.CodeAuthorizeUnavailable, Err: err}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, taken := a.users[name]; taken {
		return aura.ErrUserExists
	}
	a.users[name] = account{user, hash}
	return nil
}
