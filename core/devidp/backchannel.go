package devidp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	// logoutLife is what OpenID Connect Back-Channel Logout §4 recommends at most.
	logoutLife = 2 * time.Minute
	// logoutPatience is all the time that a client has to answer: a browser may be
	// waiting at end_session meanwhile.
	logoutPatience = 5 * time.Second
	maxLogoutReply = 64 << 10
)

// LogoutNotice is a logout token that was sent to a client, and its answer.
type LogoutNotice struct {
	ClientID string
	// Token is the logout token, so that a test can send it once more.
	Token string
	// Status and Body of the answer, a redirect's too; at most 64 KiB are read.
	Status int
	Body   []byte
	// Err says why there is no answer. Status is then 0.
	Err error
}

// EndSession ends the session with this sid, which ID tokens carry: its tokens
// are dead, and the client is told by a logout token with sub and sid, when it
// has a BackchannelLogoutURI. It works any number of times, as a provider that
// got no answer repeats itself. The error is about what could not be sent at all;
// what clients answered is in the notices.
func (p *Provider) EndSession(ctx context.Context, sid string) ([]LogoutNotice, error) {
	return p.endFor(ctx, p.withSession(sid), true, fmt.Sprintf("sid %q", sid))
}

// EndSessions is EndSession for all of a user's sessions at once: each client is
// told by one logout token that has sub and no sid.
func (p *Provider) EndSessions(ctx context.Context, subject string) ([]LogoutNotice, error) {
	if _, ok := p.user(subject); !ok {
		return nil, fmt.Errorf("devidp: EndSessions: there is no user with subject %q", subject)
	}
	return p.endFor(ctx, func(g *grant) bool { return g.user.Subject == subject }, false, fmt.Sprintf("subject %q", subject))
}

func (p *Provider) withSession(sid string) func(*grant) bool {
	return func(g *grant) bool { return g.sid == sid }
}

func (p *Provider) endFor(ctx context.Context, chosen func(*grant) bool, one bool, what string) ([]LogoutNotice, error) {
	if !p.enter() {
		return nil, errors.New("devidp: the provider is closed")
	}
	defer p.inflight.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.closing, cancel)()
	known := p.ledger.end(chosen)
	if len(known) == 0 {
		return nil, fmt.Errorf("devidp: no client has an ID token of a session with %s: sign somebody in first", what)
	}
	return p.tell(ctx, known, one)
}

// tell sends one logout token to each client that knows of one of the sessions.
func (p *Provider) tell(ctx context.Context, sessions []*grant, one bool) ([]LogoutNotice, error) {
	var notices []LogoutNotice
	for _, client := range p.config.Clients {
		i := slices.IndexFunc(sessions, func(g *grant) bool { return g.client.ID == client.ID })
		if client.BackchannelLogoutURI == "" || i < 0 {
			continue
		}
		faults := p.arrive(BackchannelLogout, false)
		token, err := p.logoutToken(faults, sessions[i], one)
		if err != nil {
			return notices, fmt.Errorf("devidp: the fault could not be put into a logout token: %w", err)
		}
		times := 1
		if slices.ContainsFunc(faults, func(f Fault) bool { return f.resend }) {
			times = 2
		}
		for range times {
			notices = append(notices, deliver(ctx, client, token))
		}
	}
	return notices, nil
}

// logoutToken is OpenID Connect Back-Channel Logout §2.4.
func (p *Provider) logoutToken(faults []Fault, g *grant, one bool) (string, error) {
	now := p.now()
	claims := map[string]any{
		"iss":    p.issuer,
		"sub":    g.user.Subject,
		"aud":    g.client.ID,
		"iat":    now.Unix(),
		"exp":    now.Add(logoutLife).Unix(),
		"jti":    randomToken(),
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
	if one {
		claims["sid"] = g.sid
	}
	d := newDraft(p.keys.signer(), g.client, claims)
	d.header["typ"] = "logout+jwt"
	return p.forgeWith(faults, d)
}

// deliver posts a logout token (§2.5). A redirect is an answer like another, and
// wherever the client's name leads, only loopback is dialled.
func deliver(ctx context.Context, client Client, token string) LogoutNotice {
	notice := LogoutNotice{ClientID: client.ID, Token: token}
	ctx, cancel := context.WithTimeout(ctx, logoutPatience)
	defer cancel()
	body := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, client.BackchannelLogoutURI, body)
	if err != nil {
		notice.Err = err
		return notice
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w, err := messenger().Do(r)
	if err != nil {
		notice.Err = err
		return notice
	}
	defer w.Body.Close()
	notice.Status = w.StatusCode
	if notice.Body, err = io.ReadAll(io.LimitReader(w.Body, maxLogoutReply)); err != nil {
		notice.Status, notice.Body, notice.Err = 0, nil, err
	}
	return notice
}

// messenger has no proxy, and no connection outlives its request, so that Close
// leaves none behind.
func messenger() *http.Client {
	dialer := &net.Dialer{Control: loopbackOnly}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: maxLogoutReply},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// loopbackOnly looks at the address itself: what localhost resolves to is up to
// this machine's hosts file.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !to.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("devidp: BackchannelLogoutURI resolves to %s, which is not on loopback", address)
	}
	return nil
}

// logOut is endSession's part: the browser comes back when the client has heard
// of it, however impatient it is.
func (p *Provider) logOut(sid string) {
	ctx, cancel := context.WithTimeout(p.closing, logoutPatience)
	defer cancel()
	notices, err := p.tell(ctx, p.ledger.end(p.withSession(sid)), true)
	if err != nil {
		p.config.Logger.Warn("devidp: back-channel logout", slog.String("problem", err.Error()))
	}
	for _, n := range notices {
		if n.Status != http.StatusOK && n.Status != http.StatusNoContent {
			p.config.Logger.Warn("devidp: a client refused a logout token", slog.String("client", n.ClientID), slog.Int("status", n.Status), slog.Any("problem", n.Err))
		}
	}
}
