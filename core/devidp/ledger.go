package devidp

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// ledger remembers what was handed out, in memory. All decisions about a code or
// a token are taken under one lock: of ten parallel uses of a code, one wins.
type ledger struct {
	now       func() time.Time
	lifetimes Lifetimes

	mu      sync.Mutex
	pending map[string]pendingRequest
	codes   map[string]*grant
	access  map[string]issued
	refresh map[string]issued
	// pushed authorization requests, by request_uri.
	pushed map[string]pushed
	// devices that wait to be allowed, or have been, by device code.
	devices map[string]*device
	// assertions are the jti of client assertions, until they expire.
	assertions map[string]time.Time
	swept      time.Time
}

// pendingRequest is a page that waits for somebody to pick a user.
type pendingRequest struct {
	authRequest
	expires time.Time
}

// pageLifetime is how long a page may stay open. Short enough to forget, long
// enough for a meeting.
const pageLifetime = time.Hour

// grant is one user's consent to one client, and the family of all tokens that
// came from it. Fields below the line change, under the ledger's lock.
type grant struct {
	authRequest
	user     User
	authTime time.Time
	sid      string
	expires  time.Time // of the code
	// ---
	redeemed bool
	revoked  bool
	over     bool // the session has ended, at the provider too
	forget   time.Time
	// subject replaces the user's in userinfo too, when a fault changed it.
	subject any
}

// issued is an access or refresh token in circulation.
type issued struct {
	grant   *grant
	expires time.Time
	spent   bool // a refresh token that was exchanged: the next use is a theft
}

func newLedger(now func() time.Time, l Lifetimes) *ledger {
	return &ledger{
		now:       now,
		lifetimes: l,
		pending:   map[string]pendingRequest{},
		codes:     map[string]*grant{},
		access:    map[string]issued{},
		refresh:   map[string]issued{},

		pushed:     map[string]pushed{},
		devices:    map[string]*device{},
		assertions: map[string]time.Time{},
	}
}

func (l *ledger) open(req authRequest) (id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep()
	id = randomToken()
	l.pending[id] = pendingRequest{req, l.now().Add(pageLifetime)}
	return id
}

// opened finds a page's request and leaves it there: the second click of a
// double click replaces the first in the browser, and must work too.
func (l *ledger) opened(id string) (authRequest, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.pending[id]
	return p.authRequest, ok && l.now().Before(p.expires)
}

func (l *ledger) grant(req authRequest, user User, codeSuffix string) (code string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep()
	now := l.now()
	code = randomToken() + codeSuffix
	l.codes[code] = &grant{
		authRequest: req,
		user:        user,
		authTime:    now,
		sid:         randomToken(),
		expires:     now.Add(l.lifetimes.Code),
		forget:      now.Add(l.lifetimes.Code + l.lifetimes.RefreshToken),
	}
	return code
}

// redeem takes a code out of circulation, or says why not. A second use revokes
// everything that the first one brought (RFC 6749 §4.1.2), unless reuse allows it.
func (l *ledger) redeem(code, clientID, redirectURI, verifier string, reuse bool) (*grant, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.codes[code]
	switch {
	case !ok:
		return nil, "the code is unknown"
	case g.client.ID != clientID:
		return nil, "the code was issued to another client"
	case g.redeemed && !reuse:
		g.revoked = true
		return nil, "the code was used before: the tokens issued from it are revoked now"
	case g.over:
		return nil, "the session that the code belongs to has ended"
	case !l.now().Before(g.expires):
		return nil, "the code has expired"
	case g.redirectURI != redirectURI:
		return nil, "redirect_uri differs from the one of the authorization request"
	case !verifies(g.challenge, verifier):
		return nil, "code_verifier does not match the code_challenge"
	}
	g.redeemed = true
	return g, ""
}

// rotate takes a refresh token out of circulation, or says why not. Reuse
// revokes the family (RFC 9700 §4.14.2); keep leaves the token valid.
func (l *ledger) rotate(token, clientID string, keep bool) (*grant, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.refresh[token]
	switch {
	case !ok:
		return nil, "the refresh token is unknown"
	case t.grant.client.ID != clientID:
		return nil, "the refresh token was issued to another client"
	case t.grant.revoked:
		return nil, "the refresh token is revoked"
	case t.spent:
		t.grant.revoked = true
		return nil, "the refresh token was used before: its whole family is revoked now"
	case !l.now().Before(t.expires):
		return nil, "the refresh token has expired"
	}
	t.spent = !keep
	l.refresh[token] = t
	return t.grant, ""
}

// issue makes an access token. On a grant that was revoked in the meantime it is
// dead from the start, because every look-up asks the grant.
func (l *ledger) issue(g *grant) (token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep()
	token = randomToken()
	l.access[token] = issued{grant: g, expires: l.now().Add(l.lifetimes.AccessToken)}
	return token
}

func (l *ledger) issueRefresh(g *grant) (token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	token = randomToken()
	g.forget = l.now().Add(l.lifetimes.RefreshToken)
	l.refresh[token] = issued{grant: g, expires: g.forget}
	return token
}

// bearer is whom an access token speaks for; subject is nil unless a fault set it.
func (l *ledger) bearer(token string) (g *grant, subject any, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.access[token]
	if !ok || t.grant.revoked || !l.now().Before(t.expires) {
		return nil, nil, false
	}
	return t.grant, t.grant.subject, true
}

func (l *ledger) pretend(g *grant, subject any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.subject = subject
}

// revoke ends a token (RFC 7009): an access token alone, a refresh token with its
// family. It reports false for another client's token.
func (l *ledger) revoke(token, clientID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t, ok := l.refresh[token]; ok {
		if t.grant.client.ID != clientID {
			return false
		}
		t.grant.revoked = true
		return true
	}
	if t, ok := l.access[token]; ok {
		if t.grant.client.ID != clientID {
			return false
		}
		delete(l.access, token)
	}
	return true
}

// end revokes the grants of a session, or of several, and returns those that
// brought a client an ID token, so that it knows of the session.
func (l *ledger) end(chosen func(*grant) bool) (known []*grant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.grants() {
		if !chosen(g) {
			continue
		}
		g.revoked, g.over = true, true
		if g.redeemed {
			known = append(known, g)
		}
	}
	return known
}

// grants are all there are, however they came about.
func (l *ledger) grants() []*grant {
	all := slices.Collect(maps.Values(l.codes))
	for _, d := range l.devices {
		if d.grant != nil {
			all = append(all, d.grant)
		}
	}
	return all
}

// firstUse remembers a client assertion's jti and reports whether it is new
// (RFC 7523 §3, rule 7).
func (l *ledger) firstUse(clientID, jti string, until time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep()
	key := clientID + "\x00" + jti
	if _, used := l.assertions[key]; used {
		return false
	}
	l.assertions[key] = until
	return true
}

// sweep forgets what expired, at most once a minute, so that a load test's
// thousands of sign-ins neither pile up nor pay for each other.
func (l *ledger) sweep() {
	now := l.now()
	if now.Sub(l.swept) < time.Minute {
		return
	}
	l.swept = now
	gone := func(_ string, t issued) bool { return now.After(t.expires) }
	maps.DeleteFunc(l.access, gone)
	maps.DeleteFunc(l.refresh, gone)
	maps.DeleteFunc(l.codes, func(_ string, g *grant) bool { return now.After(g.forget) })
	maps.DeleteFunc(l.devices, func(_ string, d *device) bool {
		// Kept a while, so that a late poll hears expired_token.
		return now.After(d.expires.Add(pageLifetime)) && (d.grant == nil || now.After(d.grant.forget))
	})
	maps.DeleteFunc(l.pushed, func(_ string, r pushed) bool { return now.After(r.expires) })
	maps.DeleteFunc(l.assertions, func(_ string, until time.Time) bool { return now.After(until) })
	maps.DeleteFunc(l.pending, func(_ string, p pendingRequest) bool { return now.After(p.expires) })
}
