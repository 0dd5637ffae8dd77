package devidp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	// logoutTokenLifetime follows Back-Channel Logout 1.0 §2.4: two minutes or less.
	logoutTokenLifetime = 2 * time.Minute
	// deliveryLimit bounds one post: a browser waits behind end_session.
	deliveryLimit = 10 * time.Second
)

// Delivery is one logout token on its way to one client.
type Delivery struct {
	ClientID string
	// Token is the logout token, so that a test can send it once more.
	Token string
	// Status is the client's answer: 200 or 204 when it took the token, 400 when it
	// refused. 0 when there was no answer, which Err explains.
	Status int
	Err    error
}

// Logout ends every session of the user, and sends each client that has a
// BackchannelLogoutURI one logout token with sub and without sid: it means all of
// the user's sessions there. Faults at BackchannelLogout spoil the tokens.
func (p *Provider) Logout(ctx context.Context, subject string) []Delivery {
	clients := map[string]Client{}
	for _, g := range p.ledger.endAll(func(g *grant) bool { return g.user.Subject == subject }) {
		clients[g.client.ID] = g.client
	}
	var deliveries []Delivery
	for _, id := range slices.Sorted(maps.Keys(clients)) {
		deliveries = append(deliveries, p.tell(ctx, clients[id], subject, "")...)
	}
	return deliveries
}

// LogoutSession ends the session that an ID token's sid names, and sends its
// client a logout token with sub and sid, as end_session does.
func (p *Provider) LogoutSession(ctx context.Context, sid string) []Delivery {
	var deliveries []Delivery
	for _, g := range p.ledger.endAll(func(g *grant) bool { return g.sid == sid }) {
		deliveries = append(deliveries, p.tell(ctx, g.client, g.user.Subject, sid)...)
	}
	return deliveries
}

// LogoutToken makes a logout token for a client without sending it. An empty
// subject or sid is left out. Faults at BackchannelLogout spoil it.
func (p *Provider) LogoutToken(clientID, subject, sid string) (string, error) {
	client, ok := p.client(clientID)
	if !ok {
		return "", fmt.Errorf("devidp: LogoutToken: there is no client %q", clientID)
	}
	return p.logoutToken(client, subject, sid)
}

// logoutToken is Back-Channel Logout 1.0 §2.4.
func (p *Provider) logoutToken(client Client, subject, sid string) (string, error) {
	now := p.now()
	claims := map[string]any{
		"iss":    p.issuer,
		"aud":    client.ID,
		"iat":    now.Unix(),
		"exp":    now.Add(logoutTokenLifetime).Unix(),
		"jti":    randomToken(),
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
	set(claims, "sub", subject)
	set(claims, "sid", sid)
	// Explicit typing, which §2.4 recommends: an ID token can then never pass for one.
	token, _, err := p.forgeWith(p.arrive(BackchannelLogout, false), client, map[string]any{"typ": "logout+jwt"}, claims)
	return token, err
}

func (p *Provider) tell(ctx context.Context, client Client, subject, sid string) []Delivery {
	if client.BackchannelLogoutURI == "" {
		return nil
	}
	d := Delivery{ClientID: client.ID}
	if d.Token, d.Err = p.logoutToken(client, subject, sid); d.Err == nil {
		d.Status, d.Err = p.deliver(ctx, client.BackchannelLogoutURI, d.Token)
	}
	if d.Err != nil || d.Status >= 300 {
		p.config.Logger.Warn("devidp: a logout token was not taken",
			slog.String("client", client.ID), slog.Int("status", d.Status), slog.Any("error", d.Err))
	}
	return []Delivery{d}
}

// deliver is Back-Channel Logout 1.0 §2.5.
func (p *Provider) deliver(ctx context.Context, uri, token string) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, deliveryLimit)
	defer cancel()
	defer context.AfterFunc(p.closing, cancel)()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	if err != nil {
		return 0, errors.New("devidp: BackchannelLogoutURI is not a URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := loopbackClient()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	return res.StatusCode, err
}

// loopbackClient connects to loopback only, whatever a name resolves to, and
// follows no redirect: what is refused as a BackchannelLogoutURI must not be
// reached by a detour either.
func loopbackClient() *http.Client {
	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		addr, err := netip.ParseAddrPort(address)
		if err != nil || !addr.Addr().Unmap().IsLoopback() {
			return fmt.Errorf("devidp: %s is not on loopback", address)
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext,
			// On loopback an application has a certificate that it signed itself. A
			// logout token is no secret, and never leaves this machine.
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
