package devidp

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// formPostScript is allowed by its hash. Where it does not run there is the button.
const formPostScript = `document.forms[0].submit()`

// formPostTemplate is the page of OAuth 2.0 Form Post Response Mode 1.0 §2.
var formPostTemplate = template.Must(template.New("form_post").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Development sign-in: back to the application</title>
</head>
<body>
<form method="post" action="{{.Action}}">
{{- range .Fields}}
<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{- end}}
<noscript><p>Scripts are off in this browser.</p><button type="submit">Back to the application</button></noscript>
</form>
<script>{{.Script}}</script>
</body>
</html>
`))

type formField struct{ Name, Value string }

// formPostReply is an authorization response that the browser posts.
func formPostReply(target string, params url.Values) reply {
	var fields []formField
	for _, name := range slices.Sorted(maps.Keys(params)) {
		for _, value := range params[name] {
			fields = append(fields, formField{name, value})
		}
	}
	var b bytes.Buffer
	data := struct {
		// Action is checked before a request is accepted: http or https on loopback.
		Action template.URL
		Fields []formField
		Script template.JS
	}{template.URL(target), fields, formPostScript} //nolint:gosec // checked by offLoopback: neither javascript: nor data:
	if err := formPostTemplate.Execute(&b, data); err != nil {
		return oauthError(http.StatusInternalServerError, "server_error", "the page could not be rendered")
	}
	h := header("text/html; charset=utf-8")
	hash := sha256.Sum256([]byte(formPostScript))
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+
		"'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	return reply{Answer: Answer{Status: http.StatusOK, Header: h, Body: b.Bytes()}}
}
