package aura

import (
	"html/template"
	"strings"
)

// forms are the pieces of HTML that FuncMap's functions render. They work
// without JavaScript and need neither inline script nor style.
var forms = template.Must(template.New("forms").Parse(
	`{{define "signIn"}}<form action="{{.Action}}" method="get" class="aura-sign-in">` +
		`{{with .RedirectTo}}<input type="hidden" name="redirectTo" value="{{.}}">{{end}}` +
		`<button type="submit">Sign in with {{.Name}}</button></form>{{end}}` +
		`{{define "signOut"}}<form action="{{.Action}}" method="post" class="aura-sign-out">` +
		`<input type="hidden" name="csrfToken" value="{{.CSRFToken}}">` +
		`{{with .RedirectTo}}<input type="hidden" name="redirectTo" value="{{.}}">{{end}}` +
		`<button type="submit">Sign out</button></form>{{end}}`))

// FuncMap returns functions for html/template:
//
//   - auraProviders returns the configured providers in order, each with ID and
//     Name, for range.
//   - auraSignIn ID REDIRECT_TO renders a form that signs in with a provider.
//   - auraSignOut CSRF_TOKEN REDIRECT_TO renders a form that signs out; the
//     token comes from [Auth.CSRFToken].
//
// The forms are plain HTML: they work without JavaScript, and under any
// Content-Security-Policy without form-action (which would keep the browser
// from following the redirect to the provider).
func (a *Auth) FuncMap() template.FuncMap {
	return template.FuncMap{
		"auraProviders": a.providers,
		"auraSignIn":    a.signInForm,
		"auraSignOut":   a.signOutForm,
	}
}

// providers lists what there is to choose from; credentials are left out.
func (a *Auth) providers() []Provider {
	list := make([]Provider, len(a.cfg.Providers))
	for i, p := range a.cfg.Providers {
		list[i] = Provider{ID: p.ID, Name: p.Name}
	}
	return list
}

func (a *Auth) signInForm(id, redirectTo string) (template.HTML, error) {
	p := a.parties[id]
	if p == nil {
		return "", fail(CodeUnknownProvider, "auraSignIn: no provider with this id is configured")
	}
	return render("signIn", map[string]string{
		"Action": a.publicPath + "/signIn/" + p.ID, "Name": p.Name, "RedirectTo": redirectTo,
	})
}

func (a *Auth) signOutForm(csrfToken, redirectTo string) (template.HTML, error) {
	return render("signOut", map[string]string{
		"Action": a.publicPath + "/signOut", "CSRFToken": csrfToken, "RedirectTo": redirectTo,
	})
}

func render(name string, data map[string]string) (template.HTML, error) {
	var b strings.Builder
	err := forms.ExecuteTemplate(&b, name, data)
	return template.HTML(b.String()), err //nolint:gosec // the output of html/template
}
