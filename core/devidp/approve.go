package devidp

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Approve is the person at the page, for tests without a browser: it takes the
// URL that a client sends the browser to, picks the user, and returns the URL
// that the browser is sent back to, which carries an error when the request had
// one that the client may know. A request for form_post is one for ApprovePost.
func (p *Provider) Approve(authorizationURL, subject string) (callbackURL string, err error) {
	answer, err := p.approve(authorizationURL, subject)
	if err != nil {
		return "", err
	}
	if answer.mode == formPost {
		return "", errors.New("devidp: Approve: the answer to response_mode=form_post is a form: use ApprovePost")
	}
	return answer.location(), nil
}

// ApprovePost is Approve for response_mode=form_post: it returns the URL to which
// the browser posts, and the form.
func (p *Provider) ApprovePost(authorizationURL, subject string) (callbackURL string, form url.Values, err error) {
	answer, err := p.approve(authorizationURL, subject)
	if err != nil {
		return "", nil, err
	}
	if answer.mode != formPost {
		return "", nil, errors.New("devidp: ApprovePost: the request has no response_mode=form_post: use Approve")
	}
	return answer.target, answer.params, nil
}

func (p *Provider) approve(authorizationURL, subject string) (authResponse, error) {
	query, ok := strings.CutPrefix(authorizationURL, p.base+"/authorize?")
	if !ok {
		return authResponse{}, fmt.Errorf("devidp: Approve: the URL is not at this provider's authorization endpoint %s/authorize", p.base)
	}
	form, err := url.ParseQuery(query)
	if err != nil {
		return authResponse{}, errors.New("devidp: Approve: the query cannot be parsed")
	}
	user, ok := p.user(subject)
	if !ok {
		return authResponse{}, fmt.Errorf("devidp: Approve: there is no user with subject %q", subject)
	}
	c := &call{form: form, faults: p.arrive(Authorize, false)}
	req, no := p.readAuthorization(form)
	switch {
	case no == nil:
		return p.allow(c, req, user), nil
	case no.code == "":
		return authResponse{}, errors.New("devidp: Approve: " + no.reason)
	}
	return p.respond(c, req, no.params()), nil
}
