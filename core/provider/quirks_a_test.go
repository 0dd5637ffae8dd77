package provider_test

import (
	"net/http"
	"reflect"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/provider"
)

// rowOf is the first row of a preset.
func rowOf(t *testing.T, id string) presetRow {
	t.Helper()
	for _, row := range presetsA() {
		if row.preset.ID == id {
			if row.profile == "" {
				row.profile = id + ".json"
			}
			return row
		}
	}
	t.Fatalf("no row of %s", id)
	return presetRow{}
}

func avatar(t *testing.T, id string, more ...string) map[string]any {
	t.Helper()
	u := map[string]any{}
	for name, value := range rowOf(t, id).want {
		u[name] = value
	}
	for i := 0; i < len(more); i += 2 {
		if u[more[i]] = more[i+1]; more[i+1] == "" {
			delete(u, more[i])
		}
	}
	return u
}

// What each mapping decides beside the plain case: verified or not (ID-31),
// pictures, names, and who is nobody (want is nil).
func TestMappingsA(t *testing.T) {
	key := newKey(t)
	const discord = "https://cdn.discordapp.com/"
	unverified := func(id string) map[string]any { return avatar(t, id, "email_verified", "") }
	for _, c := range []struct {
		why, id string
		change  map[string]any
		want    map[string]any
	}{
		{"without the global name", "discord", map[string]any{"global_name": nil}, avatar(t, "discord", "name", "mona")},
		{"ID-31 not verified", "discord", map[string]any{"verified": false}, unverified("discord")},
		{"verified, nothing said", "discord", map[string]any{"verified": nil}, unverified("discord")},
		{"without address", "discord", map[string]any{"email": nil}, avatar(t, "discord", "email", "", "email_verified", "")},
		{"an empty address", "discord", map[string]any{"email": ""}, avatar(t, "discord", "email", "", "email_verified", "")},
		{"an animated picture", "discord", map[string]any{"avatar": "a_8342729096ea3675442027381ff50dfe"},
			avatar(t, "discord", "image", discord+"avatars/80351110224678912/a_8342729096ea3675442027381ff50dfe.gif")},
		{"the default picture, by id", "discord", map[string]any{"avatar": nil}, avatar(t, "discord", "image", discord+"embed/avatars/5.png")},
		{"the default picture, by the digits after the name", "discord", map[string]any{"avatar": nil, "discriminator": "1337"},
			avatar(t, "discord", "image", discord+"embed/avatars/2.png")},
		{"a picture that leads elsewhere", "discord", map[string]any{"avatar": "../../evil"}, avatar(t, "discord", "image", "")},

		{"ID-31 not confirmed", "gitlab", map[string]any{"confirmed_at": nil}, unverified("gitlab")},
		{"ID-31 confirmed, without address", "gitlab", map[string]any{"email": nil}, avatar(t, "gitlab", "email", "", "email_verified", "")},
		{"not the public address", "gitlab", map[string]any{"email": "own@octo.example"}, avatar(t, "gitlab", "email", "own@octo.example")},
		{"without a name", "gitlab", map[string]any{"name": ""}, avatar(t, "gitlab", "name", "mona")},
		{"ID-33 the id 0", "gitlab", map[string]any{"id": 0}, nil},
		{"ID-33 a negative id", "gitlab", map[string]any{"id": -1}, nil},
		{"ID-33 half an id", "gitlab", map[string]any{"id": 1.5}, nil},

		{"ID-31 never verified", "spotify", map[string]any{"email_verified": true, "verified": true}, avatar(t, "spotify")},
		{"without pictures", "spotify", map[string]any{"images": []any{}}, avatar(t, "spotify", "image", "")},
		{"ID-31 never verified", "figma", map[string]any{"email_verified": true, "verified": true}, avatar(t, "figma")},

		{"a confirmed address", "x", map[string]any{"data": map[string]any{"id": "7", "username": "mona", "confirmed_email": "mona@octo.example"}},
			map[string]any{"sub": "7", "name": "mona", "email": "mona@octo.example", "email_verified": true}},
		{"ID-31 another member than the confirmed one", "x", map[string]any{"data": map[string]any{"id": "7", "username": "mona", "email": "mona@octo.example"}},
			map[string]any{"sub": "7", "name": "mona"}},
		{"errors with status 200", "x", map[string]any{"data": nil, "errors": []any{map[string]any{"title": "Forbidden"}}}, nil},

		{"the placeholder's path", "strava", map[string]any{"profile": "avatar/athlete/large.png"}, avatar(t, "strava", "image", "")},
		{"the first name alone", "strava", map[string]any{"lastname": ""}, avatar(t, "strava", "name", "Mona")},
		{"an id in a text", "mailchimp", map[string]any{"user_id": "15840918"}, avatar(t, "mailchimp")},
		{"ID-33 an id that is no number", "mailchimp", map[string]any{"user_id": "us6"}, nil},
		{"an error with status 200", "mailchimp", map[string]any{"error": "invalid_token"}, nil},

		{"nobody", "twitch", map[string]any{"data": []any{}}, nil},
		{"two users", "twitch", map[string]any{"data": []any{map[string]any{"id": "1"}, map[string]any{"id": "2"}}}, nil},
		{"ID-31 the answer does not say verified", "twitch", map[string]any{"email_verified": true}, avatar(t, "twitch")},

		{"a bot of the workspace", "notion", map[string]any{"bot": map[string]any{"owner": map[string]any{"type": "workspace", "workspace": true}}}, nil},
		{"a user beside another type of owner", "notion", map[string]any{"bot": map[string]any{"owner": map[string]any{"type": "workspace", "user": map[string]any{"id": "7"}}}}, nil},
		{"no bot", "notion", map[string]any{"bot": nil, "type": "person"}, nil},
		{"without the capability to read addresses", "notion",
			map[string]any{"bot": map[string]any{"owner": map[string]any{"type": "user", "user": map[string]any{"id": "7", "name": "Mona Lisa", "avatar_url": nil}}}},
			map[string]any{"sub": "7", "name": "Mona Lisa"}},

		{"ID-31 not verified", "dropbox", map[string]any{"email_verified": false}, unverified("dropbox")},
		{"without picture", "dropbox", map[string]any{"profile_photo_url": nil}, avatar(t, "dropbox", "image", "")},
		{"ID-31 not verified", "atlassian", map[string]any{"email_verified": nil}, unverified("atlassian")},
		{"ID-31 never verified", "click-up", map[string]any{"email_verified": true}, avatar(t, "click-up")},
		{"without a name", "dribbble", map[string]any{"name": nil}, avatar(t, "dribbble", "name", "mona")},
		{"not active", "hubspot", map[string]any{"active": false}, nil},
		{"another application's token", "hubspot", map[string]any{"client_id": "other"}, nil},

		{"ID-31 verified, in a text", "huggingface", map[string]any{"email_verified": "true"}, unverified("huggingface")},
		{"without a name", "huggingface", map[string]any{"name": nil}, avatar(t, "huggingface", "name", "mona")},
		{"ID-31 not verified", "authentik", map[string]any{"email_verified": false}, unverified("authentik")},
		{"ID-31 not verified", "twitch-oidc", map[string]any{"email_verified": false}, unverified("twitch-oidc")},
	} {
		t.Run(c.id+" "+c.why, func(t *testing.T) {
			row, status := rowOf(t, c.id), http.StatusFound
			if c.want == nil {
				status = http.StatusBadGateway
			}
			if row.preset.OIDC {
				row.authorize, row.token, row.userinfo = "https://op.example/authorize", "", ""
			}
			app, _, _, r := row.signIn(t, key, edited(t, row.profile, c.change), nil)
			if got := app.user(); r.StatusCode != status || (got != nil) != (c.want != nil) || c.want != nil && !reflect.DeepEqual(got, c.want) {
				t.Errorf("status %d, signed in as\n%v, want\n%v", r.StatusCode, got, c.want)
			}
		})
	}
}

// Bitbucket's list of addresses decides about the address, and nothing else does.
func TestBitbucketEmails(t *testing.T) {
	const address = "api.bitbucket.org/2.0/user/emails"
	whole := avatar(t, "bitbucket")
	without := avatar(t, "bitbucket", "email", "", "email_verified", "")
	for _, c := range []struct {
		why    string
		answer http.HandlerFunc
		status int
		want   map[string]any
	}{
		{"as recorded", answer(200, recorded(t, "bitbucket_emails.json")), 302, whole},
		{"ID-31 the primary one is not confirmed", answer(200, `{"values":[{"email":"a@octo.example","is_primary":true,"is_confirmed":false},{"email":"b@octo.example","is_primary":false,"is_confirmed":true}]}`), 302, without},
		{"an empty list", answer(200, `{"values":[]}`), 302, without},
		{"the scope was not granted", answer(403, `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes."}}`), 302, without},
		{"an outage", answer(500, `{}`), 503, nil},
		{"too many requests", answer(429, `{}`), 503, nil},
		{"not JSON", answer(200, `<`), 502, nil},
	} {
		t.Run(c.why, func(t *testing.T) {
			row := rowOf(t, "bitbucket")
			row.documents = nil
			row.also = map[string]http.HandlerFunc{address: c.answer}
			app, _, _, r := row.signIn(t, nil, recorded(t, row.profile), nil)
			if got := app.user(); r.StatusCode != c.status || (got != nil) != (c.want != nil) || c.want != nil && !reflect.DeepEqual(got, c.want) {
				t.Errorf("status %d, signed in as\n%v, want\n%v", r.StatusCode, got, c.want)
			}
		})
	}
}

// A preset under another id is the same provider: its accounts stay the same.
func TestRenamedPreset(t *testing.T) {
	for _, id := range []string{"twitch", "hubspot", "bitbucket"} {
		row := rowOf(t, id)
		row.preset.ID = "second"
		app, net, q, r := row.signIn(t, nil, recorded(t, row.profile), nil)
		if got := app.user(); r.StatusCode != http.StatusFound || !reflect.DeepEqual(got, row.want) || q.Get("redirect_uri") != "https://app.example/auth/callback/second" {
			t.Errorf("%s: status %d, signed in as %v, redirect_uri %q", id, r.StatusCode, got, q.Get("redirect_uri"))
		}
		if len(net.asked(row.token)) != 1 {
			t.Errorf("%s: the token endpoint was not asked once", id)
		}
	}
}

// Several instances of one preset stand side by side in one application.
func TestTwoOfOnePreset(t *testing.T) {
	a, b := provider.GitLab(), provider.GitLabSelfManaged("https://git.example.com")
	b.ID = "gitlab-own"
	a.ClientID, a.ClientSecret, b.ClientID, b.ClientSecret = "a", "secret-of-a", "b", "secret-of-b"
	if _, err := aura.New(aura.Config{
		BaseURL: "https://app.example", Providers: []aura.Provider{a, b},
		Secrets: []aura.Secret{"kH7d0Qw9zXyR3uVbN5mT1sLgJ8fP2cAeW6iO4tYx"}, Salt: "Zp3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-salt_01",
	}); err != nil {
		t.Error(err)
	}
	if a.Issuer == b.Issuer {
		t.Error("the accounts of both are one")
	}
}
