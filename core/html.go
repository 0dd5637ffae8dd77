package aura

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// forms are the pieces of HTML that FuncMap's functions render. They work
// without JavaScript and need neither inline script nor style.
var forms = template.Must(template.New("forms").Parse(
	`{{define "signIn"}}<form action="{{.Action}}" method="get" class="aura-sign-in">` +
		`{{with .RedirectTo}}<input type="hidden" name="redirectTo" value="{{.}}">{{end}}` +
		`{{range .Params}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}` +
		`<button type="submit">Sign in with {{.Name}}</button></form>{{end}}` +
		`{{define "signOut"}}<form action="{{.Action}}" method="post" class="aura-sign-out">` +
		`<input type="hidden" name="csrfToken" value="{{.CSRFToken}}">` +
		`{{with .RedirectTo}}<input type="hidden" name="redirectTo" value="{{.}}">{{end}}` +
		`<button type="submit">Sign out</button></form>{{end}}`))

// FuncMap returns functions for html/template:
//
//   - auraProviders returns the configured providers in order, each with ID and
//     Name, for range.
//   - auraSignIn ID REDIRECT_TO [NAME VALUE]… renders a form that signs in with a
//     provider, with further parameters if its AllowedParams name them.
//   - auraSignInAll REDIRECT_TO renders one for each provider.
//   - auraSession REQUEST returns the session of a request or nothing, for with:
//     {{with auraSession .Request}}…{{.User.Name}}…{{else}}…{{end}}.
//   - auraScript renders the element that loads the browser module.
//   - auraSignOut CSRF_TOKEN REDIRECT_TO renders a form that signs out; the
//     token comes from [Auth.CSRFToken].
//
// The forms are plain HTML: they work without JavaScript, and under any
// Content-Security-Policy without form-action (which would keep the browser
// from following the redirect to the provider).
func (a *Auth) FuncMap() template.FuncMap {
	return template.FuncMap{
		"auraProviders": a.providers,
		"auraSession":   a.templateSession,
		"auraScript":    a.scriptTag,
		"auraSignIn":    a.signInForm,
		"auraSignInAll": a.signInForms,
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

// templateSession does not renew: a template has no way to send header lines.
func (a *Auth) templateSession(r *http.Request) (*Session, error) {
	_, s, err := a.look(r)
	if CodeOf(err) == CodeHostNotTrusted || CodeOf(err) == CodeHostMalformed {
		return nil, nil // as with Load, nobody is signed in at a host that is not ours
	}
	return s, err
}

// param is one hidden field.
type param struct{ Name, Value string }

func (a *Auth) signInForm(id, redirectTo string, params ...string) (template.HTML, error) {
	p := a.parties[id]
	if p == nil {
		return "", fail(CodeUnknownProvider, "auraSignIn: no provider with this id is configured")
	}
	if len(params)%2 != 0 {
		return "", fail(CodeMalformed, "auraSignIn: parameters come in pairs of name and value")
	}
	var fields []param
	for i := 0; i < len(params); i += 2 {
		if !slices.Contains(p.AllowedParams, params[i]) {
			return "", fail(CodeMalformed, "auraSignIn: "+strconv.Quote(params[i])+" is not one of the provider's AllowedParams")
		}
		fields = append(fields, param{params[i], params[i+1]})
	}
	return render("signIn", map[string]any{
		"Action": a.publicPath + "/signIn/" + p.ID, "Name": p.Name, "RedirectTo": redirectTo, "Params": fields,
	})
}

func (a *Auth) signInForms(redirectTo string) (all template.HTML, err error) {
	for _, p := range a.cfg.Providers {
		form, err := a.signInForm(p.ID, redirectTo)
		if err != nil {
			return "", err
		}
		all += form
	}
	return all, nil
}

func (a *Auth) signOutForm(csrfToken, redirectTo string) (template.HTML, error) {
	return render("signOut", map[string]any{
		"Action": a.publicPath + "/signOut", "CSRFToken": csrfToken, "RedirectTo": redirectTo,
	})
}

func render(name string, data map[string]any) (template.HTML, error) {
	var b strings.Builder
	err := forms.ExecuteTemplate(&b, name, data)
	return template.HTML(b.String()), err //nolint:gosec // the output of html/template
}
