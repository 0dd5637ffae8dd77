package devidp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	// deviceInterval is the default of RFC 8628 §3.2; slow_down adds as much (§3.5).
	deviceInterval = 5 * time.Second
	// userCodeLetters are consonants alone, so that a code spells no word, and none
	// of them looks like another (§6.1).
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength  = 8
)

// device is a sign-in that somebody is to allow on another device. Fields below
// the line change, under the ledger's lock.
type device struct {
	client   Client
	scopes   []string
	userCode string
	expires  time.Time
	// ---
	interval time.Duration
	polled   time.Time // the last poll; zero before the first
	decided  bool
	grant    *grant // nil while undecided, and when denied
	spent    bool
}

// authorizeDevice is RFC 8628 §3.1 and §3.2.
func (p *Provider) authorizeDevice(c *call) reply {
	if name := repeated(c.form); name != "" {
		return oauthError(http.StatusBadRequest, "invalid_request", name+" is repeated")
	}
	client, no, ok := p.authenticate(c)
	if !ok {
		return no
	}
	scopes := knownScopes(c.form.Get("scope"))
	if !slices.Contains(scopes, "openid") {
		return oauthError(http.StatusBadRequest, "invalid_scope", "scope must contain openid")
	}
	code, d := p.ledger.openDevice(client, scopes)
	return objectReply(http.StatusOK, map[string]any{
		"device_code":               code,
		"user_code":                 d.userCode,
		"verification_uri":          p.base + "/device",
		"verification_uri_complete": p.base + "/device?" + url.Values{"user_code": {d.userCode}}.Encode(),
		"expires_in":                int64(p.config.Lifetimes.DeviceCode / time.Second),
		"interval":                  int64(deviceInterval / time.Second),
	})
}

// pollDevice is RFC 8628 §3.4 and §3.5.
func (p *Provider) pollDevice(c *call, client Client) reply {
	g, code, reason := p.ledger.poll(c.form.Get("device_code"), client.ID)
	if code != "" {
		return oauthError(http.StatusBadRequest, code, reason)
	}
	return p.firstTokens(c, g, "")
}

// devicePage is where the user code is typed in (§3.3), for GET, and the form
// coming back.
func (p *Provider) devicePage(c *call) reply {
	if c.Method != http.MethodPost {
		return p.userCodePage(c.form.Get("user_code"), "")
	}
	// Another site that knows a code, because it has asked for it itself, must not
	// have a visitor's browser allow it.
	if err := http.NewCrossOriginProtection().Check(c.Request); err != nil {
		return refusedPage("the form was sent by another site")
	}
	code := c.form.Get("user_code")
	if c.form.Has("cancel") {
		if err := p.DenyDevice(code); err != nil {
			return p.userCodePage(code, "There is no device that waits for this code.")
		}
		return donePage("the device was refused", "The device will say so in a moment. You can close this page.")
	}
	if _, ok := p.user(c.form.Get("user")); !ok {
		return refusedPage("there is no such user")
	}
	if err := p.ApproveDevice(code, c.form.Get("user")); err != nil {
		return p.userCodePage(code, "There is no device that waits for this code.")
	}
	return donePage("the device is signed in", "It will notice in a moment. You can close this page.")
}

// ApproveDevice is the person at the verification page, for tests without a
// browser: they type the user code of a device authorization and pick a user.
func (p *Provider) ApproveDevice(userCode, subject string) error {
	user, ok := p.user(subject)
	if !ok {
		return fmt.Errorf("devidp: ApproveDevice: there is no user with subject %q", subject)
	}
	return p.ledger.decide(userCode, &user)
}

// DenyDevice is ApproveDevice with a press on Cancel.
func (p *Provider) DenyDevice(userCode string) error { return p.ledger.decide(userCode, nil) }

func (l *ledger) openDevice(client Client, scopes []string) (code string, d *device) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep()
	d = &device{client: client, scopes: scopes, userCode: newUserCode(), expires: l.now().Add(l.lifetimes.DeviceCode), interval: deviceInterval}
	code = randomToken()
	l.devices[code] = d
	return code, d
}

// decide: user nil says no. A code serves one decision.
func (l *ledger) decide(userCode string, user *User) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, typed := l.now(), spelled(userCode)
	for _, d := range l.devices {
		if spelled(d.userCode) != typed || d.decided || !now.Before(d.expires) {
			continue
		}
		d.decided = true
		if user != nil {
			d.grant = &grant{
				authRequest: authRequest{client: d.client, scopes: d.scopes},
				user:        *user,
				authTime:    now,
				sid:         randomToken(),
				forget:      now.Add(l.lifetimes.DeviceCode + l.lifetimes.RefreshToken),
			}
		}
		return nil
	}
	return errors.New("devidp: no device waits for this user code: it is unknown, decided, or expired")
}

// poll hands out the grant, once, or an error code and why.
func (l *ledger) poll(code, clientID string) (g *grant, errorCode, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.devices[code]
	if !ok {
		return nil, "invalid_grant", "the device code is unknown"
	}
	now := l.now()
	early := !d.polled.IsZero() && now.Sub(d.polled) < d.interval
	switch {
	case d.client.ID != clientID:
		return nil, "invalid_grant", "the device code was issued to another client"
	case d.spent:
		d.grant.revoked = true
		return nil, "invalid_grant", "the device code was used before: the tokens issued from it are revoked now"
	case !now.Before(d.expires):
		return nil, "expired_token", "the device code has expired"
	case early:
		d.polled = now
		d.interval += deviceInterval
		return nil, "slow_down", "polled before the interval had passed: it is five seconds longer now"
	case !d.decided:
		d.polled = now
		return nil, "authorization_pending", "nobody has typed the user code in yet"
	case d.grant == nil:
		return nil, "access_denied", "the device was refused"
	}
	d.spent, d.grant.redeemed = true, true
	return d.grant, "", ""
}

// newUserCode is 34 bits: enough, where a wrong code costs a try on loopback.
func newUserCode() string {
	var code strings.Builder
	for code.Len() < userCodeLength+1 {
		if code.Len() == userCodeLength/2 {
			code.WriteByte('-')
		}
		var b [1]byte
		rand.Read(b[:])
		if int(b[0]) < 256/len(userCodeLetters)*len(userCodeLetters) { // every letter as likely as another
			code.WriteByte(userCodeLetters[int(b[0])%len(userCodeLetters)])
		}
	}
	return code.String()
}

// spelled is a user code without what people add and leave out (§6.1).
func spelled(userCode string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(userCodeLetters, r) {
			return r
		}
		return -1
	}, strings.ToUpper(userCode))
}
