package aura

import (
	"net/http"
	"strings"
)

// A bearer is what a visit has to do with session tokens outside of cookies
// (RFC 6750 §2.1): one that came in Authorization, and one that goes in a body.
type bearer struct {
	present bool   // the scheme Bearer came: cookies are not looked at, and none are sent
	token   string // what came with it; "" when it cannot be a token
	asked   bool   // a sign-in that wants the token in the body, and no cookies
	next    string // the token that goes in the body; "" for none
}

// inBody reports whether the session's token goes in a body and not in a cookie.
func (b *bearer) inBody() bool { return b.present || b.asked }

// bearerOf reads the Authorization header. Other schemes are for others (a site's
// Basic, say). Once the scheme Bearer is there, cookies are out of the game, even
// when the rest is useless: a request must not change who it is for by a token
// that has run out. Repeated headers are no token: who has added which?
func bearerOf(h http.Header) (b bearer) {
	values := h["Authorization"]
	for _, value := range values {
		value = strings.TrimLeft(value, " \t")
		scheme, rest := value, ""
		if i := strings.IndexAny(value, " \t"); i >= 0 {
			scheme, rest = value[:i], value[i:]
		}
		if !strings.EqualFold(scheme, "Bearer") { // RFC 9110 §11.1
			continue
		}
		b.present = true
		if len(values) == 1 {
			b.token = strings.Trim(rest, " ")
		}
	}
	return b
}

// presented returns the token that the visit brings: the bearer's, else the
// session cookie's.
func (a *Auth) presented(v *visit, name string) (sealed string, ok bool) {
	if v.bearer.present {
		return v.bearer.token, v.bearer.token != ""
	}
	sealed, ok, ambiguous := v.jar.Chunked(name)
	if ambiguous {
		a.ambiguous(v, name)
	}
	return sealed, ok
}

// checkActing is checkToken for routes that need nothing but a session. Where
// the session came in Authorization there is nothing to forge: no browser adds
// that header by itself. Without a valid one, the token is asked for.
func (a *Auth) checkActing(v *visit, s *Session, form []string) error {
	if v.bearer.present && s != nil {
		return nil
	}
	return a.checkToken(v, s, form)
}

// mayAsk reads the query token=true of a sign-in: the session's token is then in
// the body of the answer, and no cookie is set. Pages cannot have it, not even
// our own: a script that an attacker has slipped into one must not carry off
// what cookies keep from it. Every browser says with such a request that it is
// one, by Origin or Fetch Metadata, and no script can keep it from that.
func (a *Auth) mayAsk(v *visit) error {
	if !a.cfg.Bearer {
		return nil
	}
	v.bearer.asked = v.query.Get("token") == "true"
	if !v.bearer.inBody() {
		return nil
	}
	if v.body.isForm {
		return fail(CodeUnsupportedMedia, "token=true and Authorization are not for forms; send application/json")
	}
	for name := range v.r.Header {
		if name == "Origin" || strings.HasPrefix(name, "Sec-Fetch-") {
			return fail(CodeOriginRejected, "session tokens are not handed to pages, and this request carries "+name)
		}
	}
	return nil
}

// enterable begins a route that signs in: whoever the visitor is now, the CSRF
// token must be theirs, with a bearer token too.
func (a *Auth) enterable(v *visit) error {
	if err := a.mayAsk(v); err != nil {
		return err
	}
	s, err := a.current(v)
	if err != nil {
		return err
	}
	return a.checkToken(v, s, v.body.form["csrfToken"])
}

// hand makes the token that goes in the body the session's. It must fit where
// it will be sent, a header line, as cookies must.
func (a *Auth) hand(v *visit, s *Session, sealed string) error {
	if len(sealed) > a.cfg.Cookies.MaxBytes {
		return fail(CodeSessionTooLarge, "the session's token is larger than Cookies.MaxBytes")
	}
	v.bearer.next, s.token = sealed, Secret(sealed)
	return nil
}

// handed adds the token to an answer that speaks of the session.
func (v *visit) handed(members map[string]any, s *Session) map[string]any {
	if v.bearer.next != "" {
		members["token"] = v.bearer.next
		if members["session"] == nil { // which says it
			members["expires"] = s.ExpiresAt.UTC().Format(isoMillis)
		}
	}
	return members
}

// seen renews a session that the application looks at. One that came in
// Authorization is left as it is: the answer is the application's, and has no
// place for a new token. Clients renew theirs with GET /session.
func (a *Auth) seen(v *visit, s *Session) {
	if !v.bearer.present {
		a.renewed(v, s)
	}
}

// BearerToken returns the token that stands for the session from now on, where
// the request came with Authorization: Bearer and this call has changed the
// session; "" otherwise. Put it into the answer: the client sends it from then on.
func (s *Session) BearerToken() Secret { return s.token }

// varies is what our answers depend on.
func (a *Auth) varies() string {
	if a.cfg.Bearer {
		return "Cookie, Authorization"
	}
	return "Cookie"
}

// vary corrects an answer that says Vary: Cookie.
func (a *Auth) vary(h http.Header) {
	if h.Get("Vary") == "Cookie" {
		h.Set("Vary", a.varies())
	}
}
