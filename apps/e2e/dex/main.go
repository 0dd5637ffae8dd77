// Command dex runs Dex as a library, in memory and on loopback, with one client
// and one local user: the second, independent identity provider that the
// end-to-end tests sign in against.
//
// It is a module of its own, outside go.work, because Dex brings close to ninety
// modules and must not move the versions that the library is tested with.
//
// Standard output carries one line, "issuer URL", once requests are served;
// logs go to standard error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	gosundheit "github.com/AppsFlyer/go-sundheit"
	"github.com/dexidp/dex/server"
	"github.com/dexidp/dex/server/authflow"
	"github.com/dexidp/dex/server/connectors"
	"github.com/dexidp/dex/server/oauth2"
	"github.com/dexidp/dex/server/session"
	"github.com/dexidp/dex/server/signer"
	"github.com/dexidp/dex/server/tokens"
	"github.com/dexidp/dex/storage"
	"github.com/dexidp/dex/storage/memory"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/bcrypt"
)

func main() {
	var s settings
	flag.IntVar(&s.port, "port", 0, "loopback port; 0 lets the system choose, and the issuer line tells")
	flag.StringVar(&s.redirectURIs, "redirect-uris", "", "the client's redirect URIs, separated by commas")
	flag.StringVar(&s.signedOutURI, "post-logout-redirect-uri", "", "where the client's users come back to after signing out; optional")
	flag.StringVar(&s.backchannelURI, "backchannel-logout-uri", "", "where the client is told that a session has ended; optional")
	flag.DurationVar(&s.tokensLive, "tokens-live", time.Hour, "how long ID tokens and access tokens live")
	flag.StringVar(&s.clientID, "client-id", "", "the client's id")
	flag.StringVar(&s.email, "email", "", "the local user's e-mail address, which is also the login")
	flag.StringVar(&s.name, "name", "", "the local user's full name")
	flag.Parse()
	// Secrets come by environment: arguments can be read by every process.
	s.clientSecret = os.Getenv("DEX_CLIENT_SECRET")
	s.password = os.Getenv("DEX_PASSWORD")

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "dex:", err)
		os.Exit(1)
	}
}

type settings struct {
	port                   int
	redirectURIs           string
	signedOutURI           string
	backchannelURI         string
	tokensLive             time.Duration
	clientID, clientSecret string
	email, name, password  string
}

func (s settings) validate() error {
	var errs []error
	for _, field := range []struct{ name, value string }{
		{"-redirect-uris", s.redirectURIs},
		{"-client-id", s.clientID},
		{"-email", s.email},
		{"-name", s.name},
		{"DEX_CLIENT_SECRET", s.clientSecret},
		{"DEX_PASSWORD", s.password},
	} {
		if field.value == "" {
			errs = append(errs, fmt.Errorf("%s is required", field.name))
		}
	}
	return errors.Join(errs...)
}

func run(ctx context.Context, s settings) error {
	if err := s.validate(); err != nil {
		return err
	}
	// The listener comes first: the issuer contains the port.
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
	if err != nil {
		return err
	}
	issuer := "http://" + ln.Addr().String() + "/dex"

	handler, err := newHandler(ctx, issuer, s)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	fmt.Println("issuer", issuer)

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return srv.Close()
	}
}

func newHandler(ctx context.Context, issuer string, s settings) (http.Handler, error) {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	store, err := newStorage(logger, s)
	if err != nil {
		return nil, err
	}
	// The signer has to know how long retired keys stay published.
	signing := signer.LocalConfig{KeysRotationPeriod: "24h"}
	keys, err := signing.Open(ctx, store, s.tokensLive, time.Now, logger)
	if err != nil {
		return nil, fmt.Errorf("open signer: %w", err)
	}
	return server.NewServer(ctx, server.Config{
		Issuer:             issuer,
		Storage:            store,
		AllowedGrantTypes:  []string{oauth2.GrantTypeAuthorizationCode, oauth2.GrantTypeRefreshToken},
		SkipApprovalScreen: true,
		IDTokensValidFor:   s.tokensLive,
		PKCE: authflow.PKCEConfig{
			Enforce:                       true,
			CodeChallengeMethodsSupported: []string{oauth2.PKCEMethodS256},
		},
		// Rotation with no reuse window. A nil policy panics on the first refresh.
		RefreshTokenPolicy: tokens.NewRefreshStrategy(true, 0, 0, 0, time.Now),
		// Sessions add sid and end_session. Without them a refresh asks the connector
		// while it holds the in-memory storage's only lock, and never answers.
		SessionConfig: &session.Config{
			CookieName:        "dex_session",
			AbsoluteLifetime:  time.Hour,
			ValidIfNotUsedFor: time.Hour,
		},
		Signer:             keys,
		Logger:             logger,
		PrometheusRegistry: prometheus.NewRegistry(),
		HealthChecker:      gosundheit.New(),
	})
}

// newStorage keeps what does not change in front of the in-memory storage, as
// Dex's own command does.
func newStorage(logger *slog.Logger, s settings) (storage.Storage, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(s.password), bcrypt.DefaultCost)
	if err != nil {
		return nil, fmt.Errorf("hash DEX_PASSWORD: %w", err)
	}
	client := storage.Client{
		ID:                   s.clientID,
		Secret:               s.clientSecret,
		Name:                 "Aura Auth end-to-end tests",
		RedirectURIs:         strings.Split(s.redirectURIs, ","),
		BackchannelLogoutURI: s.backchannelURI,
	}
	if s.signedOutURI != "" {
		client.PostLogoutRedirectURIs = []string{s.signedOutURI}
	}
	store := storage.WithStaticClients(memory.New(logger), []storage.Client{client})
	store = storage.WithStaticPasswords(store, []storage.Password{{
		Email:    s.email,
		Hash:     hash,
		Username: s.name,
		UserID:   "e2e-dex-user",
	}}, logger)
	return storage.WithStaticConnectors(store, []storage.Connector{{
		ID:   connectors.LocalConnector,
		Type: connectors.LocalConnector,
		Name: "Email",
	}}), nil
}
