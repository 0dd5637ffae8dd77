package aura

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
)

// pageStyle is the only style of the error page; the page's policy names its
// hash and allows nothing else.
const pageStyle = `:root{color-scheme:light dark}` +
	`body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.5rem}` +
	`h1{font-size:1.4rem}a{color:inherit}.go{display:inline-block;padding:.5rem 1rem;border:1px solid;border-radius:.4rem;text-decoration:none}` +
	`small{opacity:.7}`

var errorPage = template.Must(template.New("error").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>{{.Style}}</style>
</head>
<body>
<h1>{{.Title}}</h1>
<p>{{.Message}}</p>
<p>{{with .Retry}}<a class="go" href="{{.}}">Try again</a> &nbsp; {{end}}<a href="{{.Home}}">Back to the start page</a></p>
<p><small>Code {{.Code}} · reference {{.ID}}</small></p>
</body>
</html>
`))

// failurePage is the answer for a person: where a browser was loading a page,
// it is sent to the application's page, or sees ours; a form post goes back to
// the page that it came from. The zero answer means that JSON is due.
func (a *Auth) failurePage(v *visit, e *Error, m meaning, id string) answer {
	if v == nil || v.route == nil {
		return answer{}
	}
	title, signOut := "Sign-in did not work", v.route.path == "/signOut"
	switch {
	case signOut && v.body.isForm && e.Code == CodeUnavailable:
		// Whoever then saw the page with the sign-in form would take it that the
		// sign-out had worked.
		if !navigation(v.r) {
			return answer{}
		}
		title = "Sign-out did not work"
	case v.body.isForm && v.follow && (backToForm(e.Code) || e.status != 0):
		return a.sendTo(a.cfg.Pages.SignIn, v, e.Code)
	case !v.route.page || !navigation(v.r):
		return answer{}
	case a.cfg.Pages.Error != "":
		return a.sendTo(a.cfg.Pages.Error, v, e.Code)
	}
	retry := a.page(a.cfg.Pages.SignIn)
	if signOut {
		retry = "" // the form is on the page of before
	}
	if v.provider != nil {
		retry = a.signInURL(v, v.provider, v.target, nil)
	}
	var b bytes.Buffer
	err := errorPage.Execute(&b, map[string]any{
		"Style": template.CSS(pageStyle), //nolint:gosec // a constant of ours
		"Title": title, "Message": m.message, "Code": e.Code, "ID": id,
		"Retry": retry, "Home": a.page("/"),
	})
	if err != nil {
		return answer{}
	}
	ans := newAnswer(m.status)
	hash := sha256.Sum256([]byte(pageStyle))
	ans.header.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+
		"'; frame-ancestors 'none'; base-uri 'none'")
	ans.header.Set("Content-Type", "text/html; charset=utf-8")
	ans.body = b.Bytes()
	return ans
}

// backToForm reports whether a failed form post is answered by the page with
// the form. Failures that a page of ours cannot have caused keep their status.
func backToForm(code Code) bool {
	switch code {
	case CodeCSRFMissing, CodeCSRFMismatch, CodeNoSession, CodeInvalidCredentials, CodeAuthorizeUnavailable,
		CodeUserExists, CodeUnprocessable, CodeUnavailable, CodeSignInDenied, CodeRateLimited, CodeLimiterUnavailable:
		return true
	}
	return false
}

// sendTo answers 303 to a page of the application with the code and the way back.
func (a *Auth) sendTo(page string, v *visit, code Code) answer {
	query := url.Values{"error": {string(code)}}
	if safe, ok := a.redirects.Safe(v.public.Origin, v.target); ok {
		query.Set("redirectTo", safe)
	}
	ans := newAnswer(0)
	if err := ans.redirect(http.StatusSeeOther, withQuery(a.page(page), query)); err != nil {
		return answer{}
	}
	return ans
}

// withQuery adds a query to a page that may have one of its own.
func withQuery(page string, query url.Values) string {
	u, err := url.Parse(page)
	if err != nil {
		return page
	}
	if u.RawQuery != "" && len(query) > 0 {
		u.RawQuery += "&"
	}
	u.RawQuery += query.Encode()
	return u.String()
}
