package devidp

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Start listens at cfg.Issuer, default http://127.0.0.1:0, and serves until
// Close. It refuses an address that is not on loopback.
func Start(cfg Config) (*Provider, error) {
	if cfg.Issuer == "" {
		cfg.Issuer = "http://127.0.0.1:0"
	}
	issuer, err := parseIssuer(cfg.Issuer)
	if err != nil {
		return nil, err
	}
	if issuer.Scheme != "http" || issuer.Port() == "" {
		return nil, fmt.Errorf("devidp: Issuer %q: Start serves http on a given port, where 0 takes a free one; for https serve New's handler yourself", cfg.Issuer)
	}
	listener, err := net.Listen("tcp", issuer.Host)
	if err != nil {
		return nil, fmt.Errorf("devidp: Issuer %q: %w", cfg.Issuer, err)
	}
	// What localhost resolves to is up to this machine's hosts file.
	addr, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil || !addr.Addr().Unmap().IsLoopback() {
		return nil, errors.Join(fmt.Errorf("devidp: Issuer %q resolves to %s, which is not on loopback", cfg.Issuer, listener.Addr()), listener.Close())
	}
	issuer.Host = net.JoinHostPort(issuer.Hostname(), fmt.Sprint(addr.Port()))
	cfg.Issuer = issuer.String()
	p, err := New(cfg)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p.stop = p.serveOn(listener)
	return p, nil
}

// serveOn returns the function that ends the server and waits for its goroutines.
func (p *Provider) serveOn(listener net.Listener) (stop func() error) {
	var connections sync.WaitGroup
	server := &http.Server{
		Handler:           p,
		ReadHeaderTimeout: 5 * time.Second,
		// Longer than any fault of Faults waits: net/http cancels a request's
		// context when its read deadline passes.
		ReadTimeout:    2 * time.Minute,
		WriteTimeout:   2 * time.Minute,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: 1 << 20,
		ErrorLog:       slog.NewLogLogger(p.config.Logger.Handler(), slog.LevelWarn),
		ConnState: func(conn net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
				// Accepted while the server closes: Server.Close may have missed it.
				if p.closing.Err() != nil {
					_ = conn.Close()
				}
			case http.StateClosed, http.StateHijacked:
				connections.Done()
			case http.StateActive, http.StateIdle:
			}
		},
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return func() error {
		err := server.Close()
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		connections.Wait()
		return err
	}
}

// Close ends every request, waiting faults included, and the server of Start,
// and returns when their goroutines are gone. Closing twice is fine.
func (p *Provider) Close() error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	p.close()
	var err error
	if first && p.stop != nil {
		err = p.stop()
	}
	p.inflight.Wait()
	return err
}
