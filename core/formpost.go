package aura

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/aura-stack-go/auth/core/internal/cookie"
	"github.com/aura-stack-go/auth/core/internal/flow"
)

// maxPostedUser bounds the user object that Apple posts, in bytes.
const maxPostedUser = 1 << 10

// posts reports whether the provider answers by form_post.
func (p *party) posts() bool { return p.ResponseMode == "form_post" }

// readPosted reads what a provider's page has posted (OAuth 2.0 Form Post
// Response Mode §2): a form, of at most 64 KiB, in which nothing comes twice
// (RFC 6749 §3.1).
func readPosted(r *http.Request) (body, error) {
	kind, err := mediaType(r.Header)
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return body{}, fail(CodeUnsupportedMedia, "a provider's answer must be application/x-www-form-urlencoded")
	}
	b, err := readBody(r, true)
	if err != nil {
		return body{}, err
	}
	for _, values := range b.form {
		if len(values) > 1 {
			return body{}, fail(CodeStateInvalid, "a parameter came more than once")
		}
	}
	return b, nil
}

// postCallback: POST /callback/:provider, where a provider's page posts its
// answer. It is a request from another site, to which browsers add no cookie
// but the one with SameSite=None: nothing else is looked at here. What came is
// sealed into an ordinary flow cookie, and the browser sent to the GET route,
// where it has all its cookies and everything else happens. The state, which no
// other site knows, is what ties the post to the browser.
func (a *Auth) postCallback(v *visit) (answer, error) {
	response, err := authorizationResponse(v.body.form)
	if err != nil {
		return answer{}, err
	}
	f, err := a.pending(v, cookie.PostedFlow, response.state)
	if err != nil {
		return answer{}, err
	}
	// Of two posts the first counts: a second one must not replace its code.
	if !a.spent.Consume("post:"+f.State(), v.now) {
		return answer{}, fail(CodeStateInvalid, "this callback has been used")
	}
	id, secure := flow.ID(response.state), v.public.Secure
	a.wardrobe.Expire(&v.lines, cookie.PostedFlow, id, secure)
	f.Kind = flow.SignIn
	if f.Session != "" {
		f.Kind = flow.Link
	}
	f.Response = &flow.Response{Code: response.code, Error: response.err, User: postedUser(v.body.form)}
	if response.hasIss {
		f.Response.Iss = &response.iss
	}
	if err := a.setFlow(v, &f, id); err != nil {
		return answer{}, err
	}
	ans := newAnswer(0)
	query := url.Values{"state": {response.state}}
	return ans, ans.redirect(http.StatusSeeOther, a.publicURL(v)+"/callback/"+v.provider.ID+"?"+query.Encode())
}

// setFlow writes the flow's cookie. Where it does not fit, the user object
// gives way: it is a name at most.
func (a *Auth) setFlow(v *visit, f *flow.Flow, id string) error {
	for {
		sealed, err := f.Seal(a.flows)
		if err != nil {
			return err
		}
		// The flow's own time stays that of its start: this does not prolong it.
		err = a.wardrobe.Set(&v.lines, cookie.Flow, id, v.public.Secure, sealed, flow.Lifetime, v.now)
		switch {
		case !errors.Is(err, cookie.ErrTooLarge):
			return err
		case f.Response.User == "":
			return &Error{Code: CodeProviderError, Err: errors.New("the provider has posted more than fits into a cookie")}
		}
		f.Response.User = ""
	}
}

// postedUser is Apple's user object. One that cannot be used is none: nobody
// has signed it, and no sign-in depends on it.
func postedUser(form url.Values) string {
	user := form.Get("user")
	if len(user) > maxPostedUser {
		return ""
	}
	if _, err := decodeObject([]byte(user)); err != nil {
		return ""
	}
	return user
}

// posted takes over what the provider has posted. The query then has the state
// and nothing else that a provider could have said.
func (r *response) posted(p *flow.Response) error {
	if p == nil {
		return nil
	}
	if r.code != "" || r.err != "" || r.hasIss {
		return fail(CodeStateInvalid, "the query repeats what the provider has posted")
	}
	r.code, r.err = p.Code, p.Error
	if p.Iss != nil {
		r.iss, r.hasIss = *p.Iss, true
	}
	return nil
}
