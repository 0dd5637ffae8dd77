package aura_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

// The first program. In production Secrets and Salt come from the environment,
// and so do the provider's credentials.
func ExampleNew() {
	github := provider.GitHub()
	github.ClientID, github.ClientSecret = "id", "secret"
	auth, err := aura.New(aura.Config{
		BaseURL:   "https://app.example",
		Secrets:   []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"},
		Salt:      "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
		Providers: []aura.Provider{github},
	})
	if err != nil {
		panic(err) // names every problem at once
	}
	mux := http.NewServeMux()
	mux.Handle(auth.BasePath()+"/", auth)

	r := httptest.NewRequest("GET", "/auth/session", nil)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(auth.BasePath(), w.Code)
	// Output: /auth 401
}

// exampleAuth is what ExampleNew makes.
func exampleAuth() *aura.Auth {
	auth, err := aura.New(aura.Config{
		BaseURL: "https://app.example", Secrets: []aura.Secret{testSecret}, Salt: testSalt,
		Providers: []aura.Provider{ghProvider()},
	})
	if err != nil {
		panic(err)
	}
	return auth
}

func ExampleAuth_GetSession() {
	auth := exampleAuth()
	hello := func(w http.ResponseWriter, r *http.Request) {
		session, lines, err := auth.GetSession(r)
		switch {
		case errors.Is(err, aura.ErrNoSession):
			_, _ = io.WriteString(w, "Hello, stranger.")
		case err != nil:
			auth.Deny(w, r, err)
		default:
			aura.Apply(w.Header(), lines) // a renewal, say
			_, _ = io.WriteString(w, "Hello, "+session.User.Name+".")
		}
	}
	w := httptest.NewRecorder()
	hello(w, httptest.NewRequest("GET", "https://app.example/", nil))
	fmt.Println(w.Body)
	// Output: Hello, stranger.
}

func ExampleAuth_Require() {
	auth := exampleAuth()
	dashboard := func(w http.ResponseWriter, r *http.Request) {
		ctx, lines, err := auth.Require(r)
		aura.Apply(w.Header(), lines)
		if err != nil {
			auth.Deny(w, r, err)
			return
		}
		session, _ := aura.SessionFrom(ctx)
		_, _ = io.WriteString(w, "Welcome back, "+session.User.Name+".")
	}
	r := httptest.NewRequest("GET", "https://app.example/dashboard?tab=2", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	dashboard(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 /login?redirectTo=%2Fdashboard%3Ftab%3D2
}

// A page with a sign-out form, and a route of the application's own that signs
// out after doing something else.
func ExampleAuth_SignOut() {
	auth := exampleAuth()
	page := func(w http.ResponseWriter, r *http.Request) {
		token, lines, err := auth.CSRFToken(r)
		if err != nil {
			auth.Deny(w, r, err)
			return
		}
		aura.Apply(w.Header(), lines) // before the first byte of the body
		_, _ = fmt.Fprintf(w, `<form action="/leave" method="post"><input type="hidden" name="csrfToken" value="%s">…`, token)
	}
	leave := func(w http.ResponseWriter, r *http.Request) {
		lines, err := auth.SignOut(r) // checks origin and token itself
		if err != nil {
			auth.Deny(w, r, err)
			return
		}
		aura.Apply(w.Header(), lines)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	w := httptest.NewRecorder()
	page(w, httptest.NewRequest("GET", "https://app.example/", nil))
	fmt.Println(len(w.Header()["Set-Cookie"]), "cookie line with the page")

	evil := httptest.NewRequest("POST", "https://app.example/leave", nil)
	evil.Header.Set("Origin", "https://evil.example")
	w = httptest.NewRecorder()
	leave(w, evil)
	fmt.Println(w.Code, "for another site")
	// Output:
	// 1 cookie line with the page
	// 403 for another site
}

// Extra claims that a provider's Profile has set are read into a type of one's
// own.
func ExampleClaims() {
	type member struct {
		Subject string   `json:"sub"`
		Roles   []string `json:"roles"`
	}
	user := aura.User{Subject: "u-1", Name: "Ada"}
	if err := user.Set("roles", []string{"admin", "ops"}); err != nil {
		panic(err)
	}
	m, err := aura.Claims[member](&aura.Session{User: user})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Subject, m.Roles)

	_, err = aura.Claims[member](nil)
	fmt.Println(errors.Is(err, aura.ErrNoSession))
	// Output:
	// u-1 [admin ops]
	// true
}
