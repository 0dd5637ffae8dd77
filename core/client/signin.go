package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
)

// After says where the person is to go after an action. The zero value says
// nothing about it.
type After struct {
	// RedirectTo is a path of the application, or an address that it trusts.
	RedirectTo string
}

// query asks for JSON instead of a redirect, always: there is no page to leave.
func (o After) query() url.Values {
	query := url.Values{"redirect": {"false"}}
	if o.RedirectTo != "" {
		query.Set("redirectTo", o.RedirectTo)
	}
	return query
}

// A Result is what a finished action says.
type Result struct {
	// RedirectURL is RedirectTo as the server has judged it: "/" instead of what
	// it refused, "" when none was given.
	RedirectURL string
	// TokenOutlives says, after a sign-out of a Client with Bearer, that the
	// server keeps no store and could not end the token: this Client has forgotten
	// it, and any copy is good until it expires.
	TokenOutlives bool
}

// SignInOptions say how a sign-in is to go.
type SignInOptions struct {
	// RedirectTo is where the browser goes afterwards. Default: "/".
	RedirectTo string
	// Params are for the provider, as far as its AllowedParams name them;
	// login_hint, say.
	Params map[string]string
}

// SignInURL returns the address at which a browser starts to sign in with a
// provider. The session that comes of it is the browser's, and this Client's
// only if the two share a Jar.
func (c *Client) SignInURL(ctx context.Context, provider string, o SignInOptions) (string, error) {
	path, err := providerPath("/signIn/", provider, "")
	if err != nil {
		return "", err
	}
	query := After{RedirectTo: o.RedirectTo}.query()
	for name, value := range o.Params {
		if name == "redirect" || name == "redirectTo" {
			return "", fmt.Errorf("client: SignInOptions.Params: %q is no parameter of a provider; use RedirectTo", name)
		}
		query.Set(name, value)
	}
	s, err := c.do(ctx, call{method: http.MethodGet, path: path, query: query, visitor: true, lacks: func(s success) string {
		if !navigable(s.SignInURL, false) {
			return "signInURL, an http or https address"
		}
		return ""
	}})
	return s.SignInURL, err
}

// SignInCredentials signs in with a name and a password. Wrong ones are an
// [*Error] with status 401 and the code AUTH_CREDENTIALS_INVALID, too many
// attempts ErrRateLimited.
func (c *Client) SignInCredentials(ctx context.Context, username, password string, o After) (Result, error) {
	body, err := object("credentials", map[string]string{"username": username, "password": password})
	if err != nil {
		return Result{}, err
	}
	s, err := c.do(ctx, call{
		method: http.MethodPost, path: "/signIn/credentials", query: o.query(), protected: true, enters: true, body: body,
	})
	return Result{RedirectURL: s.RedirectURL}, err
}

// SignUp makes an account and signs in. fields is a map or a struct that JSON
// writes as an object, with what the application asks for. (An [aura.Secret] in
// it would be sent redacted.) Fields that the application refuses are an
// [*Error] with status 422 and Details for each.
func (c *Client) SignUp(ctx context.Context, fields any, o After) (Result, error) {
	body, err := object("fields", fields)
	if err != nil {
		return Result{}, err
	}
	s, err := c.do(ctx, call{method: http.MethodPost, path: "/signUp", query: o.query(), protected: true, enters: true, body: body})
	return Result{RedirectURL: s.RedirectURL}, err
}

// providerID is the form of a provider's id, which makes it safe in a path.
var providerID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// providerPath builds the path of a provider's route.
func providerPath(front, provider, back string) (string, error) {
	if !providerID.MatchString(provider) || provider == "credentials" {
		return "", fmt.Errorf("client: provider %q: is not the id of a provider, such as github", provider)
	}
	return front + provider + back, nil
}
