package devidp

import "fmt"

// garbled is for constructors: userinfo that answers wrongly must be refused
// like anything else, but one that is out of service may be done without.
func garbled(e Endpoint, way, about string, change func(*Answer)) Fault {
	return Fault{Name: string(e) + "/" + way, About: fmt.Sprintf("The %s endpoint %s.", e, about), Verdict: Refuse, Endpoint: e, Rewrite: change}
}

// HTML answers 200 with a web page, as a captive portal does.
func HTML(e Endpoint) Fault {
	return garbled(e, "html", "answers 200 with a web page", func(a *Answer) {
		a.Status = 200
		a.Header.Set("Content-Type", "text/html; charset=utf-8")
		a.Body = []byte("<!DOCTYPE html><html><title>Welcome to the hotel</title></html>")
	})
}

// InvalidJSON answers with something that only looks like JSON.
func InvalidJSON(e Endpoint) Fault {
	return garbled(e, "invalid-json", "answers with invalid JSON", func(a *Answer) { a.Body = []byte(`{"access_token": undefined, 'iss': }`) })
}

// TruncatedJSON ends in the middle of the object, in a complete HTTP answer.
func TruncatedJSON(e Endpoint) Fault {
	return garbled(e, "truncated-json", "answers with half of its JSON", func(a *Answer) { a.Body = a.Body[:len(a.Body)/2] })
}

// EmptyBody answers 200 with nothing.
func EmptyBody(e Endpoint) Fault {
	return garbled(e, "empty", "answers 200 with an empty body", func(a *Answer) { a.Body = nil })
}

// WrongType sends the honest JSON as text/plain. RFC 6749 §5.1 demands
// application/json of the token endpoint; elsewhere clients are free.
func WrongType(e Endpoint) Fault {
	f := garbled(e, "wrong-type", "answers with its JSON as text/plain", func(a *Answer) { a.Header.Set("Content-Type", "text/plain; charset=utf-8") })
	if e != Token {
		f.Verdict = Either
	}
	return f
}
