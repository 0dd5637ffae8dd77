package client

import (
	"context"
	"fmt"
	"net/http"
)

// SignInIDToken signs in with an ID token that the program gets from the
// provider by itself: from the provider's library on the device, most often. get
// is called with the nonce that the ID token must carry, unchanged, and returns
// the token, within ten minutes. The server must have set IDToken.SignIn for the
// provider; one that it refuses is an [*Error].
func (c *Client) SignInIDToken(ctx context.Context, provider string, get func(ctx context.Context, nonce string) (idToken string, err error)) error {
	path, err := providerPath("/signIn/", provider, "/idToken")
	if err != nil {
		return err
	}
	s, err := c.do(ctx, call{method: http.MethodGet, path: path, visitor: true, lacks: func(s success) string {
		if s.Nonce == "" {
			return "nonce"
		}
		return ""
	}})
	if err != nil {
		return err
	}
	idToken, err := get(ctx, s.Nonce)
	if err != nil {
		return fmt.Errorf("client: the ID token: %w", err)
	}
	body, err := object("idToken", map[string]string{"idToken": idToken})
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{method: http.MethodPost, path: path, query: After{}.query(), protected: true, enters: true, body: body})
	return err
}
