package devidp

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// authRequest is a valid authorization request.
type authRequest struct {
	client      Client
	redirectURI string
	state       *string // nil when the request had none: then the response has none
	nonce       string
	challenge   string
	scopes      []string
	mode        string // of the response: formPost or ""
	loginHint   string
}

// refusal of an authorization request. Without code it is shown to the person on
// a page: there is no redirect URI that could be trusted with it.
type refusal struct{ code, reason string }

func (r refusal) params() url.Values {
	return url.Values{"error": {r.code}, "error_description": {r.reason}}
}

// formPost is the other response_mode than query.
const formPost = "form_post"

// challengePattern is base64url(SHA-256) without padding (RFC 7636 §4.2).
var challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// maxAgePattern: none at all, or seconds. Every sign-in is a new one here, so that
// any max_age is kept, and prompt=login too.
var maxAgePattern = regexp.MustCompile(`^[0-9]{0,10}$`)

// authorize shows the page of users (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).
func (p *Provider) authorize(c *call) reply {
	req, no := p.readAuthorization(c.form)
	switch {
	case no == nil:
		return p.usersPage(req, p.ledger.open(req))
	case no.code == "":
		return refusedPage(no.reason)
	}
	return p.respond(c, req, no.params()).reply()
}

// pick is the page's form coming back.
func (p *Provider) pick(c *call) reply {
	// Another site cannot know a request id; this keeps it from trying.
	if err := http.NewCrossOriginProtection().Check(c.Request); err != nil {
		return refusedPage("the form was sent by another site")
	}
	req, ok := p.ledger.opened(c.form.Get("request"))
	if !ok {
		return refusedPage("this page is too old, or from before a restart: go back to the application and sign in again")
	}
	if c.form.Has("cancel") {
		return p.respond(c, req, url.Values{"error": {"access_denied"}, "error_description": {"sign-in was cancelled"}}).reply()
	}
	user, ok := p.user(c.form.Get("user"))
	if !ok {
		return refusedPage("there is no such user")
	}
	return p.allow(c, req, user).reply()
}

func (p *Provider) allow(c *call, req authRequest, user User) authResponse {
	suffix := ""
	for _, f := range c.faults {
		suffix += f.codeSuffix
	}
	return p.respond(c, req, url.Values{"code": {p.ledger.grant(req, user, suffix)}})
}

// respond sends the browser back, with state and iss (RFC 9207 §2) on errors too.
func (p *Provider) respond(c *call, req authRequest, params url.Values) authResponse {
	if req.state != nil {
		params.Set("state", *req.state)
	}
	params.Set("iss", p.issuer)
	for _, f := range c.faults {
		if f.Params != nil {
			f.Params(params)
		}
	}
	return authResponse{mode: req.mode, target: req.redirectURI, params: params}
}

// authResponse is what goes back to the client through the browser.
type authResponse struct {
	mode   string // formPost, or query in every other case
	target string
	params url.Values
}

func (a authResponse) reply() reply {
	if a.mode == formPost {
		return formPostReply(a.target, a.params)
	}
	return redirectReply(a.location())
}

func (a authResponse) location() string {
	separator := "?"
	if strings.Contains(a.target, "?") {
		separator = "&"
	}
	return a.target + separator + a.params.Encode()
}

// readRequest validates in the order of RFC 6749 §4.1.2.1: first whether
// the client may hear about errors at all.
func (p *Provider) readRequest(form url.Values) (authRequest, *refusal) {
	var req authRequest
	if len(form["client_id"]) != 1 || len(form["redirect_uri"]) != 1 {
		return req, &refusal{reason: "client_id and redirect_uri are required, once each"}
	}
	client, ok := p.client(form.Get("client_id"))
	if !ok {
		return req, &refusal{reason: fmt.Sprintf("there is no client %q: use Provider.Client or Config.Clients", form.Get("client_id"))}
	}
	redirectURI := form.Get("redirect_uri")
	if reason := offLoopback(redirectURI); reason != "" {
		return req, &refusal{reason: "redirect_uri " + reason}
	}
	if client.RedirectURIs != nil && !slices.Contains(client.RedirectURIs, redirectURI) {
		return req, &refusal{reason: fmt.Sprintf("redirect_uri %q is not registered for the client %q", redirectURI, client.ID)}
	}
	req = authRequest{client: client, redirectURI: redirectURI}
	if len(form["state"]) == 1 {
		req.state = &form["state"][0]
	}
	// Errors, too, go back the way that was asked for.
	if mode := form["response_mode"]; len(mode) == 1 && mode[0] == formPost {
		req.mode = formPost
	}
	if no := checkParameters(form); no != nil {
		return req, no
	}
	req.scopes = knownScopes(form.Get("scope"))
	req.nonce = form.Get("nonce")
	req.challenge = form.Get("code_challenge")
	req.loginHint = form.Get("login_hint")
	return req, nil
}

// knownScopes leaves out what the provider does not know (RFC 6749 §3.3).
func knownScopes(asked string) (scopes []string) {
	for _, scope := range strings.Fields(asked) {
		if slices.Contains(supportedScopes(), scope) && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

func checkParameters(form url.Values) *refusal {
	prompts := strings.Fields(form.Get("prompt"))
	mode := form.Get("response_mode")
	switch {
	case repeated(form) != "":
		return &refusal{"invalid_request", repeated(form) + " is repeated"}
	case form.Has("request"):
		return &refusal{"request_not_supported", "request objects are not supported"}
	case form.Has("request_uri"):
		return &refusal{"request_uri_not_supported", "request_uri is not supported"}
	case form.Get("response_type") == "":
		return &refusal{"invalid_request", "response_type is missing, want code"}
	case form.Get("response_type") != "code":
		return &refusal{"unsupported_response_type", "response_type must be code"}
	case mode != "" && mode != "query" && mode != formPost:
		return &refusal{"invalid_request", "response_mode must be query or form_post"}
	case !slices.Contains(strings.Fields(form.Get("scope")), "openid"):
		return &refusal{"invalid_scope", "scope must contain openid"}
	case form.Get("code_challenge") == "":
		return &refusal{"invalid_request", "code_challenge is missing: PKCE with S256 is required"}
	case form.Get("code_challenge_method") != "S256":
		return &refusal{"invalid_request", "code_challenge_method must be S256"}
	case !challengePattern.MatchString(form.Get("code_challenge")):
		return &refusal{"invalid_request", "code_challenge must be 43 base64url characters"}
	case !maxAgePattern.MatchString(form.Get("max_age")):
		return &refusal{"invalid_request", "max_age must be a whole number of seconds"}
	case slices.Contains(prompts, "none") && len(prompts) > 1:
		return &refusal{"invalid_request", "prompt=none excludes every other prompt"}
	case slices.Contains(prompts, "none"):
		return &refusal{"login_required", "there is no session at the development provider"}
	}
	return nil
}
