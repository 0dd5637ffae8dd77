package devidp

import (
	"net/url"
	"strings"
)

// The authorization response.
var (
	ResponseWrongIssuer         = responseFault("ResponseWrongIssuer", Refuse, "The authorization response's iss is another provider's (mix-up, RFC 9207).", setParam("iss", "https://attacker.example"))
	ResponseMissingIssuer       = responseFault("ResponseMissingIssuer", Refuse, "The authorization response has no iss, although discovery promises one.", delParam("iss"))
	ResponseIssuerUnannounced   = together(Fault{Name: "ResponseIssuerUnannounced", Verdict: Refuse, Endpoint: Authorize, About: "Discovery promises no iss, and the authorization response has a wrong one."}, noIssuerPromise(), ResponseWrongIssuer)
	ResponseNoIssuerUnannounced = together(Fault{Name: "ResponseNoIssuerUnannounced", Verdict: Accept, Endpoint: Authorize, About: "Discovery promises no iss, and the authorization response has none, as before RFC 9207."}, noIssuerPromise(), ResponseMissingIssuer)
	ResponseRepeatedIssuer      = responseFault("ResponseRepeatedIssuer", Refuse, "The authorization response has a right iss and a wrong one.", addParam("iss", "https://attacker.example"))

	ResponseWrongState    = responseFault("ResponseWrongState", Refuse, "The authorization response's state is another.", setParam("state", "another-state"))
	ResponseMissingState  = responseFault("ResponseMissingState", Refuse, "The authorization response has no state.", delParam("state"))
	ResponseRepeatedState = responseFault("ResponseRepeatedState", Refuse, "The authorization response has two states.", addParam("state", "another-state"))
	ResponseMissingCode   = responseFault("ResponseMissingCode", Refuse, "The authorization response has neither code nor error.", delParam("code"))
	ResponseEmptyCode     = responseFault("ResponseEmptyCode", Refuse, "The authorization response's code is empty.", setParam("code", ""))
	ResponseRepeatedCode  = responseFault("ResponseRepeatedCode", Refuse, "The authorization response has two codes.", addParam("code", "another-code"))
	ResponseForeignCode   = responseFault("ResponseForeignCode", Refuse, "The authorization response's code was never issued.", setParam("code", "never-issued"))
	ResponseCodeAndError  = responseFault("ResponseCodeAndError", Refuse, "The authorization response has a code and an error.", setParam("error", "access_denied"))
	HugeCode              = responseFault("HugeCode", Refuse, "The authorization response's code has 100 KiB and was never issued.", setParam("code", strings.Repeat("c", 100<<10)))
	OddCode               = Fault{Name: "OddCode", Verdict: Accept, Endpoint: Authorize, About: "The code, a valid one, ends in CR LF, NUL, & = % + and an umlaut.", codeSuffix: "\r\nX-Injected: 1\x00&a=b%00+ü"}

	AccessDenied           = errorFault("AccessDenied", "access_denied", "The authorization response says access_denied, as after a press on cancel.", "sign-in was cancelled")
	ServerError            = errorFault("ServerError", "server_error", "The authorization response says server_error.", "something broke")
	TemporarilyUnavailable = errorFault("TemporarilyUnavailable", "temporarily_unavailable", "The authorization response says temporarily_unavailable.", "try again later")
	ErrorWithMarkup        = together(Fault{Name: "ErrorWithMarkup", Verdict: Refuse, Endpoint: Authorize, About: "The authorization response is an error whose description is a script and whose error_uri is javascript:."},
		errorFault("", "server_error", "", `<script>alert(1)</script>`), responseFault("", Refuse, "", setParam("error_uri", "javascript:alert(1)")))
)

func authorizeFaults() []Fault {
	return []Fault{
		ResponseWrongIssuer, ResponseMissingIssuer, ResponseIssuerUnannounced, ResponseNoIssuerUnannounced, ResponseRepeatedIssuer,
		ResponseWrongState, ResponseMissingState, ResponseRepeatedState, ResponseMissingCode, ResponseEmptyCode,
		ResponseRepeatedCode, ResponseForeignCode, ResponseCodeAndError, HugeCode, OddCode,
		AccessDenied, ServerError, TemporarilyUnavailable, ErrorWithMarkup,
	}
}

func responseFault(name string, v Verdict, about string, change func(url.Values)) Fault { //nolint:unparam // the same form as the makers beside it
	return Fault{Name: name, About: about, Verdict: v, Endpoint: Authorize, Params: change}
}

func errorFault(name, code, about, description string) Fault {
	return responseFault(name, Refuse, about, func(params url.Values) {
		params.Del("code")
		params.Set("error", code)
		params.Set("error_description", description)
	})
}

func noIssuerPromise() Fault {
	return discoveryFault("", Either, "", drop("authorization_response_iss_parameter_supported"))
}

func setParam(name, value string) func(url.Values) {
	return func(params url.Values) { params.Set(name, value) }
}

func addParam(name, value string) func(url.Values) {
	return func(params url.Values) { params.Add(name, value) }
}

func delParam(name string) func(url.Values) {
	return func(params url.Values) { params.Del(name) }
}
