package rp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	userAgent = "aura-auth-go"
	// maxBody bounds every answer, after decompression. The largest honest
	// ones, key sets with certificates, stay under 100 KiB.
	maxBody = 1 << 20
)

// outbound sends single requests: no redirects, no cookies, no retries, a
// bounded body, and one deadline over all of it.
type outbound struct {
	client  *http.Client
	timeout time.Duration
}

func newOutbound(c Config, rules endpointRules) *outbound {
	var transport http.RoundTripper
	if c.HTTPClient != nil {
		transport = c.HTTPClient.Transport
	}
	if transport == nil {
		// Never http.DefaultTransport: anything in the process may have
		// changed it.
		guard := &dialGuard{loopback: rules.loopback}
		transport = &http.Transport{
			Proxy:                  guard.proxy,
			DialContext:            guard.dial,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	client := &http.Client{
		Transport: transport,
		// Following a redirect would hand code, verifier and secret, or a
		// bearer token, to whoever is named there (RFC 9700 §4.12).
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &outbound{client: client, timeout: c.Timeout}
}

// An answer is a response that arrived whole.
type answer struct {
	status    int
	mediaType string // lower case, without parameters; empty when absent or malformed
	body      []byte
}

// isJSON accepts application/json and the +json types of RFC 6839.
func (a *answer) isJSON() bool {
	return a.mediaType == "application/json" ||
		strings.HasPrefix(a.mediaType, "application/") && strings.HasSuffix(a.mediaType, "+json")
}

func (a *answer) ok() bool { return a.status >= 200 && a.status < 300 }

// down reports the statuses by which a server or the proxy before it says that
// it cannot answer now, as opposed to an answer we do not like.
func (a *answer) down() bool { return a.status >= 500 || a.status == http.StatusTooManyRequests }

// send sends req once. Its error is a *wireError without any of hide in it.
func (o *outbound) send(req *http.Request, hide secrets) (*answer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), o.timeout)
	defer cancel()

	target := req.URL.Scheme + "://" + req.URL.Host // the path may hold a token
	res, err := o.client.Do(req.Clone(ctx))
	if err != nil {
		return nil, o.unreachable(ctx, target, err, hide)
	}
	defer res.Body.Close()

	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return nil, &wireError{text: fmt.Sprintf(
			"%s answered %d, a redirect, which is not followed; configure the final address", target, res.StatusCode)}
	}
	if encoding := res.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, &wireError{text: target + " answered in a content encoding that was not asked for"}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, o.unreachable(ctx, target, err, hide)
	}
	if len(body) > maxBody {
		return nil, &wireError{text: target + " answered with more than 1 MiB"}
	}
	mediaType, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		mediaType = ""
	}
	return &answer{status: res.StatusCode, mediaType: mediaType, body: body}, nil
}

// unreachable puts a transport's error in our words: without the URL that
// every url.Error carries, and without secrets that an application's own
// transport may quote.
func (o *outbound) unreachable(ctx context.Context, target string, err error, hide secrets) *wireError {
	e := &wireError{unreachable: true}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.context = context.DeadlineExceeded
		e.text = target + " did not answer in time"
		return e
	case errors.Is(ctx.Err(), context.Canceled):
		e.context = context.Canceled
		e.text = target + ": given up, nobody waits for the answer"
		return e
	}
	if refused := refusedDial(err); refused != nil {
		// Not an outage: it stays so until somebody mends the DNS.
		return &wireError{text: target + ": " + refused.Error()}
	}
	for {
		var u *url.Error
		if !errors.As(err, &u) {
			break
		}
		err = u.Err
	}
	e.text = target + " cannot be reached: " + brief(hide.redact(err.Error()))
	return e
}

// brief bounds a text that a stranger wrote and keeps it on one line.
func brief(text string) string {
	const limit = 300
	if len(text) > limit {
		text = text[:limit] + "…"
	}
	return strings.Map(func(r rune) rune {
		if isControl(r) || r == '\u2028' || r == '\u2029' || r == '\u0085' {
			return ' '
		}
		return r
	}, text)
}
