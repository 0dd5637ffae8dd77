package devidp_test

import (
	"context"
	"fmt"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/aura-stack-go/auth/core/devidp"
)

// In a test: start a provider, send a user through it, and make it lie.
func Example() {
	idp, err := devidp.Start(devidp.Config{
		Users: []devidp.User{{Subject: "u1", Name: "Sam", Email: "sam@example.com", EmailVerified: true}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = idp.Close() }()

	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, idp.Issuer())
	if err != nil {
		fmt.Println(err)
		return
	}
	client := oauth2.Config{ClientID: idp.Client().ID, ClientSecret: idp.Client().Secret,
		Endpoint: provider.Endpoint(), RedirectURL: "http://127.0.0.1:3000/callback", Scopes: []string{"openid", "profile"}}
	client.Endpoint.AuthStyle = oauth2.AuthStyleInHeader

	signIn := func() error {
		verifier := oauth2.GenerateVerifier()
		back, err := idp.Approve(client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), "u1")
		if err != nil {
			return err
		}
		u, err := url.Parse(back)
		if err != nil {
			return err
		}
		token, err := client.Exchange(ctx, u.Query().Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			return err
		}
		raw, _ := token.Extra("id_token").(string)
		_, err = provider.Verifier(&oidc.Config{ClientID: client.ClientID}).Verify(ctx, raw)
		return err
	}

	fmt.Println("honest:", signIn() == nil)
	idp.Misbehave(devidp.WrongAudience)
	fmt.Println(devidp.WrongAudience.Verdict+":", signIn() == nil)
	// Output:
	// honest: true
	// refuse: false
}
