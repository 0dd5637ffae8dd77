package devidp

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// maxBody bounds a request's form. The largest honest one, a token request with
// a code, is well under 2 KiB; catalogue tests send codes of 100 KiB.
const maxBody = 256 << 10

// Provider is an OpenID provider, an http.Handler. It is safe for concurrent
// use, its knobs included.
type Provider struct {
	issuer string // as configured, trailing slash and all
	base   string // the issuer without trailing slash: prefix of all endpoints
	path   string // the path of base
	config Config
	routes map[string]route
	keys   *keyring
	ledger *ledger
	// clientKeys are those of private_key_jwt, by client id.
	clientKeys map[string][]jose.JSONWebKey

	// closing ends every waiting fault; no context of a caller lives long enough.
	closing context.Context
	close   context.CancelFunc
	stop    func() error // of Start

	mu       sync.Mutex
	closed   bool
	inflight sync.WaitGroup // added to under mu, while closed is false
	faults   []Fault
	counts   Counts
}

// route: who answers on a path, and under which name it is counted and made to
// misbehave.
type route struct {
	endpoint Endpoint
	methods  []string
	handle   func(*call) reply
}

// call is one request on its way through an endpoint.
type call struct {
	*http.Request
	endpoint string     // the path below the issuer
	form     url.Values // the query of a GET, the body of a POST, never both
	faults   []Fault
}

// New makes a Provider to be served by the caller's own server at
// Config.Issuer. It starts no goroutine; Close it nevertheless when faults that
// wait were used.
func New(cfg Config) (*Provider, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	keys, err := newKeyring(cfg.SigningAlg)
	if err != nil {
		return nil, err
	}
	issuer, err := parseIssuer(cfg.Issuer)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		issuer: cfg.Issuer,
		base:   strings.TrimSuffix(cfg.Issuer, "/"),
		path:   strings.TrimSuffix(issuer.Path, "/"),
		config: cfg,
		keys:   keys,
		ledger: newLedger(cfg.Now, cfg.Lifetimes),

		clientKeys: map[string][]jose.JSONWebKey{},
	}
	for _, client := range cfg.Clients {
		if client.PublicKeys == "" {
			continue
		}
		if p.clientKeys[client.ID], err = parsePublicKeys(client.PublicKeys); err != nil {
			return nil, err
		}
	}
	p.closing, p.close = context.WithCancel(context.Background())
	p.routes = p.routeTable()
	return p, nil
}

func (p *Provider) routeTable() map[string]route {
	get, post := []string{"GET", "HEAD"}, []string{"POST"}
	both := []string{"GET", "POST"}
	return map[string]route{
		"/.well-known/openid-configuration": {Discovery, get, p.discovery},
		"/jwks":                             {JWKS, get, p.jwks},
		"/authorize":                        {Authorize, both, p.authorize},
		"/authorize/user":                   {Authorize, post, p.pick},
		"/par":                              {PushedAuthorization, post, p.push},
		"/device_authorization":             {DeviceAuthorization, post, p.authorizeDevice},
		"/device":                           {DevicePage, both, p.devicePage},
		"/token":                            {Token, post, p.token},
		"/userinfo":                         {UserInfo, both, p.userInfo},
		"/revoke":                           {Revoke, post, p.revoke},
		"/end_session":                      {EndSession, both, p.endSession},

		// Behind a redirect or a token's jku no honest client ever comes here; a
		// careless one gets what it came for, so that its test fails loudly.
		"/trap/discovery":     {Trap, get, p.discovery},
		"/trap/jwks":          {Trap, get, p.jwks},
		"/trap/token":         {Trap, post, p.token},
		"/trap/userinfo":      {Trap, both, p.userInfo},
		"/trap/attacker-jwks": {Trap, get, p.attackerJWKS},
	}
}

// Issuer is the issuer URL, exactly as tokens and discovery carry it.
func (p *Provider) Issuer() string { return p.issuer }

// Client is the first configured client, secret included.
func (p *Provider) Client() Client { return p.config.Clients[0] }

// Users are those on the page.
func (p *Provider) Users() []User { return slices.Clone(p.config.Users) }

// ServeHTTP answers one request. Requests from off loopback get 403.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.enter() {
		http.Error(w, "the development provider is closed", http.StatusServiceUnavailable)
		return
	}
	defer p.inflight.Done()
	if reason := outsider(r); reason != "" {
		p.config.Logger.Warn("devidp: request refused", slog.String("reason", reason))
		http.Error(w, "Forbidden: "+reason, http.StatusForbidden)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(p.closing, cancel)()
	p.serve(w, r.WithContext(ctx))
}

func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	below, ok := strings.CutPrefix(r.URL.Path, p.path)
	rt, known := p.routes[below]
	if !ok || !known {
		http.NotFound(w, r)
		return
	}
	if !slices.Contains(rt.methods, r.Method) {
		w.Header().Set("Allow", strings.Join(rt.methods, ", "))
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	form, err := readForm(r)
	if err != nil {
		refuseForm(w, err)
		return
	}
	refresh := rt.endpoint == Token && form.Get("grant_type") == "refresh_token"
	c := &call{Request: r, endpoint: below, form: form, faults: p.arrive(rt.endpoint, refresh)}
	for _, f := range c.faults {
		if f.Hijack != nil && f.Hijack(w, r) {
			return
		}
	}
	rt.handle(c).send(w, c)
}

func readForm(r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		return url.ParseQuery(r.URL.RawQuery)
	}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	return r.PostForm, nil
}

func refuseForm(w http.ResponseWriter, err error) {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		http.Error(w, "the form is too large", http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, "the form or query cannot be parsed", http.StatusBadRequest)
}

// repeated names a parameter that came more than once, which RFC 6749 §3.1
// forbids, or "".
func repeated(form url.Values) string {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if len(form[name]) > 1 {
			return name
		}
	}
	return ""
}

func (p *Provider) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.inflight.Add(1)
	return true
}

func (p *Provider) now() time.Time { return p.config.Now() }

func (p *Provider) client(id string) (Client, bool) {
	i := slices.IndexFunc(p.config.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return Client{}, false
	}
	return p.config.Clients[i], true
}

func (p *Provider) user(subject string) (User, bool) {
	i := slices.IndexFunc(p.config.Users, func(u User) bool { return u.Subject == subject })
	if i < 0 {
		return User{}, false
	}
	return p.config.Users[i], true
}
