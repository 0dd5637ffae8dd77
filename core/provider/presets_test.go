package provider_test

import (
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

// A presetRow is what one preset does on the wire, whole: parameters that are
// not named are not sent.
type presetRow struct {
	preset      aura.Provider
	issuer      string            // of the user's account
	authorize   string            // "" for the address that discovery names
	token       string            // the same
	userinfo    string            // the same
	params      map[string]string // beside those that every request has
	basic       bool              // how the client proves itself
	noPKCE      bool
	tokenHeader map[string]string           // of the token request
	grant       string                      // the token answer, by default a usual one
	method      string                      // of the userinfo request, by default GET
	header      map[string]string           // of the userinfo request, beside the access token in Authorization
	form        url.Values                  // the same
	documents   map[string]string           // address → file: what else is fetched with the token
	also        map[string]http.HandlerFunc // "host/path" → what else is answered
	profile     string                      // the recorded profile, by default the preset's ID
	without     string                      // the path to the member that holds the id; by default sub
	want        map[string]any
	elsewhere   string // the test that shows all this, for what does not fit here
}

// presets are all rows.
func presets() []presetRow { return slices.Concat(presetsA(), presetsB()) }

// mona is the user of most recorded profiles.
func mona(sub string, more ...string) map[string]any {
	u := map[string]any{"sub": sub, "name": "Mona Lisa", "email": "mona@octo.example"}
	for i := 0; i < len(more); i += 2 {
		if u[more[i]] = more[i+1]; more[i+1] == "" {
			delete(u, more[i])
		}
	}
	return u
}

func verified(u map[string]any) map[string]any {
	u["email_verified"] = true
	return u
}

var oidcScope = map[string]string{"scope": "openid profile email"}

func TestPresets(t *testing.T) {
	key := newKey(t)
	for _, row := range presets() {
		t.Run(row.preset.ID+" "+row.issuer, func(t *testing.T) {
			if row.elsewhere != "" {
				return // TestEachPresetHasARow looks for that test
			}
			row.test(t, key)
		})
	}
}

func (row presetRow) test(t *testing.T, key *rsa.PrivateKey) {
	p := row.preset
	if row.profile == "" {
		row.profile = p.ID + ".json"
	}
	if row.without == "" {
		row.without = "sub"
	}
	if p.OIDC && row.authorize == "" {
		row.authorize, row.token, row.userinfo = "https://op.example/authorize", "https://op.example/token", "https://op.example/userinfo"
	}
	if p.Problem != nil || p.Issuer != row.issuer || p.ClientID != "" || p.ClientSecret != "" {
		t.Fatalf("issuer %q, problem %v", p.Issuer, p.Problem)
	}

	app, net, q, r := row.signIn(t, key, recorded(t, row.profile), nil)
	if r.StatusCode != 302 {
		t.Fatalf("callback: status %d, code %s", r.StatusCode, code(t, r))
	}
	row.checkRequest(t, q)
	row.checkToken(t, net)
	row.checkUserInfo(t, net)
	if got := app.user(); !reflect.DeepEqual(got, row.want) {
		t.Errorf("signed in as\n%v, want\n%v", got, row.want)
	}

	// ID-33: without the id nobody is signed in, and no other member stands for it.
	refuse := func(why string, status int, codes, profile string, claims map[string]any) {
		app, _, _, r := row.signIn(t, key, profile, claims)
		if c := code(t, r); r.StatusCode != status || c == "" || !strings.Contains(codes, c) || app.user() != nil {
			t.Errorf("%s: status %d, code %s, signed in as %v", why, r.StatusCode, c, app.user())
		}
	}
	const incomplete, malformed = "INVALID_USER_INFO", "INVALID_OAUTH_USER_INFO_RES_FORMAT"
	refuse("id removed", 502, incomplete, changed(t, row.profile, row.without, nil, nil), nil)
	refuse("id null", 502, incomplete, changed(t, row.profile, row.without, json.RawMessage("null"), nil), nil)
	// An empty text is no id, or, where the id is a number, not of its type.
	others := map[string]any{"id": "1", "sub": "2", "uid": "3", "user_id": "4", "account_id": "5"}
	if p.Profile == nil && !p.OIDC {
		others = nil // DefaultProfile takes the first that is there, as its comment says
	}
	refuse("id empty, others there", 502, incomplete+malformed, changed(t, row.profile, row.without, "", others), nil)
	if p.OIDC {
		refuse("ID token without sub", 401, "OIDC_ID_TOKEN_INVALID", edited(t, row.profile, map[string]any{"sub": nil}), map[string]any{"sub": nil})
		refuse("userinfo of another", 502, incomplete, edited(t, row.profile, map[string]any{"sub": "somebody"}), nil)
		refuse("ID token of another issuer", 401, "OIDC_ID_TOKEN_INVALID", recorded(t, row.profile), map[string]any{"iss": row.issuer + "x"})
		refuse("another nonce", 400, "OIDC_NONCE_MISMATCH", recorded(t, row.profile), map[string]any{"nonce": "another"})
	}
}

// signIn is one sign-in with a fresh application; claims replace those of the ID token.
func (row presetRow) signIn(t *testing.T, key *rsa.PrivateKey, profile string, claims map[string]any) (*application, *internet, url.Values, *http.Response) {
	t.Helper()
	var net *internet
	var host *oidcHost
	switch {
	case row.preset.OIDC:
		host = newOIDCHost(t, key, row.preset, row.issuer, row.want["sub"].(string), profile)
		net = host.internet
	default:
		grant := row.grant
		switch {
		case grant != "":
		case row.preset.OptionalTokenType:
			grant = `{"access_token":"at-synthetic","expires_in":3600}`
		default:
			grant = `{"access_token":"at-synthetic","expires_in":3600,"token_type":"Bearer"}`
		}
		net = &internet{hosts: map[string]http.HandlerFunc{
			place(t, row.token): answer(200, grant), place(t, row.userinfo): answer(200, profile),
		}}
	}
	maps.Copy(net.hosts, row.also)
	for address, file := range row.documents {
		net.hosts[place(t, address)] = answer(200, recorded(t, file))
	}
	app := newApplication(t, row.preset, net)
	endpoint, q := app.start("")
	if endpoint != row.authorize {
		t.Errorf("the browser is sent to %s, want %s", endpoint, row.authorize)
	}
	if host != nil {
		host.claims["nonce"] = q.Get("nonce")
		for name, value := range claims {
			if host.claims[name] = value; value == nil {
				delete(host.claims, name)
			}
		}
	}
	return app, net, q, app.back(q.Get("state"), "")
}

// checkRequest compares the authorization request, each parameter of it.
func (row presetRow) checkRequest(t *testing.T, q url.Values) {
	t.Helper()
	want := map[string]string{
		"response_type": "code", "client_id": "client-id", "redirect_uri": "https://app.example/auth/callback/" + row.preset.ID,
	}
	maps.Copy(want, row.params)
	random := []string{"state"}
	if row.preset.OIDC {
		random = append(random, "nonce")
	}
	if !row.noPKCE {
		random = append(random, "code_challenge")
		want["code_challenge_method"] = "S256"
	}
	for _, name := range random {
		if len(q.Get(name)) < 43 {
			t.Errorf("%s is %q", name, q.Get(name))
		}
		want[name] = q.Get(name)
	}
	got := map[string]string{}
	for name, values := range q {
		got[name] = strings.Join(values, " and ")
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("authorization request\n%v, want\n%v", got, want)
	}
}

// checkToken compares the token request, which is sent once.
func (row presetRow) checkToken(t *testing.T, net *internet) {
	t.Helper()
	asked := net.asked(row.token)
	if len(asked) != 1 {
		t.Fatalf("the token endpoint was asked %d times", len(asked))
	}
	want := url.Values{
		"grant_type": {"authorization_code"}, "code": {"the-code"}, "redirect_uri": {"https://app.example/auth/callback/" + row.preset.ID},
	}
	if !row.noPKCE {
		want["code_verifier"] = asked[0].form["code_verifier"]
		if len(asked[0].form.Get("code_verifier")) < 43 {
			t.Error("token request without code_verifier")
		}
	}
	id, secret, basic := (&http.Request{Header: asked[0].header}).BasicAuth()
	if basic != row.basic || basic && (id != "client-id" || secret != "s3cret%3A%25%2B+%2F%C3%BC") {
		t.Errorf("Basic is %v: %q %q", basic, id, secret)
	}
	if !row.basic {
		want["client_id"], want["client_secret"] = []string{"client-id"}, []string{"s3cret:%+ /ü"}
	}
	if asked[0].method != "POST" || asked[0].header.Get("Accept") != "application/json" || !reflect.DeepEqual(asked[0].form, want) {
		t.Errorf("token request %s\n%v, want\n%v", asked[0].method, asked[0].form, want)
	}
	checkHeader(t, "token request", asked[0].header, row.tokenHeader)
}

// checkUserInfo compares what was asked with the access token, each document once.
func (row presetRow) checkUserInfo(t *testing.T, net *internet) {
	t.Helper()
	methods := map[string]string{row.userinfo: row.method}
	if row.method == "" {
		methods[row.userinfo] = http.MethodGet
	}
	for address := range row.documents {
		methods[address] = http.MethodGet
	}
	header := map[string]string{"Authorization": "Bearer at-synthetic"}
	maps.Copy(header, row.header)
	for address, method := range methods {
		asked, form := net.asked(address), url.Values{}
		if address == row.userinfo && row.form != nil {
			form = row.form
		}
		if len(asked) != 1 {
			t.Errorf("%s was asked %d times", address, len(asked))
			continue
		}
		if asked[0].method != method || !reflect.DeepEqual(asked[0].form, form) || asked[0].header.Get("User-Agent") == "" {
			t.Errorf("%s was asked with %s, %v, %v", address, asked[0].method, asked[0].form, asked[0].header)
		}
		checkHeader(t, address, asked[0].header, header)
	}
}

func checkHeader(t *testing.T, what string, got http.Header, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if strings.Join(got.Values(name), " and ") != value {
			t.Errorf("%s: %s is %q, want %q", what, name, got.Values(name), value)
		}
	}
}

// changed is a recorded profile with another value at a path such as
// data.0.id; nil removes it. The other members come beside it, at the top and at
// the end of the path, unless they are what the path names.
func changed(t *testing.T, file, path string, value any, others map[string]any) string {
	t.Helper()
	var document any
	dec := json.NewDecoder(strings.NewReader(recorded(t, file)))
	dec.UseNumber()
	if err := dec.Decode(&document); err != nil {
		t.Fatal(err)
	}
	names := strings.Split(path, ".")
	at := document
	for i, name := range names {
		if object, ok := at.(map[string]any); ok && (i == 0 || i == len(names)-1) {
			for other, v := range others {
				if _, there := object[other]; !there {
					object[other] = v
				}
			}
		}
		if i < len(names)-1 {
			at = member(t, at, name)
		}
	}
	object, ok := at.(map[string]any)
	if !ok || object[names[len(names)-1]] == nil {
		t.Fatalf("%s holds no %s", file, path)
	}
	if object[names[len(names)-1]] = value; value == nil {
		delete(object, names[len(names)-1])
	}
	raw, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func member(t *testing.T, of any, name string) any {
	t.Helper()
	if list, ok := of.([]any); ok {
		i, err := strconv.Atoi(name)
		if err != nil || i >= len(list) {
			t.Fatalf("no element %s", name)
		}
		return list[i]
	}
	object, ok := of.(map[string]any)
	if !ok {
		t.Fatalf("no member %s", name)
	}
	return object[name]
}
