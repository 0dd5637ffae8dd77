package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/internal/origin"
)

const (
	defaultBasePath  = "/auth"
	defaultUserAgent = "aura-auth-go-client"
	defaultTimeout   = 30 * time.Second
)

// Options say where the endpoints are and how to reach them.
type Options struct {
	// BaseURL is the address of the application, such as https://app.example.
	// Its path, if it has one, is kept as a prefix. http is for loopback hosts.
	// Required.
	BaseURL string
	// BasePath is where the application has mounted the library: its
	// Config.BasePath. Default: /auth.
	BasePath string
	// HTTPClient gives its Transport, its Timeout, which covers a whole call
	// with the CSRF token fetched before it, and its Jar. Redirects are never
	// followed, whatever its CheckRedirect says. Default: a transport and a jar
	// of the Client's own, and 30 seconds. Give a Transport to share connections
	// between Clients; share a Jar only where it is the same user's.
	HTTPClient *http.Client
	// Header returns headers to add to a request, for a gateway on the way, say;
	// it is called for each request. Headers that the Client sets itself (Accept,
	// Content-Type, Cookie, Host, User-Agent, X-CSRF-Token; with Bearer also
	// Authorization) are refused. Default: none.
	Header func(context.Context) (http.Header, error)
	// Bearer keeps the session as a token, which sign-ins answer and which goes
	// with each call in Authorization: Bearer, in place of the session's cookies.
	// The server must have set Config.Bearer. Default: false.
	Bearer bool
	// Token is a session token to begin with, of Client.Token earlier. It needs
	// Bearer. Default: none, nobody is signed in.
	Token aura.Secret
	// UserAgent goes into the User-Agent header. Default: aura-auth-go-client.
	UserAgent string

	// DangerouslyAllowInsecureHTTP accepts an http BaseURL on hosts that are not
	// loopback. Passwords and sessions then travel in the clear.
	DangerouslyAllowInsecureHTTP bool
}

// A Client calls the endpoints for one visitor. Make one with New; it is safe
// for concurrent use and starts no goroutine.
type Client struct {
	base      *url.URL // down to the base path, without a slash at its end
	transport http.RoundTripper
	jar       http.CookieJar
	timeout   time.Duration
	header    func(context.Context) (http.Header, error)
	userAgent string
	turn      chan struct{} // held by the one request for a CSRF token under way
	bearer    *bearer       // nil: the session is in cookies
	wait      func(context.Context, time.Duration) error
}

// basePathForm is what aura.Config.BasePath may be.
var basePathForm = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// New makes a Client. It validates everything, returns all problems joined,
// each naming its field, and talks to nobody.
func New(o Options) (*Client, error) {
	c := &Client{
		header: o.Header, userAgent: o.UserAgent, timeout: defaultTimeout,
		turn: make(chan struct{}, 1), wait: wait,
	}
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	if o.BaseURL == "" {
		add("BaseURL: is empty: set the address of the application, such as https://app.example")
	}
	place, err := origin.New(origin.Config{BaseURL: o.BaseURL, AllowInsecureHTTP: o.DangerouslyAllowInsecureHTTP})
	if err != nil {
		add("%w", err)
	}
	if o.BasePath == "" {
		o.BasePath = defaultBasePath
	}
	if !basePathForm.MatchString(o.BasePath) || strings.Contains(o.BasePath, "/.") {
		add("BasePath %q: must be a path such as /auth, without a slash at its end", o.BasePath)
	}
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent
	}
	if strings.ContainsFunc(c.userAgent, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		add("UserAgent %q: holds a character that may not stand in a header", c.userAgent)
	}
	switch {
	case o.Bearer:
		c.bearer = &bearer{token: string(o.Token)}
		if o.Token != "" && !isToken(string(o.Token)) {
			add("Token: cannot be a session token; give what Client.Token has returned, or nothing")
		}
	case o.Token != "":
		add("Token: is of no use without Bearer; set that too")
	}
	if err := c.carry(o.HTTPClient); err != nil {
		add("HTTPClient.%w", err)
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("client: the options cannot be used:\n%w", errors.Join(problems...))
	}
	c.base, err = url.Parse(place.Base() + place.Prefix() + o.BasePath)
	if err != nil {
		return nil, fmt.Errorf("client: BaseURL: %w", err)
	}
	return c, nil
}

// carry takes from h what carries requests, and makes what h lacks.
func (c *Client) carry(h *http.Client) error {
	if h != nil {
		c.transport, c.jar = h.Transport, h.Jar
		if h.Timeout < 0 {
			return errors.New("Timeout: is negative: set a duration, or zero for 30 seconds")
		}
		if h.Timeout > 0 {
			c.timeout = h.Timeout
		}
	}
	if c.transport == nil {
		// Never http.DefaultTransport: anything in the process may have changed it.
		c.transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	if c.jar == nil {
		jar, err := cookiejar.New(nil) // no public suffixes: cookies go back to one host only
		if err != nil {
			return fmt.Errorf("Jar: %w", err)
		}
		c.jar = jar
	}
	return nil
}

// Format keeps what the Client holds out of every fmt verb.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "client.Client(%s)", c.base)
}
