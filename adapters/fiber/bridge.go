package aurafiber

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/log"
)

// This file is the bridge between Fiber and net/http. Fiber's own adaptor is not
// used: it hands out strings that the next request overwrites, reads the host
// from a place where user@host has been cut, takes a cookie without a name for
// the one that its value looks like, loses repeated header lines and the user
// context, and never ends the context that it makes. stock_test.go shows it.

// Request returns the request as net/http has it, for the functions of
// [aura.Auth]. It owns all its memory, carries the user context, and is valid
// after the handler has returned; only its Body, which reads what Fiber has
// buffered, or is the stream of StreamRequestBody, is not.
func Request(c *fiber.Ctx) *http.Request {
	in := c.Request()
	target := string(in.Header.RequestURI())
	r := &http.Request{
		Method:        string(in.Header.Method()),
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Host:          string(in.Header.Host()),
		RequestURI:    target,
		RemoteAddr:    c.Context().RemoteAddr().String(),
		TLS:           c.Context().TLSConnectionState(),
		Header:        requestHeader(c),
		ContentLength: int64(in.Header.ContentLength()),
		Body:          http.NoBody,
	}
	if in.IsBodyStream() && (r.ContentLength < 0 || r.ContentLength > maxForm) {
		// Reading it here would take it from the handler, and buffer an upload of
		// any size: with StreamRequestBody, BodyLimit does not hold.
		r.Body = io.NopCloser(in.BodyStream())
	} else if r.ContentLength = int64(len(in.Body())); r.ContentLength > 0 {
		r.Body = io.NopCloser(bytes.NewReader(in.Body()))
	}
	var err error
	if r.URL, err = url.ParseRequestURI(target); err != nil {
		// fasthttp takes targets that net/http answers 400. An opaque URL
		// matches no route, and a Host that cannot be read is 400 to the core.
		r.URL, r.Host = &url.URL{Opaque: target}, ""
	}
	if r.URL.Host != "" { // absolute form: it replaces Host (RFC 9112 §3.2.2)
		r.Host = r.URL.Host
	}
	return r.WithContext(c.UserContext())
}

// maxForm is the largest form that functions of aura.Auth read for its token.
const maxForm = 64 << 10

// requestHeader copies all header lines. Cookie and Content-Type come from the
// bytes that were received: fasthttp writes the cookies that it has parsed anew,
// whereby "=name=value" turns into "name=value", and keeps one Content-Type.
func requestHeader(c *fiber.Ctx) http.Header {
	in := &c.Request().Header
	header := make(http.Header, 16)
	for name, value := range in.AllInOrder() { // as they were received
		switch key := textproto.CanonicalMIMEHeaderKey(string(name)); key {
		case "Cookie", "Content-Type":
			header[key] = append(header[key], string(value))
		}
	}
	if len(in.RawHeaders()) == 0 { // no connection has brought it: a test, a lambda
		for name, value := range in.Cookies() {
			if len(name) > 0 {
				header.Add("Cookie", string(name)+"="+string(value))
			}
		}
	}
	_, typed := header["Content-Type"]
	for name, value := range in.All() {
		key := textproto.CanonicalMIMEHeaderKey(string(name))
		if key != "Cookie" && key != "Host" && (key != "Content-Type" || !typed) {
			header[key] = append(header[key], string(value))
		}
	}
	return header
}

// answer runs a handler of net/http and sends what it wrote. The request's
// context ends when it returns: fasthttp does not tell when a client leaves, and
// nothing that was started for this request may outlive it. A panic is a 500.
func answer(c *fiber.Ctx, handler func(http.ResponseWriter, *http.Request)) (err error) {
	ctx, cancel := context.WithCancel(c.UserContext())
	defer cancel()
	w := &writer{header: responseHeader(c, nil)}
	defer func() {
		if p := recover(); p != nil {
			log.Errorf("aurafiber: panic: %v\n%s", p, debug.Stack())
			err = fiber.ErrInternalServerError
		}
	}()
	handler(w, Request(c).WithContext(ctx))
	w.WriteHeader(http.StatusOK)
	setResponseHeader(c, w.sent)
	out := c.Response()
	out.Header.SetNoDefaultContentType(true)
	out.SetStatusCode(w.status)
	out.SetBodyRaw(w.body.Bytes())
	return nil
}

// A writer is an http.ResponseWriter that keeps what was written. As in
// net/http, the first status counts, and headers that are set after it do not.
type writer struct {
	header http.Header
	sent   http.Header // header at the time of WriteHeader
	status int         // 0 before WriteHeader
	body   bytes.Buffer
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 { // informational answers are not sent
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// responseHeader copies the header lines that have been set on the response so
// far: all of them, or those whose names are in only. Content-Type is left out:
// fasthttp claims text/plain for a response that has none.
func responseHeader(c *fiber.Ctx, only http.Header) http.Header {
	header := http.Header{}
	for name, value := range c.Response().Header.All() {
		key := textproto.CanonicalMIMEHeaderKey(string(name))
		if _, wanted := only[key]; (wanted || only == nil) && key != "Content-Type" {
			header[key] = append(header[key], string(value))
		}
	}
	return header
}

// oneLine keeps a value from ending its header line.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// setResponseHeader replaces header lines of the response.
func setResponseHeader(c *fiber.Ctx, header http.Header) {
	out := &c.Response().Header
	for name, values := range header {
		if name == "Content-Length" { // follows from the body, but HEAD has none
			if c.Method() == fiber.MethodHead {
				out.Set(name, values[0])
			}
			continue
		}
		out.Del(name)
		for _, value := range values {
			out.Add(name, oneLine.Replace(value))
		}
	}
}
