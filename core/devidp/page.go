package devidp

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// pageStyle is in the page itself, allowed by its hash: the provider has no other
// files, and nothing on the page needs script.
const pageStyle = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --card: #fff; --back: #f3f4f6; --hover: #eef4ff; --mark: #0b5fd6; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f3f6; --soft: #a3adb8; --line: #3d444d; --card: #161b22; --back: #0d1117; --hover: #1c2838; --mark: #6cb0ff; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--back); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.note { display: inline-block; margin: 0 0 .75rem; padding: .1rem .6rem; border: 1px solid var(--line); border-radius: 1rem; color: var(--soft); font-size: .8rem; }
h1 { margin: 0 0 .5rem; font-size: 1.35rem; line-height: 1.3; }
p { margin: 0 0 1.25rem; color: var(--soft); overflow-wrap: anywhere; }
form { display: grid; gap: .6rem; margin: 0; }
button { font: inherit; color: inherit; cursor: pointer; border-radius: .5rem; border: 1px solid var(--line); background: none; padding: .7rem 1rem; }
button:hover { background: var(--hover); border-color: var(--mark); }
button:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
.user { display: flex; align-items: center; gap: .9rem; text-align: left; }
.user b { display: block; font-weight: 600; }
.user small { color: var(--soft); overflow-wrap: anywhere; }
.disc { flex: none; width: 2.4rem; height: 2.4rem; display: grid; place-items: center; border-radius: 50%; background: var(--mark); color: var(--card); font-weight: 600; }
input { font: inherit; font-size: 1.3rem; letter-spacing: .15em; text-align: center; text-transform: uppercase; padding: .6rem; color: inherit; background: none; border: 1px solid var(--line); border-radius: .5rem; }
.quiet { border-color: transparent; color: var(--soft); }
`

// The button of a user carries the subject; pressing Enter chooses the first.
var pageTemplate = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
<style>{{.Style}}</style>
</head>
<body>
<main>
<span class="note">Development only</span>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{- with .Action}}
<form method="post" action="{{.}}">
{{- with $.RequestID}}
<input type="hidden" name="request" value="{{.}}">
{{- else}}
<label for="code">Code</label>
<input id="code" name="user_code" value="{{$.UserCode}}" required maxlength="40" autocomplete="off" autocapitalize="characters" spellcheck="false">
{{- end}}
{{- range $.Users}}
<button class="user" type="submit" name="user" value="{{.Subject}}"><span class="disc" aria-hidden="true">{{.Initial}}</span><span><b>{{.Label}}</b><small>{{.Detail}}</small></span></button>
{{- end}}
<button class="quiet" type="submit" name="cancel" value="1">Cancel</button>
</form>
{{- end}}
</main>
</body>
</html>
`))

type page struct {
	Title, Text string
	// Action is the form's; without one there is none. It is about the request
	// RequestID, or else about a code that is typed in.
	Action, RequestID, UserCode string
	Users                       []pageUser
}

type pageUser struct{ Subject, Initial, Label, Detail string }

func (p *Provider) usersPage(req authRequest, requestID string) reply {
	return page{
		Title:     "Development sign-in: pick a user",
		Text:      "The application at " + originOf(req.redirectURI) + " (client " + req.client.ID + ") asks who you are. No password is needed: this provider answers only on this machine.",
		Action:    p.base + "/authorize/user",
		RequestID: requestID,
		Users:     p.shownUsers(req.loginHint),
	}.reply(http.StatusOK)
}

func (p *Provider) shownUsers(hint string) []pageUser {
	users := slices.Clone(p.config.Users)
	slices.SortStableFunc(users, func(a, b User) int { return hinted(b, hint) - hinted(a, hint) })
	shown := make([]pageUser, 0, len(users))
	for _, u := range users {
		shown = append(shown, pageUser{Subject: u.Subject, Initial: initial(u), Label: label(u), Detail: detail(u)})
	}
	return shown
}

// userCodePage asks for the code even when the address has it in it: who compares
// it with the device's does not allow a stranger's (RFC 8628 §3.3.1, §5.4).
func (p *Provider) userCodePage(userCode, problem string) reply {
	status := http.StatusOK
	text := "Type the code that your device shows, or compare it, and pick who signs in there. Go on only if the device is yours."
	if problem != "" {
		status, text = http.StatusBadRequest, problem+" It may have been used, or be too old: look at the device again."
	}
	return page{
		Title:    "Development sign-in: another device",
		Text:     text,
		Action:   p.base + "/device",
		UserCode: userCode,
		Users:    p.shownUsers(""),
	}.reply(status)
}

func donePage(title, text string) reply {
	return page{Title: "Development sign-in: " + title, Text: text}.reply(http.StatusOK)
}

func refusedPage(reason string) reply {
	return page{Title: "Development sign-in: request refused", Text: "This cannot go on: " + reason + "."}.reply(http.StatusBadRequest)
}

func signedOutPage() reply {
	return page{Title: "Development sign-in: signed out", Text: "The session at the development provider has ended."}.reply(http.StatusOK)
}

func (v page) reply(status int) reply {
	var b bytes.Buffer
	data := struct {
		page
		Style template.CSS
	}{v, pageStyle}
	if err := pageTemplate.Execute(&b, data); err != nil {
		return oauthError(http.StatusInternalServerError, "server_error", "the page could not be rendered")
	}
	h := header("text/html; charset=utf-8")
	hash := sha256.Sum256([]byte(pageStyle))
	// No form-action: browsers apply it to the redirect that follows the form as
	// well, and it would stop the way back to the application.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+
		"'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	return reply{Answer: Answer{Status: status, Header: h, Body: b.Bytes()}}
}

// hinted is 1 for the user that login_hint names.
func hinted(u User, hint string) int {
	if hint != "" && (strings.EqualFold(u.Email, hint) || strings.EqualFold(u.Name, hint) || u.Subject == hint) {
		return 1
	}
	return 0
}

func label(u User) string {
	if u.Name != "" {
		return u.Name
	}
	return u.Subject
}

func detail(u User) string {
	switch {
	case u.Email == "":
		return u.Subject
	case !u.EmailVerified:
		return u.Email + " (not verified)"
	}
	return u.Email
}

func initial(u User) string {
	for _, r := range label(u) {
		return strings.ToUpper(string(r))
	}
	return "?"
}

func originOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return uri
	}
	return u.Scheme + "://" + u.Host
}
