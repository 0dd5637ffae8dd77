package devidp

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// User is somebody the development page offers as a one-click sign-in.
type User struct {
	// Subject is the sub claim, unique among Users, 1 to 255 bytes.
	Subject string
	Name    string
	// Email is left out of the claims when empty, together with EmailVerified.
	Email         string
	EmailVerified bool
	// Picture is a URL. The page does not load it; it only becomes a claim.
	Picture string
	// Claims are added to the ID token and to userinfo whatever the scope, and
	// replace the claims made from the fields above (email_verified as a string,
	// say). Protocol claims such as iss or aud are refused: use a Fault for them.
	Claims map[string]any
}

// Client is a relying party.
type Client struct {
	ID string
	// Secret: empty makes it a public client, which authenticates by PKCE alone.
	Secret string
	// PublicKeys make it a client of private_key_jwt, and of that alone: a JWK set
	// or PEM blocks of type PUBLIC KEY. Secret must then be empty.
	PublicKeys string
	// RedirectURIs are compared exactly. Nil allows any redirect URI on loopback.
	RedirectURIs []string
	// PostLogoutRedirectURIs are the same for the end of a session.
	PostLogoutRedirectURIs []string
	// BackchannelLogoutURI is where the client takes logout tokens, on loopback:
	// when a session ends at the end_session endpoint or by EndSession, one is
	// posted there (OpenID Connect Back-Channel Logout 1.0). Empty: none is.
	BackchannelLogoutURI string
}

// String leaves the secret out, so that a client can be printed.
func (c Client) String() string { return "client " + c.ID }

// GoString is String, for %#v.
func (c Client) GoString() string { return c.String() }

// LogValue is String, for log/slog.
func (c Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Lifetimes of what the provider hands out; a zero field takes its default.
type Lifetimes struct {
	Code         time.Duration // default 1 minute
	AccessToken  time.Duration // default 1 hour
	IDToken      time.Duration // default 1 hour
	RefreshToken time.Duration // default 24 hours, anew with each rotation
	DeviceCode   time.Duration // default 10 minutes; the user code's too
}

// Config of a Provider. The zero value is what most callers of Start want.
type Config struct {
	// Users on the page, in this order. Default: three demo users.
	Users []User
	// Clients that may ask. Default: one, "dev", with a random secret, which
	// Provider.Client returns.
	Clients []Client
	// Issuer is the issuer URL, on loopback. Start listens on its host and port
	// (port 0 takes a free one) and defaults to http://127.0.0.1:0. New requires
	// it. A path and a trailing slash are kept, as some real providers have them.
	Issuer string
	// SigningAlg of ID tokens: "RS256" (default, 2048 bits) or "ES256".
	SigningAlg string
	Lifetimes  Lifetimes
	// RequireOfflineAccess issues refresh tokens only for the scope
	// offline_access. Default: every sign-in gets one.
	RequireOfflineAccess bool
	// RequirePushedAuthorization refuses authorization requests that were not
	// pushed (RFC 9126 §5). Default: both ways work.
	RequirePushedAuthorization bool
	// Now is the clock of every lifetime and claim. Default: time.Now. The delays
	// of faults run in real time all the same.
	Now func() time.Time
	// Logger hears about refused requests. Default: nothing is logged.
	Logger *slog.Logger
}

// withDefaults fills the zero fields and reports every problem at once.
func (c Config) withDefaults() (Config, error) {
	if c.Users == nil {
		c.Users = demoUsers()
	}
	if c.Clients == nil {
		c.Clients = []Client{{ID: "dev", Secret: randomToken()}}
	}
	if c.SigningAlg == "" {
		c.SigningAlg = "RS256"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Lifetimes = c.Lifetimes.withDefaults()
	return c, errors.Join(c.checkIssuer(), c.checkUsers(), c.checkClients(), c.checkRest())
}

func (l Lifetimes) withDefaults() Lifetimes {
	fill := func(d *time.Duration, fallback time.Duration) {
		if *d == 0 {
			*d = fallback
		}
	}
	fill(&l.Code, time.Minute)
	fill(&l.AccessToken, time.Hour)
	fill(&l.IDToken, time.Hour)
	fill(&l.RefreshToken, 24*time.Hour)
	fill(&l.DeviceCode, 10*time.Minute)
	return l
}

func (c Config) checkIssuer() error {
	if c.Issuer == "" {
		return errors.New("devidp: Issuer is empty: New needs the URL at which the provider is reached (Start finds one by itself)")
	}
	_, err := parseIssuer(c.Issuer)
	return err
}

func (c Config) checkUsers() error {
	var problems []error
	if len(c.Users) == 0 {
		problems = append(problems, errors.New("devidp: Users is empty: leave it nil for the demo users, or name at least one"))
	}
	seen := map[string]bool{}
	for i, u := range c.Users {
		if u.Subject == "" || len(u.Subject) > 255 {
			problems = append(problems, fmt.Errorf("devidp: Users[%d].Subject has %d bytes, want 1 to 255 (OpenID Connect Core §2)", i, len(u.Subject)))
		}
		if seen[u.Subject] {
			problems = append(problems, fmt.Errorf("devidp: Users[%d].Subject %q is used twice: the page could not tell the users apart", i, u.Subject))
		}
		seen[u.Subject] = true
		for _, name := range slices.Sorted(maps.Keys(u.Claims)) {
			if slices.Contains(protocolClaims(), name) {
				problems = append(problems, fmt.Errorf("devidp: Users[%d].Claims has %q, which the protocol owns: change it with a Fault", i, name))
			}
		}
	}
	return errors.Join(problems...)
}

func (c Config) checkClients() error {
	var problems []error
	if len(c.Clients) == 0 {
		problems = append(problems, errors.New("devidp: Clients is empty: leave it nil for the client \"dev\", or name at least one"))
	}
	seen := map[string]bool{}
	for i, client := range c.Clients {
		if client.ID == "" {
			problems = append(problems, fmt.Errorf("devidp: Clients[%d].ID is empty", i))
		}
		if seen[client.ID] {
			problems = append(problems, fmt.Errorf("devidp: Clients[%d].ID %q is used twice", i, client.ID))
		}
		seen[client.ID] = true
		if problem := client.checkKeys(); problem != nil {
			problems = append(problems, fmt.Errorf("devidp: Clients[%d].PublicKeys %w", i, problem))
		}
		for _, uri := range slices.Concat(client.RedirectURIs, client.PostLogoutRedirectURIs) {
			if reason := offLoopback(uri); reason != "" {
				problems = append(problems, fmt.Errorf("devidp: Clients[%d]: redirect URI %q %s", i, uri, reason))
			}
		}
		if uri := client.BackchannelLogoutURI; uri != "" && offLoopback(uri) != "" {
			problems = append(problems, fmt.Errorf("devidp: Clients[%d].BackchannelLogoutURI %q %s", i, uri, offLoopback(uri)))
		}
	}
	return errors.Join(problems...)
}

func (c Client) checkKeys() error {
	if c.PublicKeys == "" {
		return nil
	}
	if c.Secret != "" {
		return errors.New("and Secret are both set: a client has one way to authenticate")
	}
	_, err := parsePublicKeys(c.PublicKeys)
	return err
}

func (c Config) checkRest() error {
	var problems []error
	if c.SigningAlg != "RS256" && c.SigningAlg != "ES256" {
		problems = append(problems, fmt.Errorf("devidp: SigningAlg is %q, want RS256 or ES256 (other algorithms are faults)", c.SigningAlg))
	}
	if min(c.Lifetimes.Code, c.Lifetimes.AccessToken, c.Lifetimes.IDToken, c.Lifetimes.RefreshToken, c.Lifetimes.DeviceCode) < 0 {
		problems = append(problems, errors.New("devidp: Lifetimes has a negative duration: leave it zero for the default, or use the Expired fault"))
	}
	return errors.Join(problems...)
}

func protocolClaims() []string {
	return []string{"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "auth_time", "at_hash", "sid"}
}

// demoUsers differ in what clients tend to get wrong: the last one's address is
// not verified.
func demoUsers() []User {
	return []User{
		{Subject: "demo-ada", Name: "Ada Lovelace", Email: "ada@example.com", EmailVerified: true},
		{Subject: "demo-grace", Name: "Grace Hopper", Email: "grace@example.com", EmailVerified: true},
		{Subject: "demo-alan", Name: "Alan Turing", Email: "alan@example.com"},
	}
}

// randomToken is 256 bits, base64url. crypto/rand.Read never returns an error.
func randomToken() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
