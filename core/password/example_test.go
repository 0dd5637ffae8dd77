package password_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aura-stack-go/auth/core/password"
)

// A table of users who came from elsewhere: ada's hash was made by bcrypt.
func Example() {
	var (
		hasher password.Hasher // the zero value is ready
		hashes = map[string]string{"ada": "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"}
	)
	signIn := func(ctx context.Context, name, given string) string {
		ok, renew, err := hasher.Verify(ctx, given, hashes[name]) // "" for an unknown user
		switch {
		case errors.Is(err, password.ErrTooLong):
			return "wrong name or password"
		case err != nil:
			return "try again later"
		case !ok:
			return "wrong name or password"
		case !renew:
			return "welcome"
		}
		// Not being able to renew is no reason to turn the user away.
		if hash, err := hasher.Hash(ctx, given); err == nil {
			hashes[name] = hash
		}
		return "welcome, renewed"
	}

	ctx := context.Background()
	fmt.Println(signIn(ctx, "ada", "u*u"))
	fmt.Println(signIn(ctx, "eve", "U*U"))
	fmt.Println(signIn(ctx, "ada", "U*U"))
	fmt.Println(signIn(ctx, "ada", "U*U"))
	fmt.Println(hashes["ada"][:30])
	// Output:
	// wrong name or password
	// wrong name or password
	// welcome, renewed
	// welcome
	// $argon2id$v=19$m=19456,t=2,p=1
}
