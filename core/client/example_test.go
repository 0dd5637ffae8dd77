package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/client"
	"github.com/aura-stack-go/auth/core/provider"
)

// exampleServer is an application with the library and one way to sign in.
func exampleServer() *httptest.Server {
	github := provider.GitHub()
	github.ClientID, github.ClientSecret = "id", "secret"
	auth, err := aura.New(aura.Config{
		Secrets: []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"}, Salt: "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
		Providers: []aura.Provider{github}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	return httptest.NewServer(auth)
}

func Example() {
	server := exampleServer()
	defer server.Close()
	ctx := context.Background()

	c, err := client.New(client.Options{BaseURL: server.URL})
	if err != nil {
		fmt.Println(err) // names every problem at once
		return
	}
	session, err := c.Session(ctx)
	switch {
	case errors.Is(err, client.ErrNoSession):
		address, err := c.SignInURL(ctx, "github", client.SignInOptions{RedirectTo: "/dashboard"})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("Sign in at", address[len(server.URL):])
	case err != nil:
		fmt.Println(err) // not the same as being signed out
	default:
		fmt.Println("Hello,", session.User.Name)
	}
	// Output: Sign in at /auth/signIn/github?redirectTo=%2Fdashboard
}

// What the server refuses is an Error with a code to branch on and a reference
// for its log.
func ExampleError() {
	server := exampleServer()
	defer server.Close()
	c, err := client.New(client.Options{BaseURL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.SignInURL(context.Background(), "gitlab", client.SignInOptions{})
	var refused *client.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Code, refused.Message)
	}
	// Output: 404 PROVIDER_NOT_FOUND No such sign-in provider is configured.
}

// A service that asks another one who its own visitor is makes a Client for
// each request, with a jar that holds that visitor's cookies and nobody else's.
// The Transport, and with it the connections, is shared.
func ExampleOptions_jar() {
	server := exampleServer()
	defer server.Close()
	backend, err := url.Parse(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	transport := &http.Transport{}
	handler := func(w http.ResponseWriter, r *http.Request) {
		jar, err := cookiejar.New(nil)
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		jar.SetCookies(backend, r.Cookies())
		c, err := client.New(client.Options{BaseURL: server.URL, HTTPClient: &http.Client{Transport: transport, Jar: jar}})
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		session, err := c.Session(r.Context())
		switch {
		case errors.Is(err, client.ErrNoSession):
			http.Error(w, "please sign in", http.StatusUnauthorized)
		case err != nil:
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		default:
			fmt.Fprintln(w, "Hello, "+session.User.Name)
		}
	}
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Code)
	// Output: 401
}

// A command line program keeps its session as a token: it asks for the password
// once, and starts with the token the next time.
func ExampleOptions_bearer() {
	server := exampleBearerServer()
	defer server.Close()
	ctx := context.Background()
	c, err := client.New(client.Options{BaseURL: server.URL, Bearer: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := c.SignInCredentials(ctx, "ada", "correct horse", client.After{}); err != nil {
		fmt.Println(err)
		return
	}
	kept := c.Token() // for a file that only this user can read

	next, err := client.New(client.Options{BaseURL: server.URL, Bearer: true, Token: kept})
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := next.Session(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("Hello,", session.User.Name)
	// Output: Hello, Ada
}

// The person signs in on their phone; the program waits.
func ExampleClient_Device() {
	server := exampleBearerServer()
	defer server.Close()
	c, err := client.New(client.Options{BaseURL: server.URL, Bearer: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Device(context.Background(), "github", func(_ context.Context, d client.DeviceCode) error {
		fmt.Printf("Open %s and enter %s\n", d.VerificationURI, d.UserCode)
		return nil
	})
	var refused *client.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Code) // this server has not turned DeviceFlow on
	}
	// Output: NOT_FOUND
}

// exampleBearerServer is exampleServer with passwords and bearer tokens.
func exampleBearerServer() *httptest.Server {
	github := provider.GitHub()
	github.ClientID, github.ClientSecret = "id", "secret"
	auth, err := aura.New(aura.Config{
		Secrets: []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"}, Salt: "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
		Providers: []aura.Provider{github}, Bearer: true, Logger: slog.New(slog.DiscardHandler),
		Credentials: aura.CredentialsConfig{Authorize: func(_ context.Context, c aura.Credentials) (aura.User, error) {
			if c.Username != "ada" || c.Password != "correct horse" {
				return aura.User{}, aura.ErrInvalidCredentials
			}
			return aura.User{Subject: "1", Name: "Ada"}, nil
		}},
	})
	if err != nil {
		panic(err)
	}
	return httptest.NewServer(auth)
}
