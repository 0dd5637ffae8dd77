package rp

import (
	"context"
	"encoding/json"
	"net/url"
)

// introspect asks whose an access token is (RFC 7662). Some providers know no
// other way to say who has signed in. Without the endpoint the profile is {}.
//
// The answer must be about a token of ours: one that was issued to another
// client says nothing about who is here.
func (p *Party) introspect(ctx context.Context, m *metadata, accessToken string) (json.RawMessage, error) {
	const what = "introspection endpoint"
	endpoint := p.config.IntrospectionEndpoint
	if endpoint == "" {
		return json.RawMessage("{}"), nil
	}
	a, hide, err := p.postForm(ctx, m, formRequest{
		what: what, address: endpoint,
		form:        url.Values{"token": {accessToken}, "token_type_hint": {"access_token"}},
		unreachable: CodeUserInfoUnreachable, invalid: CodeUserInfoRejected,
		hide: secrets{accessToken},
	})
	if err != nil {
		return nil, err
	}
	if a.down() {
		e := failure(CodeUserInfoUnreachable, "%s: %w", what, newRefusal(a, hide))
		e.unreachable = true
		return nil, e
	}
	if !a.ok() {
		return nil, failure(CodeUserInfoRejected, "%s: %w", what, newRefusal(a, hide))
	}
	if !a.isJSON() {
		return nil, failure(CodeContentType, "%s: answered %q instead of application/json", what, brief(a.mediaType))
	}
	members, err := strictObject(a.body, []string{"active", "client_id"})
	if err != nil {
		return nil, failure(CodeUserInfoMalformed, "%s: %w", what, err)
	}
	if string(members["active"]) != "true" {
		return nil, failure(CodeUserInfoRejected, "%s: the access token is not active", what)
	}
	client, present, err := stringMember(members, "client_id")
	if err != nil || present && client != p.config.ClientID {
		return nil, failure(CodeUserInfoMismatch, "%s: the access token is another client's", what)
	}
	return a.body, nil
}
