package redirect

import "strings"

// Escape turns the request-target of a request (its path and query, as they
// stand in the request line) into a target that [Policy.Safe] accepts, so that
// a page which needed a sign-in can be returned to. Bytes that Safe refuses
// although a server takes them (a quotation mark, a brace, UTF-8) are
// percent-encoded, which does not change what they mean to the handler. What no
// encoding makes safe is "/".
//
// It is for GET requests: any other method cannot be repeated by a redirect.
func (p *Policy) Escape(origin, requestURI string) string {
	if requestURI == "" || requestURI[0] != '/' {
		return home // "*", or the absolute form that only proxies are sent
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(requestURI) {
		c := requestURI[i]
		// A request-target has no fragment (RFC 9112 §3.2): a "#" that arrived
		// is a byte of the path or the query, and must stay one.
		if allowed(c) && c != '#' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&0xf])
	}
	safe, _ := p.Safe(origin, b.String())
	return safe
}
