package rp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

const (
	methodBasic = "client_secret_basic"
	methodPost  = "client_secret_post"
	methodKey   = "private_key_jwt"
	methodNone  = "none"
)

// authProblem judges the fields by which we authenticate, together: one that
// would stay unused is a misunderstanding, and better cleared up now.
func (c Config) authProblem() error {
	switch c.AuthMethod {
	case "", methodBasic, methodPost, methodKey, methodNone:
	default:
		return fmt.Errorf("AuthMethod: %q is none of client_secret_basic, client_secret_post, private_key_jwt, none", c.AuthMethod)
	}
	secret := c.ClientSecret != "" || c.MakeClientSecret != nil
	switch {
	case c.ClientSecret != "" && c.MakeClientSecret != nil:
		return errors.New("ClientSecret and MakeClientSecret: both are set; unset one of the two")
	case c.AuthMethod == methodNone && c.ClientSecret != "":
		return errors.New("AuthMethod: none would leave ClientSecret unused; unset one of the two")
	case c.AuthMethod == methodNone && secret:
		return errors.New("AuthMethod: none would leave MakeClientSecret unused; unset one of the two")
	case c.AuthMethod == methodKey && c.PrivateKey == "":
		return errors.New("AuthMethod: private_key_jwt needs PrivateKey, the PEM key whose public half the provider knows")
	case c.PrivateKey == "":
		return nil
	case c.AuthMethod != "" && c.AuthMethod != methodKey:
		return fmt.Errorf("PrivateKey: AuthMethod %s would leave it unused; unset one of the two", c.AuthMethod)
	case secret:
		return errors.New("PrivateKey: is set beside a client secret; unset the one that the provider does not expect")
	case len(c.KeyID) > maxKeyID || strings.ContainsFunc(c.KeyID, isControl):
		return errors.New("KeyID: must be at most 256 bytes without control characters")
	}
	_, err := newAssertionKey(c.PrivateKey, c.KeyID)
	return err
}

// authMethod decides how to authenticate. discovered are the methods that
// discovery names for the endpoint, if any.
func (c Config) authMethod(discovered []string) string {
	switch {
	case c.PrivateKey != "":
		return methodKey
	case c.ClientSecret == "" && c.MakeClientSecret == nil:
		return methodNone // client_id alone: RFC 6749 §3.2.1
	case c.AuthMethod != "":
		return c.AuthMethod
	case slices.Contains(discovered, methodPost) && !slices.Contains(discovered, methodBasic):
		return methodPost
	}
	return methodBasic
}

// A proof is what authenticates us in one request.
type proof struct {
	clientID, method string
	secret           string // for the two methods with a secret
	assertion        string // for private_key_jwt
}

// prove makes the proof for one request.
func (p *Party) prove(m *metadata, discovered []string) (proof, error) {
	c := p.config
	made := proof{clientID: c.ClientID, method: c.authMethod(discovered), secret: c.ClientSecret}
	switch {
	case made.method == methodKey:
		assertion, err := p.key.sign(c.ClientID, p.assertionAudience(m), c.Now())
		if err != nil {
			return proof{}, failure(CodeClientAuth, "client authentication: the assertion cannot be signed with PrivateKey")
		}
		made.assertion = assertion
	case made.method != methodNone && c.MakeClientSecret != nil:
		secret, err := c.MakeClientSecret(c.ClientID, c.Now())
		// The application's error is not quoted: such functions work with keys,
		// and their errors may show what they work with.
		if err != nil {
			return proof{}, failure(CodeClientAuth, "client authentication: MakeClientSecret failed (%T)", err)
		}
		if secret == "" {
			return proof{}, failure(CodeClientAuth, "client authentication: MakeClientSecret made an empty secret")
		}
		made.secret = secret
	}
	return made, nil
}

// basic is the value of client_secret_basic (RFC 6749 §2.3.1).
func (f proof) basic() string {
	if f.secret == "" {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(f.clientID) + ":" + url.QueryEscape(f.secret)))
}

// hide adds what proves us to what no text may hold.
func (f proof) hide(s secrets) secrets {
	return append(slices.Clone(s), f.secret, f.basic(), f.assertion)
}

// style is the proof in the terms of x/oauth2, which must never find out by
// trying: a second attempt redeems the code twice.
func (f proof) style() oauth2.AuthStyle {
	if f.method == methodBasic {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

// assert adds the assertion to a form.
func (f proof) assert(form url.Values) {
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", f.assertion)
}

// A formRequest is a request for which x/oauth2 has no function.
type formRequest struct {
	what, address        string
	methods              []string // what discovery names for the endpoint
	form                 url.Values
	unreachable, invalid string // codes
	hide                 secrets
}

// postForm sends r, once, authenticated. The secrets it returns are those that
// a text about the answer must not hold.
func (p *Party) postForm(ctx context.Context, m *metadata, r formRequest) (*answer, secrets, error) {
	made, err := p.prove(m, r.methods)
	if err != nil {
		return nil, nil, err
	}
	switch made.method {
	case methodPost:
		r.form.Set("client_id", made.clientID)
		r.form.Set("client_secret", made.secret)
	case methodKey:
		r.form.Set("client_id", made.clientID)
		made.assert(r.form)
	case methodNone:
		r.form.Set("client_id", made.clientID)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.address, strings.NewReader(r.form.Encode()))
	if err != nil {
		return nil, nil, failure(CodeBadRequest, "%s: the address cannot be used", r.what)
	}
	maps.Copy(req.Header, p.config.TokenHeader)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	if made.method == methodBasic {
		req.Header.Set("Authorization", "Basic "+made.basic())
	}
	hide := made.hide(r.hide)
	a, err := p.out.send(req, hide)
	if err != nil {
		return nil, nil, failed(wireCode(err, r.unreachable, r.invalid), r.what, err)
	}
	return a, hide, nil
}

// optionalEndpoint is an endpoint that a sign-in does without, judged when it
// is used. New has checked the configured one.
func (p *Party) optionalEndpoint(member, discovered, configured string) error {
	if discovered == configured {
		return nil
	}
	if err := p.rules.checkDiscovered(member, discovered); err != nil {
		return failure(CodeDiscoveryInvalid, "discovery: %w", err)
	}
	return nil
}
